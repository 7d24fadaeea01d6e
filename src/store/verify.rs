//! Whether the store still holds what it says.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::StoreError;
use super::session::names;
use super::tree_digest::{TreeFacts, inspect_tree};
use super::{Store, TreeKind, settle};
use crate::model::Digest;

/// An entry that is not what its name or its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The blob, or the folder around the tree.
    pub path: PathBuf,
    /// What is wrong with it, in words.
    pub reason: String,
}

impl Store {
    /// Hashes every blob and every tree again, in parallel, and says which are wrong. Sorted by path.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub fn verify(&self) -> Result<Vec<Problem>, StoreError> {
        let blobs = self.root().join("blobs/sha256");
        let mut problems: Vec<Problem> =
            names(&blobs)?.par_iter().filter_map(|name| check_blob(&blobs.join(name))).collect();
        for kind in TreeKind::ALL {
            let folder = self.root().join("trees").join(kind.name());
            // one after the other: each is hashed in parallel, and lists of all at once would cost memory
            problems.extend(names(&folder)?.iter().filter_map(|name| check_tree(&folder.join(name))));
        }
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(problems)
    }

    /// Removes the entries that [`Store::verify`] complained about, so that they are made again.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn discard(&self, problems: &[Problem]) -> Result<(), StoreError> {
        problems.iter().try_for_each(|problem| self.discard_entry(&problem.path))
    }
}

fn check_blob(path: &Path) -> Option<Problem> {
    let problem = |reason: String| Some(Problem { path: path.to_owned(), reason });
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Ok(expected) = Digest::from_hex(name) else { return problem("its name is not a digest".to_owned()) };
    match settle::hash(path) {
        Ok(found) if found == expected => None,
        Ok(found) => problem(format!("its content is {found}")),
        Err(_) if !path.exists() => None, // cleaned away meanwhile
        Err(error) => problem(format!("it cannot be read: {error}")),
    }
}

fn check_tree(entry: &Path) -> Option<Problem> {
    let problem = |reason: String| Some(Problem { path: entry.to_owned(), reason });
    let expected = match TreeFacts::read(entry) {
        Ok(Some(facts)) => facts,
        Ok(None) => return problem("it says nothing of what it holds".to_owned()),
        Err(error) => return problem(format!("it cannot be read: {error}")),
    };
    match inspect_tree(&entry.join("tree")) {
        Ok(found) if found == expected => None,
        Ok(found) => problem(format!("it was stored as {}, and is {} now", expected.digest, found.digest)),
        Err(error) => problem(format!("it cannot be read: {error}")),
    }
}
