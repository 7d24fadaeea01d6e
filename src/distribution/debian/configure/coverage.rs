//! What the model knows of the maintainer scripts of packages, without configuring anything: which of them consist of
//! known commands, which a rule of the table vouches for, and which nobody has read.

use std::io;

use super::scripts::Scripts;
use super::system::System;
use super::{ScriptCoverage, Tree, UnpackedPackage};
use crate::archive::{ElfFacts, Entry};
use crate::model::{EPOCH, ImagePath, Platform};

pub(super) fn coverage(platform: Platform, packages: &[UnpackedPackage]) -> Vec<ScriptCoverage> {
    Scripts::of(System::new(platform, packages, &NoFiles, EPOCH)).coverage()
}

/// A system without a file.
pub(super) struct NoFiles;

impl Tree for NoFiles {
    fn entry(&self, _: &ImagePath) -> Option<Entry> {
        None
    }

    fn list(&self, _: &ImagePath) -> Vec<Entry> {
        Vec::new()
    }

    fn read(&self, _: &ImagePath) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn elf(&self, _: &ImagePath) -> io::Result<Option<ElfFacts>> {
        Ok(None)
    }
}
