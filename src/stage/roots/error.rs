//! Why a root could not be made.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::model::ImagePath;
use crate::stage::sandbox::{Ending, SandboxError};
use crate::store::StoreError;

/// Why a root could not be made.
#[derive(Debug, Error)]
pub enum RootError {
    /// A package is no package.
    #[error("cannot unpack the package {package}")]
    Package {
        /// Its name, version and architecture.
        package: String,
        /// Why not.
        source: ArchiveError,
    },
    /// A package is another one than was asked for.
    #[error("the package {package} says of itself that it is {found}")]
    OtherPackage {
        /// What was asked for.
        package: String,
        /// What it is.
        found: String,
    },
    /// Two packages hold the same file.
    #[error("the packages {one} and {other} both hold `{path}`")]
    Conflict {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// The file.
        path: ImagePath,
    },
    /// A file of a package lies below something that is no folder.
    #[error("`{path}` of the package {package} lies below something that is no folder of the root")]
    NoFolder {
        /// The package.
        package: String,
        /// Its file.
        path: ImagePath,
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
            Self::Conflict { .. } => Some("ask for one of them only".to_owned()),
            Self::Sandbox { source } => source.help(),
            Self::Package { .. } => {
                Some("`orchestrate cache verify` finds files of the store that were damaged".to_owned())
            }
            _ => None,
        }
    }
}
