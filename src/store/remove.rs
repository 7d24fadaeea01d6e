//! Removal of trees of any shape by an ordinary user.

use std::path::Path;

use super::error::{Doing as _, StoreError};
use crate::beneath;

/// Removes a file, link, or folder with all that is in it. Nothing is there afterwards; nothing there before is fine.
///
/// # Errors
/// When something of it belongs to somebody else.
pub fn remove_tree(path: &Path) -> Result<(), StoreError> {
    beneath::remove_tree(path).doing("remove", path)
}
