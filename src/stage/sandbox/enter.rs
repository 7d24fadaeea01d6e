//! The first process of a sandbox: leaves the machine's namespaces and starts the second one, which is process 1 of
//! the new ones. A fork in a program with threads is undefined; starting the program again is not.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use super::owners::{self, Recorder};
use super::report::{Doing, SetupError};
use super::spec::{Console, Network, Ownership, Spec};

/// A specification is a few kilobytes; files in it are small.
const SPEC_LIMIT: u64 = 64 << 20;

/// Reads the specification from standard input, enters new namespaces and waits for the process in them.
///
/// The report is written by process 1; this process writes one only if it fails before.
pub(super) fn enter() -> Result<(), SetupError> {
    die_with_parent()?;
    let (spec, text) = read_spec()?;
    close_on_exec_all().doing(|| "close inherited files".to_owned())?;
    let terminal = match spec.console {
        Console::Log => None,
        Console::Terminal => Some(open_terminal()?),
    };
    // in a session of its own nothing in there has a terminal to read from, or to put characters into
    rustix::process::setsid().doing(|| "begin a session of its own".to_owned())?;
    leave_namespaces(spec.network)?;
    die_with_parent()?; // a change of credentials may have cleared it
    let program = read_only_program(&spec)?;
    let recorder = match &spec.ownership {
        Ownership::Ignored => None,
        Ownership::Kept { folder, owned } => {
            Some(Recorder::open(folder, owned, &spec.scratch).doing(|| "prepare to keep owners".to_owned())?)
        }
    };
    let (ours, theirs) = UnixStream::pair().doing(|| "make a way to the first process".to_owned())?;
    let stderr = match terminal {
        Some(terminal) => Stdio::from(terminal),
        None => Stdio::inherit(),
    };
    let mut init = Command::new(program)
        .arg("__sandbox-init")
        .env_clear()
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stderr(stderr)
        .spawn()
        .doing(|| "start the first process of the new namespaces".to_owned())?;
    let _ = (&ours).write_all(&text); // process 1 reports what it misses
    let _ = rustix::net::shutdown(&ours, rustix::net::Shutdown::Write);
    if let Some(recorder) = recorder {
        // without a listener process 1 failed, and says why
        let listener = owners::receive(&ours).doing(|| "take over the system calls about owners".to_owned())?;
        let kept = listener.map(|listener| recorder.run(listener)).transpose();
        kept.doing(|| "keep owners".to_owned())?;
    }
    init.wait().doing(|| "wait for the sandbox".to_owned())?;
    Ok(())
}

/// The specification, and the same as text.
pub(super) fn read_spec() -> Result<(Spec, Vec<u8>), SetupError> {
    let mut text = Vec::new();
    io::stdin().lock().take(SPEC_LIMIT).read_to_end(&mut text).doing(|| "read the specification".to_owned())?;
    let spec = serde_json::from_slice(&text).doing(|| "understand the specification".to_owned())?;
    Ok((spec, text))
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

fn leave_namespaces(network: Network) -> Result<(), SetupError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() {
        let _ = rustix::thread::set_thread_groups(&[]); // not allowed in some containers, and then without harm
    }
    let mut flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if network == Network::None {
        flags |= UnshareFlags::NEWNET;
    }
    #[expect(unsafe_code, reason = "there is no other way into a user namespace without clone")]
    // SAFETY: unsafe only because of `UnshareFlags::FILES`, which is not used; and this process has one thread.
    let unshared = unsafe { rustix::thread::unshare_unsafe(flags) };
    unshared.doing(|| "enter new namespaces".to_owned())?;
    write_map("setgroups", "deny")?;
    write_map("uid_map", &format!("0 {} 1", user.as_raw()))?;
    write_map("gid_map", &format!("0 {} 1", group.as_raw()))
}

fn write_map(name: &str, text: &str) -> Result<(), SetupError> {
    fs_err::write(format!("/proc/self/{name}"), text).doing(|| format!("write the {name} of the user namespace"))
}

/// This program's file, mounted read-only: `/proc/1/exe` leads to it from inside, and must not allow to change it.
fn read_only_program(spec: &Spec) -> Result<PathBuf, SetupError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).doing(|| "separate the mounts from the machine's".to_owned())?;
    let program = spec.scratch.join("program");
    let mount = || -> io::Result<()> {
        // /proc/self/exe itself leads to a mount of the namespace that was left
        let path = fs_err::read_link("/proc/self/exe")?;
        if is_same_file(&path, Path::new("/proc/self/exe")) {
            return Ok(rustix::mount::mount_bind(&path, &program)?);
        }
        fs_err::copy("/proc/self/exe", &program)?; // the file was replaced since, as an upgrade does
        fs_err::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(rustix::mount::mount_bind(&program, &program)?)
    };
    mount().doing(|| "mount this program's file".to_owned())?;
    make_read_only(&program).doing(|| "mount this program's file read-only".to_owned())?;
    Ok(program)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| fs_err::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some() && identity(one) == identity(other)
}

/// Makes the mount at `target` read-only, and keeps its other flags, which a user namespace may not drop.
pub(super) fn make_read_only(target: &Path) -> io::Result<()> {
    use rustix::fs::StatVfsMountFlags as Has;
    let has = rustix::fs::statvfs(target)?.f_flag;
    let kept = [
        (Has::NOSUID, MountFlags::NOSUID),
        (Has::NODEV, MountFlags::NODEV),
        (Has::NOEXEC, MountFlags::NOEXEC),
        (Has::NOATIME, MountFlags::NOATIME),
        (Has::NODIRATIME, MountFlags::NODIRATIME),
        (Has::RELATIME, MountFlags::RELATIME),
    ];
    let flags = kept.iter().filter(|(has_it, _)| has.contains(*has_it)).map(|&(_, flag)| flag);
    let flags = flags.fold(MountFlags::BIND | MountFlags::RDONLY, std::ops::BitOr::bitor);
    Ok(rustix::mount::mount_remount(target, flags, "")?)
}

/// A second descriptor of standard error, which is the log or the terminal.
pub(super) fn console() -> io::Result<std::os::fd::OwnedFd> {
    io::stderr().as_fd().try_clone_to_owned()
}
