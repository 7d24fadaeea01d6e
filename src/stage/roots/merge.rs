//! Many package trees as one, by hard links.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::RootError;
use super::package::{MERGED, Unpacked};
use crate::beneath::{Dir, resolve};
use crate::model::ImagePath;

/// Links the trees of `packages` into the empty folder `root`.
///
/// Where two packages hold the same file, the one that replaces the other wins; files of one package in several
/// architectures are the same by Debian's rules, and the first stays.
pub(super) fn merge(packages: &[Unpacked], root: &Dir) -> Result<(), RootError> {
    let mut merge = Merge { packages, root, owners: HashMap::new() };
    for (index, package) in packages.iter().enumerate() {
        merge.add(index, package)?;
    }
    merge_links(root)
}

/// A root of packages none of which brings the links of the merged `/usr`.
fn merge_links(root: &Dir) -> Result<(), RootError> {
    for name in MERGED {
        let target = Path::new("usr").join(name);
        if root.is_dir(&target) && root.find(name)?.is_none() {
            root.symlink(&target, name)?;
        }
    }
    Ok(())
}

struct Merge<'a> {
    packages: &'a [Unpacked],
    root: &'a Dir,
    /// Whose each file and link is.
    owners: HashMap<ImagePath, usize>,
}

impl Merge<'_> {
    fn add(&mut self, index: usize, package: &Unpacked) -> Result<(), RootError> {
        let tree = Dir::open(&package.tree)?;
        // a folder of the package, and where it is in the root
        let mut folders = vec![(ImagePath::root(), ImagePath::root())];
        while let Some((folder, place)) = folders.pop() {
            let (source, target) = (tree.dir(folder.as_relative())?, self.root.dir(place.as_relative())?);
            for name in source.names("")? {
                let name = ImagePath::new(name.as_bytes()).map_err(|error| io::Error::other(error.to_string()))?;
                let to = place.join(&name);
                let metadata = source.metadata(name.as_relative())?;
                if metadata.is_dir() {
                    folders.push((folder.join(&name), self.folder(package, metadata.mode, to)?));
                } else {
                    let pair = Pair { source: &source, target: &target, name: name.as_relative() };
                    self.file(index, package, &pair, to)?;
                }
            }
        }
        Ok(())
    }

    /// Makes a folder, or finds it where a link of another package says that it is.
    fn folder(&self, package: &Unpacked, mode: u32, to: ImagePath) -> Result<ImagePath, RootError> {
        let path = to.as_relative();
        let no_folder = |path| RootError::NoFolder { package: package.name.clone(), path };
        match self.root.find(path)? {
            Some(metadata) if metadata.is_dir() => Ok(to),
            Some(metadata) if metadata.is_symlink() => self.behind(&to).ok_or_else(|| no_folder(to)),
            Some(_) => Err(no_folder(to)),
            None => {
                self.root.create_dir_all(path)?;
                self.root.set_mode(path, mode)?;
                Ok(to)
            }
        }
    }

    /// The folder behind a link, never outside of the root.
    fn behind(&self, link: &ImagePath) -> Option<ImagePath> {
        // the name behind it makes the link one that is on the way
        let behind = resolve(&[self.root], &link.as_relative().join("x")).ok()?;
        let folder = behind.parent()?;
        self.root.is_dir(folder).then(|| ImagePath::new(folder.as_os_str().as_bytes()).ok())?
    }

    fn file(&mut self, index: usize, package: &Unpacked, pair: &Pair<'_>, to: ImagePath) -> Result<(), RootError> {
        let Some(&owner) = self.owners.get(&to) else {
            if pair.target.find(pair.name)?.is_some_and(|metadata| metadata.is_dir()) {
                return Err(RootError::NoFolder { package: package.name.clone(), path: to });
            }
            pair.link()?;
            self.owners.insert(to, index);
            return Ok(());
        };
        let other = &self.packages[owner];
        if other.name == package.name || other.replaces(package) || pair.is_same()? {
            return Ok(());
        }
        if !package.replaces(other) {
            let (one, other) = (other.name.clone(), package.name.clone());
            return Err(RootError::Conflict { one, other, path: to });
        }
        pair.target.remove_file(pair.name)?;
        pair.link()?;
        self.owners.insert(to, index);
        Ok(())
    }
}

/// A file or link of a package, and where it goes.
struct Pair<'a> {
    source: &'a Dir,
    target: &'a Dir,
    name: &'a Path,
}

impl Pair<'_> {
    /// Whether both hold the same.
    fn is_same(&self) -> io::Result<bool> {
        let (a, b) = (self.source.metadata(self.name)?, self.target.metadata(self.name)?);
        if a.kind != b.kind || a.size != b.size {
            return Ok(false);
        }
        if (a.dev, a.ino) == (b.dev, b.ino) {
            return Ok(true);
        }
        if a.is_symlink() {
            return Ok(self.source.read_link(self.name)? == self.target.read_link(self.name)?);
        }
        let digest = |dir: &Dir| -> io::Result<_> {
            let mut file = crate::model::HashingReader::new(dir.open_file(self.name)?);
            io::copy(&mut file, &mut io::sink())?;
            Ok(file.finish().0)
        };
        Ok(digest(self.source)? == digest(self.target)?)
    }

    /// Another name of the file, or a copy where there can be none: on another file system, or with too many names.
    fn link(&self) -> io::Result<()> {
        let metadata = self.source.metadata(self.name)?;
        if metadata.is_symlink() {
            return self.target.symlink(self.source.read_link(self.name)?, self.name);
        }
        match self.source.hard_link(self.name, self.target, self.name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let mut file = self.target.create_file(self.name, metadata.mode)?;
                io::copy(&mut self.source.open_file(self.name)?, &mut file).map(drop)
            }
            linked => linked,
        }
    }
}
