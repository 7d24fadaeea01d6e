//! Why something could not be fetched.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;
use url::Url;

use crate::store::StoreError;

/// Why something could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// Things are not in the store, and the network may not be used.
    #[error("{} not in the store, and the network is off:{}", count(missing.len(), "input is", "inputs are"), list(missing))]
    Offline {
        /// All of them, by label.
        missing: Vec<String>,
    },
    /// Things that no mirror gave.
    #[error("{} could not be fetched:{}", count(failures.len(), "input", "inputs"), list(failures))]
    Failed {
        /// All of them.
        failures: Vec<FetchFailure>,
    },
    /// The store could not take what came.
    #[error("cannot keep what was fetched")]
    Store(#[from] StoreError),
    /// A file that the configuration names cannot be used.
    #[error("cannot use {what} in `{}`: {reason}", path.display())]
    Config {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A proxy that cannot be one.
    #[error("`{url}` is not a proxy: write `http://`, `https://` or `socks5://`, a host and a port")]
    Proxy {
        /// As configured.
        url: String,
    },
    /// The machinery for the network could not be set up.
    #[error("cannot use the network: {reason}")]
    Network {
        /// Why.
        reason: String,
    },
    /// A git repository could not be read.
    #[error("cannot {doing} of `{url}`: {reason}")]
    Git {
        /// What was being done.
        doing: String,
        /// The repository.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A git repository has no such tag or branch.
    #[error("`{url}` has no {reference}{}", similar.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    NoReference {
        /// The repository.
        url: String,
        /// What was asked for, like "tag `v1`".
        reference: String,
        /// One that it has, and that is spelt alike.
        similar: Option<String>,
    },
    /// A tree that would be written outside its folder, or is beyond the limits.
    #[error("`{}` in {from}: {reason}", path.display())]
    Tree {
        /// The path in the tree.
        path: PathBuf,
        /// Where the tree comes from.
        from: String,
        /// Why it is refused.
        reason: String,
    },
    /// A file beside a recipe could not be read or copied.
    #[error("cannot {doing} `{}`", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Something that no mirror gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// What it is.
    pub label: String,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
}

/// What came of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The URL, without credentials.
    pub url: String,
    /// Why it did not help.
    pub reason: String,
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts.as_slice() {
            [] => write!(out, "{}: no URL is known for it", self.label),
            [one] => write!(out, "{}: {}: {}", self.label, one.url, one.reason),
            several => {
                write!(out, "{}:", self.label)?;
                several.iter().try_for_each(|attempt| write!(out, "\n      {}: {}", attempt.url, attempt.reason))
            }
        }
    }
}

impl FetchError {
    /// What a person can do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Offline { .. } => "run `orchestrate fetch` where there is a network, or once without `--offline`",
            Self::Failed { failures } if failures.iter().any(FetchFailure::is_wrong_content) => {
                "what is served is not what was pinned: if that is expected, run `orchestrate refresh`; if not, ask why"
            }
            Self::Failed { .. } => "check the network, or name a `mirror` or `proxy` in the environment file",
            Self::Store(error) => return error.help(),
            Self::Config { .. } | Self::Proxy { .. } => "correct the environment file",
            Self::Network { .. } => {
                "install the package `ca-certificates`, or name an `authority` in the environment file"
            }
            Self::Git { .. } => {
                "check the URL (http, https, git and file are supported, ssh is not), or name another repository"
            }
            Self::NoReference { .. } => "correct the recipe, or run `orchestrate refresh` if the reference has moved",
            Self::Tree { .. } => "use another version of the source, or report it to its authors",
            Self::File { .. } => "check the path in the recipe; it is relative to the recipe's folder",
        };
        Some(text.to_owned())
    }
}

/// The words by which a mismatch is recognised, as [`StoreError::Mismatch`] and [`StoreError::Length`] begin.
const EXPECTED: &str = "expected ";

impl FetchFailure {
    fn is_wrong_content(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.reason.starts_with(EXPECTED))
    }
}

/// A URL as it may be shown: without user and password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // both fail only for URLs that cannot have credentials
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  - {item}")).collect()
}
