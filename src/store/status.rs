//! How much a store holds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::error::{Doing as _, StoreError};
use super::session::names;
use super::tree_digest::TreeFacts;
use super::{Store, TreeKind, caches};

/// A number of entries and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub entries: u64,
    /// The sum of the lengths of their files.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }
}

/// How much a store holds, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Immutable files.
    pub blobs: Count,
    /// Trees, by the name of their kind.
    pub trees: BTreeMap<&'static str, Count>,
    /// Records of results, by kind.
    pub records: BTreeMap<String, Count>,
    /// Interrupted downloads.
    pub parts: Count,
    /// Folders that build steps keep, by trust domain. Their size is what they take on the disk.
    pub caches: BTreeMap<String, Count>,
    /// What steps printed.
    pub logs: Count,
}

impl Usage {
    /// Everything together.
    #[must_use]
    pub fn total(&self) -> Count {
        let parts = [&self.blobs, &self.parts, &self.logs].into_iter();
        let parts = parts.chain(self.trees.values()).chain(self.records.values()).chain(self.caches.values());
        parts.fold(Count::default(), |sum, count| Count {
            entries: sum.entries + count.entries,
            bytes: sum.bytes + count.bytes,
        })
    }
}

impl Store {
    /// Counts what is in the store.
    ///
    /// # Errors
    /// When a folder of it cannot be read.
    pub fn status(&self) -> Result<Usage, StoreError> {
        let root = self.root();
        let mut usage =
            Usage { blobs: files(&root.join("blobs/sha256"))?, parts: files(&root.join("parts"))?, ..Usage::default() };
        for kind in TreeKind::ALL {
            let folder = root.join("trees").join(kind.name());
            let mut count = Count::default();
            for name in names(&folder)? {
                let facts = TreeFacts::read(&folder.join(name))?;
                count.add(facts.map_or(0, |facts| facts.bytes));
            }
            if count.entries > 0 {
                usage.trees.insert(kind.name(), count);
            }
        }
        for kind in names(&root.join("steps"))? {
            let count = files(&root.join("steps").join(&kind))?;
            usage.records.insert(kind.to_string_lossy().into_owned(), count);
        }
        usage.logs = files(&root.join("logs"))?;
        for domain in names(&root.join("caches"))? {
            let folder = root.join("caches").join(&domain);
            let mut count = Count::default();
            names(&folder)?.into_iter().for_each(|name| count.add(caches::size(&folder.join(name))));
            usage.caches.insert(domain.to_string_lossy().into_owned(), count);
        }
        Ok(usage)
    }
}

fn files(folder: &Path) -> Result<Count, StoreError> {
    let mut count = Count::default();
    for name in names(folder)? {
        let path = folder.join(name);
        match fs_err::symlink_metadata(&path) {
            Ok(metadata) => count.add(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {} // it went meanwhile
            Err(error) => return Err(error).doing("look at", &path),
        }
    }
    Ok(count)
}
