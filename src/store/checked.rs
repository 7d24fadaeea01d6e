//! Entries are compared with their digests before their content is used, once per process and entry. What this process
//! wrote itself it has hashed already.
//!
//! Nothing that runs in a sandbox can write to an entry. This is the second wall: it also finds what a failing disk, a
//! restored backup, or a hand made of a store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::StoreError;
use super::tree_digest::{TreeFacts, inspect_tree};
use super::{Store, TreeKind, settle};
use crate::model::Digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Entry {
    Blob(Digest),
    Tree(TreeKind, Digest),
}

/// Entries that are known to be right. Whoever checks one holds its lock meanwhile, so that others wait for the answer.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<HashMap<Entry, Arc<Mutex<bool>>>>);

impl Checked {
    fn slot(&self, entry: Entry) -> Arc<Mutex<bool>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(entry).or_default())
    }

    fn once(&self, entry: Entry, check: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let slot = self.slot(entry);
        let mut known = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if !*known {
            check()?;
            *known = true;
        }
        Ok(())
    }

    fn note(&self, entry: Entry) {
        *self.slot(entry).lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Store {
    /// Notes that this process wrote the blob, and hashed it.
    pub(super) fn wrote_blob(&self, digest: &Digest) {
        self.inner.checked.note(Entry::Blob(*digest));
    }

    /// Notes that this process wrote the tree, and hashed it.
    pub(super) fn wrote_tree(&self, kind: TreeKind, key: &Digest) {
        self.inner.checked.note(Entry::Tree(kind, *key));
    }

    /// Hashes the blob at `path`, unless this process has done so. One that is not what its name says is removed.
    pub(super) fn check_blob(&self, digest: &Digest, path: &Path) -> Result<(), StoreError> {
        self.inner.checked.once(Entry::Blob(*digest), || {
            let found = settle::hash(path)?;
            if found == *digest {
                return Ok(());
            }
            self.discard_entry(path)?;
            Err(StoreError::Changed { path: path.to_owned(), expected: *digest, found })
        })
    }

    /// Hashes the tree of this kind and key, unless this process has done so. One that is not what was stored is removed.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or was changed since it was stored.
    pub fn check_tree(&self, kind: TreeKind, key: &Digest) -> Result<(), StoreError> {
        let entry = self.tree_entry(kind, key);
        self.inner.checked.once(Entry::Tree(kind, *key), || {
            let stored = TreeFacts::read(&entry)?.map(|facts| facts.digest);
            // outputs and sources are named by what is in them
            let expected = if kind.is_named_by_content() { Some(*key) } else { stored };
            let found = inspect_tree(&entry.join("tree"))?.digest;
            if expected == Some(found) && stored == expected {
                return Ok(());
            }
            self.discard_entry(&entry)?;
            Err(StoreError::Changed { path: entry.clone(), expected: expected.unwrap_or(*key), found })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Writes over a file that nobody may write to, as whoever got hold of it could.
    fn overwrite(path: &Path, content: &str) {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("own file");
        fs_err::write(path, content).expect("written");
    }

    #[test]
    fn a_blob_that_was_changed_is_an_error_once_and_then_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        let digest = Store::open(folder.path()).and_then(|store| store.put_blob(b"pinned")).expect("stored");
        let store = Store::open(folder.path()).expect("a store");
        let mut text = String::new();
        store.open_blob(&digest).expect("right").read_to_string(&mut text).expect("text");
        assert_eq!(text, "pinned");
        let path = store.blob_path(&digest);
        drop(store);
        overwrite(&path, "BACKDOORED");
        let store = Store::open(folder.path()).expect("a store");
        let error = store.open_blob(&digest).expect_err("changed");
        assert!(matches!(error, StoreError::Changed { .. }) && error.help().is_some(), "{error}");
        assert!(!store.has_blob(&digest), "it is made anew by whoever needs it");
        store.put_blob(b"pinned").expect("stored");
        store.open_blob(&digest).expect("right again");
    }

    #[test]
    fn a_tree_that_was_changed_is_an_error_once_and_then_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |store: &Store, kind, key: &Digest| {
            let writer = store.tree_writer(kind, key).expect("a writer");
            fs_err::write(writer.path().join("tool"), "honest").expect("written");
            writer.commit_with_facts().expect("stored").1.digest
        };
        let key = Digest::of(b"inputs");
        let content = make(&Store::open(folder.path()).expect("a store"), TreeKind::Root, &key);
        make(&Store::open(folder.path()).expect("a store"), TreeKind::Output, &content);
        for (kind, key) in [(TreeKind::Root, key), (TreeKind::Output, content)] {
            let store = Store::open(folder.path()).expect("a store");
            store.check_tree(kind, &key).expect("as it was stored");
            let tree = store.tree(kind, &key).expect("there");
            drop(store);
            overwrite(&tree.join("tool"), "BACKDOORED");
            let store = Store::open(folder.path()).expect("a store");
            assert!(matches!(store.check_tree(kind, &key), Err(StoreError::Changed { .. })), "{kind:?}");
            assert_eq!(store.tree(kind, &key), None);
        }
    }

    #[test]
    fn an_output_under_the_name_of_another_is_found_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let honest = Digest::of(b"the digest of something else");
        let writer = store.tree_writer(TreeKind::Output, &honest).expect("a writer");
        fs_err::write(writer.path().join("tool"), "x").expect("written");
        writer.commit().expect("whoever calls this without the digest's check");
        drop(store);
        let store = Store::open(folder.path()).expect("a store");
        assert!(matches!(store.check_tree(TreeKind::Output, &honest), Err(StoreError::Changed { .. })));
    }
}
