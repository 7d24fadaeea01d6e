//! What comes from outside by a name, and what it was here: commits and images of registries. `refresh` pins it, and a
//! build confirms what the lock says of it.

pub(super) mod bases;

use std::path::Path;

use super::error::PinError;
use super::evidence;
use super::services::Services;
use crate::model::Digest;
use crate::store::{Store, TreeKind};

/// Brings a commit's tree into the store under the hash of its content, and notes that this commit gave it.
pub(super) fn check_out(services: &Services<'_>, url: &str, commit: &str) -> Result<Digest, PinError> {
    let store = &services.store;
    let scratch = store.tmp_dir()?;
    let folder = scratch.path().join("tree");
    services.fetcher.git_checkout(store, url, commit, &folder)?;
    let tree = keep_tree(store, TreeKind::Source, &folder)?;
    evidence::note_checkout(store, url, commit, tree)?;
    Ok(tree)
}

/// Moves a folder into the store under the hash of its content.
pub(super) fn keep_tree(store: &Store, kind: TreeKind, folder: &Path) -> Result<Digest, PinError> {
    let digest = crate::store::digest_tree(folder)?;
    if store.tree(kind, &digest).is_none() {
        let writer = store.tree_writer(kind, &digest)?;
        crate::store::copy_tree(folder, writer.path())?;
        writer.commit_as(&digest)?;
    }
    Ok(digest)
}
