//! Who user 0 of a sandbox is to the machine. For an ordinary user it is that user. For root it must not be root: the
//! kernel asks who somebody is to the machine wherever a file or a setting belongs to nobody's namespace, `/proc/sys`
//! and device nodes for example. So root gives the sandbox a user that nobody else is, and opens everything that the
//! sandbox may see as mounts on which the two are exchanged (`MOUNT_ATTR_IDMAP` of mount_setattr(2)): what is root's on
//! disk is user 0's inside, and the other way round.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Gid, Uid};
use rustix::process::{Pid, WaitOptions};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

/// The first of the users that sandboxes of root have. systemd names this range as one that nobody assigns
/// (<https://systemd.io/UIDS-GIDS/>). No file on a disk is ever owned by one.
const FIRST: u32 = 2_140_000_000;

/// A user of its own for the sandbox of the process with this number, so that two sandboxes do not share one.
pub(super) fn of_process(process: Pid) -> u32 {
    FIRST + process.as_raw_nonzero().get().unsigned_abs()
}

/// Whether overlays take layers from mounts on which users are exchanged, which they do since Linux 5.19.
pub(super) fn can_be_mapped() -> bool {
    version(&rustix::system::uname().release().to_string_lossy()) >= (5, 19)
}

/// The first two numbers of a version of Linux, like `6.12.1-amd64`.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|character: char| !character.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// A user namespace in which `user` of the machine, user and group, is 0 and nobody else exists. Only root can make one.
///
/// The namespace begins with a process in it, which this one starts and ends: a process cannot write the map of its own
/// namespace unless it maps itself.
#[expect(unsafe_code, reason = "a process must be in the new namespace while somebody outside writes the map")]
pub(super) fn namespace(user: u32) -> io::Result<OwnedFd> {
    let (mut ready, in_there) = io::pipe()?;
    let (mut stay, go) = io::pipe()?;
    // SAFETY: this process has one thread, so that the child can do whatever the parent could.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        drop((ready, go));
        // SAFETY: unsafe only because of `UnshareFlags::FILES`, which is not used.
        if unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }.is_ok() {
            let _ = (&in_there).write_all(&[0]);
            let _ = stay.read(&mut [0]); // until the parent has what it needs, or died
        }
        // SAFETY: ends the process without running what the parent would run at its end.
        unsafe { libc::_exit(0) }
    }
    drop((in_there, stay));
    let opened = ready.read_exact(&mut [0]).and_then(|()| {
        let file = |name: &str| format!("/proc/{child}/{name}");
        fs_err::write(file("setgroups"), "deny")?;
        fs_err::write(file("uid_map"), format!("0 {user} 1"))?;
        fs_err::write(file("gid_map"), format!("0 {user} 1"))?;
        Ok(OwnedFd::from(fs_err::File::open(file("ns/user"))?.into_parts().0))
    });
    drop(go);
    rustix::process::waitpid(Pid::from_raw(child), WaitOptions::empty())?;
    opened
}

/// Gives the pipes that standard output and standard error are to `user`: `/dev/stderr` is opened by name, and only its
/// owner may. Terminals and files of the machine stay whose they are.
pub(super) fn give_pipes(user: u32) -> io::Result<()> {
    let give = |stream: BorrowedFd<'_>| -> io::Result<()> {
        let stat = rustix::fs::fstat(stream)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Fifo {
            rustix::fs::fchown(stream, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))?;
        }
        Ok(())
    };
    give(io::stdout().as_fd()).and_then(|()| give(io::stderr().as_fd()))
}

/// Becomes user 0 of `namespace`, with all capabilities in it and none outside.
pub(super) fn become_root_of(namespace: &OwnedFd) -> io::Result<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))?;
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    Ok(rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_sandboxes_stay_in_their_range() {
        let most = Pid::from_raw(1 << 22).expect("the highest number of a process");
        assert!(of_process(most) < 1 << 31);
        assert_ne!(of_process(most), of_process(Pid::INIT));
    }

    #[test]
    fn versions_of_linux_are_compared_by_number() {
        let versions = ["5.4.0-100-generic", "5.19.0", "6.1", "6.18.44-fc-v782", "10.0-rc1", "unknown"].map(version);
        assert_eq!(versions, [(5, 4), (5, 19), (6, 1), (6, 18), (10, 0), (0, 0)]);
        assert!(versions[0] < (5, 19) && versions[3] > (5, 19));
    }
}
