//! What the processes inside say to the program outside: one JSON value on their standard output.

use std::io;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How it went.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Report {
    /// The process ran and exited with this code.
    Exited(i32),
    /// The process ran and was killed by this signal.
    Killed(i32),
    /// The sandbox could not be made, or the process not started.
    Failed {
        /// What was being done, to what.
        doing: String,
        /// The error's number (`errno`), where the kernel gave one.
        errno: Option<i32>,
        /// The error in words.
        why: String,
    },
}

/// A step of building the sandbox that failed.
#[derive(Debug, Error)]
#[error("{doing}")]
pub(super) struct SetupError {
    doing: String,
    source: io::Error,
}

impl SetupError {
    pub(super) fn report(&self) -> Report {
        Report::Failed { doing: self.doing.clone(), errno: self.source.raw_os_error(), why: self.source.to_string() }
    }
}

/// Says what was being done when something failed.
pub(super) trait Doing<T> {
    /// The error with `doing`, which reads after "could not".
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, SetupError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, SetupError> {
        self.map_err(|error| SetupError { doing: doing(), source: error.into() })
    }
}
