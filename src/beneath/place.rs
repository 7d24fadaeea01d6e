//! One path below a folder, for those who keep it and open it later.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Dir, Metadata};

/// A path below a folder that is held open. It is reached without following a link, whenever that is.
#[derive(Clone, Debug)]
pub struct Beneath {
    dir: Arc<Dir>,
    below: PathBuf,
}

impl Beneath {
    /// The path `below` of `dir`.
    #[must_use]
    pub fn new(dir: Arc<Dir>, below: impl Into<PathBuf>) -> Self {
        Self { dir, below: below.into() }
    }

    /// The folder at `path`, which this program or its user chose, itself.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(Arc::new(Dir::open(path)?), PathBuf::new()))
    }

    /// The folder that the path is below.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The folder, for somebody else who keeps it.
    #[must_use]
    pub fn shared_dir(&self) -> Arc<Dir> {
        Arc::clone(&self.dir)
    }

    /// The path below that folder.
    #[must_use]
    pub fn below(&self) -> &Path {
        &self.below
    }

    /// What is called `name` in this.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        Self { dir: Arc::clone(&self.dir), below: self.below.join(name) }
    }

    /// As errors show it.
    #[must_use]
    pub fn shown(&self) -> PathBuf {
        self.dir.shown(&self.below)
    }

    /// As [`Dir::metadata`].
    ///
    /// # Errors
    /// As there.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.dir.metadata(&self.below)
    }

    /// As [`Dir::open_file`].
    ///
    /// # Errors
    /// As there.
    pub fn open_file(&self) -> io::Result<File> {
        self.dir.open_file(&self.below)
    }

    /// As [`Dir::names`].
    ///
    /// # Errors
    /// As there.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        self.dir.names(&self.below)
    }

    /// As [`Dir::read_link`].
    ///
    /// # Errors
    /// As there.
    pub fn read_link(&self) -> io::Result<OsString> {
        self.dir.read_link(&self.below)
    }
}
