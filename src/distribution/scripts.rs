//! Maintainer scripts that are run for real, as data: which files the sandbox gets, and what is run in it.

use std::collections::{BTreeMap, BTreeSet};

use super::system::UnpackedPackage;
use crate::archive::Control;
use crate::model::{Digest, PackageId, Platform, Why};

/// Where a sandbox has the files of a [`ScriptRun`].
pub const OWN: &str = "orchestrate";
/// Where it has the system that is configured from outside.
pub const TARGET: &str = "target";

/// Knows how the programs of a package manager install packages, so that their scripts run.
pub trait ScriptPrograms: Sync {
    /// What holds whatever is installed.
    fn facts(&self) -> &'static ScriptFacts;

    /// Installs packages over the basic ones, which lie there unpacked.
    fn install(&self, install: &Install<'_>) -> ScriptRun;

    /// Runs the scripts of the packages of a root, whose database says that they are unpacked.
    fn configure(&self, packages: &[&UnpackedPackage]) -> ScriptRun;

    /// Of the scripts of packages that run outside of the system which they configure, those that are not made for it, but
    /// for the `inert`, which are known to do nothing.
    fn unaware(&self, packages: &[ScriptedPackage], inert: &BTreeSet<(String, &'static str)>) -> Vec<UnawareScript>;

    /// The package and the script that failed, from the last lines of the output.
    fn culprit(&self, tail: &[String]) -> Option<(String, &'static str)>;
}

/// What does not depend on the packages.
#[derive(Debug)]
pub struct ScriptFacts {
    /// The package without which no scripts run.
    pub runner: &'static str,
    /// Packages that are there before all others where a system has them, because they install these.
    pub installers: &'static [&'static str],
    /// What the programs leave in an image that differs from run to run: paths as of [`crate::model::Glob`].
    pub leavings: &'static [&'static str],
    /// The same in a root, without leading slashes.
    pub root_leavings: &'static [&'static str],
}

/// A package to be installed.
#[derive(Clone, Debug)]
pub struct ScriptedPackage {
    /// Which it is.
    pub id: PackageId,
    /// Its file.
    pub digest: Digest,
    /// Bytes of the file.
    pub size: u64,
    /// Its control file and its scripts.
    pub control: Control,
    /// Whether nothing runs without it: then it lies in the system unpacked, and is installed first, whatever the order.
    pub basic: bool,
    /// Why it is there.
    pub why: Why,
}

/// Packages that are to be installed in a system.
#[derive(Clone, Copy, Debug)]
pub struct Install<'a> {
    /// What the system runs on.
    pub platform: Platform,
    /// The packages.
    pub packages: &'a [ScriptedPackage],
    /// Those of [`ScriptFacts::installers`] that the system has.
    pub installers: &'a [&'static str],
    /// Whether the programs run outside of the system, which is at [`TARGET`].
    pub outside: bool,
}

/// What is run in a sandbox.
#[derive(Debug, Default)]
pub struct ScriptRun {
    /// Text for `/bin/sh -eu`.
    pub script: String,
    /// Variables of the environment.
    pub env: BTreeMap<String, String>,
    /// Files in the system while it runs, by path, unless the system has them.
    pub guards: Vec<(&'static str, &'static str)>,
    /// Folders below [`OWN`].
    pub folders: Vec<&'static str>,
    /// Those of them that cannot be changed.
    pub read_only: Vec<&'static str>,
    /// Files below [`OWN`].
    pub files: Vec<(String, String)>,
    /// Package files below [`OWN`].
    pub packages: Vec<(String, Digest)>,
}

/// A script that is not made to run outside of the system that it configures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnawareScript {
    /// The package.
    pub package: String,
    /// `preinst` or `postinst`.
    pub script: &'static str,
    /// The first line that does not heed the system's folder.
    pub line: String,
}
