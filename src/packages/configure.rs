//! What package configuration adds to an image and takes from it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::archive::{ElfFacts, Entry, EntryKind};
use crate::distribution::system::{Configured, Extent, Tree, UnmodelledScript, UnpackedPackage, UnpackedSystem};
use crate::model::{Digest, EPOCH, ImagePath, Platform};

use super::PackagesError;
use super::merge::Clash;
use super::relations::PackageRelations;
use super::shelf::{Readable, Shelf};
use super::tree::{Content, FileTree, Last, Node, NodeOwner};

/// What configuration does to what is there.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Paths of the image's own packages that are covered or removed.
    pub(crate) packages: BTreeMap<u32, BTreeSet<ImagePath>>,
    /// Paths of the base image that have to be hidden.
    pub(crate) base: BTreeSet<ImagePath>,
    /// Effects that were left out, for people.
    pub(crate) notes: Vec<String>,
    /// Scripts whose effects are missing, because nobody has read them.
    pub(crate) unmodelled: Vec<UnmodelledScript>,
}

impl Tree for Readable<'_> {
    fn entry(&self, path: &ImagePath) -> Option<Entry> {
        Readable::entry(self, path)
    }

    fn list(&self, folder: &ImagePath) -> Vec<Entry> {
        Readable::list(self, folder)
    }

    fn read(&self, path: &ImagePath) -> io::Result<Vec<u8>> {
        self.shelf.read(self.tree, path)
    }

    fn elf(&self, path: &ImagePath) -> io::Result<Option<ElfFacts>> {
        Ok(Readable::elf(self, path))
    }
}

/// Packages that are to be configured.
pub(crate) struct Configuring<'a> {
    /// What the system runs on.
    pub(crate) platform: Platform,
    /// The packages, those of the base image included.
    pub(crate) packages: &'a [UnpackedPackage],
    /// What they say of each other.
    pub(crate) relations: &'a PackageRelations,
    /// What was there before them.
    pub(crate) base: &'a FileTree,
    /// Reads the files of the tree.
    pub(crate) shelf: &'a Shelf<'a>,
}

impl Configuring<'_> {
    /// Configures the packages in `tree` as data. A script that nobody has read is no error here; the caller decides.
    ///
    /// # Errors
    /// When control data or a file that configuration reads is broken, or its result clashes with what is there.
    pub(crate) fn apply(&self, tree: &mut FileTree, extent: Extent) -> Result<Effects, PackagesError> {
        let Self { platform, packages, relations, base, shelf } = *self;
        let readable = Readable { tree, shelf };
        let system = UnpackedSystem { platform, packages, tree: &readable, moment: EPOCH };
        let configured = relations.world.model().configure(extent, &system);
        let Configured { files, removed, unmodelled, left_out } =
            configured.map_err(|source| PackagesError::Configure { source: Box::new(source) })?;
        let notes = left_out.into_iter().map(|left| format!("{}: {}", left.package, left.what)).collect();
        let mut effects = Effects { notes, unmodelled, ..Effects::default() };
        for path in removed {
            effects.remove(tree, base, &path);
        }
        for (entry, bytes) in files {
            effects.put(tree, relations, entry, &bytes)?;
        }
        Ok(effects)
    }
}

/// Whether the base image has it already, so that no layer has to.
fn is_same(there: &Node, new: &Node, bytes: &[u8]) -> bool {
    let content = || there.content.as_ref().is_none_or(|content| content.digest() == Some(Digest::of(bytes)));
    !there.own && there.entry == new.entry && content()
}

impl Effects {
    /// Adds other effects that came after these.
    pub(crate) fn extend(&mut self, later: Self) {
        for (package, paths) in later.packages {
            self.packages.entry(package).or_default().extend(paths);
        }
        self.base.extend(later.base);
        self.notes.extend(later.notes);
        self.unmodelled.extend(later.unmodelled);
    }

    /// Takes away what is at a path.
    pub(crate) fn remove(&mut self, tree: &mut FileTree, base: &FileTree, path: &ImagePath) {
        tree.detach_links(path);
        if let Some(Node { owner: NodeOwner::Package(package), own: true, entry, .. }) = tree.remove(path)
            && entry.kind != EntryKind::Dir
        {
            self.packages.entry(package).or_default().insert(path.clone());
        }
        if base.get(path).is_some() {
            self.base.insert(path.clone());
        }
    }

    /// Prepares a path for something else than what packages shipped there.
    pub(crate) fn uncover(&mut self, tree: &mut FileTree, base: &FileTree, path: &ImagePath, by_folder: bool) {
        match tree.get(path) {
            Some(there) if (there.entry.kind == EntryKind::Dir) != by_folder => self.remove(tree, base, path),
            Some(Node { owner: NodeOwner::Package(package), own: true, .. }) if !by_folder => {
                let package = *package;
                tree.detach_links(path);
                self.packages.entry(package).or_default().insert(path.clone());
            }
            _ => {}
        }
    }

    fn put(
        &mut self,
        tree: &mut FileTree,
        relations: &PackageRelations,
        entry: Entry,
        bytes: &[u8],
    ) -> Result<(), PackagesError> {
        let path = tree.resolve(&entry.path, Last::Keep).unwrap_or_else(|_| entry.path.clone());
        let entry = Entry { path: path.clone(), ..entry };
        let is_folder = entry.kind == EntryKind::Dir;
        let node = Node {
            content: matches!(entry.kind, EntryKind::File { .. }).then(|| Content::Memory(bytes.into())),
            owner: NodeOwner::Generated,
            own: true,
            elf: None,
            entry,
        };
        // a folder that configuration empties and replaces by a link, as base-files does with /var/run
        let emptied = tree.get(&path).is_some_and(|there| there.entry.kind == EntryKind::Dir) && !is_folder;
        if emptied && tree.children(&path).next().is_none() {
            self.remove(tree, &FileTree::default(), &path);
        }
        match tree.get(&path) {
            Some(there) if is_same(there, &node, bytes) => return Ok(()),
            Some(there) if (there.entry.kind == EntryKind::Dir) != is_folder => {
                let first = match there.owner {
                    NodeOwner::Package(package) => relations.name(package),
                    NodeOwner::Generated => "package configuration".to_owned(),
                    NodeOwner::Recipe => "the base image's recipe".to_owned(),
                };
                let first = (first, there.entry.kind.to_string());
                let second = ("package configuration".to_owned(), node.entry.kind.to_string());
                return Err(PackagesError::Conflict { clashes: vec![Clash { path, first, second }] });
            }
            Some(Node { owner: NodeOwner::Package(package), own: true, .. }) if !is_folder => {
                let package = *package;
                tree.detach_links(&path);
                self.packages.entry(package).or_default().insert(path.clone());
            }
            _ => {}
        }
        tree.ensure_parents(&path, NodeOwner::Generated, |_| None);
        tree.insert(node);
        Ok(())
    }
}
