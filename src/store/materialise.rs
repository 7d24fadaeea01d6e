//! Copies of trees: real ones to write to, and farms of links to read from.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::{Doing as _, StoreError};
use super::session::names;
use super::tree_digest::special;

/// Copies the folder `source` to `target`, which is made and may exist as an empty folder: modes and modification times
/// are kept, owners are the user's. Blocks are shared where the file system can.
///
/// # Errors
/// When it holds a device, pipe or socket, or something cannot be read or written.
pub fn copy_tree(source: &Path, target: &Path) -> Result<(), StoreError> {
    materialise(source, target, copy_file)
}

/// Makes `target` a farm of hard links to the files of `source`; folders and symbolic links are its own. Where a link
/// cannot be made the file is copied. Nothing may ever write through it: the files are those of the store.
///
/// # Errors
/// As [`copy_tree`].
pub fn link_tree(source: &Path, target: &Path) -> Result<(), StoreError> {
    materialise(source, target, |from, to, metadata| match fs_err::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(StoreError::io("link", to, error)),
        Err(_) => copy_file(from, to, metadata), // another file system, too many links, or links are not allowed
    })
}

type Place = fn(&Path, &Path, &std::fs::Metadata) -> Result<(), StoreError>;

fn materialise(source: &Path, target: &Path, place: Place) -> Result<(), StoreError> {
    fs_err::create_dir_all(target).doing("create", target)?;
    let mut folders: Vec<PathBuf> = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(below) = folders.get(next).cloned() {
        next += 1;
        let folder = source.join(&below);
        for name in names(&folder)? {
            let (from, below) = (folder.join(&name), below.join(&name));
            let to = target.join(&below);
            let metadata = fs_err::symlink_metadata(&from).doing("look at", &from)?;
            match metadata.file_type() {
                kind if kind.is_dir() => {
                    fs_err::create_dir(&to).doing("create", &to)?;
                    folders.push(below);
                }
                kind if kind.is_file() => place(&from, &to, &metadata)?,
                kind if kind.is_symlink() => {
                    let text = fs_err::read_link(&from).doing("read", &from)?;
                    fs_err::os::unix::fs::symlink(text, &to).doing("link", &to)?;
                }
                kind => return Err(StoreError::Special { path: from, kind: special(kind) }),
            }
        }
    }
    // only now: a folder may be read-only, and what is put into it changes its time
    folders.iter().rev().try_for_each(|below| finish(&source.join(below), &target.join(below)))
}

fn finish(from: &Path, to: &Path) -> Result<(), StoreError> {
    let metadata = fs_err::symlink_metadata(from).doing("look at", from)?;
    fs_err::set_permissions(to, mode(&metadata)).doing("protect", to)?;
    stamp(to, &metadata)
}

fn copy_file(from: &Path, to: &Path, metadata: &std::fs::Metadata) -> Result<(), StoreError> {
    let reader = fs_err::File::open(from).doing("open", from)?;
    let mut writer = fs_err::File::create_new(to).doing("create", to)?;
    if rustix::fs::ioctl_ficlone(writer.file(), reader.file()).is_err() {
        io::copy(&mut reader.into_file(), writer.file_mut()).doing("write", to)?; // copies within the kernel
    }
    writer.set_permissions(mode(metadata)).doing("protect", to)?;
    stamp(to, metadata)
}

fn mode(metadata: &std::fs::Metadata) -> std::fs::Permissions {
    std::fs::Permissions::from_mode(metadata.permissions().mode() & 0o7777)
}

fn stamp(path: &Path, metadata: &std::fs::Metadata) -> Result<(), StoreError> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: metadata.mtime(), tv_nsec: metadata.mtime_nsec() },
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).doing("stamp", path)
}
