//! What is pinned, and what is changed of it.

use camino::Utf8PathBuf;
use serde::Serialize;

use super::Stage;
use crate::model::{PackageName, Place, Spanned};

/// Something from outside that `refresh` pins.
#[derive(Debug, Serialize)]
pub struct Source {
    /// Where the source node stands.
    #[serde(skip)]
    pub place: Place,
    /// What it is.
    pub origin: Origin,
    /// Changes to the tree, in the order written.
    pub edits: Vec<Edit>,
}

/// Where a source comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A git repository.
    Git {
        /// Its URL.
        url: Spanned<String>,
        /// What to check out.
        reference: GitReference,
        /// What `refresh` may move it to.
        track: Option<Spanned<String>>,
    },
    /// A file, unpacked where it says so.
    Download(Download),
    /// A source package of the locked suite.
    #[serde(rename = "debian-source")] // as the node is called; it is part of what the lock answers
    Package {
        /// The source package.
        package: Spanned<PackageName>,
        /// Name and suite of the distribution.
        distribution: DistributionRef,
    },
    /// Files beside the recipe, relative to its folder.
    Local {
        /// A file or folder.
        path: Spanned<Utf8PathBuf>,
    },
    /// The output of a stage with a network; pinned by the hash of its tree.
    Vendor(Box<Stage>),
}

/// A distribution that a recipe names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DistributionRef {
    /// As `distribution` in `images/project.kdl` names it.
    pub name: String,
    /// `trixie`.
    pub suite: String,
}

/// What of a git repository is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GitReference {
    /// `refs/tags/…`, peeled to its commit.
    Tag(Spanned<String>),
    /// `refs/heads/…`.
    Branch(Spanned<String>),
    /// A full commit id: 40 (or 64) hexadecimal digits.
    Commit(Spanned<String>),
}

/// A file to download.
#[derive(Debug, Serialize)]
pub struct Download {
    /// Its URL.
    pub url: Spanned<String>,
    /// Whether to unpack it.
    pub unpack: Unpack,
    /// Leading path components to drop on unpacking.
    pub strip: u32,
    /// A detached OpenPGP signature that `refresh` checks.
    pub signature: Option<Signature>,
}

/// Whether a download is an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpack {
    /// Used as one file under its own name.
    No,
    /// A tar archive, compressed or not, told by its first bytes.
    Tar,
}

/// A detached signature of a download.
#[derive(Debug, Serialize)]
pub struct Signature {
    /// URL of the signature.
    pub url: Spanned<String>,
    /// Keyring, relative to `images/`.
    pub keyring: Spanned<Utf8PathBuf>,
}

/// A change to a source's tree.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// A unified diff beside the recipe; it must apply without fuzz.
    Patch {
        /// Relative to the recipe's folder.
        file: Spanned<Utf8PathBuf>,
        /// Leading components to drop from the names in it.
        strip: u32,
    },
    /// A text to replace; it must occur.
    Replace {
        /// The file, relative to the source.
        file: Spanned<String>,
        /// What must stand there.
        old: String,
        /// What stands there afterwards.
        new: String,
    },
}
