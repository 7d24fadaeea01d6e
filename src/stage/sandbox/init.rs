//! Process 1 of a sandbox: builds the root, gives up all power, runs the process and collects the dead.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};

use rustix::process::{DumpableBehavior, WaitOptions};

use super::confine::confine;
use super::emulation;
use super::enter::{Order, console, die_with_parent, read_order};
use super::landlock;
use super::machine::Machine;
use super::mounts::{enter_root, inside};
use super::owners;
use super::report::{Doing, Report, SetupError};
use super::spec::{Console, Network, Spec};

/// Runs the process of the specification on standard input; the report goes to standard output.
pub(super) fn init() -> Result<Report, SetupError> {
    die_with_parent()?;
    let Order { spec, mounts } = read_order()?;
    // the kernel calls it by the number of a descriptor otherwise
    rustix::thread::set_name(c"orchestrate").doing(|| "name the first process".to_owned())?;
    let machine = Machine::inherit(mounts).doing(|| "take over the files of the machine".to_owned())?;
    // its entry is there as long as this is
    let _register = spec.emulator.as_ref().map(emulation::register).transpose()?;
    enter_root(&spec, machine)?;
    rustix::system::sethostname(b"orchestrate").doing(|| "set the host name".to_owned())?;
    if spec.network == Network::None {
        loopback_up().doing(|| "bring up the loopback interface".to_owned())?;
    }
    let cwd = inside(&spec.cwd);
    fs_err::create_dir_all(&cwd)
        .and_then(|()| std::env::set_current_dir(&cwd))
        .doing(|| format!("enter {}", spec.cwd))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let listener = confine(&spec)?;
    if let Some(listener) = listener {
        // to the process that started this one, over what it wrote the specification to
        owners::send(io::stdin(), &listener).doing(|| "hand over the system calls about owners".to_owned())?;
    }
    // what runs in here must not look into this process, which knows the program outside
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .doing(|| "hide the first process".to_owned())?;
    run(&spec)
}

fn run(spec: &Spec) -> Result<Report, SetupError> {
    let streams = || -> io::Result<[Stdio; 3]> {
        let input = match spec.console {
            Console::Log => Stdio::null(),
            Console::Terminal => console()?.into(),
        };
        Ok([input, console()?.into(), console()?.into()])
    };
    let [stdin, stdout, stderr] = streams().doing(|| "prepare the standard streams".to_owned())?;
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::other("no program is named"))
        .doing(|| "start a process".to_owned())?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&spec.env).stdin(stdin).stdout(stdout).stderr(stderr);
    if let Some(rules) = landlock::below_root().doing(|| "prepare Landlock".to_owned())? {
        // not for this process: what it starts must not reach it
        #[expect(unsafe_code, reason = "there is no other way to change a process before its program starts")]
        // SAFETY: the closure makes one system call and allocates nothing; and this process has one thread.
        unsafe {
            command.pre_exec(move || landlock::restrict(&rules));
        }
    }
    let child = command.spawn().doing(|| format!("start {program}"))?;
    let main = rustix::process::Pid::from_child(&child);
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == main => {
                let status = std::process::ExitStatus::from_raw(status.as_raw());
                return Ok(status.signal().map_or_else(|| Report::Exited(status.code().unwrap_or(-1)), Report::Killed));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).doing(|| format!("wait for {program}")),
        }
    }
}

/// Sets the flag `IFF_UP` of interface 1, which is the loopback interface of a new network namespace (rtnetlink(7)).
fn loopback_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socket_with};
    const REQUEST_WITH_ANSWER: u16 = 0x5;
    const NEW_LINK: u16 = 16;
    const UP: u32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend_from_slice(&32_u32.to_ne_bytes()); // nlmsghdr: length, type, flags, sequence, port
    message.extend_from_slice(&NEW_LINK.to_ne_bytes());
    message.extend_from_slice(&REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[0; 4]); // ifinfomsg: family, padding, type, index, flags, change
    message.extend_from_slice(&1_i32.to_ne_bytes());
    message.extend_from_slice(&UP.to_ne_bytes());
    message.extend_from_slice(&UP.to_ne_bytes());
    // protocol 0 of this family is NETLINK_ROUTE
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 64];
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], rustix::net::RecvFlags::empty())?;
    let error = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_ne_bytes);
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-error)) }
}

/// Writes the report for the program outside.
pub(super) fn write_report(report: &Report) {
    let text = serde_json::to_vec(report).unwrap_or_default();
    let _ = io::stdout().lock().write_all(&text); // if nobody reads, nobody waits
}
