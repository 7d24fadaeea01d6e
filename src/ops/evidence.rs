//! What this store has seen for itself of what a lock says. A lock names the commit of a source *and* its tree, the digest
//! of an image of a registry *and* its layers, a vendor step *and* its output: people review the first, and a build
//! believes the second only when there is a record that the one was found to give the other. Only the code that checks
//! out, asks the registry or runs the step writes these records; their kinds are used for nothing else, so no result of
//! a build step can be taken for one.

use serde::{Deserialize, Serialize};

use crate::model::{Digest, ImageReference, Platform, formats};
use crate::store::{Store, StoreError};

const CHECKOUTS: &str = "checkout";
const VENDORED: &str = "vendored";
const BASES: &str = "base";

#[derive(Serialize, Deserialize)]
struct Checkout {
    url: String,
    commit: String,
    tree: Digest,
}

/// The blobs of an image of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BaseBlobs {
    /// Its configuration.
    pub(super) config: Digest,
    /// Its layers, lowest first.
    pub(super) layers: Vec<Digest>,
}

/// The tree that a checkout of a commit gave here.
pub(super) fn checkout(store: &Store, url: &str, commit: &str) -> Result<Option<Digest>, StoreError> {
    let record: Option<Checkout> =
        store.record(CHECKOUTS, &Digest::of_value(&("checkout", formats::EVIDENCE, url, commit)))?;
    Ok(record.filter(|record| (record.url.as_str(), record.commit.as_str()) == (url, commit)).map(|record| record.tree))
}

/// Notes the tree that a checkout of a commit gave.
pub(super) fn note_checkout(store: &Store, url: &str, commit: &str, tree: Digest) -> Result<(), StoreError> {
    let record = Checkout { url: url.to_owned(), commit: commit.to_owned(), tree };
    store.put_record(CHECKOUTS, &Digest::of_value(&("checkout", formats::EVIDENCE, url, commit)), &record)
}

/// Whether the vendor step with these inputs ran here and gave this tree. It has a network, so it may have given others too.
pub(super) fn is_vendored(store: &Store, inputs: &Digest, tree: &Digest) -> Result<bool, StoreError> {
    let record: Option<(Digest, Digest)> =
        store.record(VENDORED, &Digest::of_value(&("vendored", formats::EVIDENCE, inputs, tree)))?;
    Ok(record == Some((*inputs, *tree)))
}

/// Notes that the vendor step with these inputs ran and gave this tree.
pub(super) fn note_vendored(store: &Store, inputs: &Digest, tree: &Digest) -> Result<(), StoreError> {
    store.put_record(VENDORED, &Digest::of_value(&("vendored", formats::EVIDENCE, inputs, tree)), &(inputs, tree))
}

/// The blobs that a registry named for a reference by digest, on a platform.
pub(super) fn base(
    store: &Store,
    reference: &ImageReference,
    platform: Platform,
) -> Result<Option<BaseBlobs>, StoreError> {
    store.record(BASES, &Digest::of_value(&("base", formats::EVIDENCE, reference, platform)))
}

/// Notes the blobs that a registry named for a reference by digest, on a platform.
pub(super) fn note_base(
    store: &Store,
    reference: &ImageReference,
    platform: Platform,
    blobs: &BaseBlobs,
) -> Result<(), StoreError> {
    store.put_record(BASES, &Digest::of_value(&("base", formats::EVIDENCE, reference, platform)), blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_one_repository_commit_and_tree() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        note_checkout(&store, "https://a.example/x", "c1", one).expect("written");
        let seen = |url: &str, commit: &str| checkout(&store, url, commit).expect("read");
        assert_eq!(seen("https://a.example/x", "c1"), Some(one));
        assert_eq!(seen("https://b.example/x", "c1"), None);
        assert_eq!(seen("https://a.example/x", "c2"), None);
        note_vendored(&store, &one, &other).expect("written");
        assert!(is_vendored(&store, &one, &other).expect("read"));
        assert!(!is_vendored(&store, &other, &one).expect("read"));
        assert!(!is_vendored(&store, &one, &one).expect("read"));
    }

    #[test]
    fn a_record_that_was_cut_short_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        note_checkout(&store, "u", "c", Digest::of(b"tree")).expect("written");
        let records = fs_err::read_dir(folder.path().join("steps").join(CHECKOUTS)).expect("there");
        for record in records {
            fs_err::write(record.expect("an entry").path(), "{\"url\":").expect("written");
        }
        assert_eq!(checkout(&store, "u", "c").expect("read"), None);
    }
}
