//! Why a root could not be made.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::packages::PackagesError;
use crate::stage::sandbox::{Ending, SandboxError};
use crate::store::StoreError;

/// Why a root could not be made.
#[derive(Debug, Error)]
pub enum RootError {
    /// The packages cannot be together.
    #[error(transparent)]
    Packages {
        /// Why.
        #[from]
        source: PackagesError,
    },
    /// A maintainer script failed.
    #[error("configuring the packages of a root failed: the scripts {ended}")]
    Scripts {
        /// How they ended.
        ended: String,
        /// The last lines of their output.
        tail: Vec<String>,
        /// All of it.
        log: PathBuf,
    },
    /// Scripts cannot be run.
    #[error("cannot run the scripts of packages")]
    Sandbox {
        /// Why not.
        #[from]
        source: SandboxError,
    },
    /// A file could not be read or written; the cause names it.
    #[error("cannot write a root")]
    Io {
        /// Which, and why.
        #[from]
        source: io::Error,
    },
    /// The store.
    #[error("cannot store a root")]
    Store {
        /// Why not.
        #[from]
        source: StoreError,
    },
}

impl RootError {
    pub(super) fn scripts(ending: Ending, tail: Vec<String>, log: PathBuf) -> Self {
        let ended = match ending {
            Ending::Exited(code) => format!("exited with code {code}"),
            Ending::Killed(signal) => format!("were killed by signal {signal}"),
            Ending::TimedOut => "did not end within an hour".to_owned(),
            Ending::Exceeded(exceeded) => format!("{exceeded} and were ended"),
        };
        Self::Scripts { ended, tail, log }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Scripts { log, .. } => Some(format!(
                "the whole output is in {}; a package that cannot be configured in a sandbox cannot be part of a builder image",
                log.display()
            )),
            Self::Sandbox { source } => source.help(),
            Self::Packages { source } => source.help(),
            Self::Store { source } => source.help(),
            Self::Io { .. } => None,
        }
    }
}
