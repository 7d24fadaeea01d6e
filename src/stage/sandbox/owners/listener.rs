//! The filter that holds system calls for another process to answer, and the way its descriptor takes there.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use seccompiler::sock_filter;

use crate::stage::sandbox::numbers;

/// Calls that are held, whatever their arguments.
const HELD: &[i64] = &[
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_renameat2,
    numbers::RENAMEAT,
];

/// Those that only this architecture has.
#[cfg(target_arch = "x86_64")]
const HELD_HERE: &[i64] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_symlink,
    libc::SYS_creat,
    libc::SYS_rename,
];
#[cfg(not(target_arch = "x86_64"))]
const HELD_HERE: &[i64] = &[];

/// Calls that are held when they may create a file, with the index of the argument that holds the flags.
#[cfg(target_arch = "x86_64")]
const OPENING: &[(i64, u8)] = &[(libc::SYS_openat, 2), (libc::SYS_open, 1)];
#[cfg(not(target_arch = "x86_64"))]
const OPENING: &[(i64, u8)] = &[(libc::SYS_openat, 2)];

/// A call that is held when its first argument is this: `prctl(PR_SET_KEEPCAPS)`.
const KEEPING: (i64, u32) = (libc::SYS_prctl, libc::PR_SET_KEEPCAPS.unsigned_abs());

/// Calls that wait for the disk, which succeed at once.
const SYNCING: &[i64] =
    &[libc::SYS_sync, libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_syncfs, numbers::SYNC_FILE_RANGE];

/// A program as linux/filter.h has it: `BPF_LD`, `BPF_JMP` and `BPF_RET` of 32-bit words.
fn program() -> io::Result<Vec<sock_filter>> {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const JUMP_IF_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const NUMBER_AT: u32 = 0;
    const ARGUMENTS_AT: u32 = 16; // of struct seccomp_data; eight bytes each, the lower half first
    const HOLD: u32 = 0x7fc0_0000;
    const SUCCEED: u32 = 0x0005_0000; // with the error number 0
    const ALLOW: u32 = 0x7fff_0000;
    let of = |call: i64| u32::try_from(call).map_err(io::Error::other);
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let mut steps = vec![step(LOAD, 0, 0, NUMBER_AT)];
    for (calls, outcome) in [(HELD, HOLD), (HELD_HERE, HOLD), (SYNCING, SUCCEED)] {
        for &call in calls {
            steps.extend([step(JUMP_IF_EQUAL, 0, 1, of(call)?), step(RETURN, 0, 0, outcome)]);
        }
    }
    for &(call, flags) in OPENING {
        steps.extend([
            step(JUMP_IF_EQUAL, 0, 4, of(call)?),
            step(LOAD, 0, 0, ARGUMENTS_AT + 8 * u32::from(flags)),
            step(JUMP_IF_ANY_BIT, 0, 1, libc::O_CREAT.unsigned_abs()),
            step(RETURN, 0, 0, HOLD),
            step(RETURN, 0, 0, ALLOW),
        ]);
    }
    let (call, argument) = KEEPING;
    steps.extend([
        step(JUMP_IF_EQUAL, 0, 3, of(call)?),
        step(LOAD, 0, 0, ARGUMENTS_AT),
        step(JUMP_IF_EQUAL, 0, 1, argument),
        step(RETURN, 0, 0, HOLD),
        step(RETURN, 0, 0, ALLOW),
    ]);
    Ok(steps)
}

/// Puts the filter on this process and all that it starts; the descriptor is for whoever answers.
#[expect(unsafe_code, reason = "no crate offers a filter with a listener")]
pub(in crate::stage::sandbox) fn install() -> io::Result<OwnedFd> {
    /// Linux 5.19: a call that was taken up is not torn down by signals, which programs do not expect of `stat`.
    const WAIT_KILLABLE: libc::c_ulong = 1 << 5;
    let mut steps = program()?;
    let program = libc::sock_fprog {
        len: u16::try_from(steps.len()).map_err(io::Error::other)?,
        filter: steps.as_mut_ptr().cast(),
    };
    let mut result = -1;
    for more in [WAIT_KILLABLE, 0] {
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | more;
        // SAFETY: `program` points to `steps`, whose elements have the layout of the kernel's `struct sock_filter` and
        // which outlive the call; the kernel copies them.
        result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
        if result >= 0 {
            break;
        }
    }
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let number = i32::try_from(result).map_err(io::Error::other)?;
    // SAFETY: the kernel just made this descriptor for this process, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sends the descriptor over a Unix socket.
pub(in crate::stage::sandbox) fn send(socket: impl AsFd, listener: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [listener.as_fd()];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("a descriptor does not fit into a message"));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(&[0])], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Receives a descriptor; nothing when the other side ended without one.
pub(in crate::stage::sandbox) fn receive(socket: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut received = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(received.next())
}
