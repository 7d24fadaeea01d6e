//! Why the scripts of packages could not configure them.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::stage::sandbox::{Ending, SandboxError};
use crate::store::StoreError;

/// Why the scripts of packages could not configure them.
#[derive(Debug, Error)]
pub enum ScriptsError {
    /// A script failed, or what runs it.
    #[error("{what} {ended}")]
    Failed {
        /// `the script postinst of a package`, or what is known of it.
        what: String,
        /// How it ended.
        ended: String,
        /// The last lines of the output.
        tail: Vec<String>,
        /// All of it.
        log: PathBuf,
    },
    /// The sandbox could not be made.
    #[error("cannot run the scripts of packages")]
    Sandbox {
        /// Why not.
        #[from]
        source: SandboxError,
    },
    /// A file could not be read or written; the cause names it.
    #[error("cannot prepare a root for the scripts of packages")]
    Io {
        /// Which, and why.
        source: io::Error,
    },
    /// The store.
    #[error("cannot prepare a root for the scripts of packages")]
    Store {
        /// Why not.
        #[from]
        source: StoreError,
    },
}

impl ScriptsError {
    pub(super) fn failed(ending: Ending, tail: Vec<String>, log: PathBuf) -> Self {
        let ended = match ending {
            Ending::Exited(code) => format!("exited with code {code}"),
            Ending::Killed(signal) => format!("was killed by signal {signal}"),
            Ending::TimedOut => "did not end within three hours".to_owned(),
        };
        Self::Failed { what: culprit(&tail), ended, tail, log }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Failed { log, .. } => Some(format!(
                "the whole output is in {}. A script that wants a running service or a network cannot run here: leave \
                 its package out, or use `configure \"model\"` with a waiver for `maintainer-script` that says why the \
                 image does without what the script does",
                log.display()
            )),
            Self::Sandbox { source } => source.help(),
            Self::Io { .. } | Self::Store { .. } => None,
        }
    }
}

/// Which script failed, as dpkg reports it: `installed PACKAGE package post-installation script subprocess returned …`.
fn culprit(tail: &[String]) -> String {
    const SCRIPTS: &[(&str, &str)] = &[
        ("pre-installation script", "preinst"),
        ("post-installation script", "postinst"),
        ("pre-removal script", "prerm"),
        ("post-removal script", "postrm"),
    ];
    let found = tail.iter().rev().find_map(|line| {
        let (rest, name) = SCRIPTS.iter().find_map(|(words, name)| Some((line.split_once(words)?.0, name)))?;
        let package = rest.trim_end().strip_suffix(" package")?.rsplit(' ').next()?;
        Some(format!("the script {name} of the package {package}, or what ran it,"))
    });
    found.unwrap_or_else(|| "the installation of packages".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_that_failed_is_named() {
        let lines = |line: &str| vec!["Setting up x (1) ...".to_owned(), line.to_owned(), "Errors were".to_owned()];
        let old = "dpkg: error processing package x (--configure):\n";
        assert_eq!(culprit(&lines(old)), "the installation of packages");
        let real = " installed postgresql-17 package post-installation script subprocess returned error exit status 1";
        assert_eq!(culprit(&lines(real)), "the script postinst of the package postgresql-17, or what ran it,");
    }
}
