//! What was written on top of a tree, taken over into the tree itself.

use std::path::{Path, PathBuf};

use super::error::RootError;
use crate::beneath::{Dir, Kind};

/// Applies the upper folder of an overlay to the tree that was below it, in whose files nobody may write in place,
/// because they may have other names. The upper folder is used up. `keep` says which paths are taken.
///
/// The kernel's documentation of overlayfs tells the format: a character device 0:0 stands for something removed, the
/// attribute `user.overlay.opaque` for a folder of which nothing below shows.
pub(super) fn apply(upper: &Dir, tree: &Dir, keep: &dyn Fn(&Path) -> bool) -> Result<(), RootError> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for name in upper.names(&folder)? {
            let below = folder.join(name);
            if !keep(&below) {
                continue;
            }
            let metadata = upper.metadata(&below)?;
            match metadata.kind {
                Kind::CharDevice if metadata.rdev == 0 => tree.remove_tree(&below)?,
                Kind::Dir => {
                    if is_opaque(upper, &below)? || !tree.is_dir(&below) {
                        tree.remove_tree(&below)?;
                        tree.create_dir(&below)?;
                    }
                    tree.set_mode(&below, metadata.mode & 0o777 | 0o700)?;
                    folders.push(below);
                }
                Kind::File | Kind::Symlink => {
                    tree.remove_tree(&below)?;
                    upper.rename(&below, tree, &below)?;
                }
                // of processes that have ended
                Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {}
            }
        }
    }
    Ok(())
}

fn is_opaque(upper: &Dir, folder: &Path) -> Result<bool, RootError> {
    Ok(upper.xattr(folder, "user.overlay.opaque")?.as_deref() == Some(b"y"))
}
