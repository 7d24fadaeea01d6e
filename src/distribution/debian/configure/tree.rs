//! The file system that packages are configured in: what was unpacked, seen through [`Tree`], and above it what the
//! effects of the maintainer scripts have changed so far.

use std::collections::BTreeMap;

use super::{ConfigureError, Tree};
use crate::archive::{ElfFacts, Entry, EntryKind};
use crate::model::{ImagePath, Mode};

/// How many symbolic links are followed before a path counts as a loop, as in Linux.
const LINKS: usize = 40;

enum Change {
    Put(Entry, Vec<u8>),
    Removed,
}

/// A [`Tree`] with changes on top: the root that a maintainer script would see. Parents of a path are resolved through
/// symbolic links, as the system would, before anything is looked up or changed.
pub(super) struct Root<'t> {
    below: &'t dyn Tree,
    changes: BTreeMap<ImagePath, Change>,
    mtime: i64,
}

/// What [`Root::change`] changes; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

/// The path `text`, for paths that packages or this program write as text.
pub(super) fn at(text: &str) -> Result<ImagePath, ConfigureError> {
    ImagePath::new(text.as_bytes()).map_err(|source| ConfigureError::Path { source })
}

impl<'t> Root<'t> {
    pub(super) fn new(below: &'t dyn Tree, mtime: i64) -> Self {
        Self { below, changes: BTreeMap::new(), mtime }
    }

    /// The files put and the paths removed, both sorted by path.
    pub(super) fn into_changes(self) -> (Vec<(Entry, Vec<u8>)>, Vec<ImagePath>) {
        let mut put = Vec::new();
        let mut removed = Vec::new();
        for (path, change) in self.changes {
            match change {
                Change::Put(entry, content) => put.push((entry, content)),
                Change::Removed if self.below.entry(&path).is_some() => removed.push(path),
                Change::Removed => {}
            }
        }
        (put, removed)
    }

    fn literal(&self, path: &ImagePath) -> Option<Entry> {
        match self.changes.get(path) {
            Some(Change::Put(entry, _)) => Some(entry.clone()),
            Some(Change::Removed) => None,
            None => self.below.entry(path),
        }
    }

    fn walk(&self, path: &[u8], follow_last: bool) -> Option<ImagePath> {
        let mut done: Vec<Vec<u8>> = Vec::new();
        let split = |bytes: &[u8]| bytes.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let mut todo = split(path);
        let mut links = 0;
        while let Some(component) = todo.pop() {
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(component),
            }
            if !follow_last && todo.iter().all(Vec::is_empty) {
                break;
            }
            let here = ImagePath::new(&done.join(&b'/')).ok()?;
            if let Some(Entry { kind: EntryKind::Symlink { target }, .. }) = self.literal(&here) {
                links += 1;
                if links > LINKS {
                    return None;
                }
                done.pop();
                if target.starts_with(b"/") {
                    done.clear();
                }
                todo.extend(split(&target));
            }
        }
        ImagePath::new(&done.join(&b'/')).ok()
    }

    /// Where `path` really is: symbolic links are followed in its parents, not in its last component.
    pub(super) fn place(&self, path: &ImagePath) -> ImagePath {
        self.walk(path.as_bytes(), false).unwrap_or_else(|| path.clone())
    }

    /// Where `path` leads when every symbolic link is followed; the place need not exist. None for a loop of links.
    pub(super) fn real(&self, path: &ImagePath) -> Option<ImagePath> {
        self.walk(path.as_bytes(), true)
    }

    /// What is at `path` itself (`lstat`).
    pub(super) fn entry(&self, path: &ImagePath) -> Option<Entry> {
        let place = self.place(path);
        if place.is_root() { None } else { self.literal(&place) }
    }

    /// What `path` leads to (`stat`).
    pub(super) fn target(&self, path: &ImagePath) -> Option<Entry> {
        self.literal(&self.real(path)?)
    }

    /// Whether `path` leads to something (`test -e`).
    pub(super) fn exists(&self, path: &ImagePath) -> bool {
        self.target(path).is_some()
    }

    /// Whether `path` leads to a folder (`test -d`).
    pub(super) fn is_dir(&self, path: &ImagePath) -> bool {
        self.real(path).is_some_and(|real| {
            real.is_root() || matches!(self.literal(&real), Some(entry) if entry.kind == EntryKind::Dir)
        })
    }

    /// Whether `path` leads to a regular file (`test -f`).
    pub(super) fn is_file(&self, path: &ImagePath) -> bool {
        let kind = self.target(path).map(|entry| entry.kind);
        matches!(kind, Some(EntryKind::File { .. } | EntryKind::Hardlink { .. }))
    }

    /// The target of the symbolic link at `path`; none when it is not one.
    pub(super) fn readlink(&self, path: &ImagePath) -> Option<Vec<u8>> {
        match self.entry(path)?.kind {
            EntryKind::Symlink { target } => Some(target),
            _ => None,
        }
    }

    /// The content that `path` leads to; none when there is no file.
    pub(super) fn read(&self, path: &ImagePath) -> Result<Option<Vec<u8>>, ConfigureError> {
        let Some(real) = self.real(path).filter(|_| self.is_file(path)) else { return Ok(None) };
        match self.changes.get(&real) {
            Some(Change::Put(_, content)) => Ok(Some(content.clone())),
            Some(Change::Removed) => Ok(None),
            None => self.below.read(&real).map(Some).map_err(|source| ConfigureError::Read { path: real, source }),
        }
    }

    /// The text that `path` leads to; none when there is no file. Bytes that are not UTF-8 are an error.
    pub(super) fn text(&self, path: &ImagePath) -> Result<Option<String>, ConfigureError> {
        let text = self.read(path)?.map(String::from_utf8).transpose();
        text.map_err(|_| ConfigureError::Text { path: path.clone() })
    }

    /// The text of the file of this name in the first of the folders that has one.
    pub(super) fn first_text(&self, folders: &[&str], name: &str) -> Result<Option<String>, ConfigureError> {
        for folder in folders {
            if let Some(text) = self.text(&at(&format!("{folder}/{name}"))?)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// What the loader knows of the file that `path` leads to.
    pub(super) fn elf(&self, path: &ImagePath) -> Result<Option<ElfFacts>, ConfigureError> {
        let Some(real) = self.real(path).filter(|_| self.is_file(path)) else { return Ok(None) };
        if self.changes.contains_key(&real) {
            return Ok(None); // nothing that is generated is an ELF file
        }
        self.below.elf(&real).map_err(|source| ConfigureError::Read { path: real, source })
    }

    /// What is directly inside the folder that `path` leads to, sorted by name.
    pub(super) fn list(&self, path: &ImagePath) -> Vec<Entry> {
        let Some(folder) = self.real(path) else { return Vec::new() };
        let mut found: BTreeMap<ImagePath, Entry> =
            self.below.list(&folder).into_iter().map(|entry| (entry.path.clone(), entry)).collect();
        let within = self.changes.range(folder.clone()..).take_while(|(path, _)| path.is_within(&folder));
        for (path, change) in within.filter(|(path, _)| path.parent().as_ref() == Some(&folder)) {
            match change {
                Change::Put(entry, _) => found.insert(path.clone(), entry.clone()),
                Change::Removed => found.remove(path),
            };
        }
        found.into_values().collect()
    }

    /// Puts what `entry` says at its path, whose parents are resolved and made (0755, root) where they are missing.
    pub(super) fn put(&mut self, mut entry: Entry, content: Vec<u8>) {
        let place = self.place(&entry.path);
        let missing: Vec<_> = place.ancestors().filter(|folder| self.literal(folder).is_none()).collect();
        for folder in missing {
            let made = self.new_entry(&folder, EntryKind::Dir, 0o755, (0, 0));
            self.changes.insert(folder, Change::Put(made, Vec::new()));
        }
        entry.path = place.clone();
        self.changes.insert(place, Change::Put(entry, content));
    }

    fn new_entry(&self, path: &ImagePath, kind: EntryKind, mode: u32, (uid, gid): (u32, u32)) -> Entry {
        let mode = Mode::from_bits(mode);
        Entry { path: path.clone(), kind, mode, uid, gid, mtime: self.mtime, xattrs: Vec::new() }
    }

    /// Writes a file; one that is there is replaced, a symbolic link at `path` itself as well.
    pub(super) fn write(&mut self, path: &ImagePath, mode: u32, owner: (u32, u32), content: impl Into<Vec<u8>>) {
        let content = content.into();
        let kind = EntryKind::File { size: content.len() as u64 };
        self.put(self.new_entry(path, kind, mode, owner), content);
    }

    /// Gives a file that is there other content, and leaves its mode and owner; nothing where there is no file.
    pub(super) fn rewrite(&mut self, path: &ImagePath, content: impl Into<Vec<u8>>) {
        if let Some(entry) = self.target(path).filter(|_| self.is_file(path)) {
            self.write(&entry.path, entry.mode.bits(), (entry.uid, entry.gid), content);
        }
    }

    /// Changes mode and owner of what `path` leads to; nothing where there is nothing. As with `chown`, a file that gets
    /// another owner loses its set-id bits.
    pub(super) fn change(&mut self, path: &ImagePath, change: &Attributes) -> Result<(), ConfigureError> {
        let Some(mut entry) = self.target(path) else { return Ok(()) };
        let owner = (change.uid.unwrap_or(entry.uid), change.gid.unwrap_or(entry.gid));
        if change.uid.or(change.gid).is_some() && entry.kind != EntryKind::Dir {
            entry.mode = Mode::from_bits(entry.mode.bits() & 0o1777);
        }
        (entry.uid, entry.gid) = owner;
        entry.mode = change.mode.map_or(entry.mode, Mode::from_bits);
        let mut content = Vec::new();
        if self.is_file(path) {
            content = self.read(path)?.unwrap_or_default();
            // a further name of a file becomes a file of its own
            entry.kind = EntryKind::File { size: content.len() as u64 };
        }
        self.put(entry, content);
        Ok(())
    }

    /// Sets an extended attribute of the file that `path` leads to; nothing where there is no file.
    pub(super) fn set_attribute(&mut self, path: &ImagePath, name: &str, value: Vec<u8>) -> Result<(), ConfigureError> {
        let (Some(mut entry), Some(content)) = (self.target(path), self.read(path)?) else { return Ok(()) };
        entry.kind = EntryKind::File { size: content.len() as u64 };
        entry.xattrs.retain(|(own, _)| own != name);
        entry.xattrs.push((name.to_owned(), value));
        entry.xattrs.sort();
        self.put(entry, content);
        Ok(())
    }

    /// Makes or replaces a symbolic link.
    pub(super) fn symlink(&mut self, path: &ImagePath, target: &[u8]) {
        self.put(self.new_entry(path, EntryKind::Symlink { target: target.to_vec() }, 0o777, (0, 0)), Vec::new());
    }

    /// Makes a folder, or changes mode and owner of the one that is there.
    pub(super) fn mkdir(&mut self, path: &ImagePath, mode: u32, owner: (u32, u32)) {
        self.put(self.new_entry(path, EntryKind::Dir, mode, owner), Vec::new());
    }

    /// Removes a file, a link or an empty folder.
    pub(super) fn remove(&mut self, path: &ImagePath) {
        let place = self.place(path);
        self.changes.insert(place, Change::Removed);
    }

    /// Copies the file `from` to `to` with mode, owner and time (`cp -p`); nothing when `from` is no file.
    pub(super) fn copy(&mut self, from: &ImagePath, to: &ImagePath) -> Result<(), ConfigureError> {
        if let (Some(entry), Some(content)) = (self.target(from), self.read(from)?) {
            let kind = EntryKind::File { size: content.len() as u64 };
            self.put(Entry { path: to.clone(), kind, ..entry }, content);
        }
        Ok(())
    }
}
