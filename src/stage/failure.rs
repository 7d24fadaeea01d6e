//! Why a step could not be run, or failed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::output::StepOutputError;
use super::sandbox::{Bound, Ending, SandboxError};
use crate::model::{Digest, ImagePath};
use crate::recipe::StepLimits;
use crate::store::{FREE_SPACE, StoreError};

/// Why a step could not be run, or failed.
#[derive(Debug, Error)]
pub enum StageError {
    /// A script failed.
    #[error("{0}")]
    Failed(Box<Failure>),
    /// No sandbox could be made.
    #[error("cannot run the step")]
    Sandbox {
        /// Why not.
        #[from]
        source: SandboxError,
    },
    /// What it left cannot be kept.
    #[error("the step succeeded, but its output cannot be used")]
    StepOutput {
        /// Why not.
        #[from]
        source: StepOutputError,
    },
    /// A tree that it needs is not there.
    #[error("cannot run the step: it needs the tree {tree}, which is not there")]
    NoTree {
        /// Which.
        tree: Digest,
    },
    /// A part of a tree that it needs is not there.
    #[error("cannot run the step: there is no `{path}` in what it uses")]
    NoInput {
        /// Which.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// A secret is not there.
    #[error("cannot run the step: the environment file has no secret `{id}`")]
    NoSecret {
        /// Which.
        id: String,
    },
    /// A cache has no folder.
    #[error("cannot run the step: there is no folder for its cache `{path}`")]
    NoCache {
        /// Which.
        path: ImagePath,
    },
    /// Something of the root is where a cache would be.
    #[error("cannot run the step: its cache `{path}` would hide files: the root has {what} at `{at}`")]
    CacheTaken {
        /// The cache.
        path: ImagePath,
        /// Where it is.
        at: ImagePath,
        /// What is there.
        what: &'static str,
    },
    /// Its folders or its log cannot be written.
    #[error("cannot prepare the step")]
    Prepare {
        /// Why.
        source: io::Error,
    },
    /// The store.
    #[error("cannot prepare the step")]
    Store {
        /// Why.
        #[from]
        source: StoreError,
    },
}

impl StageError {
    pub(super) fn prepare(source: io::Error) -> Self {
        Self::Prepare { source }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => Some(failure.help()),
            Self::Sandbox { source } => source.help(),
            Self::NoSecret { id } => {
                Some(format!("write `secret \"{id}\" file=…` or `env=…` into the environment file"))
            }
            Self::CacheTaken { .. } => {
                Some("choose a folder for the cache that the root has nothing in, like `/cache`".to_owned())
            }
            Self::StepOutput { source } => source.help(),
            Self::Store { source } => source.help(),
            Self::NoTree { .. } => Some("run it again: what is missing is made anew".to_owned()),
            Self::NoInput { .. } => {
                Some("list what the step or the source has; a newer version may have moved it".to_owned())
            }
            Self::NoCache { .. } | Self::Prepare { .. } => None,
        }
    }
}

/// A script that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// How it ended.
    pub ending: Ending,
    /// The script.
    pub script: String,
    /// The last lines of the step's output.
    pub tail: Vec<String>,
    /// All lines of it.
    pub log: PathBuf,
    /// What it was allowed to use.
    pub limits: StepLimits,
}

impl Failure {
    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let look = format!(
            "the whole output is in {}; `orchestrate build --debug-shell` opens a shell where it failed",
            self.log.display()
        );
        match self.ending {
            Ending::TimedOut => format!("if it needs longer, give the stage `timeout \"2h\"`; {look}"),
            Ending::Exceeded(exceeded) => format!("{}; {look}", advice(exceeded.bound)),
            Ending::Killed(9) => format!("memory may have run out: fewer jobs (`--jobs`) need less; {look}"),
            _ if self.lacks_network() => format!(
                "steps have no network: what they need is a source, `vendor` for what a package manager fetches; {look}"
            ),
            _ if self.lacks_room() => format!("{FREE_SPACE}; {look}"),
            _ => look,
        }
    }

    /// Whether the output ends like that of a program whose file system is full.
    fn lacks_room(&self) -> bool {
        // the C library begins with a capital letter, Go does not
        self.tail.iter().any(|line| line.to_ascii_lowercase().contains("no space left on device"))
    }

    /// Whether the output ends like that of a program that tried to reach something.
    fn lacks_network(&self) -> bool {
        const SIGNS: &[&str] =
            &["Temporary failure in name resolution", "Could not resolve host", "Network is unreachable", "dial tcp"];
        self.tail.iter().any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            Ending::Exited(code) => write!(out, "the script failed with exit code {code}"),
            Ending::Killed(signal) => write!(out, "the script was killed by signal {signal}{}", name_of(signal)),
            Ending::TimedOut => write!(out, "the step took longer than {}", self.limits.timeout),
            Ending::Exceeded(exceeded) => write!(out, "the step {exceeded} and was ended"),
        }
    }
}

fn advice(bound: Bound) -> &'static str {
    match bound {
        Bound::Memory | Bound::Processes => "fewer jobs (`--jobs`) need less",
        Bound::Disk | Bound::Files => {
            "the step's folders, its temporary ones and its caches count; remove what it does not need"
        }
    }
}

fn name_of(signal: i32) -> &'static str {
    match signal {
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGBUS => " (SIGBUS)",
        libc::SIGFPE => " (SIGFPE)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGKILL => " (SIGKILL)",
        libc::SIGPIPE => " (SIGPIPE)",
        libc::SIGSEGV => " (SIGSEGV)",
        libc::SIGTERM => " (SIGTERM)",
        libc::SIGXFSZ => " (SIGXFSZ: a file grew too large)",
        _ => "",
    }
}
