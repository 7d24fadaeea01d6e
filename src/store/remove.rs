//! Removal of trees of any shape by an ordinary user: with read-only folders, and deeper than a path can name.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{Doing as _, StoreError};

/// Removes a file, link, or folder with all that is in it. Nothing is there afterwards; nothing there before is fine.
///
/// # Errors
/// When something of it belongs to somebody else.
pub fn remove_tree(path: &Path) -> Result<(), StoreError> {
    match fs_err::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return fs_err::remove_file(path).doing("remove", path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("remove", path, error)),
    }
    match fs_err::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(_) => flatten(path), // a read-only folder, or too deep for the system's own way
    }
}

/// Moves every folder up beside `root` before it is emptied: no path gets longer than the first, no recursion deeper.
fn flatten(root: &Path) -> Result<(), StoreError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let beside = root.parent().unwrap_or(root);
    let mut waiting: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        writable(&folder)?;
        for name in super::session::names(&folder)? {
            let path = folder.join(name);
            if !fs_err::symlink_metadata(&path).doing("remove", &path)?.is_dir() {
                fs_err::remove_file(&path).doing("remove", &path)?;
                continue;
            }
            writable(&path)?; // moving a folder rewrites its `..`
            let up = beside.join(format!("gone-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            fs_err::rename(&path, &up).doing("remove", &path)?;
            waiting.push(up);
        }
        fs_err::remove_dir(&folder).doing("remove", &folder)?;
    }
    Ok(())
}

fn writable(folder: &Path) -> Result<(), StoreError> {
    fs_err::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).doing("remove", folder)
}
