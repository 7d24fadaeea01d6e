//! Which package: the same in the lock, in a plan, in a root and in an image.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{NameError, PackageArch, PackageName, PackageVersion};

/// The format of packages and of the archives that have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `deb(5)`, format 2.
    #[default]
    Deb,
    /// `apk-package(5)`, version 2.
    Apk,
}

impl Format {
    /// The architecture of packages that run on every machine.
    #[must_use]
    pub const fn every_architecture(self) -> &'static str {
        match self {
            Self::Deb => "all",
            Self::Apk => "noarch",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
        })
    }
}

/// Why a package is in a set. Package managers keep whether something was asked for, to know what nobody needs any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A recipe names it.
    Asked,
    /// A `package-set` chose it by the priority that the archive gives it. Its own control file may say another.
    Selected,
    /// Another package needs it. In a lock and a plan, what a recipe names is among these: the recipe says it.
    #[default]
    Needed,
}

impl Why {
    /// Whether a package that nothing else needs any more may go.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        matches!(self, Self::Needed)
    }
}

/// A binary package of an archive, as its control data names it.
///
/// It is shown as `name version (architecture)`. The version is the whole one, with epoch and revision; the architecture
/// is the archive's own name of it (`amd64`), or [`Format::every_architecture`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// Its name.
    pub name: PackageName,
    /// Its architecture.
    pub architecture: PackageArch,
    /// Its version.
    pub version: PackageVersion,
    /// Its format; records of before there were two leave it out.
    #[serde(default)]
    pub format: Format,
}

impl PackageId {
    /// Takes what an archive writes.
    ///
    /// # Errors
    /// With the first of the three that cannot be what it is given for.
    pub fn new(format: Format, name: &str, version: &str, architecture: &str) -> Result<Self, NameError> {
        Ok(Self { name: name.parse()?, architecture: architecture.parse()?, version: version.parse()?, format })
    }

    /// `name:architecture`: what tells apart the packages of one system.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }

    /// Whether its programs and scripts run on machines of the architecture `native`.
    #[must_use]
    pub fn runs_on(&self, native: &str) -> bool {
        self.architecture == *native || self.architecture == *self.format.every_architecture()
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ({})", self.name, self.version, self.architecture)
    }
}
