//! What is there before any script runs: the base image, and the packages without which none could, as a folder.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::archive::EntryKind;
use crate::beneath::{Beneath, Dir};
use crate::model::Mode;
use crate::stage::sandbox::{Owned, Owner};

use super::super::ImageError;
use super::Subject;
use crate::packages::Shelf;
use crate::packages::{FileTree, Node};

/// The base image with the `basic` packages on top.
pub(super) fn tree(subject: &Subject<'_>, basic: &BTreeSet<u32>) -> Result<FileTree, ImageError> {
    let mut tree = subject.base.clone();
    subject.packages.merge(&mut tree, |number| basic.contains(&number))?;
    Ok(tree)
}

/// Writes `tree` to the new folder `root`, and opens it; the owners are told and not written.
pub(super) fn lay_out(tree: &FileTree, shelf: &Shelf<'_>, root: &Path) -> Result<(Vec<Owned>, Beneath), ImageError> {
    let prepare = || -> io::Result<Dir> {
        let folder = Dir::create(root)?;
        folder.set_mode("", 0o755)?;
        // what lies in there has the modes of a system's programs, and is nothing for the machine's other users
        if let Some(outside) = root.parent() {
            Dir::open(outside)?.set_mode("", 0o700)?;
        }
        Ok(folder)
    };
    let folder =
        prepare().map_err(|source| ImageError::Io { doing: "make a folder for package scripts".to_owned(), source })?;
    let mut owned = Vec::new();
    for node in tree.iter() {
        let doing = || format!("lay out {} for package scripts", node.entry.path);
        lay(node, shelf, &folder).map_err(|source| ImageError::Io { doing: doing(), source })?;
        let owner = Owner { uid: node.entry.uid, gid: node.entry.gid };
        if owner != Owner::ROOT && !matches!(node.entry.kind, EntryKind::Hardlink { .. }) {
            owned.push(Owned { path: node.entry.path.clone(), owner });
        }
    }
    Ok((owned, Beneath::new(Arc::new(folder), "")))
}

/// In a tree a folder comes before what is in it. Where something lies below a link all the same, it is refused: `root`
/// follows none.
fn lay(node: &Node, shelf: &Shelf<'_>, root: &Dir) -> io::Result<()> {
    let path = node.entry.path.as_relative();
    match &node.entry.kind {
        EntryKind::Dir => {
            root.create_dir(path)?;
            // whoever lays out must be able to enter; the sandbox's root can anyway
            root.set_mode(path, node.entry.mode.bits() | 0o700)
        }
        EntryKind::Symlink { target } => root.symlink(std::ffi::OsStr::from_bytes(target), path),
        EntryKind::Hardlink { target } => root.hard_link(target.as_relative(), root, path),
        EntryKind::File { size } => {
            let mut file = root.create_file(path, 0o600)?;
            if let Some(content) = &node.content {
                io::copy(&mut shelf.open(content, *size).map_err(io::Error::other)?, &mut file)?;
            }
            let seconds = Duration::from_secs(u64::try_from(node.entry.mtime).unwrap_or_default());
            file.set_modified(UNIX_EPOCH + seconds)?;
            root.set_mode(path, node.entry.mode.bits())
        }
    }
}

/// Whether a folder was laid out with more permissions than it has.
pub(super) fn was_opened(laid_out: Mode, found: Mode) -> bool {
    found.bits() == laid_out.bits() | 0o700
}
