//! What a lock holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::model::{
    ArchiveName, Digest, EPOCH, ImageName, ImageReference, PackageId, Platform, SourceName, StageName, Timestamp, Why,
};

/// The releases that package pins were taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchivesLock {
    /// By archive and suite.
    pub suites: BTreeMap<(ArchiveName, String), SuitePin>,
}

/// A signed release of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitePin {
    /// Its `Date`.
    pub date: Timestamp,
    /// Hash of the signed file as it was served.
    pub release: Digest,
    /// The indexes that were read, by the name that the release gives them.
    pub indexes: BTreeMap<String, IndexPin>,
}

/// An index of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPin {
    /// Bytes.
    pub size: u64,
    /// Hash of the file.
    pub digest: Digest,
}

/// The pins of one recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeLock {
    /// What its images say of when they were made: the newest date among the inputs when a pin moved last.
    pub created: Timestamp,
    /// By source, and by platform where platforms differ.
    pub sources: BTreeMap<(SourceName, Option<Platform>), SourcePin>,
    /// The packages of each root.
    pub packages: BTreeMap<SetId, PackageSet>,
    /// What images are built on that come out of a registry.
    pub bases: BTreeMap<(ImageName, Platform), BasePin>,
}

/// An image of a registry on one platform: the blobs that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BasePin {
    /// What the recipe asked for: the request that this answers.
    pub reference: ImageReference,
    /// Its manifest on this platform.
    pub manifest: BlobPin,
    /// Its configuration.
    pub config: BlobPin,
    /// Its layers, lowest first.
    pub layers: Vec<BlobPin>,
}

/// A blob of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlobPin {
    /// Bytes.
    pub size: u64,
    /// Its hash.
    pub digest: Digest,
}

impl Default for RecipeLock {
    fn default() -> Self {
        Self { created: EPOCH, sources: BTreeMap::new(), packages: BTreeMap::new(), bases: BTreeMap::new() }
    }
}

/// A source, and the digest of the request it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "`request` is the same in each: the meaning of the recipe's source node")]
pub enum SourcePin {
    /// A commit and its whole tree, submodules at their commits included.
    Git { request: Digest, commit: String, tree: Digest },
    /// A file.
    Download { request: Digest, size: u64, digest: Digest },
    /// The files of a source package.
    Package { request: Digest, version: String, archive: ArchiveName, files: Vec<FilePin> },
    /// The output of a step with a network.
    Vendor { request: Digest, tree: Digest },
}

impl SourcePin {
    /// The digest of the request that it answers.
    #[must_use]
    pub const fn request(&self) -> &Digest {
        match self {
            Self::Git { request, .. }
            | Self::Download { request, .. }
            | Self::Package { request, .. }
            | Self::Vendor { request, .. } => request,
        }
    }

    /// What a person calls this version of it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Git { commit, .. } => commit.chars().take(12).collect(),
            Self::Download { digest, .. } => digest.short(),
            Self::Package { version, .. } => version.clone(),
            Self::Vendor { tree, .. } => tree.short(),
        }
    }
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FilePin {
    /// Relative to the archive's root.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its hash.
    pub digest: Digest,
}

/// A step that runs in a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepOwner {
    /// A stage.
    Stage(StageName),
    /// A vendor source.
    Vendor(SourceName),
}

impl fmt::Display for StepOwner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(name) => write!(out, "stage {name}"),
            Self::Vendor(name) => write!(out, "vendor {name}"),
        }
    }
}

/// Whose packages a set holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetId {
    /// An image's own, beyond those of its base.
    Image {
        /// Which image.
        name: ImageName,
        /// What it runs on.
        platform: Platform,
    },
    /// A step's, beyond those of the image that it runs in.
    Step {
        /// Whose step.
        owner: StepOwner,
        /// What is built for.
        target: Platform,
        /// What it is built on.
        build: Platform,
    },
}

impl SetId {
    /// What the packages serve in the end: the image's platform, or the one that is built for.
    #[must_use]
    pub const fn target(&self) -> Platform {
        match self {
            Self::Image { platform: target, .. } | Self::Step { target, .. } => *target,
        }
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { name, platform } => write!(out, "image {name} {platform}"),
            Self::Step { owner, target, build } => write!(out, "{owner} {target} on {build}"),
        }
    }
}

/// The packages of a root, and the digest of the request that they answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSet {
    /// Digest of what was asked for: names, constraints, distribution, and the packages already there.
    pub request: Digest,
    /// Sorted by name and architecture.
    pub packages: Vec<PackagePin>,
}

/// A binary package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackagePin {
    /// Which it is.
    #[serde(flatten)]
    pub id: PackageId,
    /// Why it is there: [`Why::Selected`] or [`Why::Needed`].
    pub why: Why,
    /// Where it is.
    pub archive: ArchiveName,
    /// The file.
    pub file: FilePin,
}
