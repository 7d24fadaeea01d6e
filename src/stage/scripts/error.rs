//! Why the scripts of packages could not configure them.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::distribution::scripts::UnawareScript;
use crate::model::Platform;
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
    /// Scripts of another architecture are not made to run outside of what they configure.
    #[error("these scripts are not made to run outside of the image, with programs of this machine{}", list(scripts))]
    Unaware {
        /// All of them.
        scripts: Vec<UnawareScript>,
    },
    /// A script changed the system that it ran in instead of the one that it is to configure.
    #[error("scripts changed the system that they ran in instead of the image: {}", first(paths))]
    Strayed {
        /// What was changed.
        paths: Vec<PathBuf>,
    },
    /// Nothing on this machine runs programs of a platform.
    #[error("there is no emulator for {platform} on this machine")]
    NoEmulator {
        /// The platform.
        platform: Platform,
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
    pub(super) fn failed(ending: Ending, culprit: Option<(String, &str)>, tail: Vec<String>, log: PathBuf) -> Self {
        let ended = match ending {
            Ending::Exited(code) => format!("exited with code {code}"),
            Ending::Killed(signal) => format!("was killed by signal {signal}"),
            Ending::TimedOut => "did not end within three hours".to_owned(),
            Ending::Exceeded(exceeded) => format!("{exceeded} and was ended"),
        };
        let what = match culprit {
            Some((package, script)) => format!("the script {script} of the package {package}, or what ran it,"),
            None => "the installation of packages".to_owned(),
        };
        Self::Failed { what, ended, tail, log }
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
            Self::Unaware { .. } | Self::Strayed { .. } => Some(
                "use `configure \"model\"`, which runs nothing, build on a machine of that architecture, or add `emulate \
                 \"qemu\"`, which is slow"
                    .to_owned(),
            ),
            Self::NoEmulator { .. } => Some(
                "install QEMU's statically linked programs: `qemu-user-static`, on newer systems `qemu-user`"
                    .to_owned(),
            ),
            Self::Io { .. } | Self::Store { .. } => None,
        }
    }
}

/// How many of many things a message lists.
const SHOWN: usize = 10;

fn list(scripts: &[UnawareScript]) -> String {
    let mut text: String = scripts
        .iter()
        .take(SHOWN)
        .map(|UnawareScript { package, script, line }| format!("\n{package} {script}: {line}"))
        .collect();
    if scripts.len() > SHOWN {
        text.push_str(&format!("\nand {} more", scripts.len() - SHOWN));
    }
    text
}

fn first(paths: &[PathBuf]) -> String {
    let mut shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("/{}", path.display())).collect();
    if paths.len() > SHOWN {
        shown.push(format!("and {} more", paths.len() - SHOWN));
    }
    shown.join(", ")
}
