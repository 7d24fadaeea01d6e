//! What package configuration adds to an image and takes from it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::archive::{ElfFacts, Entry, EntryKind};
use crate::distribution::debian::configure::{Configured, Tree, UnmodelledScript, cache_libraries, configure, record};
use crate::model::{Check, Digest, EPOCH, ImagePath};
use crate::recipe::Image;

use super::ImageError;
use super::merge::Clash;
use super::packages::Packages;
use super::scripts::Subject;
use super::shelf::Readable;
use super::tree::{Content, FileTree, Last, Node, Owner};

/// What configuration does to what is there.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Paths of the image's own packages that are covered or removed.
    pub(super) packages: BTreeMap<u32, BTreeSet<ImagePath>>,
    /// Paths of the base image that have to be hidden.
    pub(super) base: BTreeSet<ImagePath>,
    /// Effects that were left out, for people.
    pub(super) notes: Vec<String>,
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

/// How much the packages are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// They are written down as installed, and that is all.
    Recorded,
    /// What their scripts do is done.
    Configured,
    /// They are configured already, but for the cache of shared libraries.
    Libraries,
}

/// Configures the packages in `tree` as data.
pub(super) fn apply(subject: &Subject<'_>, tree: &mut FileTree, model: Model) -> Result<Effects, ImageError> {
    let Subject { platform, image, packages, base, shelf, .. } = subject;
    let unpacked = packages.unpacked();
    let readable = Readable { tree, shelf };
    let configured = match model {
        Model::Recorded => record(*platform, &unpacked, &readable, EPOCH),
        Model::Configured => configure(*platform, &unpacked, &readable, EPOCH),
        Model::Libraries => cache_libraries(*platform, &unpacked, &readable, EPOCH),
    };
    let Configured { files, removed, unmodelled, left_out } =
        configured.map_err(|source| ImageError::Configure { source: Box::new(source) })?;
    refuse_unknown(image, &unmodelled)?;
    let notes = left_out.into_iter().map(|left| format!("{}: {}", left.package, left.what)).collect();
    let mut effects = Effects { notes, ..Effects::default() };
    for path in removed {
        effects.remove(tree, base, &path);
    }
    for (entry, bytes) in files {
        effects.put(tree, packages, entry, &bytes)?;
    }
    Ok(effects)
}

/// A script that nobody has read may do anything, so an image with it is not made unless it is excused.
fn refuse_unknown(image: &Image, unmodelled: &[UnmodelledScript]) -> Result<(), ImageError> {
    let excused = |script: &UnmodelledScript| {
        let names = |subject: &String| *subject == script.package;
        image
            .waivers
            .iter()
            .any(|waiver| waiver.check == Check::MaintainerScript && waiver.subject.as_ref().is_none_or(names))
    };
    let scripts: Vec<UnmodelledScript> = unmodelled.iter().filter(|script| !excused(script)).cloned().collect();
    if scripts.is_empty() { Ok(()) } else { Err(ImageError::UnknownScripts { scripts }) }
}

/// Whether the base image has it already, so that no layer has to.
fn is_same(there: &Node, new: &Node, bytes: &[u8]) -> bool {
    let content = match &there.content {
        Some(Content::Stored { digest, .. }) => Digest::of(bytes) == *digest,
        Some(Content::Memory(_) | Content::Host(_)) => false,
        None => true,
    };
    !there.own && there.entry == new.entry && content
}

impl Effects {
    /// Adds other effects that came after these.
    pub(super) fn extend(&mut self, later: Self) {
        for (package, paths) in later.packages {
            self.packages.entry(package).or_default().extend(paths);
        }
        self.base.extend(later.base);
        self.notes.extend(later.notes);
    }

    /// Takes away what is at a path.
    pub(super) fn remove(&mut self, tree: &mut FileTree, base: &FileTree, path: &ImagePath) {
        tree.detach_links(path);
        if let Some(Node { owner: Owner::Package(package), own: true, entry, .. }) = tree.remove(path)
            && entry.kind != EntryKind::Dir
        {
            self.packages.entry(package).or_default().insert(path.clone());
        }
        if base.get(path).is_some() {
            self.base.insert(path.clone());
        }
    }

    /// Prepares a path for something else than what packages shipped there.
    pub(super) fn uncover(&mut self, tree: &mut FileTree, base: &FileTree, path: &ImagePath, by_folder: bool) {
        match tree.get(path) {
            Some(there) if (there.entry.kind == EntryKind::Dir) != by_folder => self.remove(tree, base, path),
            Some(Node { owner: Owner::Package(package), own: true, .. }) if !by_folder => {
                let package = *package;
                tree.detach_links(path);
                self.packages.entry(package).or_default().insert(path.clone());
            }
            _ => {}
        }
    }

    fn put(&mut self, tree: &mut FileTree, packages: &Packages, entry: Entry, bytes: &[u8]) -> Result<(), ImageError> {
        let path = tree.resolve(&entry.path, Last::Keep).unwrap_or_else(|_| entry.path.clone());
        let entry = Entry { path: path.clone(), ..entry };
        let is_folder = entry.kind == EntryKind::Dir;
        let node = Node {
            content: matches!(entry.kind, EntryKind::File { .. }).then(|| Content::Memory(bytes.into())),
            owner: Owner::Generated,
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
                    Owner::Package(package) => super::merge::Relations::name(packages, package),
                    Owner::Generated => "package configuration".to_owned(),
                    Owner::Recipe => "the base image's recipe".to_owned(),
                };
                let first = (first, there.entry.kind.to_string());
                let second = ("package configuration".to_owned(), node.entry.kind.to_string());
                return Err(ImageError::Conflict { clashes: vec![Clash { path, first, second }] });
            }
            Some(Node { owner: Owner::Package(package), own: true, .. }) if !is_folder => {
                let package = *package;
                tree.detach_links(&path);
                self.packages.entry(package).or_default().insert(path.clone());
            }
            _ => {}
        }
        tree.ensure_parents(&path, Owner::Generated, |_| None);
        tree.insert(node);
        Ok(())
    }
}
