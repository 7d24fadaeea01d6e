//! A package as a folder of the store, with an index of what is in it: unpacked once, linked into as many roots as hold
//! it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::archive::{ArchiveError, Control, DebReader, ElfFacts, Entry, EntryContent, EntryKind, Limits, PathGuard};
use crate::beneath::Dir;
use crate::distribution::world::{MergeRules, world};
use crate::model::{Digest, ImagePath, Mode, PackageId, formats};
use crate::store::{Store, TreeFacts, TreeHasher, TreeKind};

use super::entry::PackageEntry;
use super::merge::{ContentPlace, Shipped};
use super::stream::Seen;
use super::{PackagesError, aliases};

/// Where the indexes are among the store's records.
const RECORD: &str = "unpacked";

/// A package of a root, as a package file that the store holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RootPackage {
    /// Which it is.
    #[serde(flatten)]
    pub id: PackageId,
    /// Hash of the package file.
    pub digest: Digest,
}

/// An unpacked package.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// Its control member.
    pub(super) control: Control,
    /// Its files, links and folders in the package's order; a hard link is a file like any other.
    pub(super) entries: Vec<PackageEntry>,
    /// Where its files are, at the paths of a merged system.
    pub(super) folder: Arc<Dir>,
}

/// What is written down of a package beside its folder.
#[derive(Serialize, Deserialize)]
struct Index {
    control: Control,
    entries: Vec<PackageEntry>,
}

impl Unpacked {
    /// The package as merging sees it.
    pub(super) fn shipped(&self, id: u32) -> Shipped<'_> {
        Shipped { id, place: ContentPlace::Folder(&self.folder), entries: &self.entries }
    }
}

/// The package, from the store when it was unpacked before; its folder is compared with its digest then.
///
/// # Errors
/// When the store does not hold the package, it is no package or ships a path twice, or the store fails.
pub(super) fn unpack(store: &Store, package: &RootPackage) -> Result<Unpacked, PackagesError> {
    let rules = world(package.id.format)?.merge_rules();
    let key = Digest::of_value(&(formats::UNPACKED, rules.rules, package.digest));
    let _claim = store.claim("package", &key)?;
    let open = |index: Index, tree: &Path| {
        let folder = Arc::new(Dir::open(tree).map_err(|source| io_error(package, source))?);
        Ok(Unpacked { control: index.control, entries: index.entries, folder })
    };
    if let (Some(tree), Some(index)) = (store.tree(TreeKind::Package, &key), store.record(RECORD, &key)?) {
        store.check_tree(TreeKind::Package, &key)?;
        return open(index, &tree);
    }
    let writer = store.tree_writer(TreeKind::Package, &key)?;
    let folder = Dir::open(writer.path()).map_err(|source| io_error(package, source))?;
    let mut unpacking = Unpacking::new(package, rules, store, folder);
    let control = unpacking.read()?;
    let facts = unpacking.facts();
    let index = Index { control, entries: unpacking.entries };
    store.put_record(RECORD, &key, &index)?;
    let (tree, _) = writer.commit_known(facts)?;
    open(index, &tree)
}

fn io_error(package: &RootPackage, source: io::Error) -> PackagesError {
    PackagesError::Io { doing: format!("unpack {}", package.id), source }
}

/// Writes entries into an empty folder that nobody else writes to.
struct Unpacking<'a> {
    package: &'a RootPackage,
    rules: &'a MergeRules,
    store: &'a Store,
    folder: Dir,
    /// Moving paths into `/usr` can bring together what was apart in the archive, so its own guard is not enough.
    guard: PathGuard,
    entries: Vec<PackageEntry>,
    /// What was put where.
    placed: BTreeMap<ImagePath, Placed>,
}

/// Something in the folder.
enum Placed {
    Folder,
    Link { from: ImagePath, target: Vec<u8> },
    File { from: ImagePath, file: File },
}

#[derive(Clone)]
struct File {
    size: u64,
    content: Digest,
    elf: Option<ElfFacts>,
    executable: bool,
}

impl<'a> Unpacking<'a> {
    fn new(package: &'a RootPackage, rules: &'a MergeRules, store: &'a Store, folder: Dir) -> Self {
        let (guard, entries, placed) = (PathGuard::new(), Vec::new(), BTreeMap::new());
        Self { package, rules, store, folder, guard, entries, placed }
    }

    fn read(&mut self) -> Result<Control, PackagesError> {
        let package = self.package;
        let wrong = |source| PackagesError::Package { package: package.id.to_string(), source };
        let file = BufReader::with_capacity(128 << 10, self.store.open_blob(&package.digest)?);
        let mut deb = DebReader::open(file, Limits::default()).map_err(wrong)?;
        let mut data = deb.data().map_err(wrong)?;
        while let Some((entry, content)) = data.next().map_err(wrong)? {
            self.add(entry, content)?;
        }
        drop(data);
        deb.finish().map_err(wrong)
    }

    fn add(&mut self, packed: Entry, content: EntryContent<'_, impl io::Read>) -> Result<(), PackagesError> {
        if packed.path.is_root() {
            return Ok(());
        }
        let from = packed.path.clone();
        let mut entry = aliases::merge_entry(self.rules, packed);
        self.guard.admit(&entry).map_err(|source| self.wrong(source))?;
        self.is_new(&entry, &from)?;
        for folder in entry.path.ancestors() {
            self.placed.entry(folder).or_insert(Placed::Folder);
        }
        let placed = self.write(&entry, content, from.clone())?;
        let packed = (from != entry.path).then_some(from);
        let (mut content, mut elf) = (None, None);
        if let Placed::File { file, .. } = &placed {
            entry.kind = EntryKind::File { size: file.size };
            (content, elf) = (Some(file.content), file.elf.clone());
        }
        self.placed.insert(entry.path.clone(), placed);
        self.entries.push(PackageEntry { entry, packed, left_out: false, content, offset: 0, elf });
        Ok(())
    }

    /// Two names of a package may be one path in a merged system.
    fn is_new(&self, entry: &Entry, from: &ImagePath) -> Result<(), PackagesError> {
        let first = match self.placed.get(&entry.path) {
            Some(Placed::Link { from, .. } | Placed::File { from, .. }) => from.clone(),
            Some(Placed::Folder) if entry.kind != EntryKind::Dir => entry.path.clone(),
            Some(Placed::Folder) | None => return Ok(()),
        };
        let (package, path, second) = (self.package.id.to_string(), entry.path.clone(), from.clone());
        Err(PackagesError::Twice { package, path, first, second })
    }

    fn write(
        &self,
        entry: &Entry,
        content: EntryContent<'_, impl io::Read>,
        from: ImagePath,
    ) -> Result<Placed, PackagesError> {
        let failed = |source| io_error(self.package, source);
        let (folder, path) = (&self.folder, entry.path.as_relative());
        if let Some(parent) = entry.path.parent() {
            folder.create_dir_all(parent.as_relative()).map_err(failed)?;
        }
        Ok(match &entry.kind {
            EntryKind::Dir => {
                folder.create_dir_all(path).map_err(failed)?;
                folder.set_mode(path, permissions(entry.mode, 0o700)).map_err(failed)?;
                Placed::Folder
            }
            EntryKind::File { size } => {
                let mut seen = Seen::new(content, *size, self.store.root());
                let mode = permissions(entry.mode, 0o400);
                let target = folder.create_file(path, mode).map_err(failed)?;
                let mut target = BufWriter::with_capacity(128 << 10, target);
                io::copy(&mut seen, &mut target).map_err(|source| self.wrong(ArchiveError::from_read(source)))?;
                target.flush().map_err(failed)?;
                folder.set_mtime(path, entry.mtime, 0).map_err(failed)?;
                let (content, elf) = seen.finish();
                Placed::File { from, file: File { size: *size, content, elf, executable: mode & 0o100 != 0 } }
            }
            EntryKind::Symlink { target } => {
                folder.symlink(OsStr::from_bytes(target), path).map_err(failed)?;
                folder.set_mtime(path, entry.mtime, 0).map_err(failed)?;
                Placed::Link { from, target: target.clone() }
            }
            EntryKind::Hardlink { target } => {
                folder.hard_link(target.as_relative(), folder, path).map_err(failed)?;
                match self.placed.get(target) {
                    Some(Placed::File { file, .. }) => Placed::File { from, file: file.clone() },
                    _ => return Err(failed(io::Error::other(format!("`{target}` is no file that has another name")))),
                }
            }
        })
    }

    /// What the folder holds.
    fn facts(&self) -> TreeFacts {
        let mut hasher = TreeHasher::new();
        for (path, placed) in &self.placed {
            let path = path.as_bytes();
            match placed {
                Placed::Folder => hasher.folder(path),
                Placed::Link { target, .. } => hasher.link(path, target),
                Placed::File { file: File { size, content, executable, .. }, .. } => {
                    hasher.file(path, content, *size, *executable);
                }
            }
        }
        hasher.finish()
    }

    fn wrong(&self, source: ArchiveError) -> PackagesError {
        PackagesError::Package { package: self.package.id.to_string(), source }
    }
}

/// The mode without set-uid, set-gid and sticky bits, and with what the owner needs to go on.
pub(super) fn permissions(mode: Mode, needed: u32) -> u32 {
    mode.bits() & 0o777 | needed
}
