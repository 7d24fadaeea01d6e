//! A sandbox made of namespaces, for root and for ordinary users alike: the process sees the files, the network and the
//! processes that a [`Spec`] names, and nothing else of the machine. `docs/sandbox.md` tells how, and why so.
//!
//! Three processes take part. The program ([`Sandbox::run`]) starts itself again as `__sandbox`, which enters new
//! namespaces and starts itself once more as `__sandbox-init`, process 1 in there, which builds the root and runs what
//! it was asked to. When any of them dies, the kernel ends all that came after it.

mod confine;
mod emulation;
mod enter;
mod filter;
mod init;
mod mounts;
mod numbers;
mod owners;
mod probe;
mod report;
mod spec;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use thiserror::Error;

pub use emulation::Emulator;
pub use owners::{Owned, Owner, Owners};
pub use probe::{Unavailable, probe};
pub use spec::{Access, Console, File, Mount, Network, Ownership, Privilege, ProcessLimits, Root, Spec};

use report::Report;

/// Lines of a log are cut at this many bytes.
const LINE_LIMIT: usize = 16 << 10;

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
            _ => None,
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
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&text); // a child that died reports it, or is missed, below
            }
            let report = match timeout {
                Some(timeout) => receiver.recv_timeout(timeout).ok(),
                None => receiver.recv().ok(),
            };
            if report.is_none() {
                let _ = child.kill(); // it is waited for, so it is either there or dead already
            }
            let _ = child.wait();
            report
        });
        let Some(report) = report else { return Ok(Ending::TimedOut) };
        match serde_json::from_slice(&report) {
            Ok(Report::Exited(code)) => Ok(Ending::Exited(code)),
            Ok(Report::Killed(signal)) => Ok(Ending::Killed(signal)),
            Ok(Report::Failed { doing, errno, why }) => Err(failed(&spec.scratch, doing, errno, why)),
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

fn failed(scratch: &Path, doing: String, errno: Option<i32>, why: String) -> SandboxError {
    match Unavailable::explain(scratch, &doing, errno) {
        Some(unavailable) => SandboxError::Unavailable(unavailable),
        None => SandboxError::Setup { doing, why },
    }
}

/// Makes the folders that the processes inside rely on.
fn prepare(spec: &Spec) -> io::Result<()> {
    let folder = |name: &str| fs_err::create_dir_all(spec.scratch.join(name));
    for name in ["upper", "root", "empty", "tmp", "var-tmp"] {
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
    fs_err::OpenOptions::new().create(true).append(true).open(spec.scratch.join("program")).map(drop)
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
