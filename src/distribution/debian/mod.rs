//! Debian: release files, package indexes, versions, relations between packages, and configured systems.

mod archive;
pub mod configure;
pub mod contents;
pub mod deb822;
mod diversion;
pub mod index;
mod installed;
pub mod needs;
pub mod relation;
pub mod release;
pub(crate) mod scripts;
mod source_package;
pub mod sources;
pub mod version;

use super::scripts::ScriptPrograms;
use super::source_package::SourceFormat;
use super::suite::ArchiveFormat;
use super::system::SystemModel;
use super::world::{ControlError, MergeRules, Relations, World};
use crate::archive::Control;
use crate::model::PackageId;

#[cfg(any(test, feature = "fuzz"))]
pub(crate) use diversion::of as diversions;

/// Debian, and what is made of its packages.
#[derive(Clone, Copy, Debug)]
pub struct Debian;

/// Merged `/usr`. (`libo32` exists on MIPS alone, which is no platform of ours.)
static MERGE_RULES: MergeRules = MergeRules {
    aliases: &["bin", "lib", "lib32", "lib64", "libx32", "sbin"],
    rules: "usr-merge/1",
    first: "base-files",
};

impl World for Debian {
    fn merge_rules(&self) -> &'static MergeRules {
        &MERGE_RULES
    }

    fn relations(&self, packages: &[(&PackageId, &Control)]) -> Result<Box<dyn Relations>, ControlError> {
        Ok(Box::new(installed::InstalledRelations::read(packages)?))
    }

    fn model(&self) -> &'static dyn SystemModel {
        &configure::DebianModel
    }

    fn scripts(&self) -> &'static dyn ScriptPrograms {
        &scripts::DpkgPrograms
    }

    fn source_packages(&self) -> &'static dyn SourceFormat {
        &source_package::DpkgSource
    }

    fn archives(&self) -> &'static dyn ArchiveFormat {
        &archive::DebArchive
    }
}
