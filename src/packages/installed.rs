//! A package as an image has it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::distribution::system::Why;
use crate::model::{Digest, ImagePath, PackageId};

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Which it is.
    #[serde(flatten)]
    pub id: PackageId,
    /// The package file.
    pub digest: Digest,
    /// Whether the recipe asked for it, and not another package.
    pub requested: bool,
    /// Key of its segment.
    pub(crate) segment: Digest,
    /// Paths that it lost to packages that replace it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) lost: BTreeSet<ImagePath>,
}

impl InstalledPackage {
    pub(super) const fn request(&self) -> Why {
        if self.requested { Why::Manual } else { Why::Automatic }
    }
}
