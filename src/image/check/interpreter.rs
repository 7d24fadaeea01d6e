//! Whether what runs a file is there: the loader that an ELF program names, the program of a `#!` line.

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::archive::EntryKind;
use crate::model::{Digest, ImagePath};

use super::{Finding, Found, Subject, is_command, is_executable, is_of_package, is_of_recipe, program};
use crate::packages::{Content, Node};

/// As much of a `#!` line as Linux looks at (`BINPRM_BUF_SIZE`).
const LINE: u64 = 256;

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let (started, folders) = (subject.started(), subject.path_folders());
    let mut found = Found::default();
    // in the order of their bytes, so that what is decompressed serves all that is in it
    let mut scripts: BTreeMap<(Option<Digest>, u64, &ImagePath), &Node> = BTreeMap::new();
    for node in subject.tree.iter().filter(|node| is_executable(node)) {
        let starts = started.contains(&node.entry.path);
        match &node.elf {
            // what the image starts is told by `program`
            Some(_) if starts => {}
            Some(elf) => {
                let Some(loader) = elf.interpreter.as_ref().filter(|loader| !subject.exists(loader)) else { continue };
                let stops = is_of_recipe(node) || (is_of_package(node) && is_command(node, &folders));
                let finding = finding(subject, node, loader.clone());
                if stops { found.errors.push(finding) } else { found.notes.push(finding) }
            }
            None if is_of_recipe(node) || starts || is_command(node, &folders) => {
                let (segment, offset) = where_of(node);
                scripts.insert((segment, offset, &node.entry.path), node);
            }
            None => {}
        }
    }
    for node in scripts.into_values() {
        let lacking = first_line(subject, node).and_then(|line| lacks(subject, &line));
        let Some(finding) = lacking.map(|interpreter| finding(subject, node, interpreter)) else { continue };
        let stops = is_of_recipe(node) || started.contains(&node.entry.path);
        if stops { found.errors.push(finding) } else { found.notes.push(finding) }
    }
    found
}

fn finding(subject: &Subject<'_>, node: &Node, interpreter: String) -> Finding {
    Finding::NoInterpreter { place: subject.image.name.place, path: node.entry.path.clone(), interpreter }
}

const fn where_of(node: &Node) -> (Option<Digest>, u64) {
    match &node.content {
        Some(Content::Stored { key, offset, .. }) => (Some(*key), *offset),
        _ => (None, 0),
    }
}

/// The first line of a script without its `#!`; none when it is no script or cannot be read.
fn first_line(subject: &Subject<'_>, node: &Node) -> Option<String> {
    let EntryKind::File { size } = node.entry.kind else { return None };
    let mut bytes = Vec::new();
    subject.shelf.open(node.content.as_ref()?, size).ok()?.take(LINE).read_to_end(&mut bytes).ok()?;
    let line = bytes.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// What a `#!` line asks for and the image does not have. `env` looks for its program in `PATH`.
fn lacks(subject: &Subject<'_>, line: &str) -> Option<String> {
    let mut words = line.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
    let interpreter = words.next()?;
    if !interpreter.starts_with('/') || !subject.exists(interpreter) {
        return Some(interpreter.to_owned());
    }
    if interpreter.rsplit('/').next() != Some("env") {
        return None;
    }
    let program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    program::find(subject, program).is_none().then(|| program.to_owned())
}
