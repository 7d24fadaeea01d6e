//! A sandbox made of namespaces, for root and for ordinary users alike: the process sees the files, the network and the
//! processes that a [`Spec`] names, and nothing else of the machine. `docs/sandbox.md` tells how, and why so.
//!
//! Three processes take part. The program ([`Sandbox::run`]) starts itself again as `__sandbox`, which enters new
//! namespaces and starts itself once more as `__sandbox-init`, process 1 in there, which builds the root and runs what
//! it was asked to. When any of them dies, the kernel ends all that came after it.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

mod cgroup;
mod confine;
mod emulation;
mod enter;
mod filter;
mod init;
mod landlock;
mod machine;
mod mounts;
mod numbers;
mod owners;
mod probe;
mod report;
mod spec;
mod user;
mod watch;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use emulation::Emulator;
pub use owners::{Owned, Owner, Owners};
pub use probe::{Unavailable, probe};
pub use spec::{Access, Bounds, Console, File, Mount, Network, OwnershipMode, Privilege, ProcessLimits, Root, Spec};

use cgroup::Group;
use report::Report;
use watch::{TICK, Watch};

use crate::model::ByteSize;

/// Lines of a log are cut at this many bytes.
const LINE_LIMIT: usize = 16 << 10;

/// How long the processes of a sandbox may take to end when they are told to.
const GRACE: Duration = Duration::from_secs(20);

/// Starts sandboxes.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
}

/// How the process in a sandbox ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It took too long, and was killed with all that it had started.
    TimedOut,
    /// It used too much, and was killed with all that it had started.
    Exceeded(Exceeded),
}

/// A bound of a sandbox as a whole that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Of what there was too much.
    pub bound: Bound,
    /// How much was allowed: bytes, or a number of things.
    pub most: u64,
}

/// What is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Bytes of memory.
    Memory,
    /// Processes and threads.
    Processes,
    /// Bytes on disk.
    Disk,
    /// Files, folders and links.
    Files,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = ByteSize(self.most);
        match self.bound {
            Bound::Memory => write!(out, "used more than {size} of memory"),
            Bound::Processes => write!(out, "ran more than {} processes and threads", self.most),
            Bound::Disk => write!(out, "wrote more than {size} to disk"),
            Bound::Files => write!(out, "made more than {} files", self.most),
        }
    }
}

/// Why a sandbox could not be made.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The machine does not allow it.
    #[error("this machine does not let this user make a sandbox: {0}")]
    Unavailable(Unavailable),
    /// A part of it could not be set up.
    #[error("could not {doing} for the sandbox: {why}")]
    Setup {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        why: String,
    },
    /// Its processes died without a word, for example for lack of memory.
    #[error("the sandbox was killed from outside, for example because memory ran out")]
    Vanished,
    /// Its folder on disk could not be made, or the program not started again.
    #[error("could not prepare the sandbox")]
    Prepare {
        /// Why.
        source: io::Error,
    },
}

impl SandboxError {
    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unavailable(unavailable) => Some(unavailable.help()),
            Self::Vanished => Some("where memory ran out, fewer jobs (`--jobs`) need less".to_owned()),
            Self::Setup { .. } | Self::Prepare { .. } => None,
        }
    }
}

impl Sandbox {
    /// Sandboxes whose processes run this very program, which must call [`main`] when [`is_entry`] says so.
    #[must_use]
    pub fn of_this_program() -> Self {
        Self::of_program(Path::new("/proc/self/exe"))
    }

    /// Sandboxes whose processes run `program`, for programs that are not `orchestrate` themselves, like tests.
    #[must_use]
    pub fn of_program(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }

    /// Runs the process of `spec` to its end, or until `timeout`, and hands its output to `lines`, line by line and
    /// without the line ends. When this returns, nothing of the sandbox is running.
    ///
    /// # Errors
    /// When the sandbox could not be made; how the process itself fared is in the [`Ending`].
    pub fn run(
        &self,
        spec: &Spec,
        timeout: Option<Duration>,
        lines: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Ending, SandboxError> {
        prepare(spec).map_err(|source| SandboxError::Prepare { source })?;
        let mut child = self.start(spec).map_err(|source| SandboxError::Prepare { source })?;
        // before it is told what to start
        let group = Group::new(&spec.limits).filter(|group| group.add(child.id()).is_ok());
        let text = serde_json::to_vec(spec).map_err(|error| SandboxError::Prepare { source: error.into() })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let report = thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            scope.spawn(move || {
                let mut report = Vec::new();
                if let Some(stdout) = stdout {
                    let _ = stdout.take(1 << 20).read_to_end(&mut report); // what is cut off is no report
                }
                let _ = sender.send(report);
            });
            if let Some(stderr) = stderr {
                scope.spawn(move || split_lines(stderr, lines));
            }
            // a child that died reports it, or is missed, below
            let _ = stdin.as_ref().map(|stdin| enter::write_spec(stdin, &text));
            let report = wait(&receiver, timeout, Watch::new(spec, child.id()));
            if report.is_err() {
                drop(stdin); // the first process ends and collects the others
                let _ = receiver.recv_timeout(GRACE);
                let _ = child.kill(); // it is waited for, so it is either there or dead already
            }
            let _ = child.wait();
            report
        });
        let report = match report {
            Ok(report) => report,
            Err(ending) => return Ok(ending),
        };
        match serde_json::from_slice(&report) {
            Ok(Report::Exited(code)) => Ok(Ending::Exited(code)),
            Ok(Report::Killed(signal)) => Ok(Ending::Killed(signal)),
            Ok(Report::Failed { doing, errno, why }) => Err(failed(&spec.scratch, doing, errno, why)),
            Err(_) if group.as_ref().is_some_and(Group::ran_out_of_memory) => {
                Ok(Ending::Exceeded(Exceeded { bound: Bound::Memory, most: spec.limits.together.memory }))
            }
            Err(_) => Err(SandboxError::Vanished),
        }
    }

    fn start(&self, spec: &Spec) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.arg("__sandbox").env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        match spec.console {
            Console::Log => command.stderr(Stdio::piped()),
            Console::Terminal => command.stderr(Stdio::inherit()),
        };
        command.spawn()
    }
}

/// Waits for the report, or for a reason to end the sandbox before it comes.
fn wait(reports: &mpsc::Receiver<Vec<u8>>, timeout: Option<Duration>, mut watch: Watch) -> Result<Vec<u8>, Ending> {
    let begun = Instant::now();
    loop {
        let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
        match reports.recv_timeout(left.map_or(TICK, |left| left.min(TICK))) {
            Ok(report) => return Ok(report),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            Err(mpsc::RecvTimeoutError::Timeout) if left.is_some_and(|left| left <= TICK) => {
                return Err(Ending::TimedOut);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if let Some(exceeded) = watch.look() {
            return Err(Ending::Exceeded(exceeded));
        }
    }
}

fn failed(scratch: &Path, doing: String, errno: Option<i32>, why: String) -> SandboxError {
    match Unavailable::explain(scratch, &doing, errno) {
        Some(unavailable) => SandboxError::Unavailable(unavailable),
        None => SandboxError::Setup { doing, why },
    }
}

/// Makes the folders that the processes inside rely on.
fn prepare(spec: &Spec) -> io::Result<()> {
    let folder = |name: &str| fs_err::create_dir_all(spec.scratch.join(name));
    fs_err::create_dir_all(&spec.scratch)?;
    // what is below is open to all, for those inside; other users of the machine come no further than this
    fs_err::set_permissions(&spec.scratch, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    for name in ["upper", "empty", "tmp", "var-tmp"] {
        folder(name)?;
    }
    for number in 0..spec.mounts.len() {
        folder(&format!("mount-{number}/upper"))?;
    }
    for work in
        std::iter::once("work".to_owned()).chain((0..spec.mounts.len()).map(|number| format!("mount-{number}/work")))
    {
        // what an earlier sandbox left there makes the kernel refuse the folder, see `volatile` in `mounts`
        crate::store::remove_tree(&spec.scratch.join(&work)).map_err(io::Error::other)?;
        folder(&work)?;
    }
    for name in ["upper", "tmp", "var-tmp"] {
        let mode = if name == "upper" { 0o755 } else { 0o1777 };
        fs_err::set_permissions(spec.scratch.join(name), std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}

/// Hands `input` to `lines`, cut at line ends and at [`LINE_LIMIT`].
fn split_lines(mut input: impl Read, lines: &mut dyn FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    let mut line: Vec<u8> = Vec::new();
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for part in buffer[..length].split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            for piece in text.chunks(LINE_LIMIT) {
                if line.len() + piece.len() > LINE_LIMIT {
                    lines(&line);
                    line.clear();
                }
                line.extend_from_slice(piece);
            }
            if ended {
                lines(&line);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        lines(&line);
    }
}

/// Whether a program's first argument asks for a process of the sandbox.
#[must_use]
pub fn is_entry(argument: &OsStr) -> bool {
    argument == "__sandbox" || argument == "__sandbox-init"
}

/// The processes that build the sandbox around themselves; `main` of the program hands over its arguments from the
/// first on when [`is_entry`] says so.
#[must_use]
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let outcome = match arguments.next() {
        Some(role) if role == "__sandbox" => enter::enter().map(|()| None),
        _ => init::init().map(Some),
    };
    let report = outcome.unwrap_or_else(|error| Some(error.report()));
    report.as_ref().map_or(ExitCode::SUCCESS, |report| {
        init::write_report(report);
        ExitCode::from(u8::from(matches!(report, Report::Failed { .. })))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        split_lines(input, &mut |line| lines.push(line.to_vec()));
        lines
    }

    #[test]
    fn output_is_cut_into_lines() {
        assert_eq!(lines_of(b"one\n\ntwo\nthree"), [&b"one"[..], b"", b"two", b"three"]);
        assert_eq!(lines_of(b""), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let lines = lines_of(&vec![b'a'; 5 * LINE_LIMIT + 1]);
        assert!(lines.iter().all(|line| line.len() <= LINE_LIMIT));
        assert_eq!(lines.iter().map(Vec::len).sum::<usize>(), 5 * LINE_LIMIT + 1);
    }
}
