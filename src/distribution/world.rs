//! A package world: what the rest of the program has to know of packages without knowing their format.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

use thiserror::Error;

use super::debian::Debian;
use super::scripts::ScriptPrograms;
use super::source_package::SourceFormat;
use super::suite::ArchiveFormat;
use super::system::SystemModel;
use crate::archive::Control;
use crate::model::{Format, ImagePath, PackageId};

/// What a package format, and the systems made of its packages, are like.
pub trait World: fmt::Debug + Sync {
    /// How packages of this world are merged into one tree.
    fn merge_rules(&self) -> &'static MergeRules;

    /// Reads what packages say of each other, and checks that each is the one that was pinned.
    ///
    /// # Errors
    /// When control data cannot be read, or is that of another package.
    fn relations(&self, packages: &[(&PackageId, &Control)]) -> Result<Box<dyn Relations>, ControlError>;

    /// What configures its systems.
    fn model(&self) -> &'static dyn SystemModel;

    /// What runs the scripts of its packages for real.
    fn scripts(&self) -> &'static dyn ScriptPrograms;

    /// What its source packages are made of.
    fn source_packages(&self) -> &'static dyn SourceFormat;

    /// What its archives publish.
    fn archives(&self) -> &'static dyn ArchiveFormat;
}

/// What merging has to know of a world.
#[derive(Debug)]
pub struct MergeRules {
    /// Folders of the root that are links to the folders of the same names in `/usr`: what a package ships in them goes
    /// there.
    pub aliases: &'static [&'static str],
    /// What the aliases are called in keys: raise it when they change.
    pub rules: &'static str,
    /// The package that says what the folders of the root look like.
    pub first: &'static str,
}

/// What the packages of one system say of each other; each is known by its position.
pub trait Relations: fmt::Debug + Send + Sync {
    /// Whether `one` may take over files of `other`.
    fn replaces(&self, one: usize, other: usize) -> bool;

    /// The paths at which files of other packages are moved aside, as the package ships them.
    fn diversions(&self, package: usize) -> &[Diversion];

    /// The packages that count as asked for; `named` is what the recipe asks for, by names of packages or of what they
    /// provide.
    fn asked(&self, named: &[&str]) -> BTreeSet<usize>;

    /// The packages that a system cannot do without, those `named`, and all that these need.
    fn basic(&self, named: &[&str]) -> BTreeSet<usize>;
}

/// A path of which a package keeps others away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The path that others ship.
    pub path: ImagePath,
    /// Where theirs goes.
    pub to: ImagePath,
}

/// Why the control data of packages cannot be used.
#[derive(Debug, Error)]
pub enum ControlError {
    /// It cannot be read.
    #[error("the control file of package {package} cannot be read")]
    Unreadable {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A package is another than the one that was pinned.
    #[error("the package pinned as {wanted} says that it is {found}")]
    OtherPackage {
        /// As pinned.
        wanted: String,
        /// What its control file says.
        found: String,
    },
}

/// Why packages are of no world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WorldError {
    /// They are of several formats.
    #[error("packages of the formats {one} and {other} cannot be in one system")]
    Mixed {
        /// The format of the first.
        one: Format,
        /// Another.
        other: Format,
    },
    /// There is no world for their format.
    #[error("packages of the format {format} cannot be installed yet")]
    Unknown {
        /// The format.
        format: Format,
    },
}

/// The world of a format.
///
/// # Errors
/// When there is none.
pub fn world(format: Format) -> Result<&'static dyn World, WorldError> {
    match format {
        Format::Deb => Ok(&Debian),
        Format::Apk => Err(WorldError::Unknown { format }),
    }
}

/// The world of packages that are to be in one system; any when there are none.
///
/// # Errors
/// When their formats differ, or no world has them.
pub fn world_of<'a>(packages: impl IntoIterator<Item = &'a PackageId>) -> Result<&'static dyn World, WorldError> {
    let mut formats = packages.into_iter().map(|id| id.format);
    let one = formats.next().unwrap_or_default();
    match formats.find(|other| *other != one) {
        Some(other) => Err(WorldError::Mixed { one, other }),
        None => world(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_two_formats_are_of_no_world() {
        let id = |format| PackageId::new(format, "a", "1", "amd64").expect("a package");
        let (deb, apk) = (id(Format::Deb), id(Format::Apk));
        assert!(world_of([&deb, &deb]).is_ok() && world_of([]).is_ok());
        let mixed = WorldError::Mixed { one: Format::Deb, other: Format::Apk };
        assert_eq!(world_of([&deb, &apk]).map(drop), Err(mixed));
        assert_eq!(world_of([&apk]).map(drop), Err(WorldError::Unknown { format: Format::Apk }));
    }
}
