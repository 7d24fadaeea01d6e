//! A package as an image has it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Digest, ImagePath, PackageId, Why};

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Which it is.
    #[serde(flatten)]
    pub id: PackageId,
    /// The package file.
    pub digest: Digest,
    /// Why the image has it.
    pub why: Why,
    /// Key of its segment.
    pub(crate) segment: Digest,
    /// Paths that it lost to packages that replace it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) lost: BTreeSet<ImagePath>,
}
