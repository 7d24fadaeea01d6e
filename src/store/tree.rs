//! Folders named by a key, made aside and moved into place whole.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Doing as _, StoreError};
use super::remove::remove_tree;
use super::tree_digest::{TreeFacts, inspect_tree};
use super::{Store, note_use};
use crate::model::Digest;

/// What a tree is, which is part of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TreeKind {
    /// An unpacked package.
    Package,
    /// A root that steps run in.
    Root,
    /// A source, as it was fetched or edited.
    Source,
    /// What a step made.
    Output,
    /// What running something on top of a tree changed.
    Delta,
}

impl TreeKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Package, Self::Root, Self::Source, Self::Output, Self::Delta];

    /// Whether the key of such a tree is the digest of what it holds, and not of what it was made from.
    #[must_use]
    pub const fn is_named_by_content(self) -> bool {
        matches!(self, Self::Source | Self::Output)
    }

    /// The name of the folder that holds trees of this kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Root => "root",
            Self::Source => "source",
            Self::Output => "output",
            Self::Delta => "delta",
        }
    }
}

impl Store {
    /// The tree of this kind and key, when the store holds it; counts as a use of it. It must not be changed.
    #[must_use]
    pub fn tree(&self, kind: TreeKind, key: &Digest) -> Option<PathBuf> {
        let entry = self.tree_entry(kind, key);
        let metadata = fs_err::symlink_metadata(&entry).ok()?;
        note_use(&entry, &metadata);
        Some(entry.join("tree"))
    }

    /// What the tree of this kind and key holds, as found when it was stored.
    ///
    /// # Errors
    /// When the store says something unreadable about it.
    pub fn tree_facts(&self, kind: TreeKind, key: &Digest) -> Result<Option<TreeFacts>, StoreError> {
        TreeFacts::read(&self.tree_entry(kind, key))
    }

    /// Begins a tree, as an empty folder. The key is usually that of the inputs; it may be the digest of the tree.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn tree_writer(&self, kind: TreeKind, key: &Digest) -> Result<TreeWriter, StoreError> {
        let entry = self.fresh();
        let tree = entry.join("tree");
        fs_err::create_dir_all(&tree).doing("create", &tree)?;
        Ok(TreeWriter { store: self.clone(), kind, key: *key, entry, tree })
    }

    /// The folder around a tree.
    pub(super) fn tree_entry(&self, kind: TreeKind, key: &Digest) -> PathBuf {
        self.inner.root.join("trees").join(kind.name()).join(key.hex())
    }
}

/// A tree that is being made; nothing stays of it when it is dropped, whatever modes its folders have.
#[derive(Debug)]
pub struct TreeWriter {
    store: Store,
    kind: TreeKind,
    key: Digest,
    entry: PathBuf,
    tree: PathBuf,
}

impl TreeWriter {
    /// The folder to fill.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.tree
    }

    /// Stores the tree and says where it is. When somebody else stored one under the same key meanwhile, theirs stays.
    ///
    /// # Errors
    /// When it holds anything but files, folders and links, or cannot be stored.
    pub fn commit(self) -> Result<PathBuf, StoreError> {
        self.commit_with_facts().map(|(path, _)| path)
    }

    /// Like [`TreeWriter::commit`]; also says what is in the stored tree.
    ///
    /// # Errors
    /// As [`TreeWriter::commit`].
    pub fn commit_with_facts(self) -> Result<(PathBuf, TreeFacts), StoreError> {
        let facts = inspect_tree(&self.tree)?;
        self.place(facts)
    }

    /// Stores the tree if its digest, as of [`super::digest_tree`], is the promised one; else nothing stays.
    ///
    /// # Errors
    /// As [`TreeWriter::commit`], and when the digest is another.
    pub fn commit_as(self, expected: &Digest) -> Result<PathBuf, StoreError> {
        let facts = inspect_tree(&self.tree)?;
        if facts.digest != *expected {
            return Err(StoreError::Mismatch { expected: *expected, found: facts.digest });
        }
        self.place(facts).map(|(path, _)| path)
    }

    /// Stores the tree, of which `facts` were found a moment ago by who made it, if its key is their digest.
    ///
    /// # Errors
    /// As [`TreeWriter::commit_as`].
    pub fn commit_inspected(self, facts: TreeFacts) -> Result<PathBuf, StoreError> {
        if facts.digest != self.key {
            return Err(StoreError::Mismatch { expected: self.key, found: facts.digest });
        }
        self.place(facts).map(|(path, _)| path)
    }

    /// Stores the tree, which was put together from parts whose digests are known; `facts` were computed from these by
    /// a [`super::TreeHasher`].
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn commit_known(self, facts: TreeFacts) -> Result<(PathBuf, TreeFacts), StoreError> {
        self.place(facts)
    }

    fn place(&self, facts: TreeFacts) -> Result<(PathBuf, TreeFacts), StoreError> {
        facts.write(&self.entry)?;
        let target = self.store.tree_entry(self.kind, &self.key);
        let folder = target.parent().unwrap_or(&target);
        fs_err::create_dir_all(folder).doing("create", folder)?;
        self.store.unsettled(self.kind.name(), &self.key)?;
        match fs_err::rename(&self.entry, &target) {
            Ok(()) => {
                self.store.wrote_tree(self.kind, &self.key);
                Ok((target.join("tree"), facts))
            }
            // the target is not empty: somebody was faster
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                let theirs = TreeFacts::read(&target)?.unwrap_or(facts);
                Ok((target.join("tree"), theirs))
            }
            Err(error) => Err(StoreError::io("store", &target, error)),
        }
    }
}

impl Drop for TreeWriter {
    fn drop(&mut self) {
        let _ = remove_tree(&self.entry); // moved away when it was stored; else the session's folder goes in the end
    }
}
