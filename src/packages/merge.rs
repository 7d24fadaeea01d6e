//! Packages → one tree: folders are merged, and two packages with the same path are settled or an error.
//!
//! | two packages have | then |
//! |---|---|
//! | the same folder | one folder, with the later time and the owner and mode of the more basic package |
//! | the same file or link, alike | it is kept once (Multi-Arch: same) |
//! | different files, one `Replaces` the other | the other loses its file |
//! | a file at a path that a third diverts | it moves to where it is diverted |
//! | a folder, and a link to a folder | the link stays, and what is in the folder goes where it leads |
//! | anything else | an error that names both and the path |

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::archive::{Entry, EntryKind};
use crate::beneath::{Beneath, Dir};
use crate::distribution::world::MergeRules;
use crate::model::{Digest, ImagePath};

use super::entry::PackageEntry;
use super::relations::PackageRelations;
use super::segment::Edits;
use super::tree::{Content, FileTree, Last, LinkLoop, Node, NodeOwner, resolve};
use super::{PackagesError, aliases};

/// A package as merging sees it.
pub(super) struct Shipped<'a> {
    /// Its number.
    pub(super) id: u32,
    /// Where the bytes of its files are.
    pub(super) place: ContentPlace<'a>,
    /// What it ships.
    pub(super) entries: &'a [PackageEntry],
}

/// Where the bytes of a package's files are.
#[derive(Clone, Copy)]
pub(super) enum ContentPlace<'a> {
    /// In the segment of this key.
    Segment(Digest),
    /// In a folder, at the paths of a merged system.
    Folder(&'a Arc<Dir>),
}

/// Two claims to one path that nothing settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The path.
    pub path: ImagePath,
    /// Who was there, and with what.
    pub first: (String, String),
    /// Who came, and with what.
    pub second: (String, String),
}

impl fmt::Display for Clash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, first: (first, what), second: (second, other) } = self;
        write!(out, "`{path}` is {what} of {first} and {other} of {second}")
    }
}

/// What merging costs packages.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// How the segments of the image's own packages have to change.
    pub(crate) edits: BTreeMap<u32, Edits>,
    /// Paths that a package, also one of the base image, lost to another that replaces it; it does not own them any
    /// more.
    pub(crate) lost: BTreeMap<u32, BTreeSet<ImagePath>>,
}

/// Puts `packages`, most basic first, on top of `tree`, with the links of a merged system.
///
/// # Errors
/// When two packages claim one path and nothing settles it.
pub(super) fn merge(
    tree: &mut FileTree,
    packages: &[Shipped<'_>],
    relations: &PackageRelations,
) -> Result<Merged, PackagesError> {
    if packages.is_empty() {
        return Ok(Merged::default());
    }
    let rules = relations.world.merge_rules();
    let diversions = Diverted::of(packages, relations, rules);
    let merged =
        settle(tree, packages, &diversions, relations).map_err(|clashes| PackagesError::Conflict { clashes })?;
    let left_out = packages.iter().flat_map(|package| package.entries).filter(|shipped| shipped.left_out);
    let folders = left_out_folders(left_out.map(|shipped| &shipped.entry));
    let files: Vec<(ImagePath, NodeOwner)> =
        tree.iter().filter(|node| node.own).map(|node| (node.entry.path.clone(), node.owner)).collect();
    for (path, owner) in files {
        tree.ensure_parents(&path, owner, |folder| folders.get(folder).cloned());
    }
    for entry in aliases::missing_links(rules, |path| tree.get(path).is_some()) {
        tree.insert(Node { entry, owner: NodeOwner::Generated, own: true, content: None, elf: None });
    }
    Ok(merged)
}

fn settle(
    tree: &mut FileTree,
    packages: &[Shipped<'_>],
    diversions: &[Diverted],
    relations: &PackageRelations,
) -> Result<Merged, Vec<Clash>> {
    let links = Links::of(tree, packages);
    let mut merging =
        Merging { tree, links: &links, relations, diversions, merged: Merged::default(), clashes: Vec::new() };
    for package in packages {
        let mut parents = Parents { links: &links, last: None };
        for shipped in package.entries.iter().filter(|shipped| !shipped.left_out) {
            match parents.place(&shipped.entry) {
                Ok(place) => merging.add(package, shipped, place),
                Err(LinkLoop { path }) => merging.clash(path, "a loop of links", package.id, &shipped.entry),
            }
        }
    }
    merging.refuse_what_is_below_no_folder();
    let Merging { merged, clashes, .. } = merging;
    if clashes.is_empty() { Ok(merged) } else { Err(clashes) }
}

/// A path that a package keeps others away from.
struct Diverted {
    /// The package whose own file stays.
    by: u32,
    path: ImagePath,
    to: ImagePath,
}

impl Diverted {
    fn of(packages: &[Shipped<'_>], relations: &PackageRelations, rules: &MergeRules) -> Vec<Self> {
        let merged = |path: &ImagePath| aliases::merged(rules, path.clone());
        let of = |by: u32| {
            let diversions = relations.diversions(by).iter();
            diversions.map(move |diversion| Self { by, path: merged(&diversion.path), to: merged(&diversion.to) })
        };
        packages.iter().flat_map(|package| of(package.id)).collect()
    }
}

/// The links to folders that any package, or the tree below them, has.
struct Links {
    targets: HashMap<ImagePath, Vec<u8>>,
    folders: HashSet<ImagePath>,
}

impl Links {
    fn of(tree: &FileTree, packages: &[Shipped<'_>]) -> Self {
        let mut links = Self { targets: HashMap::new(), folders: HashSet::new() };
        for node in tree.iter() {
            match &node.entry.kind {
                EntryKind::Dir => _ = links.folders.insert(node.entry.path.clone()),
                EntryKind::Symlink { target } => _ = links.targets.insert(node.entry.path.clone(), target.clone()),
                _ => {}
            }
        }
        for entry in packages.iter().flat_map(|package| package.entries).map(|shipped| &shipped.entry) {
            match &entry.kind {
                // package managers as well keep a folder that is there when a package brings a link
                EntryKind::Symlink { target } if !tree.is_folder(&entry.path) => {
                    links.targets.entry(entry.path.clone()).or_insert_with(|| target.clone());
                }
                EntryKind::Dir => _ = links.folders.insert(entry.path.clone()),
                _ => {}
            }
        }
        links
    }

    fn resolve(&self, path: &ImagePath) -> Result<ImagePath, LinkLoop> {
        resolve(path, Last::Follow, |path| self.targets.get(path).cloned())
    }
}

/// Resolves the folders of one package's entries, which mostly come one after the other in the same folder.
struct Parents<'a> {
    links: &'a Links,
    last: Option<(ImagePath, ImagePath)>,
}

impl Parents<'_> {
    /// Where an entry goes; for a folder at whose path a link to a folder is, that folder.
    fn place(&mut self, entry: &Entry) -> Result<ImagePath, LinkLoop> {
        let Some(parent) = entry.path.parent() else { return Ok(ImagePath::root()) };
        let resolved = match &self.last {
            Some((known, resolved)) if *known == parent => resolved.clone(),
            _ => self.links.resolve(&parent)?,
        };
        let path = if resolved == parent {
            entry.path.clone()
        } else {
            let name = ImagePath::new(entry.path.name()).unwrap_or_default(); // a component of a path is a path
            resolved.join(&name)
        };
        self.last = Some((parent, resolved));
        if entry.kind == EntryKind::Dir && self.links.targets.contains_key(&path) {
            let target = self.links.resolve(&path)?;
            if self.links.folders.contains(&target) {
                return Ok(target);
            }
        }
        Ok(path)
    }
}

struct Merging<'a> {
    tree: &'a mut FileTree,
    links: &'a Links,
    relations: &'a PackageRelations,
    diversions: &'a [Diverted],
    merged: Merged,
    clashes: Vec<Clash>,
}

impl Merging<'_> {
    fn add(&mut self, package: &Shipped<'_>, shipped: &PackageEntry, path: ImagePath) {
        if path.is_root() {
            return; // the root's own mode and owner are the runtime's
        }
        let original = &shipped.entry.path;
        let path = match self.divert(path, package.id) {
            Ok(path) => path,
            Err(LinkLoop { path }) => return self.clash(path, "a loop of links", package.id, &shipped.entry),
        };
        let node = package.node(shipped, path);
        let Some(there) = self.tree.get_mut(&node.entry.path) else {
            self.insert(package.id, original, node);
            return;
        };
        match (&there.entry.kind, &node.entry.kind) {
            (EntryKind::Dir, EntryKind::Dir) => {
                there.entry.mtime = there.entry.mtime.max(node.entry.mtime);
                there.own = true;
            }
            (EntryKind::Dir, EntryKind::Symlink { .. }) if !there.own => {
                self.edit(package.id).exclude.insert(original.clone());
            }
            (EntryKind::Dir, _) | (_, EntryKind::Dir) => {
                let holder = there.entry.kind.to_string();
                self.clash(node.entry.path.clone(), &holder, package.id, &node.entry);
            }
            _ => self.settle(package.id, original, node),
        }
    }

    /// Where something goes that another package diverts. Who diverts names a path, and any package may have a link on
    /// the way to it.
    fn divert(&self, path: ImagePath, package: u32) -> Result<ImagePath, LinkLoop> {
        let diverts = |diversion: &&Diverted| diversion.path == path && diversion.by != package;
        match self.diversions.iter().find(diverts) {
            Some(diversion) => resolve(&diversion.to, Last::Keep, |path| self.links.targets.get(path).cloned()),
            None => Ok(path),
        }
    }

    /// Whatever way something came to its path, all above it must be folders: else whoever unpacks the image could be
    /// led elsewhere.
    fn refuse_what_is_below_no_folder(&mut self) {
        let is_no_folder = |path: &ImagePath| self.tree.get(path).is_some_and(|node| node.entry.kind != EntryKind::Dir);
        let mut known = ImagePath::root();
        let mut wrong = Vec::new();
        for node in self.tree.iter() {
            let Some(parent) = node.entry.path.parent().filter(|parent| *parent != known) else { continue };
            if let Some(above) = parent.ancestors().chain([parent.clone()]).find(|path| is_no_folder(path)) {
                wrong.push((above, node.owner, node.entry.clone()));
            } else {
                known = parent;
            }
        }
        for (above, owner, entry) in wrong {
            let holder = self.tree.get(&above).map(|node| node.entry.kind.to_string()).unwrap_or_default();
            if let NodeOwner::Package(package) = owner {
                self.clash(above, &format!("{holder}, with `{}` below it,", entry.path), package, &entry);
            }
        }
    }

    /// Two things that are not folders are at one path.
    fn settle(&mut self, package: u32, original: &ImagePath, node: Node) {
        let path = node.entry.path.clone();
        let Some(there) = self.tree.get(&path) else { return };
        let (owner, own, holder) = (there.owner, there.own, there.entry.kind.to_string());
        match owner {
            _ if alike(there, &node) => _ = self.edit(package).exclude.insert(original.clone()),
            NodeOwner::Package(other) if self.relations.replaces(other, package) => {
                self.edit(package).exclude.insert(original.clone());
                self.merged.lost.entry(package).or_default().insert(original.clone());
            }
            NodeOwner::Package(other) if self.relations.replaces(package, other) => {
                if own {
                    self.edit(other).lose(&path);
                }
                self.merged.lost.entry(other).or_default().insert(path.clone());
                self.tree.detach_links(&path);
                self.insert(package, original, node);
            }
            // a package's own file is better than one that was made up
            NodeOwner::Generated => self.insert(package, original, node),
            NodeOwner::Package(_) | NodeOwner::Recipe => self.clash(path, &holder, package, &node.entry),
        }
    }

    fn insert(&mut self, package: u32, original: &ImagePath, node: Node) {
        if *original != node.entry.path && node.entry.kind != EntryKind::Dir {
            self.edit(package).rename.insert(original.clone(), node.entry.path.clone());
        }
        self.tree.insert(node);
    }

    fn edit(&mut self, package: u32) -> &mut Edits {
        self.merged.edits.entry(package).or_default()
    }

    fn clash(&mut self, path: ImagePath, holder: &str, package: u32, entry: &Entry) {
        let first = match self.tree.get(&path).map(|node| (node.own, node.owner)) {
            Some((true, NodeOwner::Package(other))) => self.relations.name(other),
            Some((false, NodeOwner::Package(other))) => format!("{} in the base image", self.relations.name(other)),
            Some((_, NodeOwner::Recipe)) => "the base image's recipe".to_owned(),
            Some((_, NodeOwner::Generated)) => "package configuration".to_owned(),
            None => "the packages together".to_owned(),
        };
        let second = (self.relations.name(package), entry.kind.to_string());
        self.clashes.push(Clash { path, first: (first, holder.to_owned()), second });
    }
}

impl Shipped<'_> {
    /// What is at `path` once the package's entry is there.
    fn node(&self, shipped: &PackageEntry, path: ImagePath) -> Node {
        let content = shipped.content.map(|digest| match self.place {
            ContentPlace::Segment(key) => Content::Stored { key, offset: shipped.offset, digest },
            ContentPlace::Folder(folder) => {
                let file = Beneath::new(Arc::clone(folder), shipped.entry.path.as_relative());
                Content::Unpacked { file, digest }
            }
        });
        let entry = Entry { path, ..shipped.entry.clone() };
        Node { entry, owner: NodeOwner::Package(self.id), own: true, content, elf: shipped.elf.clone() }
    }

    /// Points a tree that the package was merged into at the bytes where they are now.
    pub(super) fn reattach(&self, tree: &mut FileTree) {
        for shipped in self.entries.iter().filter(|shipped| !shipped.left_out) {
            let path = &shipped.entry.path;
            let is_its_own = |node: &&Node| node.own && node.owner == NodeOwner::Package(self.id);
            if shipped.entry.kind != EntryKind::Dir && tree.get(path).filter(is_its_own).is_some() {
                tree.insert(self.node(shipped, path.clone()));
            }
        }
    }
}

/// Whether two files or links are the same but for their times.
fn alike(one: &Node, other: &Node) -> bool {
    let facts = |node: &Node| (node.entry.mode, node.entry.uid, node.entry.gid);
    let content = |node: &Node| node.content.as_ref().and_then(Content::digest);
    one.entry.kind == other.entry.kind
        && one.entry.xattrs == other.entry.xattrs
        && content(one) == content(other)
        && (facts(one) == facts(other) || matches!(one.entry.kind, EntryKind::Symlink { .. }))
}

impl Edits {
    /// Takes out what ended up at `path`, under whichever name the package has it.
    pub(crate) fn lose(&mut self, path: &ImagePath) {
        let original = self.rename.iter().find(|(_, to)| *to == path).map(|(from, _)| from.clone());
        if let Some(original) = &original {
            self.rename.remove(original);
        }
        self.exclude.insert(original.unwrap_or_else(|| path.clone()));
    }
}

/// The folders that a policy left out but that are needed, because something kept is in them.
fn left_out_folders<'a>(left_out: impl Iterator<Item = &'a Entry>) -> BTreeMap<ImagePath, Entry> {
    let mut folders: BTreeMap<ImagePath, Entry> = BTreeMap::new();
    for entry in left_out.filter(|entry| entry.kind == EntryKind::Dir) {
        let known = folders.entry(entry.path.clone()).or_insert_with(|| entry.clone());
        known.mtime = known.mtime.max(entry.mtime);
    }
    folders
}
