//! What was written on top of a tree, taken over into the tree itself.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::RootError;
use crate::store::remove_tree;

/// Applies the upper folder of an overlay to the tree that was below it, in whose files nobody may write in place,
/// because they may have other names. The upper folder is used up. `keep` says which paths are taken.
///
/// The kernel's documentation of overlayfs tells the format: a character device 0:0 stands for something removed, the
/// attribute `user.overlay.opaque` for a folder of which nothing below shows.
pub(super) fn apply(upper: &Path, tree: &Path, keep: &dyn Fn(&Path) -> bool) -> Result<(), RootError> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(upper.join(&folder))? {
            let below = folder.join(entry?.file_name());
            if !keep(&below) {
                continue;
            }
            let (from, to) = (upper.join(&below), tree.join(&below));
            let metadata = fs::symlink_metadata(&from)?;
            let kind = metadata.file_type();
            if kind.is_char_device() && metadata.rdev() == 0 {
                remove_tree(&to)?;
            } else if kind.is_dir() {
                if is_opaque(&from) || !is_folder(&to) {
                    remove_tree(&to)?;
                    fs::create_dir(&to)?;
                }
                let mode = metadata.permissions().mode() & 0o777 | 0o700;
                fs::set_permissions(&to, std::fs::Permissions::from_mode(mode))?;
                folders.push(below);
            } else if kind.is_file() || kind.is_symlink() {
                remove_tree(&to)?;
                fs::rename(&from, &to)?;
            } // pipes and sockets are of processes that have ended
        }
    }
    Ok(())
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn is_opaque(folder: &Path) -> bool {
    let mut value = [0; 1];
    rustix::fs::lgetxattr(folder, "user.overlay.opaque", &mut value[..]).is_ok_and(|length| value[..length] == *b"y")
}
