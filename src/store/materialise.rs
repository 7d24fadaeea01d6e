//! Copies of trees: real ones to write to, and farms of links to read from.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Doing as _, StoreError};
use crate::beneath::{Dir, Kind, Metadata};

/// Copies the folder `source` to `target`, which is made and may exist as an empty folder: modes and modification times
/// are kept, owners are the user's. Blocks are shared where the file system can. No link in either is followed.
///
/// # Errors
/// When it holds a device, pipe or socket, or something cannot be read or written.
pub fn copy_tree(source: &Path, target: &Path) -> Result<(), StoreError> {
    let source = Dir::open(source).doing("read", source)?;
    fs_err::create_dir_all(target).doing("create", target)?;
    copy_folder(&source, &Dir::open(target).doing("open", target)?)
}

/// Copies what is in the folder `source` into the folder `target`, as [`copy_tree`] does.
///
/// # Errors
/// As [`copy_tree`].
fn copy_folder(source: &Dir, target: &Dir) -> Result<(), StoreError> {
    let mut folders: Vec<PathBuf> = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(below) = folders.get(next).cloned() {
        next += 1;
        let inside = |dir: &Dir| dir.dir(&below).doing("open", &dir.shown(&below));
        let (from, to) = (inside(source)?, inside(target)?);
        for name in from.names("").doing("list", from.path())? {
            let shown = from.shown(Path::new(&name));
            let metadata = from.metadata(&name).doing("look at", &shown)?;
            match metadata.kind {
                Kind::Dir => {
                    to.create_dir(&name).doing("create", &shown)?;
                    folders.push(below.join(&name));
                }
                Kind::File => copy_file(&from, &to, Path::new(&name), &metadata).doing("copy", &shown)?,
                Kind::Symlink => {
                    let text = from.read_link(&name).doing("read", &shown)?;
                    to.symlink(text, &name).doing("link", &shown)?;
                }
                kind => return Err(StoreError::Special { path: shown, kind: kind.words() }),
            }
        }
    }
    // only now: a folder may be read-only, and what is put into it changes its time
    folders.iter().rev().try_for_each(|below| {
        let finished = source.metadata(below).and_then(|metadata| finish(&metadata, target, below));
        finished.doing("protect", &target.shown(below))
    })
}

/// Copies one file with its mode and time to the new file `name` of `target`.
fn copy_file(source: &Dir, target: &Dir, name: &Path, metadata: &Metadata) -> io::Result<()> {
    let mut reader = source.open_file(name)?;
    let mut writer = target.create_file(name, 0o600)?;
    if rustix::fs::ioctl_ficlone(&writer, &reader).is_err() {
        io::copy(&mut reader, &mut writer)?; // copies within the kernel
    }
    finish(metadata, target, name)
}

fn finish(metadata: &Metadata, target: &Dir, below: &Path) -> io::Result<()> {
    target.set_mode(below, metadata.mode)?;
    target.set_mtime(below, metadata.mtime, metadata.mtime_nsec)
}
