//! Temporary folders inside the store, so that what is made there can be moved into it.

use std::path::{Path, PathBuf};

use super::Store;
use super::error::{Doing as _, StoreError};
use super::remove::remove_tree;

/// A temporary folder; removed when dropped, or by the next process when this one is killed.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _store: Store,
}

impl Store {
    /// Makes an empty temporary folder on the store's file system.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn tmp_dir(&self) -> Result<Scratch, StoreError> {
        let path = self.fresh();
        fs_err::create_dir(&path).doing("create", &path)?;
        Ok(Scratch { path, _store: self.clone() })
    }
}

impl Scratch {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_tree(&self.path); // the session's folder is removed in the end anyway
    }
}
