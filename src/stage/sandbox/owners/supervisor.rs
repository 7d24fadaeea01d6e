//! Answers the held calls of a sandbox, one after the other.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, Stat, StatxFlags};
use rustix::io::Errno;

use super::creation::Creations;
use super::identity::{Identities, Identity, Whose};
use super::layout;
use super::table::{Owner, Table, stat_of};
use super::tracee::{Last, Tracee};
use crate::stage::sandbox::numbers;

/// How a held call goes on.
enum Answer {
    /// The kernel does what was asked for.
    Kernel,
    /// It returns this.
    Returns(u32),
    /// It fails.
    Fails(Errno),
}

impl From<Result<u32, Errno>> for Answer {
    fn from(result: Result<u32, Errno>) -> Self {
        result.map_or_else(Self::Fails, Self::Returns)
    }
}

pub(super) struct Supervisor {
    processes: OwnedFd,
    table: Table,
    identities: Identities,
    creations: Creations,
}

impl Supervisor {
    pub(super) fn new(processes: OwnedFd, table: Table) -> Self {
        Self { processes, table, identities: Identities::default(), creations: Creations::default() }
    }

    /// Answers until no task is left, or `until` is closed at its other end.
    pub(super) fn run(mut self, listener: &OwnedFd, until: BorrowedFd<'_>) -> io::Result<Table> {
        wake_up_synchronously(listener);
        while wait(listener, until)? {
            let Some(call) = receive(listener)? else { continue };
            let answer = self.answer(&call);
            respond(listener, call.id, &answer)?;
        }
        self.creations.settle(&mut self.table, None);
        Ok(self.table)
    }

    fn answer(&mut self, call: &libc::seccomp_notif) -> Answer {
        self.creations.settle(&mut self.table, Some(call.pid));
        let args = call.data.args;
        let at = libc::AT_FDCWD as u64;
        let (follow, keep) = (Last::Follow, Last::Keep);
        match i64::from(call.data.nr) {
            libc::SYS_fchown => self.change_owner(call, |tracee| tracee.file(args[0]), args[1], args[2]),
            libc::SYS_fchownat => {
                let last = if args[4] & SYMLINK_NOFOLLOW == 0 { follow } else { keep };
                self.change_owner(call, |tracee| tracee.open(args[0], args[1], last), args[2], args[3])
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chown => self.change_owner(call, |tracee| tracee.open(at, args[0], follow), args[1], args[2]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lchown => self.change_owner(call, |tracee| tracee.open(at, args[0], keep), args[1], args[2]),
            libc::SYS_fstat => self.status(call, |tracee| tracee.file(args[0]), args[1]),
            libc::SYS_newfstatat => {
                let last = if args[3] & SYMLINK_NOFOLLOW == 0 { follow } else { keep };
                self.status(call, |tracee| tracee.open(args[0], args[1], last), args[2])
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_stat => self.status(call, |tracee| tracee.open(at, args[0], follow), args[1]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lstat => self.status(call, |tracee| tracee.open(at, args[0], keep), args[1]),
            libc::SYS_statx => self.extended_status(call),
            libc::SYS_openat | libc::SYS_mkdirat | libc::SYS_mknodat => self.creation(call, args[0], args[1]),
            libc::SYS_symlinkat => self.creation(call, args[1], args[2]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open | libc::SYS_creat | libc::SYS_mkdir | libc::SYS_mknod => self.creation(call, at, args[0]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_symlink => self.creation(call, at, args[1]),
            // renames were held for what was created before them
            numbers::RENAMEAT | libc::SYS_renameat2 => Answer::Kernel,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename => Answer::Kernel,
            number => self.identity(call, number),
        }
    }

    fn tracee(&self, call: &libc::seccomp_notif) -> Tracee<'_> {
        Tracee { task: call.pid, processes: &self.processes }
    }

    /// `chown`: no number at all (-1) leaves the user or the group as it is.
    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half as well")]
    fn change_owner(
        &mut self,
        call: &libc::seccomp_notif,
        open: impl Fn(&Tracee<'_>) -> Result<OwnedFd, Errno>,
        uid: u64,
        gid: u64,
    ) -> Answer {
        let change = || {
            let file = open(&self.tracee(call))?;
            let stat = stat_of(&file).map_err(|_| Errno::IO)?;
            take_set_id(&self.processes, &file, &stat)?;
            Ok((file, stat))
        };
        match change() {
            Ok((file, stat)) => {
                let before = self.table.get(&stat).unwrap_or_default();
                let or = |wanted: u64, old: u32| if wanted as u32 == u32::MAX { old } else { wanted as u32 };
                self.table.set(&stat, file, Owner { uid: or(uid, before.uid), gid: or(gid, before.gid) });
                Answer::Returns(0)
            }
            Err(error) => Answer::Fails(error),
        }
    }

    /// `stat`: the kernel answers for all files but those with another owner.
    fn status(
        &self,
        call: &libc::seccomp_notif,
        open: impl Fn(&Tracee<'_>) -> Result<OwnedFd, Errno>,
        address: u64,
    ) -> Answer {
        if self.table.is_empty() {
            return Answer::Kernel;
        }
        let tracee = self.tracee(call);
        let Some((_, stat, owner)) = open(&tracee).ok().and_then(|file| self.recorded(file)) else {
            return Answer::Kernel;
        };
        match tracee.write(address, &layout::stat(&stat, owner)) {
            Ok(()) => Answer::Returns(0),
            Err(error) => Answer::Fails(error),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half as well")]
    fn extended_status(&self, call: &libc::seccomp_notif) -> Answer {
        if self.table.is_empty() {
            return Answer::Kernel;
        }
        let [directory, path, flags, mask, address, _] = call.data.args;
        let tracee = self.tracee(call);
        let last = if flags & SYMLINK_NOFOLLOW == 0 { Last::Follow } else { Last::Keep };
        let file = match path {
            0 => tracee.file(directory), // since Linux 6.11 the same as an empty path
            path => tracee.open(directory, path, last),
        };
        let Some((file, _, owner)) = file.ok().and_then(|file| self.recorded(file)) else { return Answer::Kernel };
        let mask = StatxFlags::from_bits_retain(mask as u32);
        let result = rustix::fs::statx(&file, c"", AtFlags::EMPTY_PATH, mask)
            .and_then(|status| tracee.write(address, &layout::statx(&status, owner)));
        result.map(|()| 0).into()
    }

    fn recorded(&self, file: OwnedFd) -> Option<(OwnedFd, Stat, Owner)> {
        let stat = stat_of(&file).ok()?;
        let owner = self.table.get(&stat)?;
        Some((file, stat, owner))
    }

    fn creation(&mut self, call: &libc::seccomp_notif, directory: u64, path: u64) -> Answer {
        let owner = self.identities.get(&self.processes, call.pid).creates_for();
        let tracee = Tracee { task: call.pid, processes: &self.processes };
        self.creations.expect(&tracee, &self.table, owner, directory, path);
        Answer::Kernel
    }

    #[expect(clippy::cast_possible_truncation, reason = "users and groups have 32 bits")]
    fn identity(&mut self, call: &libc::seccomp_notif, number: i64) -> Answer {
        let mut identity = self.identities.get(&self.processes, call.pid);
        let before = identity.clone();
        let tracee = self.tracee(call);
        let args = call.data.args;
        let three = [args[0] as u32, args[1] as u32, args[2] as u32];
        let (user, group) = (Whose::User, Whose::Group);
        let result = match number {
            libc::SYS_getuid => Ok(identity.user.real),
            libc::SYS_geteuid => Ok(identity.user.effective),
            libc::SYS_getgid => Ok(identity.group.real),
            libc::SYS_getegid => Ok(identity.group.effective),
            libc::SYS_getresuid => write_three(&tracee, args, identity.user),
            libc::SYS_getresgid => write_three(&tracee, args, identity.group),
            libc::SYS_getgroups => write_groups(&tracee, args, &identity),
            libc::SYS_setuid => identity.set_one(user, three[0]),
            libc::SYS_setgid => identity.set_one(group, three[0]),
            libc::SYS_setreuid => identity.set_two(user, three[0], three[1]),
            libc::SYS_setregid => identity.set_two(group, three[0], three[1]),
            libc::SYS_setresuid => identity.set_all(user, three),
            libc::SYS_setresgid => identity.set_all(group, three),
            libc::SYS_setfsuid => Ok(identity.set_file_system(user, three[0])),
            libc::SYS_setfsgid => Ok(identity.set_file_system(group, three[0])),
            libc::SYS_prctl => {
                identity.keeps_capabilities = args[1] != 0;
                Ok(0) // the kernel does not clear them either
            }
            libc::SYS_setgroups => identity.set_groups(&tracee, three[0], args[1]),
            _ => return Answer::Kernel,
        };
        if identity != before {
            self.identities.set(&self.processes, call.pid, &identity);
        }
        result.into()
    }
}

const SYMLINK_NOFOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW as u64;

fn write_three(tracee: &Tracee<'_>, args: [u64; 6], numbers: super::identity::Numbers) -> Result<u32, Errno> {
    for (address, number) in args.into_iter().zip([numbers.real, numbers.effective, numbers.saved]) {
        tracee.write(address, &number.to_ne_bytes())?;
    }
    Ok(0)
}

/// `getgroups(2)`: with room for none it says how many there are.
fn write_groups(tracee: &Tracee<'_>, args: [u64; 6], identity: &Identity) -> Result<u32, Errno> {
    let count = u32::try_from(identity.groups.len()).map_err(|_| Errno::INVAL)?;
    match args[0] {
        0 => Ok(count),
        room if room < u64::from(count) => Err(Errno::INVAL),
        _ => {
            let bytes: Vec<u8> = identity.groups.iter().flat_map(|group| group.to_ne_bytes()).collect();
            if !bytes.is_empty() {
                tracee.write(args[1], &bytes)?;
            }
            Ok(count)
        }
    }
}

/// A file that changes its owner loses its `setuid` bit, and where its group may execute it the `setgid` bit
/// (chown(2)).
fn take_set_id(processes: &OwnedFd, file: &OwnedFd, stat: &Stat) -> Result<(), Errno> {
    const SET_USER_ID: u32 = 0o4000;
    const SET_GROUP_ID: u32 = 0o2000;
    const GROUP_EXECUTES: u32 = 0o0010;
    let mode = stat.st_mode & 0o7777;
    let mut left = mode & !SET_USER_ID;
    if mode & GROUP_EXECUTES != 0 {
        left &= !SET_GROUP_ID;
    }
    if left == mode || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(());
    }
    // a descriptor of a path only cannot be changed by itself
    let path = format!("self/fd/{}", file.as_raw_fd());
    rustix::fs::chmodat(processes, path, Mode::from_raw_mode(left), AtFlags::empty())
}

/// Waits for a call; says whether there will be one: a task is left that could make it, and `until` is open.
fn wait(listener: &OwnedFd, until: BorrowedFd<'_>) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let mut polled = [PollFd::new(listener, PollFlags::IN), PollFd::new(&until, PollFlags::empty())];
        match poll(&mut polled, None) {
            Ok(_) if polled[1].revents().intersects(PollFlags::HUP | PollFlags::ERR) => return Ok(false),
            Ok(_) if polled[0].revents().contains(PollFlags::IN) => return Ok(true),
            Ok(_) if polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) => return Ok(false),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes up the next call, unless its task died meanwhile.
#[expect(unsafe_code, reason = "no crate offers these requests")]
fn receive(listener: &OwnedFd) -> io::Result<Option<libc::seccomp_notif>> {
    // SAFETY: all fields are numbers, for which zero is a value; the kernel insists on zeroes.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request writes one such structure, which is borrowed mutably.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
    match answered(result)? {
        true => Ok(Some(call)),
        false => Ok(None),
    }
}

/// Answers a call; that its task died meanwhile does not matter.
#[expect(unsafe_code, reason = "no crate offers these requests")]
fn respond(listener: &OwnedFd, id: u64, answer: &Answer) -> io::Result<()> {
    let (val, error, flags) = match answer {
        Answer::Kernel => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Answer::Returns(value) => (i64::from(*value), 0, 0),
        Answer::Fails(error) => (0, -error.raw_os_error(), 0),
    };
    let mut response = libc::seccomp_notif_resp { id, val, error, flags };
    // SAFETY: the request reads one such structure.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) };
    answered(result).map(|_| ())
}

/// Since Linux 6.6 the task that is answered can run on at once where the answer was given.
#[expect(unsafe_code, reason = "no crate offers these requests")]
fn wake_up_synchronously(listener: &OwnedFd) {
    const SYNC_WAKE_UP: u64 = 1;
    // SAFETY: the request takes a number. A kernel that does not know it says so, and all works as before.
    let _ = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
}

/// Whether a request reached its task.
fn answered(result: i32) -> io::Result<bool> {
    if result == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    let gone = [Errno::NOENT, Errno::INTR, Errno::INPROGRESS].map(Errno::raw_os_error);
    if error.raw_os_error().is_some_and(|number| gone.contains(&number)) { Ok(false) } else { Err(error) }
}
