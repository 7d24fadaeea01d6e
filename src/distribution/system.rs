//! What an installed system looks like, whatever its packages: what [`SystemModel`]s are told, and what they answer.

use std::fmt;
use std::io;

use serde::Serialize;
use thiserror::Error;

use crate::archive::{Control, ElfFacts, Entry};
use crate::model::{ImagePath, PackageId, PathError, Platform, Timestamp, Why};

/// Knows what a package manager, and the scripts of packages, make of unpacked packages. Nothing is executed, so a system
/// of any architecture is configured on any machine.
pub trait SystemModel: Sync {
    /// Moves with every change of what the model does.
    fn fingerprint(&self) -> &'static str;

    /// Configures the packages of a system. A script that is not known is no error: it is in
    /// [`Configured::unmodelled`], and the caller decides.
    ///
    /// # Errors
    /// When a file of the tree that an effect needs cannot be read, or the control data of a package is broken.
    fn configure(&self, extent: Extent, system: &UnpackedSystem<'_>) -> Result<Configured, ConfigureError>;

    /// What is known of the scripts of `packages` that are not configured yet, in the order of the packages. Those that
    /// are configured decide what the others find. Of a package, only its control member is looked at.
    fn coverage(&self, platform: Platform, packages: &[UnpackedPackage]) -> Vec<ScriptCoverage>;
}

/// How much of the configuration is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The packages are recorded as unpacked, so that the real package manager can go on. Those of other architectures
    /// count as installed, for their scripts cannot run.
    Unpacked,
    /// They are recorded as installed, and that is all.
    Recorded,
    /// What their scripts do is done.
    Configured,
    /// They are configured already, by programs of another processor, whose `ldconfig` knows its own libraries only: the
    /// cache of shared libraries is made.
    Libraries,
}

/// A system whose packages are unpacked.
#[derive(Clone, Copy)]
pub struct UnpackedSystem<'a> {
    /// What it runs on.
    pub platform: Platform,
    /// Its packages.
    pub packages: &'a [UnpackedPackage],
    /// Their files.
    pub tree: &'a dyn Tree,
    /// What generated files give as their time, and the day of the last password change in `/etc/shadow`. A fixed one
    /// ([`crate::model::EPOCH`]) keeps images equal while nothing but the date moves.
    pub moment: Timestamp,
}

/// An unpacked, merged file system. Paths are literal: no method follows a symbolic link.
pub trait Tree {
    /// What is at `path`.
    fn entry(&self, path: &ImagePath) -> Option<Entry>;

    /// What is directly inside `folder`, sorted by path; empty when it is no folder.
    fn list(&self, folder: &ImagePath) -> Vec<Entry>;

    /// The content of the regular file (or hard link) at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is no file, or is larger than the implementation cares to hold.
    fn read(&self, path: &ImagePath) -> io::Result<Vec<u8>>;

    /// What the dynamic loader has to know of the regular file at `path`; none when it is no ELF file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn elf(&self, path: &ImagePath) -> io::Result<Option<ElfFacts>>;
}

/// A package whose files are in the tree.
#[derive(Clone, Debug)]
pub struct UnpackedPackage {
    /// Which it is.
    pub id: PackageId,
    /// Its control member.
    pub control: Control,
    /// Everything its data member holds, in the order of that archive and with the paths as packed: the database
    /// lists what the package owns, also what a path policy left out of the image.
    pub entries: Vec<Entry>,
    /// How far it is.
    pub state: PackageState,
    /// Why it is there.
    pub why: Why,
}

/// How far a package is when [`SystemModel::configure`] begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageState {
    /// Its files are there; its scripts have not had their effect.
    Unpacked,
    /// It came configured with the base image; it takes part in what is made from all packages together (the package
    /// database, alternatives, the loader's cache).
    Configured,
}

/// What configuring adds to and takes from the tree.
#[derive(Debug)]
pub struct Configured {
    /// Files, folders and links to add or replace, sorted by path, with the content of the files.
    pub files: Vec<(Entry, Vec<u8>)>,
    /// What is to be removed from the tree, sorted.
    pub removed: Vec<ImagePath>,
    /// Scripts that the model does not know, sorted by package. Their effects are missing.
    pub unmodelled: Vec<UnmodelledScript>,
    /// Effects that are known and left out on purpose, sorted by package.
    pub left_out: Vec<LeftOut>,
}

/// A known effect of a package's scripts that images do without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The package.
    pub package: String,
    /// What its scripts would have done, and why it is left out.
    pub what: &'static str,
}

/// Why a system cannot be configured.
#[derive(Debug, Error)]
pub enum ConfigureError {
    /// A file of the tree cannot be read.
    #[error("cannot read {path} of the unpacked packages")]
    Read {
        /// The file.
        path: ImagePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that must be text is not UTF-8.
    #[error("{path} is not UTF-8, so the packages' configuration cannot be modelled on it")]
    Text {
        /// The file.
        path: ImagePath,
    },
    /// A package names an impossible path.
    #[error("a package's scripts or lists name an impossible path")]
    Path {
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// An account cannot be made, or is missing.
    #[error("there is no account {name}, or no number is left for it, and a script needs it")]
    Account {
        /// Its name, or the file that has no free number.
        name: String,
    },
    /// A control file is not what it should be.
    #[error("the control data of package {package} is broken: {reason}")]
    Control {
        /// The package.
        package: String,
        /// What is wrong.
        reason: String,
    },
}

/// A maintainer script of which the model does not know all that it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnmodelledScript {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// `preinst` or `postinst`.
    pub script: &'static str,
    /// What identifies the unknown lines: a rule that lists it vouches for them.
    pub fingerprint: String,
    /// The unknown lines, without indentation.
    pub lines: Vec<String>,
    /// Versions of the package whose scripts the model was compared with; none when it has no rule for it.
    pub checked: Vec<&'static str>,
}

impl UnmodelledScript {
    /// The script, when nobody vouches for it.
    pub(in crate::distribution) fn of(script: ScriptCoverage) -> Option<Self> {
        let ScriptCoverage { package, version, script, cover, .. } = script;
        match cover {
            Cover::Nothing { fingerprint, lines, checked } => {
                Some(Self { package, version, script, fingerprint, lines, checked })
            }
            Cover::Snippets | Cover::Rule { .. } | Cover::NoEffect { .. } | Cover::Interpreted { .. } => None,
        }
    }
}

impl fmt::Display for UnmodelledScript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, version, script, fingerprint, checked, .. } = self;
        write!(out, "{script} of {package} {version} (fingerprint {fingerprint}")?;
        if !checked.is_empty() {
            write!(out, "; the model was checked with {}", checked.join(", "))?;
        }
        out.write_str(")")
    }
}

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
    /// The interpreter, when the package is configured.
    Interpreted {
        /// What identifies these lines.
        fingerprint: String,
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
