//! The first process of a sandbox: leaves the machine's namespaces, starts the second one, which is process 1 of the new
//! ones, and ends it when the program says so. A fork in a program with threads is undefined; starting the program
//! again is not.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::mount::{MountAttrFlags, MountPropagationFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use super::machine::{self, FOREIGN, Inherited};
use super::owners::{self, Recorder};
use super::report::{Doing, SetupError};
use super::spec::{Console, Network, OwnershipMode, Spec};
use super::user;

/// A specification is a few kilobytes; files in it are small.
const SPEC_LIMIT: u64 = 64 << 20;

/// What process 1 is told.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) spec: Spec,
    /// Mounts that this process made because process 1 cannot.
    pub(super) mounts: Option<Inherited>,
}

/// What root opens before it becomes somebody else.
struct Opened {
    user_namespace: OwnedFd,
    mounts: BTreeMap<PathBuf, Vec<OwnedFd>>,
    program: OwnedFd,
}

/// Reads the specification from standard input, enters new namespaces and waits for the process in them, or until
/// standard input ends.
///
/// The report is written by process 1; this process writes one only if it fails before.
pub(super) fn enter() -> Result<(), SetupError> {
    let program_outside = rustix::process::getppid();
    die_with_parent()?;
    let spec = read_spec()?;
    close_on_exec_all().doing(|| "close inherited files".to_owned())?;
    let terminal = match spec.console {
        Console::Log => None,
        Console::Terminal => Some(open_terminal()?),
    };
    // in a session of its own nothing in there has a terminal to read from, or to put characters into
    rustix::process::setsid().doing(|| "begin a session of its own".to_owned())?;
    let recorder = match &spec.ownership {
        OwnershipMode::Ignored => None,
        OwnershipMode::Kept { folder, owned } => {
            Some(Recorder::open(folder, owned, &spec.scratch).doing(|| "prepare to keep owners".to_owned())?)
        }
    };
    // where the kernel or a file system does not let root give files to another user, root stays root
    let opened = rustix::process::geteuid().is_root().then(|| open_as_root(&spec).ok()).flatten();
    leave_namespaces(spec.network, opened.as_ref().map(|opened| &opened.user_namespace))?;
    die_with_parent()?; // a change of credentials may have cleared it
    if rustix::process::getppid() != program_outside {
        return Ok(()); // nobody is there to tell
    }
    let (mounts, program) = match opened {
        Some(opened) => (Some(opened.mounts), opened.program),
        None => (None, read_only_program(&spec.scratch)?),
    };
    let inherited = mounts.as_ref().map(machine::bequeath).transpose();
    let inherited = inherited.doing(|| "hand over the files of the machine".to_owned())?;
    let (ours, mut init) = start_init(&program, terminal)?;
    drop((mounts, program));
    let order = serde_json::to_vec(&Order { spec, mounts: inherited }).doing(|| "write down the order".to_owned())?;
    let _ = (&ours).write_all(&order); // process 1 reports what it misses
    let _ = rustix::net::shutdown(&ours, rustix::net::Shutdown::Write);
    if let Some(recorder) = recorder {
        // without a listener process 1 failed, and says why
        let listener = owners::receive(&ours).doing(|| "take over the system calls about owners".to_owned())?;
        let kept = listener.map(|listener| recorder.run(listener, io::stdin().as_fd())).transpose();
        kept.doing(|| "keep owners".to_owned())?;
    }
    attend(&mut init).doing(|| "wait for the sandbox".to_owned())
}

/// Waits for process 1 to end, or ends it when the program closes standard input, and with it everything that it
/// started. Either way nothing is left that somebody else must collect.
fn attend(init: &mut Child) -> io::Result<()> {
    let process = rustix::process::pidfd_open(Pid::from_child(init), PidfdFlags::empty())?;
    let stdin = io::stdin();
    loop {
        let mut polled = [PollFd::new(&process, PollFlags::IN), PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if polled[1].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
            init.kill()?;
        }
        if !polled[0].revents().is_empty() || !polled[1].revents().is_empty() {
            return init.wait().map(drop);
        }
    }
}

/// The specification: its length, eight bytes with the lowest first, and its text. Standard input stays open behind it
/// for as long as the program wants the sandbox.
fn read_spec() -> Result<Spec, SetupError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut input = io::stdin().lock();
        let mut length = [0; 8];
        input.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > SPEC_LIMIT {
            return Err(io::Error::other("it is too long"));
        }
        let mut text = Vec::new();
        input.take(length).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().doing(|| "read the specification".to_owned())?;
    serde_json::from_slice(&text).doing(|| "understand the specification".to_owned())
}

/// Sends a specification as [`read_spec`] has it.
pub(super) fn write_spec(mut output: impl Write, text: &[u8]) -> io::Result<()> {
    output.write_all(&u64::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes())?;
    output.write_all(text)
}

/// What process 1 is told over its standard input.
pub(super) fn read_order() -> Result<Order, SetupError> {
    let mut text = Vec::new();
    io::stdin().lock().take(SPEC_LIMIT).read_to_end(&mut text).doing(|| "read the order".to_owned())?;
    serde_json::from_slice(&text).doing(|| "understand the order".to_owned())
}

/// Nothing of a sandbox outlives the program. Whoever lost its parent before this call reads half a specification.
pub(super) fn die_with_parent() -> Result<(), SetupError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .doing(|| "tie the sandbox to the program".to_owned())
}

/// What a careless ancestor left open must not be there inside.
fn close_on_exec_all() -> io::Result<()> {
    for entry in fs_err::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if number > 2 {
            #[expect(unsafe_code, reason = "inherited descriptors have no owner in this process")]
            // SAFETY: the descriptor was listed a moment ago by this process, which has one thread and closes none
            // meanwhile but the listing's own, which stays open until the loop ends.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}

fn open_terminal() -> Result<std::fs::File, SetupError> {
    let open = fs_err::OpenOptions::new().read(true).write(true).open("/dev/tty");
    let terminal = open.doing(|| "open the terminal for an interactive shell".to_owned())?;
    Ok(terminal.into_parts().0)
}

/// Makes a user namespace without the machine's root in it, and opens what its root is to see.
fn open_as_root(spec: &Spec) -> io::Result<Opened> {
    if !user::can_be_mapped() {
        return Err(rustix::io::Errno::NOSYS.into());
    }
    rustix::thread::set_thread_groups(&[])?;
    let user = user::of_process(rustix::process::getpid());
    let user_namespace = user::namespace(user)?;
    let mounts = machine::open_for(spec, &user_namespace)?;
    let program = fs_err::read_link("/proc/self/exe")?;
    // the new user executes it as one of the others
    let readable = std::os::unix::fs::MetadataExt::mode(&fs_err::metadata(&program)?) & 0o005 == 0o005;
    let owner = if readable { None } else { Some(&user_namespace) };
    let program = machine::detached(&program, FOREIGN | MountAttrFlags::MOUNT_ATTR_RDONLY, owner)?;
    user::give_pipes(user)?;
    Ok(Opened { user_namespace, mounts, program })
}

/// Enters new namespaces, as user 0 of `user_namespace` or else of a new one in which that is this user.
fn leave_namespaces(network: Network, user_namespace: Option<&OwnedFd>) -> Result<(), SetupError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() {
        let _ = rustix::thread::set_thread_groups(&[]); // not allowed in some containers, and then without harm
    }
    let mut flags = UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    match user_namespace {
        Some(namespace) => user::become_root_of(namespace).doing(|| "enter a new user namespace".to_owned())?,
        None => flags |= UnshareFlags::NEWUSER,
    }
    if network == Network::None {
        flags |= UnshareFlags::NEWNET;
    }
    #[expect(unsafe_code, reason = "there is no other way into a user namespace without clone")]
    // SAFETY: unsafe only because of `UnshareFlags::FILES`, which is not used; and this process has one thread.
    let unshared = unsafe { rustix::thread::unshare_unsafe(flags) };
    unshared.doing(|| "enter new namespaces".to_owned())?;
    if user_namespace.is_none() {
        write_map("setgroups", "deny")?;
        write_map("uid_map", &format!("0 {} 1", user.as_raw()))?;
        write_map("gid_map", &format!("0 {} 1", group.as_raw()))?;
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).doing(|| "separate the mounts from the machine's".to_owned())
}

fn write_map(name: &str, text: &str) -> Result<(), SetupError> {
    fs_err::write(format!("/proc/self/{name}"), text).doing(|| format!("write the {name} of the user namespace"))
}

/// This program's file, mounted read-only: `/proc/1/exe` leads to it from inside, and must not allow to change it.
fn read_only_program(scratch: &Path) -> Result<OwnedFd, SetupError> {
    let copy = scratch.join("program");
    let mount = || -> io::Result<OwnedFd> {
        // /proc/self/exe itself leads to a mount of the namespace that was left
        let path = fs_err::read_link("/proc/self/exe")?;
        let attributes = FOREIGN | MountAttrFlags::MOUNT_ATTR_RDONLY;
        if is_same_file(&path, Path::new("/proc/self/exe")) {
            return machine::detached(&path, attributes, None);
        }
        fs_err::copy("/proc/self/exe", &copy)?; // the file was replaced since, as an upgrade does
        fs_err::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        machine::detached(&copy, attributes, None)
    };
    mount().doing(|| "mount this program's file".to_owned())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| fs_err::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some() && identity(one) == identity(other)
}

/// Starts process 1 from the file `program`, and returns a way to it. Its name and arguments are for everybody in the
/// sandbox to read, and say nothing of the machine.
fn start_init(program: &OwnedFd, terminal: Option<std::fs::File>) -> Result<(UnixStream, Child), SetupError> {
    let (ours, theirs) = UnixStream::pair().doing(|| "make a way to the first process".to_owned())?;
    let stderr = match terminal {
        Some(terminal) => Stdio::from(terminal),
        None => Stdio::inherit(),
    };
    let init = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .arg0("orchestrate")
        .arg("__sandbox-init")
        .env_clear()
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stderr(stderr)
        .spawn()
        .doing(|| "start the first process of the new namespaces".to_owned())?;
    Ok((ours, init))
}

/// A second descriptor of standard error, which is the log or the terminal.
pub(super) fn console() -> io::Result<std::os::fd::OwnedFd> {
    io::stderr().as_fd().try_clone_to_owned()
}
