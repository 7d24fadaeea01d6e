//! Why a suite could not be read.

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::distribution::openpgp::KeyringError;
use crate::distribution::suite::{DocumentError, KEYRING_HELP, WorldFault};
use crate::fetch::{FetchError, FetchFailure};
use crate::model::{ArchivePathError, Timestamp};
use crate::store::StoreError;

/// Why a suite could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each is a room's own error")]
pub enum SuiteError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the keyring cannot be used")]
    Keys {
        #[from]
        source: KeyringError,
    },
    #[error("index `{name}` cannot be read")]
    Index { name: String, source: WorldFault },
    #[error("index `{name}` cannot be decompressed")]
    Archive { name: String, source: ArchiveError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read the keyring")]
    Keyring { source: std::io::Error },
    #[error("a file has no URL at the mirrors")]
    Path {
        #[from]
        source: ArchivePathError,
    },
    #[error("the release file is from {date}, older than the one from {locked} that `lock/archives.kdl` records")]
    Older { date: Timestamp, locked: Timestamp },
    #[error("no mirror has a release file that may be used:{}", refused.iter().map(|one| format!("\n  - {one}")).collect::<String>())]
    Mirrors { refused: Vec<RefusedMirror> },
}

impl SuiteError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Fetch(error) => error.help(),
            Self::Document(error) => error.help(),
            Self::Store(error) => error.help(),
            Self::Keys { .. } | Self::Keyring { .. } => Some(KEYRING_HELP.to_owned()),
            error if error.is_older() => Some(
                "the mirror is behind or replays an old release: name another one in the environment file; to go back on \
                 purpose, run `orchestrate refresh --allow-older`"
                    .to_owned(),
            ),
            Self::Mirrors { refused } => refused.iter().find_map(|one| one.error.help()),
            Self::Index { .. } | Self::Archive { .. } => {
                Some("name another mirror in the environment file".to_owned())
            }
            Self::Older { .. } | Self::Path { .. } => None,
        }
    }

    /// Whether no other mirror would help.
    pub(in crate::ops) const fn is_about_here(&self) -> bool {
        match self {
            Self::Fetch(error) => !matches!(error, FetchError::Failed { .. }),
            Self::Store(_) | Self::Path { .. } => true,
            _ => false,
        }
    }

    /// Whether a mirror has only an older release than the lock.
    pub(crate) fn is_older(&self) -> bool {
        match self {
            Self::Older { .. } => true,
            Self::Mirrors { refused } => refused.iter().any(|one| one.error.is_older()),
            _ => false,
        }
    }

    /// What is wrong when none of these mirrors helped: the error itself where it says all, as that of a single mirror
    /// does and those of fetching together.
    pub(in crate::ops) fn of_mirrors(mut refused: Vec<RefusedMirror>) -> Self {
        if refused.iter().all(|one| matches!(one.error, Self::Fetch(FetchError::Failed { .. }))) {
            let (mut label, mut attempts) = (String::new(), Vec::new());
            for one in refused {
                if let Self::Fetch(FetchError::Failed { failures }) = one.error {
                    for failure in failures {
                        label = failure.label;
                        attempts.extend(failure.attempts);
                    }
                }
            }
            return Self::Fetch(FetchError::Failed { failures: vec![FetchFailure { label, attempts }] });
        }
        match refused.pop() {
            Some(single) if refused.is_empty() && !single.error.is_older() => single.error,
            last => {
                refused.extend(last);
                Self::Mirrors { refused }
            }
        }
    }
}

/// A mirror whose release file may not be used, and why.
#[derive(Debug)]
pub struct RefusedMirror {
    /// The URL of its release file, without credentials.
    url: String,
    error: SuiteError,
}

impl RefusedMirror {
    pub(in crate::ops) fn new(url: &url::Url, error: SuiteError) -> Self {
        Self { url: crate::fetch::shown(url), error }
    }
}

impl std::fmt::Display for RefusedMirror {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let SuiteError::Fetch(FetchError::Failed { failures }) = &self.error {
            let reasons = failures.iter().flat_map(|failure| &failure.attempts).map(|attempt| attempt.reason.as_str());
            return write!(out, "{}: {}", self.url, reasons.collect::<Vec<_>>().join("; "));
        }
        write!(out, "{}: {}", self.url, self.error)?;
        let mut cause: &dyn std::error::Error = &self.error;
        while let Some(deeper) = cause.source() {
            write!(out, ": {deeper}")?;
            cause = deeper;
        }
        Ok(())
    }
}
