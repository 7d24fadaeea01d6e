//! Removal of trees of any shape by an ordinary user: with closed folders, and deeper than a path can name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Dir;
use super::error::{Doing as _, refused};

/// Folders that are held open at a time. What is deeper is moved up first.
const DEEPEST: usize = 64;
/// In the names of folders that were moved up.
static NEXT: AtomicU64 = AtomicU64::new(0);

const LIST: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes a file, link, or folder with all that is in it, without following a link. Nothing is there afterwards;
/// nothing there before is fine. Links in the folder that `path` is in are followed: that one is the program's own.
///
/// # Errors
/// When something of it belongs to somebody else.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(refused(io::ErrorKind::InvalidInput, "remove", path, "it has no name of its own"));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match Dir::open(parent) {
        Ok(parent) => parent.remove_tree(name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Dir {
    /// Removes the file, link or folder `below` with all that is in it. Nothing there is fine.
    ///
    /// # Errors
    /// When a link is on the way, or something of it belongs to somebody else.
    pub fn remove_tree(&self, below: impl AsRef<Path>) -> io::Result<()> {
        let below = below.as_ref();
        match self.at(below, remove_all) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).doing("remove", &self.shown(below)),
        }
    }
}

fn remove_all(top: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        unless_absent(remove(top, &name, &mut Removal { top, waiting: &mut waiting }, 0))?;
    }
    Ok(())
}

/// Where folders below the deepest level go, to be removed from there.
struct Removal<'a> {
    top: BorrowedFd<'a>,
    waiting: &'a mut Vec<OsString>,
}

fn remove(folder: BorrowedFd<'_>, name: &OsStr, removal: &mut Removal<'_>, level: usize) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        // Linux says EISDIR of a folder, POSIX allows EPERM
        Err(Errno::ISDIR | Errno::PERM) => {}
        other => return other,
    }
    let opened = open(folder, name)?;
    let mut entries = rustix::fs::Dir::read_from(&opened)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        if level < DEEPEST {
            unless_absent(remove(opened.as_fd(), name, removal, level + 1))?;
        } else {
            unless_absent(move_up(opened.as_fd(), name, removal))?;
        }
    }
    rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)
}

fn unless_absent(removed: rustix::io::Result<()>) -> rustix::io::Result<()> {
    if removed == Err(Errno::NOENT) { Ok(()) } else { removed }
}

/// Removes a file, or moves a folder up.
fn move_up(folder: BorrowedFd<'_>, name: &OsStr, removal: &mut Removal<'_>) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        other => return other,
    }
    drop(open(folder, name)?); // moving a folder rewrites its `..`, so it must be writable
    let up = format!(".gone-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    rustix::fs::renameat_with(folder, name, removal.top, &up, RenameFlags::NOREPLACE)?;
    removal.waiting.push(up.into());
    Ok(())
}

/// Opens a folder, and makes it writable for its owner.
fn open(folder: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let opened = match rustix::fs::openat(folder, name, LIST, Mode::empty()) {
        Err(Errno::ACCESS) => {
            let closed = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if !rustix::fs::FileType::from_raw_mode(closed.st_mode).is_dir() {
                return Err(Errno::ACCESS);
            }
            rustix::fs::chmodat(folder, name, Mode::from_raw_mode(0o700), AtFlags::empty())?;
            rustix::fs::openat(folder, name, LIST, Mode::empty())?
        }
        other => other?,
    };
    if rustix::fs::fstat(&opened)?.st_mode & 0o700 != 0o700 {
        rustix::fs::fchmod(&opened, Mode::from_raw_mode(0o700))?;
    }
    Ok(opened)
}
