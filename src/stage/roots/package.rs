//! A package as a folder of the store: unpacked once, linked into as many roots as hold it.

use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::RootPackage;
use super::error::RootError;
use crate::archive::{ArchiveError, Content, Control, DebReader, Entry, EntryKind, Limits, PathGuard};
use crate::beneath::Dir;
use crate::model::{Digest, ImagePath, Mode, formats};
use crate::store::{Store, TreeKind};

/// Folders of the root that are links into `/usr` (Debian's merged `/usr`), for files that are packed below them.
pub(super) const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];
/// Where unpacked packages are among the store's records.
const RECORD: &str = "unpacked";

/// An unpacked package.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) control: Control,
    /// As packed, in the order of the archive.
    pub(super) paths: Vec<ImagePath>,
    pub(super) tree: PathBuf,
}

/// What is written down of a package beside its tree.
#[derive(Serialize, Deserialize)]
struct Record {
    control: Control,
    paths: Vec<ImagePath>,
}

impl Unpacked {
    /// Whether its programs and scripts can run on a machine of Debian's architecture `native`.
    pub(super) fn runs_on(&self, native: &str) -> bool {
        self.architecture == native || self.architecture == "all"
    }

    /// A field of its control file, on one line.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.control.control.lines();
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// What the names of its files in `/var/lib/dpkg/info` begin with.
    pub(super) fn info_name(&self) -> String {
        if self.field("Multi-Arch") == Some("same") {
            format!("{}:{}", self.name, self.architecture)
        } else {
            self.name.clone()
        }
    }

    /// Whether it says that it takes over files of `other`. Which versions of it does not matter here: the resolver saw
    /// to it that the two fit.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        let relations = self.field("Replaces").unwrap_or_default().split(',');
        relations
            .filter_map(|relation| relation.split_whitespace().next())
            .any(|name| name.split(':').next() == Some(other.name.as_str()))
    }
}

/// All packages, unpacked in parallel.
pub(super) fn unpack_all(store: &Store, packages: &[RootPackage]) -> Result<Vec<Unpacked>, RootError> {
    packages.par_iter().map(|package| unpack(store, package)).collect()
}

fn unpack(store: &Store, package: &RootPackage) -> Result<Unpacked, RootError> {
    let key = Digest::of_value(&(formats::UNPACKED, package.digest));
    let _claim = store.claim("package", &key)?;
    let found = |record: Record, tree| checked(package, record, tree);
    if let (Some(tree), Some(record)) = (store.tree(TreeKind::Package, &key), store.record(RECORD, &key)?) {
        store.check_tree(TreeKind::Package, &key)?;
        return found(record, tree);
    }
    let file = store.open_blob(&package.digest)?;
    let writer = store.tree_writer(TreeKind::Package, &key)?;
    let broken = |source| RootError::Package { package: shown(package), source };
    let mut deb = DebReader::open(BufReader::with_capacity(128 << 10, file), Limits::default()).map_err(broken)?;
    let mut tree = TreeMaker::new(Dir::open(writer.path())?);
    let mut paths = Vec::new();
    {
        let mut data = deb.data().map_err(broken)?;
        while let Some((entry, content)) = data.next().map_err(broken)? {
            paths.push(entry.path.clone());
            tree.add(entry, content).map_err(|error| error.of(package))?;
        }
    }
    let control = deb.finish().map_err(broken)?;
    let record = Record { control, paths };
    store.put_record(RECORD, &key, &record)?;
    found(record, writer.commit()?)
}

fn shown(package: &RootPackage) -> String {
    format!("{} {} ({})", package.name, package.version, package.architecture)
}

/// The lock names packages; what a package says of itself must agree, since its own words go into the database.
fn checked(package: &RootPackage, record: Record, tree: PathBuf) -> Result<Unpacked, RootError> {
    let RootPackage { name, architecture, version, .. } = package;
    let unpacked = Unpacked {
        name: name.clone(),
        architecture: architecture.clone(),
        control: record.control,
        paths: record.paths,
        tree,
    };
    let says = ["Package", "Version", "Architecture"].map(|field| unpacked.field(field).unwrap_or_default().to_owned());
    if says == [name, version, architecture].map(String::clone) {
        return Ok(unpacked);
    }
    let [name, version, architecture] = says;
    Err(RootError::OtherPackage { package: shown(package), found: format!("{name} {version} ({architecture})") })
}

/// `path` as it is in a root with a merged `/usr`.
pub(super) fn merged(path: &ImagePath) -> ImagePath {
    let top = path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
    if MERGED.iter().any(|name| name.as_bytes() == top) {
        let usr = ImagePath::new(b"usr").unwrap_or_default();
        return usr.join(path);
    }
    path.clone()
}

/// Why an entry could not be unpacked; which package it is of is known a level higher.
enum EntryError {
    Archive(ArchiveError),
    Io(io::Error),
}

impl EntryError {
    fn of(self, package: &RootPackage) -> RootError {
        match self {
            Self::Archive(source) => RootError::Package { package: shown(package), source },
            Self::Io(source) => RootError::Io { source },
        }
    }
}

impl From<ArchiveError> for EntryError {
    fn from(source: ArchiveError) -> Self {
        Self::Archive(source)
    }
}

impl From<io::Error> for EntryError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

/// Writes entries into an empty folder that nobody else writes to.
struct TreeMaker {
    root: Dir,
    /// Moving paths into `/usr` can bring together what was apart in the archive, so its own guard is not enough.
    guard: PathGuard,
}

impl TreeMaker {
    fn new(root: Dir) -> Self {
        Self { root, guard: PathGuard::new() }
    }

    fn add(&mut self, mut entry: Entry, mut content: Content<'_, impl io::Read>) -> Result<(), EntryError> {
        let is_merge_link = MERGED.iter().any(|name| name.as_bytes() == entry.path.as_bytes())
            && matches!(entry.kind, EntryKind::Symlink { .. });
        if !is_merge_link {
            entry.path = merged(&entry.path);
        }
        if let EntryKind::Hardlink { target } = &mut entry.kind {
            *target = merged(target);
        }
        self.guard.admit(&entry)?;
        let (root, path) = (&self.root, entry.path.as_relative());
        if let Some(parent) = entry.path.parent() {
            root.create_dir_all(parent.as_relative())?;
        }
        match &entry.kind {
            EntryKind::Dir => {
                root.create_dir_all(path)?;
                root.set_mode(path, permissions(entry.mode, 0o700))?;
            }
            EntryKind::File { .. } => {
                root.remove_file(path)?;
                let file = root.create_file(path, permissions(entry.mode, 0o400))?;
                let mut file = BufWriter::with_capacity(128 << 10, file);
                io::copy(&mut content, &mut file)?;
                file.flush()?;
                root.set_mtime(path, entry.mtime, 0)?;
            }
            EntryKind::Symlink { target } => {
                root.remove_file(path)?;
                root.symlink(std::ffi::OsStr::from_bytes(target), path)?;
                root.set_mtime(path, entry.mtime, 0)?;
            }
            EntryKind::Hardlink { target } => {
                root.remove_file(path)?;
                root.hard_link(target.as_relative(), root, path)?;
            }
        }
        Ok(())
    }
}

/// The mode without set-uid, set-gid and sticky bits, and with what the owner needs to go on.
fn permissions(mode: Mode, needed: u32) -> u32 {
    mode.bits() & 0o777 | needed
}
