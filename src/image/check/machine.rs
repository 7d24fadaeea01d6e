//! Whether what the recipe brings is for the image's machine.

use crate::archive::ElfFacts;
use crate::model::Platform;

use super::{Finding, Found, Subject, is_of_recipe};

/// ELF types that run: programs and shared libraries.
const RUNNABLE: [u16; 2] = [2, 3];

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let (place, platform) = (subject.image.name.place, subject.platform);
    let mut errors = Vec::new();
    for node in subject.tree.iter().filter(|node| is_of_recipe(node)) {
        let Some(elf) = &node.elf else { continue };
        if RUNNABLE.contains(&elf.file_type) && machine(elf) != platform.elf() {
            errors.push(Finding::Machine { place, path: node.entry.path.clone(), found: describe(elf), platform });
        }
    }
    Found { errors, notes: Vec::new() }
}

/// What tells machines apart.
pub(super) const fn machine(elf: &ElfFacts) -> (u16, bool, bool) {
    (elf.machine, elf.class64, elf.little_endian)
}

fn describe(elf: &ElfFacts) -> String {
    match Platform::all().find(|platform| platform.elf() == machine(elf)) {
        Some(platform) => platform.to_string(),
        None => format!("ELF machine {}", elf.machine),
    }
}
