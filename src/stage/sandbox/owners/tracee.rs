//! A task whose call is held: its memory, and the files that its arguments mean.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Longest path of a system call, with its end (`PATH_MAX` of limits.h).
const PATH_LIMIT: usize = 4096;
const PAGE: usize = 4096;

/// A task, by its number where the supervisor is.
pub(super) struct Tracee<'a> {
    pub(super) task: u32,
    /// `/proc` with that number in it.
    pub(super) processes: &'a OwnedFd,
}

/// Whether a link at the end of a path is meant itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Follow,
    Keep,
}

impl Tracee<'_> {
    /// Opens what `directory` and the path at `address` mean, for its path only.
    pub(super) fn open(&self, directory: u64, address: u64, last: Last) -> Result<OwnedFd, Errno> {
        self.open_path(directory, &self.path(address)?, last)
    }

    pub(super) fn open_path(&self, directory: u64, path: &CStr, last: Last) -> Result<OwnedFd, Errno> {
        let mut flags = OFlags::PATH | OFlags::CLOEXEC;
        if last == Last::Keep {
            flags |= OFlags::NOFOLLOW;
        }
        if path.to_bytes().first() == Some(&b'/') {
            // its root, which need not be the sandbox's
            let root = self.link("root")?;
            return rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
        }
        let base = self.directory(directory)?;
        if path.is_empty() {
            return Ok(base);
        }
        rustix::fs::openat(base, path, flags, Mode::empty())
    }

    /// The folder that a `dirfd` argument means.
    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half as well")]
    pub(super) fn directory(&self, directory: u64) -> Result<OwnedFd, Errno> {
        if directory as i32 == libc::AT_FDCWD { self.link("cwd") } else { self.file(directory) }
    }

    /// The file that a descriptor of the task means.
    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half as well")]
    pub(super) fn file(&self, descriptor: u64) -> Result<OwnedFd, Errno> {
        self.link(&format!("fd/{}", descriptor as i32)).map_err(|error| match error {
            Errno::NOENT => Errno::BADF,
            other => other,
        })
    }

    fn link(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        rustix::fs::openat(self.processes, format!("{}/{name}", self.task), flags, Mode::empty())
    }

    /// The path at an address.
    pub(super) fn path(&self, address: u64) -> Result<CString, Errno> {
        let mut buffer = [0; PATH_LIMIT];
        let mut length = 0;
        while length < PATH_LIMIT {
            let at = address as usize + length;
            let rest = (PAGE - at % PAGE).min(PATH_LIMIT - length); // the next page need not be there
            let read = self.read(at, &mut buffer[length..length + rest])?;
            if let Some(end) = buffer[length..length + read].iter().position(|&byte| byte == 0) {
                return CString::new(&buffer[..length + end]).map_err(|_| Errno::INVAL);
            }
            length += read;
        }
        Err(Errno::NAMETOOLONG)
    }

    #[expect(unsafe_code, reason = "reading another process has no other interface that survives an exec in it")]
    pub(super) fn read(&self, address: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
        let task = self.task.cast_signed();
        // SAFETY: `local` is the whole of `buffer`, which is borrowed mutably; `remote` is never followed in here.
        let read = unsafe { libc::process_vm_readv(task, &raw const local, 1, &raw const remote, 1, 0) };
        match usize::try_from(read) {
            Ok(0) | Err(_) => Err(Errno::FAULT),
            Ok(read) => Ok(read),
        }
    }

    #[expect(unsafe_code, reason = "writing to another process has no other interface that survives an exec in it")]
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
        let task = self.task.cast_signed();
        // SAFETY: `local` is the whole of `bytes`, which is only read; `remote` is never followed in here.
        let written = unsafe { libc::process_vm_writev(task, &raw const local, 1, &raw const remote, 1, 0) };
        if usize::try_from(written) == Ok(bytes.len()) { Ok(()) } else { Err(Errno::FAULT) }
    }
}

/// A file of the folder of `task` in `/proc`.
pub(super) fn status(processes: impl AsFd, task: u32, name: &str) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(processes, format!("{task}/{name}"), flags, Mode::empty())?;
    io::read_to_string(std::fs::File::from(file))
}
