//! Whether the loader of each program finds the libraries that it needs.

use std::collections::BTreeSet;

use super::loader::{Loader, Missing};
use super::{Finding, Found, Subject, is_command, is_file, is_of_package, is_of_recipe};
use crate::packages::Node;

/// ELF type of libraries and of programs that are loaded anywhere.
const DYNAMIC: u16 = 3;

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let loader = Loader::new(subject);
    let (started, folders) = (subject.started(), subject.path_folders());
    let (mut found, mut stopping, mut told) = (Found::default(), BTreeSet::new(), BTreeSet::new());
    let mut others = Vec::new();
    for node in subject.tree.iter().filter(|node| is_loaded(node)) {
        let interpreter = node.elf.as_ref().and_then(|elf| elf.interpreter.as_ref());
        // where the loader itself is missing, that is told
        if interpreter.is_some_and(|loader| !subject.exists(loader)) {
            continue;
        }
        let is_program = interpreter.is_some();
        let stops = is_of_recipe(node)
            || started.contains(&node.entry.path)
            || (is_program && is_of_package(node) && is_command(node, &folders));
        for missing in loader.missing(&node.entry.path) {
            if !stops {
                others.push((node, missing));
            } else if stopping.insert(missing.clone()) {
                found.errors.push(finding(subject, &loader, node, missing));
            }
        }
    }
    for (node, missing) in others {
        if !stopping.contains(&missing) && told.insert(missing.clone()) {
            found.notes.push(finding(subject, &loader, node, missing));
        }
    }
    found
}

/// Whether a loader has to do with it; kernel modules and objects are linked by others.
fn is_loaded(node: &Node) -> bool {
    let loaded =
        |elf: &crate::archive::ElfFacts| elf.dynamic && (elf.file_type == DYNAMIC || elf.interpreter.is_some());
    is_file(node) && node.elf.as_ref().is_some_and(loaded)
}

fn finding(subject: &Subject<'_>, loader: &Loader<'_>, node: &Node, missing: Missing) -> Finding {
    let Missing { asked_by, library } = missing;
    let program = (node.entry.path != asked_by).then(|| node.entry.path.clone());
    let elsewhere = loader.anywhere(&library);
    Finding::NoLibrary { place: subject.image.name.place, path: asked_by, program, library, elsewhere }
}
