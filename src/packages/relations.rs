//! What the packages of one system say of each other, by the numbers that merging has for them.

use std::collections::BTreeSet;

use crate::archive::Control;
use crate::distribution::world::{Diversion, Relations, World, world_of};
use crate::model::PackageId;

use super::PackagesError;

/// The packages of one system: of which world they are, and what they say of each other.
#[derive(Debug)]
pub(crate) struct PackageRelations {
    pub(super) world: &'static dyn World,
    ids: Vec<PackageId>,
    relations: Box<dyn Relations>,
    /// Whether a package may be there in several architectures. What differs between these (documentation of another
    /// rebuild) is that of the first.
    several_architectures: bool,
}

impl PackageRelations {
    /// Checks that each package is the one that was pinned, and reads what it says of others.
    ///
    /// # Errors
    /// When the packages are not of one world, a control file cannot be read, or it is that of another package.
    pub(super) fn read(packages: &[(&PackageId, &Control)]) -> Result<Self, PackagesError> {
        let ids: Vec<PackageId> = packages.iter().map(|(id, _)| (*id).clone()).collect();
        let world = world_of(&ids)?;
        Ok(Self { world, relations: world.relations(packages)?, ids, several_architectures: false })
    }

    /// The same for a root, where a package may be there in several architectures.
    pub(super) fn of_several_architectures(self) -> Self {
        Self { several_architectures: true, ..self }
    }

    /// Whether `one` may take over files of `other`.
    pub(super) fn replaces(&self, one: u32, other: u32) -> bool {
        let (one, other) = (one as usize, other as usize);
        let same = self.several_architectures && one < other && self.ids[one].name == self.ids[other].name;
        same || self.relations.replaces(one, other)
    }

    /// `name:architecture`.
    pub(crate) fn name(&self, package: u32) -> String {
        self.ids[package as usize].qualified_name()
    }

    pub(super) fn diversions(&self, package: u32) -> &[Diversion] {
        self.relations.diversions(package as usize)
    }

    /// Which packages count as asked for.
    pub(super) fn asked(&self, named: &[&str]) -> BTreeSet<usize> {
        self.relations.asked(named)
    }

    /// The packages that a system cannot do without, those `named`, and all that these need.
    pub(super) fn basic(&self, named: &[&str]) -> BTreeSet<usize> {
        self.relations.basic(named)
    }
}
