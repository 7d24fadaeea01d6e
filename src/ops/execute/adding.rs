//! What a toolchain's image adds to the packages of its root: a tree that lies over theirs.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::beneath::{Beneath, Dir, Kind, resolve};
use crate::model::ImagePath;

/// The tree that is being made, over the one of the packages.
///
/// Each path is followed through the links of both, as in images: `/bin/tool` goes to `/usr/bin/tool` where `/bin` leads
/// there. So nothing lies below a link, and no link leads out of the root, whoever made it.
pub(super) struct Adding {
    upper: Dir,
    lower: Dir,
}

impl Adding {
    /// Adds to the new tree `upper` what lies over the root `lower`.
    pub(super) fn new(upper: &Path, lower: &Path) -> io::Result<Self> {
        Ok(Self { upper: Dir::open(upper)?, lower: Dir::open(lower)? })
    }

    /// Writes a file, in place of one that was added before.
    pub(super) fn file(&self, path: &ImagePath, content: &[u8], mode: u32) -> io::Result<()> {
        let target = self.place(path.as_relative())?;
        self.upper.create_file(&target, mode)?.write_all(content)
    }

    /// Makes a link, in place of one that was added before.
    pub(super) fn symlink(&self, path: &ImagePath, target: &str) -> io::Result<()> {
        let place = self.place(path.as_relative())?;
        self.upper.symlink(target, place)
    }

    /// Copies a file, a link as a link, or a folder with all that is in it.
    pub(super) fn copy(&self, from: &Beneath, to: &ImagePath) -> io::Result<()> {
        self.copy_to(from, to.as_relative())
    }

    fn copy_to(&self, from: &Beneath, to: &Path) -> io::Result<()> {
        let metadata = from.metadata()?;
        match metadata.kind {
            Kind::Dir => {
                // a folder that is copied onto a link to one goes where that leads, as in images
                let inside = resolve(&[&self.upper, &self.lower], &to.join("x"))?;
                let folder = inside.parent().unwrap_or(Path::new(""));
                self.upper.create_dir_all(folder)?;
                for name in from.names()? {
                    self.copy_to(&from.join(&name), &folder.join(name))?;
                }
                self.upper.set_mtime(folder, metadata.mtime, metadata.mtime_nsec)
            }
            Kind::File => {
                let target = self.place(to)?;
                let mut file = self.upper.create_file(&target, metadata.mode & 0o777)?;
                io::copy(&mut from.open_file()?, &mut file)?;
                self.upper.set_mtime(&target, metadata.mtime, metadata.mtime_nsec)
            }
            Kind::Symlink => {
                let place = self.place(to)?;
                self.upper.symlink(from.read_link()?, place)
            }
            kind => {
                let problem = format!("`{}` is {}, which no root can hold", from.shown().display(), kind.words());
                Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
            }
        }
    }

    /// Where a file or link at `path` goes. Its folder is there afterwards, and nothing is at the place itself.
    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let target = resolve(&[&self.upper, &self.lower], path)?;
        if let Some(folder) = target.parent() {
            self.upper.create_dir_all(folder)?;
        }
        self.upper.remove_file(&target)?;
        Ok(target)
    }
}
