//! A commit's tree, written from the object database: no checkout, and so no filter, no attribute, no hook.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git2::{Object, ObjectType, Odb, Oid, Repository};

use super::super::config::FetchLimits;
use super::super::error::FetchError;
use super::allowance::Allowance;
use super::{failed, transport};
use crate::beneath::Dir;

/// How deep folders may be; it also bounds the recursion.
const DEEPEST: usize = 128;

/// The longest path that Linux takes, without the zero byte at its end.
const LONGEST: usize = 4095;

/// How much may still be written.
pub(super) struct Budget {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) file: u64,
    /// What may be read to find out.
    pub(super) objects: Allowance,
}

impl Budget {
    pub(super) fn new(limits: &FetchLimits) -> Self {
        Self {
            entries: limits.tree_entries,
            bytes: limits.tree_bytes,
            file: limits.git_file,
            objects: Allowance::new(limits),
        }
    }
}

/// A submodule that was met: its path below the repository's root, and its commit.
pub(super) struct Gitlink {
    pub(super) path: PathBuf,
    pub(super) commit: Oid,
}

/// Writes trees of one repository.
pub(super) struct TreeWriter<'a> {
    repository: &'a Repository,
    odb: Odb<'a>,
    url: &'a str,
    dest: Dir,
    budget: &'a mut Budget,
    links: Vec<Gitlink>,
}

impl<'a> TreeWriter<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        url: &'a str,
        dest: &'a Path,
        budget: &'a mut Budget,
    ) -> Result<Self, FetchError> {
        let odb = repository.odb().map_err(|error| failed("read the objects".to_owned(), url, &error))?;
        let opened =
            Dir::open(dest).map_err(|source| FetchError::File { doing: "open", path: dest.to_owned(), source })?;
        Ok(Self { repository, odb, url, dest: opened, budget, links: Vec::new() })
    }

    /// Writes a tree into the folder `dest`; says which submodules are in it.
    pub(super) fn write(mut self, tree: Oid) -> Result<Vec<Gitlink>, FetchError> {
        self.folder(tree, Path::new(""), 0)?;
        Ok(self.links)
    }

    fn folder(&mut self, tree: Oid, below: &Path, depth: usize) -> Result<(), FetchError> {
        if depth > DEEPEST {
            return Err(self.refused(below, format!("folders are more than {DEEPEST} deep")));
        }
        self.look(tree, below)?;
        let tree = self.repository.find_tree(tree).map_err(|error| self.git(below, &error))?;
        for entry in tree.iter() {
            let name = entry.name_bytes();
            let path = below.join(OsStr::from_bytes(name));
            if !is_plain(name) {
                return Err(self.refused(&path, "no file in a tree may have this name".to_owned()));
            }
            if path.as_os_str().len() > LONGEST {
                return Err(self.refused(below, format!("the path of a file in it has more than {LONGEST} bytes")));
            }
            self.budget.entries = self.budget.entries.checked_sub(1).ok_or_else(|| {
                self.refused(&path, "the tree holds more files and folders than are allowed".to_owned())
            })?;
            match entry.filemode_raw() {
                0o040000 => {
                    self.make_folder(&path)?;
                    self.folder(entry.id(), &path, depth + 1)?;
                }
                0o120000 => self.link(entry.id(), &path)?,
                0o160000 => {
                    self.make_folder(&path)?;
                    self.links.push(Gitlink { path, commit: entry.id() });
                }
                // 0100664 is what git wrote long ago for 0100644
                mode if mode & 0o170000 == 0o100000 => self.file(entry.id(), &path, mode & 0o100 != 0)?,
                mode => return Err(self.refused(&path, format!("its mode {mode:o} is not one of git's"))),
            }
        }
        Ok(())
    }

    /// Looks at the header of a folder before it is read.
    fn look(&self, tree: Oid, below: &Path) -> Result<(), FetchError> {
        let (size, kind) = self.odb.read_header(tree).map_err(|error| self.git(below, &error))?;
        if kind != ObjectType::Tree {
            return Err(self.refused(below, "it is not a folder, though its mode says so".to_owned()));
        }
        self.budget.objects.object(kind, size as u64).map_err(|reason| self.refused(below, reason))
    }

    /// Fails when something is there: a tree that names a link and a folder alike must not write through the link.
    fn make_folder(&self, below: &Path) -> Result<(), FetchError> {
        self.dest.create_dir(below).map_err(|source| self.failed("create", below, source))
    }

    fn file(&mut self, id: Oid, below: &Path, executable: bool) -> Result<(), FetchError> {
        use std::io::Write as _;
        let blob = self.blob(id, below)?;
        let content = blob.as_blob().map(git2::Blob::content).unwrap_or_default();
        let file = self.dest.create_file(below, if executable { 0o755 } else { 0o644 });
        let written = file.and_then(|mut file| file.write_all(content));
        written.map_err(|source| self.failed("write", below, source))
    }

    fn link(&mut self, id: Oid, below: &Path) -> Result<(), FetchError> {
        let blob = self.blob(id, below)?;
        let target = blob.as_blob().map(git2::Blob::content).unwrap_or_default();
        if target.is_empty() || target.contains(&0) || target.len() > 4095 {
            return Err(self.refused(below, "it is a link to nothing that could be".to_owned()));
        }
        let made = self.dest.symlink(OsStr::from_bytes(target), below);
        made.map_err(|source| self.failed("link", below, source))
    }

    fn failed(&self, doing: &'static str, below: &Path, source: std::io::Error) -> FetchError {
        FetchError::File { doing, path: self.dest.shown(below), source }
    }

    /// Reads a file's content, once its length is known to be allowed.
    fn blob(&mut self, id: Oid, below: &Path) -> Result<Object<'a>, FetchError> {
        let (length, kind) = self.odb.read_header(id).map_err(|error| self.git(below, &error))?;
        let length = length as u64;
        if kind != ObjectType::Blob {
            return Err(self.refused(below, "it is not a file, though its mode says so".to_owned()));
        }
        if length > self.budget.file {
            return Err(self.refused(below, format!("it has {length} bytes, {} are allowed", self.budget.file)));
        }
        self.budget.bytes = self
            .budget
            .bytes
            .checked_sub(length)
            .ok_or_else(|| self.refused(below, "the tree holds more bytes than are allowed".to_owned()))?;
        self.repository.find_object(id, Some(ObjectType::Blob)).map_err(|error| self.git(below, &error))
    }

    fn git(&self, below: &Path, error: &git2::Error) -> FetchError {
        failed(format!("read `{}`", below.display()), self.url, error)
    }

    fn refused(&self, below: &Path, reason: String) -> FetchError {
        FetchError::Tree { path: below.to_owned(), from: transport::shown(self.url), reason }
    }
}

/// Whether a name can be that of a file in a tree, by the rules of git itself (git-fsck(1)).
fn is_plain(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.contains(&b'/')
        && !name.contains(&0)
        && name != b"."
        && name != b".."
        && !name.eq_ignore_ascii_case(b".git")
}
