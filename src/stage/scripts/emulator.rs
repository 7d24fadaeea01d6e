//! The emulator for a platform, among the programs of this machine: QEMU's for single programs, linked statically,
//! because in the sandbox there is nothing of this machine that it could load.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::path::{Path, PathBuf};

use super::ScriptsError;
use crate::archive::elf;
use crate::model::{Digest, Platform};
use crate::stage::sandbox::Emulator;

/// An emulator, and which one it is.
#[derive(Clone, Debug)]
pub struct Emulation {
    pub(super) emulator: Emulator,
    /// Hash of the program.
    pub digest: Digest,
}

impl Emulation {
    /// Finds the emulator for `platform` in the folders of `PATH`.
    ///
    /// # Errors
    /// When there is none, or none that is linked statically.
    pub fn find(platform: Platform) -> Result<Self, ScriptsError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]).collect();
        let names = [format!("qemu-{}-static", machine(platform)), format!("qemu-{}", machine(platform))];
        let candidates = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
        let found = candidates.filter(|path| path.is_file()).find(|path| is_static(path));
        let program = found.ok_or(ScriptsError::NoEmulator { platform })?;
        let program = fs_err::canonicalize(program)?;
        let digest = Digest::of(&fs_err::read(&program)?);
        Ok(Self { emulator: Emulator { platform, program }, digest })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.emulator.program
    }
}

/// QEMU's name of a processor.
fn machine(platform: Platform) -> &'static str {
    match platform.machine() {
        "armv7l" | "armv6l" => "arm",
        "i686" | "i586" | "i486" => "i386",
        other => other,
    }
}

fn is_static(path: &Path) -> bool {
    fs_err::read(path).ok().and_then(|bytes| elf::facts(&bytes)).is_some_and(|facts| facts.interpreter.is_none())
}
