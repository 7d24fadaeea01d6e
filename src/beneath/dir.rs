//! A folder, and what can be done in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::entries::Metadata;
use super::error::{Doing as _, refused};
use super::open::{FOLDER, open, plain};

/// A folder that is held open. Paths below it are relative, have no `..`, and never lead through a symbolic link.
#[derive(Debug)]
pub struct Dir {
    folder: OwnedFd,
    /// For errors.
    path: PathBuf,
}

/// `openat(2)` flags for reading a file that may turn out to be a pipe or a terminal.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Dir {
    /// Opens the folder at `path`, a name that this program or its user chose: links in it are followed.
    ///
    /// # Errors
    /// When it is no folder, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = rustix::fs::open(path, FOLDER, Mode::empty()).doing("open the folder", path)?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// Makes the new folder `path` and opens it. Links in its parent are followed; at `path` there may be nothing.
    ///
    /// # Errors
    /// When something is there, or it cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)).doing("create the folder", path)?;
        let folder = rustix::fs::open(path, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        Ok(Self { folder: folder.doing("open the folder", path)?, path: path.to_owned() })
    }

    /// The path that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `below` as errors show it.
    #[must_use]
    pub fn shown(&self, below: &Path) -> PathBuf {
        if below.as_os_str().is_empty() { self.path.clone() } else { self.path.join(below) }
    }

    /// Opens the folder `below`.
    ///
    /// # Errors
    /// When it is no folder, or a link is on the way.
    pub fn dir(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let path = self.shown(below.as_ref());
        let folder = self.open_raw(below.as_ref(), FOLDER).doing("open the folder", &path)?;
        Ok(Self { folder, path })
    }

    /// Whether `below` is a folder that no link leads to.
    #[must_use]
    pub fn is_dir(&self, below: impl AsRef<Path>) -> bool {
        self.open_raw(below.as_ref(), FOLDER).is_ok()
    }

    /// Makes the folder `below`, in a folder that is there.
    ///
    /// # Errors
    /// When something is there, or it cannot be made.
    pub fn create_dir(&self, below: impl AsRef<Path>) -> io::Result<()> {
        let below = below.as_ref();
        self.at(below, |folder, name| rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o755)))
            .doing("create the folder", &self.shown(below))
    }

    /// Makes the folder `below` and those that it is in, as far as they are not there, with mode 0755 whatever the
    /// user's file creation mask, and opens it.
    ///
    /// # Errors
    /// When one of them is there as something else, or cannot be made.
    pub fn create_dir_all(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let below = below.as_ref();
        if let Ok(folder) = self.open_raw(below, FOLDER) {
            return Ok(Self { folder, path: self.shown(below) });
        }
        let mut path = PathBuf::new();
        for component in plain(below).doing("create the folder", &self.shown(below))?.components() {
            path.push(component);
            match self.at(&path, |folder, name| rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o755))) {
                Ok(()) => self.set_mode(&path, 0o755)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error).doing("create the folder", &self.shown(&path)),
            }
        }
        self.dir(below)
    }

    /// Opens the regular file `below` for reading.
    ///
    /// # Errors
    /// When it is no regular file, or a link is on the way or there.
    pub fn open_file(&self, below: impl AsRef<Path>) -> io::Result<File> {
        let below = below.as_ref();
        let path = self.shown(below);
        let metadata = self.metadata(below)?; // opening a device may do something
        if !metadata.is_file() {
            return Err(not_a_file(&path, metadata));
        }
        let file = self.open_raw(below, READ).doing("open", &path)?;
        let metadata = Metadata::new(&rustix::fs::fstat(&file).doing("look at", &path)?);
        if metadata.is_file() { Ok(File::from(file)) } else { Err(not_a_file(&path, metadata)) }
    }

    /// Reads the regular file `below` when it has at most `limit` bytes.
    ///
    /// # Errors
    /// When it is larger, is no regular file, or a link is on the way or there.
    pub fn read(&self, below: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
        let below = below.as_ref();
        let path = self.shown(below);
        let mut bytes = Vec::new();
        self.open_file(below)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).doing("read", &path)?;
        if bytes.len() as u64 > limit {
            let reason = format!("it has more than {limit} bytes");
            return Err(refused(io::ErrorKind::FileTooLarge, "read", &path, &reason));
        }
        Ok(bytes)
    }

    /// Makes the new file `below` with permission bits `mode`, whatever the user's file creation mask.
    ///
    /// # Errors
    /// When something is there, or a link is on the way.
    pub fn create_file(&self, below: impl AsRef<Path>, mode: u32) -> io::Result<File> {
        let below = below.as_ref();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = |folder: BorrowedFd<'_>, name: &OsStr| {
            let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            Ok(file)
        };
        self.at(below, create).map(File::from).doing("create", &self.shown(below))
    }

    /// Writes the file `below` anew, in place of a file or link that may be there.
    ///
    /// # Errors
    /// When a folder is there, a link is on the way, or it cannot be written.
    pub fn write(&self, below: impl AsRef<Path>, content: &[u8], mode: u32) -> io::Result<()> {
        let below = below.as_ref();
        self.remove_file(below)?;
        self.create_file(below, mode)?.write_all(content).doing("write", &self.shown(below))
    }

    /// Replaces the content of the regular file `below`, which stays the same file: its owner, its mode, and its other
    /// names.
    ///
    /// # Errors
    /// When it is no regular file, a link is on the way or there, or it cannot be written.
    pub fn overwrite(&self, below: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
        let below = below.as_ref();
        let path = self.shown(below);
        let metadata = self.metadata(below)?;
        if !metadata.is_file() {
            return Err(not_a_file(&path, metadata));
        }
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::TRUNC;
        let mut file = File::from(self.open_raw(below, flags).doing("open", &path)?);
        file.write_all(content).doing("write", &path)
    }

    /// Makes the symbolic link `below`.
    ///
    /// # Errors
    /// When something is there, or a link is on the way.
    pub fn symlink(&self, target: impl AsRef<OsStr>, below: impl AsRef<Path>) -> io::Result<()> {
        let (below, target) = (below.as_ref(), target.as_ref());
        self.at(below, |folder, name| rustix::fs::symlinkat(target, folder, name))
            .doing("make the link", &self.shown(below))
    }

    /// Makes `to` in `other` one more name of the file `below`.
    ///
    /// # Errors
    /// When something is there, a link is on the way of either, or the file system cannot do it.
    pub fn hard_link(&self, below: impl AsRef<Path>, other: &Self, to: impl AsRef<Path>) -> io::Result<()> {
        let (below, to) = (below.as_ref(), to.as_ref());
        self.at(below, |from, name| {
            other.at(to, |folder, new| rustix::fs::linkat(from, name, folder, new, AtFlags::empty()))
        })
        .doing("link", &other.shown(to))
    }

    /// Moves what is at `below` to `to` in `other`, over a file that may be there.
    ///
    /// # Errors
    /// When a link is on the way of either, or it cannot be moved.
    pub fn rename(&self, below: impl AsRef<Path>, other: &Self, to: impl AsRef<Path>) -> io::Result<()> {
        let (below, to) = (below.as_ref(), to.as_ref());
        self.at(below, |from, name| {
            other.at(to, |folder, new| rustix::fs::renameat_with(from, name, folder, new, RenameFlags::empty()))
        })
        .doing("move to", &other.shown(to))
    }

    /// Removes the file or link `below`; nothing there is fine.
    ///
    /// # Errors
    /// When it is a folder, a link is on the way, or it cannot be removed.
    pub fn remove_file(&self, below: impl AsRef<Path>) -> io::Result<()> {
        let below = below.as_ref();
        match self.at(below, |folder, name| rustix::fs::unlinkat(folder, name, AtFlags::empty())) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).doing("remove", &self.shown(below)),
        }
    }

    /// Gives the file or folder `below` these permission bits; a symbolic link has none.
    ///
    /// # Errors
    /// When it is a link, a link is on the way, or it belongs to somebody else.
    pub fn set_mode(&self, below: impl AsRef<Path>, mode: u32) -> io::Result<()> {
        let below = below.as_ref();
        let mode = Mode::from_raw_mode(mode);
        let change = |folder: BorrowedFd<'_>, name: &OsStr| {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
            if Metadata::new(&rustix::fs::fstat(&file)?).is_symlink() {
                return Err(Errno::LOOP);
            }
            // fchmod(2) takes no O_PATH descriptor, and others need permission to read
            let number = std::os::fd::AsRawFd::as_raw_fd(&file);
            match rustix::fs::chmod(format!("/proc/self/fd/{number}"), mode) {
                Err(Errno::NOENT | Errno::NOTDIR) => rustix::fs::chmodat(folder, name, mode, AtFlags::empty()),
                other => other,
            }
        };
        self.at(below, change).doing("change the mode of", &self.shown(below))
    }

    /// Gives the file, folder or link `below` this time of modification.
    ///
    /// # Errors
    /// When a link is on the way, or it belongs to somebody else.
    pub fn set_mtime(&self, below: impl AsRef<Path>, seconds: i64, nanoseconds: i64) -> io::Result<()> {
        let below = below.as_ref();
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
            last_modification: Timespec { tv_sec: seconds, tv_nsec: nanoseconds },
        };
        self.at(below, |folder, name| rustix::fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW))
            .doing("change the time of", &self.shown(below))
    }

    /// Opens `below` with these flags and follows no link.
    pub(super) fn open_raw(&self, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        open(self.folder.as_fd(), &plain(below)?, flags)
    }

    /// Does something with the name of `below` in its folder. The folder itself has the name `.`.
    pub(super) fn at<T>(
        &self,
        below: &Path,
        act: impl FnOnce(BorrowedFd<'_>, &OsStr) -> rustix::io::Result<T>,
    ) -> rustix::io::Result<T> {
        let path = plain(below)?;
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
            return act(self.folder.as_fd(), OsStr::new("."));
        };
        if parent.as_os_str().is_empty() {
            return act(self.folder.as_fd(), name);
        }
        act(open(self.folder.as_fd(), parent, FOLDER)?.as_fd(), name)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

fn not_a_file(path: &Path, metadata: Metadata) -> io::Error {
    let reason = format!("it is {}, not a regular file", metadata.kind.words());
    refused(io::ErrorKind::InvalidInput, "open", path, &reason)
}
