//! What the model knows of the maintainer scripts of packages, without configuring anything: which of them consist of
//! known commands, which a rule of the table vouches for, and which nobody has read.

use std::io;

use serde::Serialize;

use super::system::System;
use super::{Tree, UnpackedPackage};
use crate::archive::{ElfFacts, Entry};
use crate::model::{EPOCH, ImagePath, Platform};

/// What is known of one maintainer script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptCoverage {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// `preinst` or `postinst`.
    pub script: &'static str,
    /// Who vouches for it.
    #[serde(flatten)]
    pub cover: Cover,
    /// The tools whose snippets are in it (`dh_installsystemd`), sorted. Their commands are read one by one.
    pub snippets: Vec<String>,
    /// What it does that images do without, and why.
    pub left_out: Vec<&'static str>,
}

/// Who vouches for a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "covered", rename_all = "kebab-case")]
pub enum Cover {
    /// It has no lines of its own that could change anything, beside snippets.
    Snippets,
    /// A rule says what its own lines do.
    Rule {
        /// What identifies these lines.
        fingerprint: String,
        /// The versions of the package with which the rule was checked.
        checked: Vec<&'static str>,
        /// What compares the rule with the script: a set of packages of the campaign, or `minbase`.
        compared: &'static str,
    },
    /// Its own lines are known to do nothing on a first installation.
    NoEffect {
        /// What identifies these lines.
        fingerprint: String,
        /// The versions of the package with which that was checked.
        checked: Vec<&'static str>,
        /// What compares that with the script, as with a rule.
        compared: &'static str,
    },
    /// Nobody.
    Nothing {
        /// What identifies its own lines.
        fingerprint: String,
        /// The lines that nobody has read.
        lines: Vec<String>,
        /// Versions of the package whose scripts are known.
        checked: Vec<&'static str>,
    },
}

/// What is known of the scripts of `packages` that are not configured yet, in the order of the packages. Those that are
/// configured decide what the others find. Of a package, only its control member is looked at.
#[must_use]
pub fn coverage(platform: Platform, packages: &[UnpackedPackage]) -> Vec<ScriptCoverage> {
    System::new(platform, packages, &NoFiles, EPOCH).coverage()
}

/// A system without a file.
pub(super) struct NoFiles;

impl Tree for NoFiles {
    fn entry(&self, _: &ImagePath) -> Option<Entry> {
        None
    }

    fn list(&self, _: &ImagePath) -> Vec<Entry> {
        Vec::new()
    }

    fn read(&self, _: &ImagePath) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn elf(&self, _: &ImagePath) -> io::Result<Option<ElfFacts>> {
        Ok(None)
    }
}
