//! Landlock (landlock(7)) as a second wall: a program in a sandbox opens nothing that does not lie below the sandbox's
//! root, even if it were handed a folder of the machine or found a way to mount one; it sends no signals and traces
//! nothing outside of what the step started, process 1 included, and reaches no abstract socket of the machine.
//!
//! Three system calls are all there is to it.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use rustix::fs::{Mode, OFlags};

/// `struct landlock_ruleset_attr`. A kernel that knows fewer fields takes those it does not know as long as they are 0.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    files: u64,
    network: u64,
    scopes: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    folder: i32,
}

/// What a version of the interface can govern: access to files, and scopes. None for version 1, which refuses every
/// rename between folders.
const fn governed(version: i64) -> Option<(u64, u64)> {
    const ALL_OF_2: u64 = (1 << 14) - 1;
    const TRUNCATE: u64 = 1 << 14;
    const DEVICE_REQUESTS: u64 = 1 << 15;
    const SOCKETS_AND_SIGNALS: u64 = 0b11;
    match version {
        ..=1 => None,
        2 => Some((ALL_OF_2, 0)),
        3 | 4 => Some((ALL_OF_2 | TRUNCATE, 0)),
        5 => Some((ALL_OF_2 | TRUNCATE | DEVICE_REQUESTS, 0)),
        _ => Some((ALL_OF_2 | TRUNCATE | DEVICE_REQUESTS, SOCKETS_AND_SIGNALS)),
    }
}

/// Rules that allow everything below the root of this process; none where the kernel has no Landlock of use.
#[expect(unsafe_code, reason = "the C library has no functions for these calls")]
pub(super) fn below_root() -> io::Result<Option<OwnedFd>> {
    const VERSION: u32 = 1;
    const PATH_BENEATH: u32 = 1;
    // SAFETY: with this flag the call takes no memory and returns a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<Attributes>(), 0, VERSION) };
    let Some((files, scopes)) = governed(version) else { return Ok(None) };
    let attributes = Attributes { files, network: 0, scopes };
    // SAFETY: the kernel reads one structure of the size given.
    let rules = unsafe {
        let size = size_of::<Attributes>();
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0)
    };
    let rules = i32::try_from(rules).ok().filter(|&number| number >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel just made this descriptor for this process, and nobody else knows of it.
    let rules = unsafe { OwnedFd::from_raw_fd(rules) };
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let beneath = PathBeneath { allowed: files, folder: root.as_raw_fd() };
    // SAFETY: the kernel reads one such structure; both descriptors are open.
    let added =
        unsafe { libc::syscall(libc::SYS_landlock_add_rule, rules.as_raw_fd(), PATH_BENEATH, &raw const beneath, 0) };
    if added == 0 { Ok(Some(rules)) } else { Err(io::Error::last_os_error()) }
}

/// Puts this process, and all that it starts, behind `rules`. Makes one system call and allocates nothing, so that it
/// can be called between a fork and the start of a program.
#[expect(unsafe_code, reason = "the C library has no function for this call")]
pub(super) fn restrict(rules: &OwnedFd) -> io::Result<()> {
    // SAFETY: the call takes no memory.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_governs_what_it_knows() {
        assert_eq!([governed(-1), governed(0), governed(1)], [None; 3]);
        assert_eq!(governed(2), Some((0x3fff, 0)));
        assert_eq!(governed(3), Some((0x7fff, 0)));
        assert_eq!(governed(6), Some((0xffff, 3)));
        assert_eq!(governed(99), governed(6));
    }
}
