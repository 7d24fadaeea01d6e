//! Which package: the same in the lock, in a plan, in a root and in an image.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PackageName;

/// A binary package of an archive, as its control data names it.
///
/// It is shown as `name version (architecture)`. The version is the whole one, with epoch and revision; the architecture
/// is the archive's own name of it (`amd64`), or `all`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// Its name.
    pub name: PackageName,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// Its version.
    pub version: String,
}

impl PackageId {
    /// `name:architecture`: what tells apart the packages of one system.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }

    /// Whether its programs and scripts run on machines of the architecture `native`.
    #[must_use]
    pub fn runs_on(&self, native: &str) -> bool {
        self.architecture == native || self.architecture == "all"
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ({})", self.name, self.version, self.architecture)
    }
}
