//! What Debian's maintainer scripts would have made of unpacked packages, as data: no script is executed, so a system
//! of any architecture is configured on any machine.
//!
//! A script is *recognised* or it is reported, never guessed at (see `script`): what debhelper added to it is
//! parsed, and what remains must be known, by its fingerprint, to a rule of the table in `rules`. One module per
//! effect knows what the tool behind it does: `alternatives` what `update-alternatives` does, `ldcache` what
//! `ldconfig` does, and so on. They change a `Root`, which is the unpacked tree with changes on top.

mod accounts;
mod alternatives;
mod certificates;
mod commands;
mod coverage;
mod database;
mod debconf;
mod effect;
mod init_scripts;
mod ldcache;
mod locales;
#[cfg(test)]
mod oracle_tests;
mod order;
mod pam;
mod presets;
mod rules;
mod script;
mod shell;
mod shells;
mod statoverrides;
mod system;
mod tmpfiles;
mod tree;
mod ucf;
mod units;
mod whole_snippets;

use std::io;

use thiserror::Error;

use crate::archive::{Control, Entry};
use crate::model::{ImagePath, PackageId, PathError, Platform, Timestamp};

pub use coverage::{Cover, ScriptCoverage, coverage};
pub use database::DpkgDatabase;
pub use script::UnmodelledScript;
pub use tree::Tree;

/// Moves with every change of the rules: the hash of their source text, made by `build.rs`.
pub const FINGERPRINT: &str = env!("ORCHESTRATE_RULES");

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
    /// Who asked for it.
    pub request: PackageRequest,
}

/// How far a package is when [`configure`] begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageState {
    /// Its files are there; its scripts have not had their effect.
    Unpacked,
    /// It came configured with the base image; it takes part in what is made from all packages together (the package
    /// database, alternatives, the loader's cache).
    Configured,
}

/// Who asked for a package; apt keeps this, to know what nobody needs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageRequest {
    /// The recipe, or the archive's idea of a minimal system.
    Manual,
    /// Another package needs it.
    Automatic,
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

/// Configures `packages`, which are unpacked in `tree`, for `platform`.
///
/// `moment` is what generated files give as their time, and the day of the last password change in `/etc/shadow`; a
/// fixed one ([`crate::model::EPOCH`]) keeps images equal while nothing but the date moves.
///
/// # Errors
/// When a file of the tree that an effect needs cannot be read, or a package's control data is broken. A script that
/// is not known is no error here: it is in [`Configured::unmodelled`], and the caller decides.
pub fn configure(
    platform: Platform,
    packages: &[UnpackedPackage],
    tree: &dyn Tree,
    moment: Timestamp,
) -> Result<Configured, ConfigureError> {
    system::System::new(platform, packages, tree, moment).configure()
}

/// Makes the cache of shared libraries and nothing else, for a system whose packages were configured by programs of
/// another processor: their `ldconfig` knows its own libraries only.
///
/// # Errors
/// As [`configure`].
pub fn cache_libraries(
    platform: Platform,
    packages: &[UnpackedPackage],
    tree: &dyn Tree,
    moment: Timestamp,
) -> Result<Configured, ConfigureError> {
    let mut root = tree::Root::new(tree, moment.seconds());
    let of = |name: &str| packages.iter().find(|package| package.id.name == name);
    if let Some(library) = of("libc-bin").or_else(|| of("libc6")) {
        ldcache::update(&mut root, platform, &library.id.version)?;
    }
    Ok(changed(root))
}

/// Records `packages` as installed and does nothing else: the package database, for images whose packages are not to be
/// configured.
///
/// # Errors
/// As [`configure`].
pub fn record(
    platform: Platform,
    packages: &[UnpackedPackage],
    tree: &dyn Tree,
    moment: Timestamp,
) -> Result<Configured, ConfigureError> {
    let mut root = tree::Root::new(tree, moment.seconds());
    DpkgDatabase::new(platform, packages).write(&mut root)?;
    Ok(changed(root))
}

/// Writes down `packages` as dpkg has them between unpacking and configuring, for a real dpkg that goes on from there
/// with `dpkg --configure`. Those of other architectures count as installed, for their scripts cannot run.
///
/// # Errors
/// As [`configure`].
pub fn record_unpacked(
    platform: Platform,
    packages: &[UnpackedPackage],
    tree: &dyn Tree,
    moment: Timestamp,
) -> Result<Configured, ConfigureError> {
    let mut root = tree::Root::new(tree, moment.seconds());
    DpkgDatabase::new(platform, packages).with_states().write(&mut root)?;
    Ok(changed(root))
}

/// What was done to the tree where no script was read.
fn changed(root: tree::Root<'_>) -> Configured {
    let (files, removed) = root.into_changes();
    Configured { files, removed, unmodelled: Vec::new(), left_out: Vec::new() }
}
