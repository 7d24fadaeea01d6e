//! Many package trees as one, by hard links.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::error::RootError;
use super::package::{MERGED, Unpacked, make_folders};
use crate::model::ImagePath;

/// Links the trees of `packages` into the empty folder `root`.
///
/// Where two packages hold the same file, the one that replaces the other wins; files of one package in several
/// architectures are the same by Debian's rules, and the first stays.
pub(super) fn merge(packages: &[Unpacked], root: &Path) -> Result<(), RootError> {
    let mut merge = Merge { packages, root, owners: HashMap::new() };
    for (index, package) in packages.iter().enumerate() {
        merge.add(index, package)?;
    }
    merge_links(root)
}

/// A root of packages none of which brings the links of the merged `/usr`.
fn merge_links(root: &Path) -> Result<(), RootError> {
    for name in MERGED {
        let target = Path::new("usr").join(name);
        if root.join(&target).is_dir() && fs::symlink_metadata(root.join(name)).is_err() {
            fs::os::unix::fs::symlink(&target, root.join(name))?;
        }
    }
    Ok(())
}

struct Merge<'a> {
    packages: &'a [Unpacked],
    root: &'a Path,
    /// Whose each file and link is.
    owners: HashMap<ImagePath, usize>,
}

impl Merge<'_> {
    fn add(&mut self, index: usize, package: &Unpacked) -> Result<(), RootError> {
        // a folder of the package, and where it is in the root
        let mut folders = vec![(ImagePath::root(), ImagePath::root())];
        while let Some((folder, place)) = folders.pop() {
            let mut names = Vec::new();
            for entry in fs::read_dir(package.tree.join(folder.as_relative()))? {
                names.push(entry?.file_name());
            }
            names.sort();
            for name in names {
                let name = ImagePath::new(name.as_bytes()).map_err(|error| io::Error::other(error.to_string()))?;
                let (from, to) = (folder.join(&name), place.join(&name));
                let source = package.tree.join(from.as_relative());
                if fs::symlink_metadata(&source)?.is_dir() {
                    let place = self.folder(package, &source, to)?;
                    folders.push((from, place));
                } else {
                    self.file(index, package, &source, to)?;
                }
            }
        }
        Ok(())
    }

    /// Makes a folder, or finds it where a link of another package says that it is.
    fn folder(&self, package: &Unpacked, source: &Path, to: ImagePath) -> Result<ImagePath, RootError> {
        let path = self.root.join(to.as_relative());
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(to),
            Ok(metadata) if metadata.is_symlink() => {
                self.behind(&to).ok_or_else(|| RootError::NoFolder { package: package.name.clone(), path: to })
            }
            Ok(_) => Err(RootError::NoFolder { package: package.name.clone(), path: to }),
            Err(_) => {
                make_folders(self.root, &to)?;
                fs::set_permissions(&path, fs::metadata(source)?.permissions())?;
                Ok(to)
            }
        }
    }

    /// The folder behind a link, never outside of the root.
    fn behind(&self, link: &ImagePath) -> Option<ImagePath> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let root = openat2(CWD, self.root, flags, Mode::empty(), ResolveFlags::empty()).ok()?;
        let folder = openat2(&root, link.as_relative(), flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
        let real = |number: i32| fs::read_link(format!("/proc/self/fd/{number}")).ok();
        let (root, folder) = (real(root.as_raw_fd())?, real(folder.as_raw_fd())?);
        ImagePath::new(folder.strip_prefix(root).ok()?.as_os_str().as_bytes()).ok()
    }

    fn file(&mut self, index: usize, package: &Unpacked, source: &Path, to: ImagePath) -> Result<(), RootError> {
        let path = self.root.join(to.as_relative());
        let Some(&owner) = self.owners.get(&to) else {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                return Err(RootError::NoFolder { package: package.name.clone(), path: to });
            }
            link(source, &path)?;
            self.owners.insert(to, index);
            return Ok(());
        };
        let other = &self.packages[owner];
        if other.name == package.name || other.replaces(package) || same(source, &path)? {
            return Ok(());
        }
        if !package.replaces(other) {
            let (one, other) = (other.name.clone(), package.name.clone());
            return Err(RootError::Conflict { one, other, path: to });
        }
        fs::remove_file(&path)?;
        link(source, &path)?;
        self.owners.insert(to, index);
        Ok(())
    }
}

/// Whether two files or links hold the same.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (a, b) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
    if a.file_type() != b.file_type() || a.len() != b.len() {
        return Ok(false);
    }
    if (a.dev(), a.ino()) == (b.dev(), b.ino()) {
        return Ok(true);
    }
    if a.is_symlink() {
        Ok(fs::read_link(one)? == fs::read_link(other)?)
    } else {
        Ok(fs::read(one)? == fs::read(other)?)
    }
}

/// Another name of the file, or a copy where there can be none: on another file system, or with too many names.
fn link(source: &Path, target: &PathBuf) -> io::Result<()> {
    if fs::symlink_metadata(source)?.is_symlink() {
        return fs::os::unix::fs::symlink(fs::read_link(source)?, target);
    }
    match fs::hard_link(source, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => fs::copy(source, target).map(drop),
        Ok(()) => Ok(()),
    }
}
