//! Roots for build steps: packages unpacked once each into the store, linked together into one tree, and configured by
//! their own maintainer scripts in the sandbox.
//!
//! A root is a tool, not a part of an image: owners are not kept, set-uid bits are dropped, and what scripts write that
//! differs from run to run (logs, caches with times in them) is taken out, so that the same packages give the same root.

mod configure;
mod database;
mod delta;
mod error;
mod merge;
mod package;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use error::RootError;

use super::log::OutputSink;
use super::sandbox::Sandbox;
use crate::beneath::Dir;
use crate::model::{Digest, Platform};
use crate::plan::RootFormat;
use crate::store::{Store, TreeKind};

/// A set of packages as one root.
#[derive(Clone, Debug, Serialize)]
pub struct RootSpec {
    /// Moves when the way of making roots does.
    pub format: RootFormat,
    /// What runs in it; scripts of packages of other architectures are never run.
    pub platform: Platform,
    /// The packages, in any order.
    pub packages: Vec<RootPackage>,
    /// Who configures them.
    pub configure: RootConfigure,
}

/// A package, as a `.deb` that the store holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RootPackage {
    /// Its name.
    pub name: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// Its version.
    pub version: String,
    /// Hash of the `.deb`.
    pub digest: Digest,
}

/// Who configures the packages of a root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RootConfigure {
    /// The maintainer scripts of those packages that run on the root's platform.
    #[default]
    Scripts,
    /// Nobody: files and package database only.
    None,
}

/// A root in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootHandle {
    key: Digest,
    digest: Digest,
    path: PathBuf,
}

impl RootHandle {
    /// What it was stored under.
    #[must_use]
    pub const fn key(&self) -> Digest {
        self.key
    }

    /// Digest of what is in it, as of [`crate::store::digest_tree`].
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl RootSpec {
    /// What it is stored under when nobody says otherwise: the hash of all of it, whatever the order of packages.
    #[must_use]
    pub fn key(&self) -> Digest {
        let mut sorted = self.clone();
        sorted.packages.sort();
        sorted.packages.dedup();
        Digest::of_value(&("root", sorted))
    }
}

/// The root under `key`, when the store holds it.
#[must_use]
pub fn known_root(store: &Store, key: &Digest) -> Option<RootHandle> {
    let path = store.tree(TreeKind::Root, key)?;
    let facts = store.tree_facts(TreeKind::Root, key).ok().flatten()?;
    Some(RootHandle { key: *key, digest: facts.digest, path })
}

/// Makes the root of `spec` and stores it under `key`, unless it is there already; whoever else makes the same one at
/// the same time is waited for. The output of scripts goes to `sink`.
///
/// # Errors
/// When a package is broken, two packages hold the same file, a script fails, or the store cannot be written. Nothing
/// stays of a root that failed, but its packages stay unpacked.
pub fn compose_root(
    store: &Store,
    key: &Digest,
    spec: &RootSpec,
    sandbox: &Sandbox,
    sink: &dyn OutputSink,
) -> Result<RootHandle, RootError> {
    let _claim = store.claim("root", key)?;
    if let Some(root) = known_root(store, key) {
        return Ok(root);
    }
    let mut packages = package::unpack_all(store, &spec.packages)?;
    // dpkg's own order; the native one of several architectures first, because it wins where files are shared
    let native = spec.platform.deb();
    packages.sort_by_key(|package| (package.name.clone(), !package.runs_on(native), package.architecture.clone()));
    let writer = store.tree_writer(TreeKind::Root, key)?;
    let root = Dir::open(writer.path())?;
    merge::merge(&packages, &root)?;
    database::write(spec, &packages, &root)?;
    if spec.configure == RootConfigure::Scripts {
        configure::configure(store, spec, &packages, writer.path(), sandbox, sink)?;
    }
    let (path, facts) = writer.commit_with_facts()?;
    Ok(RootHandle { key: *key, digest: facts.digest, path })
}
