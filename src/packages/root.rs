//! Packages as a root for build steps: merged and configured as those of an image, and laid out by hard links.
//!
//! A root is a tool, not a part of an image: owners are not kept, set-uid bits are dropped, and all its files are one
//! user's. What is in it follows from its packages and the model alone, so it is known by the digests of its parts and
//! is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use crate::archive::{Entry, EntryKind};
use crate::beneath::Dir;
use crate::distribution::scripts::ScriptPrograms;
use crate::distribution::system::{Extent, PackageState, UnmodelledScript, UnpackedPackage};
use crate::distribution::world::world_of;
use crate::model::{Digest, ImagePath, PackageId, Platform, Why};
use crate::store::{Store, TreeFacts, TreeHasher};

use super::PackagesError;
use super::configure::Configuring;
use super::cores::on_all_cores;
use super::merge::{Shipped, merge};
use super::relations::PackageRelations;
use super::shelf::Shelf;
use super::tree::{Content, FileTree, Node};
use super::unpacked::{RootPackage, Unpacked, permissions, unpack};

/// The packages of a root, merged into one tree.
pub struct PackageRoot<'a> {
    shelf: Shelf<'a>,
    platform: Platform,
    packages: Vec<UnpackedPackage>,
    relations: PackageRelations,
    /// What the packages ship.
    tree: FileTree,
}

impl<'a> PackageRoot<'a> {
    /// Unpacks what is not unpacked yet, and merges all packages. Those of other architectures than the platform's are
    /// there for their headers and libraries: they count as configured.
    ///
    /// # Errors
    /// When the store does not hold a package, a package is broken or another than the one that was pinned, or two
    /// packages claim one path.
    pub fn new(store: &'a Store, platform: Platform, packages: &[RootPackage]) -> Result<Self, PackagesError> {
        let native = platform.deb();
        let mut packages: Vec<&RootPackage> = packages.iter().collect();
        let first = world_of(packages.iter().map(|package| &package.id))?.merge_rules().first;
        // the most basic first, as in an image; of several architectures the native one, which wins where they share
        packages.sort_by_key(|package| {
            let PackageId { name, architecture, version, .. } = &package.id;
            (*name != *first, name, !package.id.runs_on(native), architecture, version)
        });
        packages.dedup();
        let order: Vec<usize> = (0..packages.len()).collect();
        let unpacked = on_all_cores(&order, packages.len(), |index| unpack(store, packages[index]))?;
        let controls: Vec<_> =
            packages.iter().zip(&unpacked).map(|(package, unpacked)| (&package.id, &unpacked.control)).collect();
        let relations = PackageRelations::read(&controls)?.of_several_architectures();
        let mut tree = FileTree::default();
        let all: Vec<Shipped<'_>> = (0..).zip(&unpacked).map(|(id, package)| package.shipped(id)).collect();
        let lost = merge(&mut tree, &all, &relations)?.lost;
        let none = BTreeSet::new();
        let packages = (0..).zip(packages.iter().zip(unpacked)).map(|(number, (package, unpacked))| {
            let state = if package.id.runs_on(native) { PackageState::Unpacked } else { PackageState::Configured };
            to_configure(package.id.clone(), unpacked, lost.get(&number).unwrap_or(&none), state)
        });
        let packages = packages.collect();
        Ok(Self { shelf: Shelf::new(store), platform, packages, relations, tree })
    }

    /// The packages, those of the platform before those of others of the same name.
    #[must_use]
    pub fn packages(&self) -> &[UnpackedPackage] {
        &self.packages
    }

    /// What runs the scripts of the packages, when the root has it.
    #[must_use]
    pub fn scripts(&self) -> Option<&'static dyn ScriptPrograms> {
        let programs = self.relations.world.scripts();
        let runs = |package: &UnpackedPackage| {
            package.id.name == *programs.facts().runner && package.state == PackageState::Unpacked
        };
        self.packages.iter().any(runs).then_some(programs)
    }

    /// The root after configuration by the model, and the scripts whose effects it lacks because nobody has read them.
    ///
    /// # Errors
    /// When control data or a file that configuration reads is broken.
    pub fn configured(&self) -> Result<(RootTree<'_>, Vec<UnmodelledScript>), PackagesError> {
        self.after(Extent::Configured)
    }

    /// The root with a package database that says that the packages are unpacked, so that the real package manager can go on.
    ///
    /// # Errors
    /// As [`PackageRoot::configured`].
    pub fn unpacked(&self) -> Result<RootTree<'_>, PackagesError> {
        Ok(self.after(Extent::Unpacked)?.0)
    }

    fn after(&self, extent: Extent) -> Result<(RootTree<'_>, Vec<UnmodelledScript>), PackagesError> {
        let mut tree = self.tree.clone();
        let base = FileTree::default();
        let Self { shelf, platform, packages, relations, .. } = self;
        let configuring = Configuring { platform: *platform, packages, relations, base: &base, shelf };
        let effects = configuring.apply(&mut tree, extent)?;
        Ok((RootTree { tree, shelf }, effects.unmodelled))
    }
}

/// A package as configuration sees it: the database says what it owns, under the names that it was packed with.
fn to_configure(
    id: PackageId,
    Unpacked { control, entries, .. }: Unpacked,
    lost: &BTreeSet<ImagePath>,
    state: PackageState,
) -> UnpackedPackage {
    let owned = entries.into_iter().filter(|shipped| !lost.contains(&shipped.entry.path));
    let entries = owned.map(|shipped| Entry { path: shipped.packed_path().clone(), ..shipped.entry }).collect();
    UnpackedPackage { id, control, entries, state, why: Why::Asked }
}

/// A root, path by path.
pub struct RootTree<'a> {
    tree: FileTree,
    shelf: &'a Shelf<'a>,
}

impl RootTree<'_> {
    /// Writes the root into the empty folder `root`, and says what [`crate::store::digest_tree`] would find there.
    ///
    /// # Errors
    /// When a file cannot be linked or written.
    pub fn lay_out(&self, root: Dir) -> Result<TreeFacts, PackagesError> {
        let mut laying = Laying { shelf: self.shelf, root, hasher: TreeHasher::new(), folders: BTreeMap::new() };
        for node in self.tree.iter() {
            let doing = || format!("put {} into a root", node.entry.path);
            laying.add(node).map_err(|source| PackagesError::Io { doing: doing(), source })?;
        }
        let doing = || "finish the folders of a root".to_owned();
        laying.finish().map_err(|source| PackagesError::Io { doing: doing(), source })
    }
}

struct Laying<'a> {
    shelf: &'a Shelf<'a>,
    root: Dir,
    hasher: TreeHasher,
    /// Modes and times of folders; what is put into a folder changes its time.
    folders: BTreeMap<ImagePath, (u32, i64)>,
}

impl Laying<'_> {
    /// In a tree a folder comes before what is in it. Where something lies below a link all the same, it is refused:
    /// the folder `root` follows none.
    fn add(&mut self, node: &Node) -> io::Result<()> {
        let (entry, root) = (&node.entry, &self.root);
        let path = entry.path.as_relative();
        match &entry.kind {
            EntryKind::Dir => {
                root.create_dir(path)?;
                self.folders.insert(entry.path.clone(), (permissions(entry.mode, 0o700), entry.mtime));
                self.hasher.folder(entry.path.as_bytes());
            }
            EntryKind::Symlink { target } => {
                root.symlink(OsStr::from_bytes(target), path)?;
                root.set_mtime(path, entry.mtime, 0)?;
                self.hasher.link(entry.path.as_bytes(), target);
            }
            EntryKind::File { size } => {
                let mode = permissions(entry.mode, 0o400);
                let digest = self.file(node, *size, mode)?;
                self.hasher.file(entry.path.as_bytes(), &digest, *size, mode & 0o100 != 0);
            }
            EntryKind::Hardlink { target } => {
                return Err(io::Error::other(format!(
                    "`{target}` has another name, which packages of a root do without"
                )));
            }
        }
        Ok(())
    }

    fn file(&self, node: &Node, size: u64, mode: u32) -> io::Result<Digest> {
        let path = node.entry.path.as_relative();
        if let Some(Content::Unpacked { file, digest }) = &node.content {
            // another name of the file, or a copy where there can be none: on another file system, or with too many
            match file.dir().hard_link(file.below(), &self.root, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    io::copy(&mut file.open_file()?, &mut self.root.create_file(path, mode)?)?;
                    self.root.set_mtime(path, node.entry.mtime, 0)?;
                }
                linked => linked?,
            }
            return Ok(*digest);
        }
        let mut bytes = Vec::new();
        if let Some(content) = &node.content {
            let mut content = self.shelf.open(content, size).map_err(io::Error::other)?;
            io::copy(&mut content, &mut bytes)?;
        }
        self.root.create_file(path, mode)?.write_all(&bytes)?;
        self.root.set_mtime(path, node.entry.mtime, 0)?;
        Ok(Digest::of(&bytes))
    }

    fn finish(self) -> io::Result<TreeFacts> {
        for (path, (mode, mtime)) in self.folders.iter().rev() {
            self.root.set_mode(path.as_relative(), *mode)?;
            self.root.set_mtime(path.as_relative(), *mtime, 0)?;
        }
        Ok(self.hasher.finish())
    }
}
