//! The folder of a project. What is in it was written by whoever may change the repository, and git keeps symbolic
//! links: a recipe that is a link to a file of the machine would be printed, line by line, as a recipe with mistakes.
//!
//! So files are opened beneath the folder. A link is followed when it leads to another place in the project, and
//! refused by name when it leads out.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use crate::beneath::{Dir, Metadata, cause};

/// The folder of a project, held open.
#[derive(Debug)]
pub struct ProjectDir {
    dir: Dir,
    /// Where it is, without links.
    real: Utf8PathBuf,
}

impl ProjectDir {
    /// Opens the project in `root`, a name that the user chose: links in it are followed.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(root: &Utf8Path) -> io::Result<Self> {
        let real = root.canonicalize_utf8()?;
        Ok(Self { dir: Dir::open(real.as_std_path())?, real })
    }

    /// The folder, for what follows no link at all.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Opens a regular file, by its name relative to the project.
    ///
    /// # Errors
    /// When it is no regular file, cannot be opened, or a link leads out of the project.
    pub fn open_file(&self, name: &Utf8Path) -> io::Result<File> {
        self.dir.open_file(self.follow(name)?).map_err(bare)
    }

    /// The text of a file; of a longer one than `limit` bytes one byte more, so that its length is noticed.
    ///
    /// # Errors
    /// As [`ProjectDir::open_file`], and when it is not UTF-8.
    pub fn read_text(&self, name: &Utf8Path, limit: usize) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.open_file(name)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit {
            // the byte more may have split a character
            let whole = std::str::from_utf8(&bytes).err().filter(|error| error.error_len().is_none());
            bytes.truncate(whole.map_or(bytes.len(), |error| error.valid_up_to()));
            bytes.resize(limit + 1, b' ');
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
            io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8 text"))
        })
    }

    /// Facts about what is at `name`, links that stay in the project followed; none when nothing is there.
    ///
    /// # Errors
    /// When a link leads out of the project, or it cannot be looked at.
    pub fn find(&self, name: &Utf8Path) -> io::Result<Option<Metadata>> {
        match self.follow(name) {
            Ok(path) => self.dir.find(path).map_err(bare),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// When it is no folder, cannot be read, or a link leads out of the project.
    pub fn names(&self, name: &Utf8Path) -> io::Result<Vec<String>> {
        let utf8 = |found: std::ffi::OsString| {
            found.into_string().map_err(|found| {
                io::Error::other(format!("the name `{}` in `{name}` is not UTF-8", Path::new(&found).display()))
            })
        };
        self.dir.names(self.follow(name)?).map_err(bare)?.into_iter().map(utf8).collect()
    }

    /// Where `name` is in the project, without links.
    fn follow(&self, name: &Utf8Path) -> io::Result<PathBuf> {
        let Some(link) = self.link_on_the_way(name) else { return Ok(name.into()) };
        match self.real.join(name).canonicalize_utf8() {
            Ok(real) => match real.strip_prefix(&self.real) {
                Ok(inside) => Ok(inside.into()),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    format!("`{link}` is a symbolic link that leads out of the project"),
                )),
            },
            Err(error) => Err(io::Error::new(error.kind(), format!("`{link}` is a symbolic link to nothing readable"))),
        }
    }

    /// The first part of a path that is a link.
    fn link_on_the_way(&self, name: &Utf8Path) -> Option<Utf8PathBuf> {
        let mut path = Utf8PathBuf::new();
        for component in name.components() {
            path.push(component);
            if self.dir.metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
                return Some(path);
            }
        }
        None
    }
}

/// The error without the path, which whoever reports it says as the project names it.
fn bare(error: io::Error) -> io::Error {
    match cause(&error) {
        Some(inner) => io::Error::new(error.kind(), inner.to_string()),
        None => error,
    }
}
