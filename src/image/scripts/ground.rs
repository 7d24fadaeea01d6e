//! What is there before any script runs: the base image, and the packages without which none could, as a folder.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use fs_err as fs;

use crate::archive::EntryKind;
use crate::model::Mode;
use crate::stage::sandbox::{Owned, Owner};

use super::super::ImageError;
use super::super::assemble::merge_numbered;
use super::super::shelf::Shelf;
use super::super::tree::{FileTree, Node};
use super::Subject;

/// The base image with the `basic` packages on top.
pub(super) fn tree(subject: &Subject<'_>, basic: &BTreeSet<u32>) -> Result<FileTree, ImageError> {
    let mut tree = subject.base.clone();
    merge_numbered(&mut tree, subject.packages, |number| basic.contains(&number))?;
    Ok(tree)
}

/// Writes `tree` to the new folder `root`; the owners are told and not written.
pub(super) fn lay_out(tree: &FileTree, shelf: &Shelf<'_>, root: &Path) -> Result<Vec<Owned>, ImageError> {
    let prepare = |folder: &Path| {
        fs::create_dir(folder)?;
        // what lies in there has the modes of a system's programs, and is nothing for the machine's other users
        if let Some(outside) = folder.parent() {
            fs::set_permissions(outside, std::fs::Permissions::from_mode(0o700))?;
        }
        fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
    };
    prepare(root).map_err(|source| ImageError::Io { doing: "make a folder for package scripts".to_owned(), source })?;
    let mut owned = Vec::new();
    for node in tree.iter() {
        let doing = || format!("lay out {} for package scripts", node.entry.path);
        lay(node, shelf, root).map_err(|source| ImageError::Io { doing: doing(), source })?;
        let owner = Owner { uid: node.entry.uid, gid: node.entry.gid };
        if owner != Owner::ROOT && !matches!(node.entry.kind, EntryKind::Hardlink { .. }) {
            owned.push(Owned { path: node.entry.path.clone(), owner });
        }
    }
    Ok(owned)
}

/// In a tree a folder comes before what is in it, and nothing is below anything else than a folder.
fn lay(node: &Node, shelf: &Shelf<'_>, root: &Path) -> io::Result<()> {
    let path = root.join(node.entry.path.as_relative());
    let mode = std::fs::Permissions::from_mode(node.entry.mode.bits());
    match &node.entry.kind {
        EntryKind::Dir => {
            fs::create_dir(&path)?;
            // whoever lays out must be able to enter; the sandbox's root can anyway
            fs::set_permissions(&path, std::fs::Permissions::from_mode(node.entry.mode.bits() | 0o700))
        }
        EntryKind::Symlink { target } => fs::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path),
        EntryKind::Hardlink { target } => fs::hard_link(root.join(target.as_relative()), &path),
        EntryKind::File { size } => {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
            if let Some(content) = &node.content {
                io::copy(&mut shelf.open(content, *size).map_err(io::Error::other)?, &mut file)?;
            }
            let seconds = Duration::from_secs(u64::try_from(node.entry.mtime).unwrap_or_default());
            file.file().set_modified(UNIX_EPOCH + seconds)?;
            fs::set_permissions(&path, mode)
        }
    }
}

/// Whether a folder was laid out with more permissions than it has.
pub(super) fn was_opened(laid_out: Mode, found: Mode) -> bool {
    found.bits() == laid_out.bits() | 0o700
}
