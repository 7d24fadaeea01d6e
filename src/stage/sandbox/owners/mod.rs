//! Owners of files in a sandbox that has one user: what `chown` asked for is written down beside the file system, and
//! whoever asks for the owner of a file is answered from there.
//!
//! A user namespace made by an ordinary user maps one user, and the kernel refuses every other owner. Package managers
//! and maintainer scripts insist on owners, so their system calls are held (`SECCOMP_RET_USER_NOTIF` of seccomp(2),
//! seccomp_unotify(2)) and answered by the process outside that entered the namespaces:
//!
//! | calls | answer |
//! |---|---|
//! | `chown` and its kin | the inode's owner is recorded; `setuid` and `setgid` bits go as the kernel takes them |
//! | `stat` and its kin | for a recorded inode the result is written for the caller, with its owner; else the kernel's |
//! | `setuid`, `getuid`, `setgroups` and their kin | as the kernel would for the identity that the task believes to have |
//! | calls that create or rename | the kernel's; what comes of them is owned by whoever the task believes to be |
//! | `fsync` and its kin | success: what a sandbox leaves behind is written to disk once, by the store |
//!
//! The same is done whoever runs the program and however many users are mapped, so that what is made does not depend
//! on it. It is no wall: nothing that is confined by the other filters gets more from it than a wrong answer.

mod creation;
mod identity;
mod layout;
mod listener;
mod supervisor;
mod table;
mod tracee;

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

pub(super) use listener::{install, receive, send};
pub use table::{Owned, Owner, Owners};

use supervisor::Supervisor;
use table::Table;

/// The file in a sandbox's scratch folder that holds the owners when the process has ended.
pub(super) const RESULT: &str = "owners";

/// What recording owners needs of the machine, opened while it is still in sight.
pub(super) struct Recorder {
    processes: OwnedFd,
    table: Table,
    result: File,
}

impl Recorder {
    /// Opens the machine's `/proc`, the files of `root` that have owners already, and the file for the result.
    pub(super) fn open(root: &Path, owned: &[Owned], scratch: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = rustix::fs::open("/proc", flags, Mode::empty())?;
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        raise_open_files();
        let mut table = Table::default();
        for owned in owned {
            table.set_path(&root, owned)?;
        }
        let (result, _) = fs_err::File::create(scratch.join(RESULT))?.into_parts();
        Ok(Self { processes, table, result })
    }

    /// Answers the calls of `listener` until no task is left that could make any, or `until` is closed at its other
    /// end, and writes down the owners.
    pub(super) fn run(self, listener: OwnedFd, until: BorrowedFd<'_>) -> io::Result<()> {
        let table = Supervisor::new(self.processes, self.table).run(&listener, until)?;
        serde_json::to_writer(io::BufWriter::new(self.result), &table.alive()?).map_err(io::Error::other)
    }
}

/// A descriptor is held for each file that has another owner.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // what cannot be raised is met, and reported, when it is reached
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
