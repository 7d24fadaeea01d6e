//! The tree as the interpreter sees it.

use super::super::ConfigureError;
use super::super::tree::{Attributes, Root, at};
use super::DebianMachine;
use crate::archive::{Entry, EntryKind};
use crate::model::ImagePath;
use crate::shell::{FileKind, Files, LONGEST, Stat, Trouble};

fn place(path: &str) -> Result<ImagePath, Trouble> {
    if path.len() > LONGEST {
        return Err(Trouble::TooLong);
    }
    at(path).map_err(|_| Trouble::Invalid)
}

fn broken(error: &ConfigureError) -> Trouble {
    let why = std::error::Error::source(error).map_or(String::new(), |why| format!(": {why}"));
    Trouble::Broken(format!("{error}{why}"))
}

impl DebianMachine<'_, '_> {
    fn root(&self) -> &Root<'_> {
        &self.system.root
    }

    fn stat(&self, entry: &Entry) -> Stat {
        let (kind, size) = match &entry.kind {
            EntryKind::File { size } => (FileKind::File, *size),
            EntryKind::Hardlink { target } => {
                let first = self.root().entry(target).map(|first| first.kind);
                (FileKind::File, if let Some(EntryKind::File { size }) = first { size } else { 0 })
            }
            EntryKind::Dir => (FileKind::Folder, 0),
            EntryKind::Symlink { target } => (FileKind::Link(String::from_utf8_lossy(target).into_owned()), 0),
        };
        Stat { kind, mode: entry.mode.bits(), uid: entry.uid, gid: entry.gid, size, mtime: entry.mtime }
    }

    /// Where something new can be: its folder is there, and it is not.
    fn free(&self, path: &str) -> Result<ImagePath, Trouble> {
        let place = self.in_folder(path)?;
        if self.root().entry(&place).is_some() || place.is_root() { Err(Trouble::Exists) } else { Ok(place) }
    }

    /// A path whose folder is there.
    fn in_folder(&self, path: &str) -> Result<ImagePath, Trouble> {
        let path = place(path)?;
        let folder = path.parent().unwrap_or_else(|| path.clone());
        match self.root().is_dir(&folder) {
            true => Ok(path),
            false if self.root().exists(&folder) => Err(Trouble::NotFolder),
            false => Err(Trouble::Missing),
        }
    }

    fn move_all(&mut self, from: &ImagePath, to: &ImagePath) -> Result<(), Trouble> {
        let Some(entry) = self.root().entry(from) else { return Err(Trouble::Missing) };
        let inside = if entry.kind == EntryKind::Dir { self.root().list(from) } else { Vec::new() };
        let is_file = matches!(entry.kind, EntryKind::File { .. } | EntryKind::Hardlink { .. });
        let content = if is_file {
            self.root().read(from).map_err(|error| broken(&error))?.unwrap_or_default()
        } else {
            Vec::new()
        };
        let kind = if is_file { EntryKind::File { size: content.len() as u64 } } else { entry.kind.clone() };
        self.system.root.put(Entry { path: to.clone(), kind, ..entry }, content);
        for one in inside {
            let name = String::from_utf8_lossy(one.path.name()).into_owned();
            let below = |folder: &ImagePath| place(&format!("{folder}/{name}"));
            self.move_all(&below(from)?, &below(to)?)?;
        }
        self.system.root.remove(from);
        Ok(())
    }
}

impl Files for DebianMachine<'_, '_> {
    fn look(&self, path: &str, follow: bool) -> Option<Stat> {
        let follow = follow || path.ends_with('/');
        let place = place(path).ok()?;
        if self.root().real(&place).is_some_and(|real| real.is_root()) {
            return Some(Stat { kind: FileKind::Folder, mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 });
        }
        let entry = if follow { self.root().target(&place) } else { self.root().entry(&place) };
        entry.map(|entry| self.stat(&entry))
    }

    fn names(&self, folder: &str) -> Option<Vec<String>> {
        let folder = place(folder).ok()?;
        if !self.root().is_dir(&folder) {
            return None;
        }
        let entries = self.root().list(&folder);
        // the names alone are sorted: those of the entries are sorted with their folder
        let mut names: Vec<String> =
            entries.iter().map(|entry| String::from_utf8_lossy(entry.path.name()).into_owned()).collect();
        names.sort();
        Some(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        let place = place(path)?;
        if self.root().is_dir(&place) {
            return Err(Trouble::IsFolder);
        }
        self.root().read(&place).map_err(|error| broken(&error))?.ok_or(Trouble::Missing)
    }

    fn write(&mut self, path: &str, content: Vec<u8>, mode: u32) -> Result<(), Trouble> {
        let place = place(path)?;
        if self.root().is_dir(&place) {
            return Err(Trouble::IsFolder);
        }
        if self.root().is_file(&place) {
            self.system.root.rewrite(&place, content);
            return Ok(());
        }
        // a link to nothing is followed
        let real = self.root().real(&place).ok_or(Trouble::Loop)?;
        let real = self.in_folder(&format!("/{real}"))?;
        self.system.root.write(&real, mode, (0, 0), content);
        Ok(())
    }

    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Trouble> {
        let place = self.free(path)?;
        self.system.root.mkdir(&place, mode, (0, 0));
        Ok(())
    }

    fn make_link(&mut self, path: &str, target: &str) -> Result<(), Trouble> {
        let place = self.free(path)?;
        self.system.root.symlink(&place, target.as_bytes());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Trouble> {
        let place = place(path)?;
        match self.root().entry(&place).map(|entry| entry.kind) {
            None => Err(Trouble::Missing),
            Some(EntryKind::Dir) if !self.root().list(&place).is_empty() => Err(Trouble::NotEmpty),
            Some(_) => {
                self.system.root.remove(&place);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        let source = place(from)?;
        let target = self.in_folder(to)?;
        let is_folder = |entry: Option<Entry>| entry.map(|entry| entry.kind == EntryKind::Dir);
        let (moved, there) = (is_folder(self.root().entry(&source)), is_folder(self.root().entry(&target)));
        match (moved, there) {
            (None, _) => return Err(Trouble::Missing),
            (Some(_), Some(true)) if !self.root().list(&target).is_empty() => return Err(Trouble::NotEmpty),
            (Some(true), Some(false)) => return Err(Trouble::NotFolder),
            (Some(false), Some(true)) => return Err(Trouble::IsFolder),
            _ => {}
        }
        let (source, target) = (self.root().place(&source), self.root().place(&target));
        if target.is_within(&source) {
            return if source == target { Ok(()) } else { Err(Trouble::Invalid) };
        }
        self.move_all(&source, &target)
    }

    fn change(
        &mut self,
        path: &str,
        follow: bool,
        mode: Option<u32>,
        (uid, gid): (Option<u32>, Option<u32>),
    ) -> Result<(), Trouble> {
        let place = place(path)?;
        let link = self.root().readlink(&place).is_some() && !follow;
        if link {
            let Some(mut entry) = self.root().entry(&place) else { return Err(Trouble::Missing) };
            (entry.uid, entry.gid) = (uid.unwrap_or(entry.uid), gid.unwrap_or(entry.gid));
            self.system.root.put(entry, Vec::new());
            return Ok(());
        }
        if !self.root().exists(&place) {
            return Err(Trouble::Missing);
        }
        self.system.root.change(&place, &Attributes { mode, uid, gid }).map_err(|error| broken(&error))
    }
}
