//! Roots for build steps: the packages of the room `packages`, configured by the model, in the store.
//!
//! Where a package has a script that nobody has read, the scripts of all packages are run instead, by the
//! package manager of the root in the sandbox. What they write that differs from run to run (logs, caches with times in them) is taken out.

mod configure;
mod delta;
mod error;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use error::RootError;

use configure::RootScripts;

use super::log::OutputSink;
use super::sandbox::Sandbox;
use crate::beneath::Dir;
use crate::model::{Digest, Platform, shown_list};
use crate::packages::{PackageRoot, RootPackage};
use crate::plan::RootFormat;
use crate::store::{Store, TreeFacts, TreeKind};

/// A set of packages as one root.
#[derive(Clone, Debug, Serialize)]
pub struct RootSpec {
    /// Moves when the way of making roots does.
    pub format: RootFormat,
    /// What runs in it; scripts of packages of other architectures are never run.
    pub platform: Platform,
    /// The packages, in any order.
    pub packages: Vec<RootPackage>,
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
    let packages = PackageRoot::new(store, spec.platform, &spec.packages)?;
    let (tree, unmodelled) = packages.configured()?;
    let writer = store.tree_writer(TreeKind::Root, key)?;
    let root = Dir::open(writer.path())?;
    let stored = |(path, TreeFacts { digest, .. })| RootHandle { key: *key, digest, path };
    let Some(programs) = packages.scripts().filter(|_| !unmodelled.is_empty()) else {
        let facts = tree.lay_out(root)?;
        return Ok(stored(writer.commit_known(facts)?));
    };
    let scripts: Vec<String> = unmodelled.iter().map(ToString::to_string).collect();
    sink.line(&format!("running the scripts of all packages, because some are not known: {}", shown_list(&scripts)));
    packages.unpacked()?.lay_out(root)?;
    let scripts = RootScripts { store, spec, programs, root: writer.path() };
    scripts.run(packages.packages(), sandbox, sink)?;
    Ok(stored(writer.commit_with_facts()?))
}
