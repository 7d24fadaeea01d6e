//! Opening a path below a descriptor without following links.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// Set once the kernel, or a filter of system calls, has refused `openat2(2)`.
static NO_OPENAT2: AtomicBool = AtomicBool::new(false);

/// A folder, to look things up in.
pub(super) const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens `below`, which may be empty for the folder itself. No component may be a symbolic link.
pub(super) fn open(folder: BorrowedFd<'_>, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    if !NO_OPENAT2.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(folder, below, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => NO_OPENAT2.store(true, Ordering::Relaxed),
            // a folder was renamed meanwhile, and the kernel could not tell whether the path stays inside
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    step_by_step(folder, below, flags)
}

/// What `openat2(2)` does, on kernels before 5.6.
pub(super) fn step_by_step(folder: BorrowedFd<'_>, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut parts: Vec<&OsStr> = below.components().map(Component::as_os_str).collect();
    let last = parts.pop().unwrap_or(OsStr::new("."));
    let mut current: Option<OwnedFd> = None;
    for part in parts {
        let at = current.as_ref().map_or(folder, AsFd::as_fd);
        current = Some(openat(at, part, FOLDER | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| {
            // O_PATH | O_DIRECTORY | O_NOFOLLOW says "not a folder" of a link to one
            if error == Errno::NOTDIR && is_link(at, part) { Errno::LOOP } else { error }
        })?);
    }
    let at = current.as_ref().map_or(folder, AsFd::as_fd);
    openat(at, last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| if error == Errno::NOTDIR && is_link(at, last) { Errno::LOOP } else { error })
}

fn is_link(folder: BorrowedFd<'_>, name: &OsStr) -> bool {
    rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
}

/// `below` without `.` components; an error when it is absolute or has `..`.
pub(super) fn plain(below: &Path) -> rustix::io::Result<PathBuf> {
    let mut path = PathBuf::new();
    for component in below.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::ParentDir => return Err(Errno::XDEV),
        }
    }
    Ok(path)
}
