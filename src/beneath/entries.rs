//! What is in a folder.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, OFlags, Stat};

use super::Dir;
use super::error::Doing as _;

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Dir,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Kind {
    /// With an article, for errors.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dir => "a folder",
            Self::File => "a file",
            Self::Symlink => "a symbolic link",
            Self::CharDevice | Self::BlockDevice => "a device",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
        }
    }

    const fn of(mode: rustix::fs::RawMode) -> Self {
        match FileType::from_raw_mode(mode) {
            FileType::Directory => Self::Dir,
            FileType::Symlink => Self::Symlink,
            FileType::CharacterDevice => Self::CharDevice,
            FileType::BlockDevice => Self::BlockDevice,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::RegularFile | FileType::Unknown => Self::File,
        }
    }
}

/// Facts about something in a folder; of a symbolic link, those of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-uid, set-gid and sticky.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Bytes on disk; fewer than `size` for a file with holes.
    pub allocated: u64,
    /// When its content changed: seconds since 1970.
    pub mtime: i64,
    /// Nanoseconds of that second.
    pub mtime_nsec: i64,
    /// The file system.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// How many names it has.
    pub nlink: u64,
    /// Of a device, its number.
    pub rdev: u64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl Metadata {
    #[expect(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the widths of these fields differ between architectures"
    )]
    pub(super) fn new(stat: &Stat) -> Self {
        Self {
            kind: Kind::of(stat.st_mode),
            mode: (stat.st_mode as u32) & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            allocated: u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(512),
            mtime: stat.st_mtime as i64,
            mtime_nsec: stat.st_mtime_nsec as i64,
            dev: u64::from(stat.st_dev),
            ino: u64::from(stat.st_ino),
            nlink: u64::from(stat.st_nlink),
            rdev: u64::from(stat.st_rdev),
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }

    /// Whether it is a folder.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Dir
    }

    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.kind == Kind::Symlink
    }

    /// Whether its owner may execute it.
    #[must_use]
    pub const fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }
}

impl Dir {
    /// The names in the folder `below`, sorted by their bytes.
    ///
    /// # Errors
    /// When it is no folder, a link is on the way, or it cannot be read.
    pub fn names(&self, below: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        let below = below.as_ref();
        let path = self.shown(below);
        let folder = self.open_raw(below, OFlags::RDONLY | OFlags::DIRECTORY).doing("list", &path)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(folder).doing("list", &path)? {
            let entry = entry.doing("list", &path)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Facts about what is at `below`.
    ///
    /// # Errors
    /// When nothing is there, or a link is on the way.
    pub fn metadata(&self, below: impl AsRef<Path>) -> io::Result<Metadata> {
        let below = below.as_ref();
        self.at(below, |folder, name| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))
            .map(|stat| Metadata::new(&stat))
            .doing("look at", &self.shown(below))
    }

    /// Facts about what is at `below`; none when nothing is there.
    ///
    /// # Errors
    /// When a link is on the way, or it cannot be looked at.
    pub fn find(&self, below: impl AsRef<Path>) -> io::Result<Option<Metadata>> {
        match self.metadata(below) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the symbolic link at `below` points.
    ///
    /// # Errors
    /// When it is no link, or a link is on the way to it.
    pub fn read_link(&self, below: impl AsRef<Path>) -> io::Result<OsString> {
        let below = below.as_ref();
        self.at(below, |folder, name| rustix::fs::readlinkat(folder, name, Vec::new()))
            .map(|target| OsStr::from_bytes(target.to_bytes()).to_owned())
            .doing("read the link", &self.shown(below))
    }

    /// The extended attribute `name` of what is at `below`, when it is not longer than 64 KiB.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn xattr(&self, below: impl AsRef<Path>, name: &str) -> io::Result<Option<Vec<u8>>> {
        use rustix::io::Errno;
        let below = below.as_ref();
        let path = self.shown(below);
        let file = self.open_raw(below, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY).doing("open", &path)?;
        let mut value = vec![0; 64 << 10];
        match rustix::fs::fgetxattr(&file, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                Ok(Some(value))
            }
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(error) => Err(error).doing("read an attribute of", &path),
        }
    }

    /// Takes all extended attributes away that a user can set (`user.*`) from the file or folder `below`.
    ///
    /// # Errors
    /// When it cannot be opened, or one cannot be taken away.
    pub fn clear_xattrs(&self, below: impl AsRef<Path>) -> io::Result<()> {
        use rustix::io::Errno;
        let below = below.as_ref();
        let path = self.shown(below);
        let file = self.open_raw(below, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY).doing("open", &path)?;
        let mut names = vec![0; 64 << 10]; // the kernel's own limit for a list
        let length = match rustix::fs::flistxattr(&file, &mut names[..]) {
            Ok(length) => length,
            Err(Errno::NOTSUP) => 0,
            Err(error) => return Err(error).doing("list the attributes of", &path),
        };
        for name in names[..length].split(|&byte| byte == 0).filter(|name| name.starts_with(b"user.")) {
            rustix::fs::fremovexattr(&file, name).doing("remove an attribute of", &path)?;
        }
        Ok(())
    }
}
