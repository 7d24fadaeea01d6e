//! A root file system in memory: packages unpacked and merged, before and after they are configured.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orchestrate::archive::{DebReader, ElfFacts, Entry, EntryKind, Limits, TarWriter, elf};
use orchestrate::distribution::system::{Configured, PackageState, Tree, UnpackedPackage};
use orchestrate::model::{Format, ImagePath, Mode, PackageId, Why};

/// Entries by path, with content.
#[derive(Default)]
pub(crate) struct MemoryTree(BTreeMap<ImagePath, (Entry, Vec<u8>)>);

/// Top folders that are links into `/usr` on a merged system.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];

impl MemoryTree {
    /// Unpacks `debs`; the first package to bring a folder decides about it.
    pub(crate) fn unpack(debs: &[PathBuf]) -> (Self, Vec<UnpackedPackage>) {
        let mut tree = Self::default();
        let packages = debs.iter().map(|deb| tree.unpack_one(deb)).collect();
        tree.link_merged();
        (tree, packages)
    }

    /// Reads what is below a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut tree = Self::default();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for child in fs_err::read_dir(&next).expect("a folder") {
                let path = child.expect("an entry").path();
                let meta = fs_err::symlink_metadata(&path).expect("there");
                let name = path.strip_prefix(folder).expect("below").as_os_str().as_encoded_bytes();
                let name = ImagePath::new(name).expect("a path");
                let (kind, content) = if meta.is_dir() {
                    open.push(path);
                    (EntryKind::Dir, Vec::new())
                } else if meta.is_symlink() {
                    let target = fs_err::read_link(&path).expect("a link").into_os_string().into_encoded_bytes();
                    (EntryKind::Symlink { target }, Vec::new())
                } else {
                    (EntryKind::File { size: meta.len() }, fs_err::read(&path).expect("a file"))
                };
                let mode = Mode::from_bits(meta.permissions().mode());
                let entry = Entry { path: name.clone(), kind, mode, uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() };
                tree.0.insert(name, (entry, content));
            }
        }
        tree
    }

    fn unpack_one(&mut self, deb: &PathBuf) -> UnpackedPackage {
        let file = BufReader::new(fs_err::File::open(deb).expect("a package"));
        let mut deb = DebReader::open(file, Limits::default()).expect("a package");
        let mut entries = Vec::new();
        let mut data = deb.data().expect("its data");
        while let Some((entry, mut content)) = data.next().expect("an entry") {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("content");
            entries.push(entry.clone());
            self.add(entry, bytes);
        }
        drop(data);
        let control = deb.finish().expect("the end of the package");
        let field = |name: &str| {
            let line = control.control.lines().find_map(|line| line.strip_prefix(name));
            line.expect("a field that every package has").trim().to_owned()
        };
        UnpackedPackage {
            id: PackageId::new(Format::Deb, &field("Package:"), &field("Version:"), &field("Architecture:"))
                .expect("a package"),
            control,
            entries,
            state: PackageState::Unpacked,
            why: Why::Asked,
        }
    }

    fn add(&mut self, mut entry: Entry, bytes: Vec<u8>) {
        let merged = |path: &ImagePath| {
            let top =
                path.ancestors().next().is_some_and(|top| MERGED.iter().any(|name| name.as_bytes() == top.as_bytes()));
            if top { ImagePath::new(b"usr").expect("a path").join(path) } else { path.clone() }
        };
        let alias = MERGED.iter().any(|name| name.as_bytes() == entry.path.as_bytes());
        entry.path = match alias && entry.kind == EntryKind::Dir {
            true => ImagePath::new(b"usr").expect("a path").join(&entry.path),
            false => merged(&entry.path),
        };
        if let EntryKind::Hardlink { target } = &mut entry.kind {
            *target = merged(target);
        }
        let known = self.0.get(&entry.path).is_some_and(|_| entry.kind == EntryKind::Dir);
        if !known && !entry.path.is_root() {
            self.0.insert(entry.path.clone(), (entry, bytes));
        }
    }

    /// Makes the links of a merged system that no package brings (before Debian 13 none does).
    fn link_merged(&mut self) {
        for name in MERGED {
            let (link, target) = (ImagePath::new(name.as_bytes()).expect("a path"), format!("usr/{name}"));
            let target = ImagePath::new(target.as_bytes()).expect("a path");
            let Some((folder, _)) = self.0.get(&target).filter(|_| !self.0.contains_key(&link)) else { continue };
            let kind = EntryKind::Symlink { target: target.as_bytes().to_vec() };
            let entry = Entry { path: link.clone(), kind, mode: Mode::from_bits(0o777), ..folder.clone() };
            self.0.insert(link, (entry, Vec::new()));
        }
    }

    /// Applies what configuring found.
    pub(crate) fn apply(&mut self, configured: Configured) {
        for path in &configured.removed {
            self.0.remove(path);
        }
        for (entry, content) in configured.files {
            self.0.insert(entry.path.clone(), (entry, content));
        }
    }

    /// As a tar stream.
    pub(crate) fn to_tar(&self) -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        let link = |entry: &Entry| matches!(entry.kind, EntryKind::Hardlink { .. });
        // the file comes before its other names
        let files = self.0.values().filter(|(entry, _)| !link(entry));
        for (entry, content) in files.chain(self.0.values().filter(|(entry, _)| link(entry))) {
            tar.append(entry, &content[..]).expect("written");
        }
        tar.finish().expect("written")
    }
}

impl Tree for MemoryTree {
    fn entry(&self, path: &ImagePath) -> Option<Entry> {
        self.0.get(path).map(|(entry, _)| entry.clone())
    }

    fn list(&self, folder: &ImagePath) -> Vec<Entry> {
        let within = self.0.range(folder.clone()..).take_while(|(path, _)| path.is_within(folder));
        let children = within.filter(|(path, _)| path.parent().as_ref() == Some(folder));
        children.map(|(_, (entry, _))| entry.clone()).collect()
    }

    fn read(&self, path: &ImagePath) -> io::Result<Vec<u8>> {
        match self.0.get(path) {
            Some((Entry { kind: EntryKind::File { .. }, .. }, content)) => Ok(content.clone()),
            Some((Entry { kind: EntryKind::Hardlink { target }, .. }, _)) => self.read(target),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, format!("{path} is no file"))),
        }
    }

    fn elf(&self, path: &ImagePath) -> io::Result<Option<ElfFacts>> {
        Ok(elf::facts(&self.read(path)?))
    }
}
