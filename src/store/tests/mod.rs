//! What a store promises, tried through its public face.

mod cleaning;
mod entries;
mod processes;
mod trees;

use std::path::{Path, PathBuf};

use super::*;

/// A new store; it is there as long as the first value.
fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&folder.path().join("store")).expect("a store");
    (folder, store)
}

/// Everything that is being written: files in `tmp/`, locks left out.
fn leftovers(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("tmp"), root.join("parts"), root.join("locks")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent() != Some(&root.join("tmp")) {
                found.push(path);
            }
        }
    }
    found
}

/// Nothing that a comparison with an empty list would not show.
const NOTHING: Vec<PathBuf> = Vec::new();
