//! Locks between threads and processes, so that nothing is done twice at once. They are `flock` locks: each open file
//! description has its own, so threads of one process exclude each other too, and the kernel drops them with the
//! process.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::{Doing as _, StoreError};
use super::{Store, word};
use crate::model::Digest;

/// The exclusive right to work on something, until it is dropped.
///
/// Whoever waited for a claim must look again whether the work is already done.
#[must_use = "dropping a claim gives it up"]
#[derive(Debug)]
pub struct Claim {
    _lock: Locked,
}

impl Store {
    /// Waits for the exclusive right to work on `digest`, among all threads and processes that use this store.
    ///
    /// # Errors
    /// When `kind` is no plain word, or the lock cannot be made.
    pub fn claim(&self, kind: &str, digest: &Digest) -> Result<Claim, StoreError> {
        let path = self.claim_path(kind, digest)?;
        let lock = Locked::wait(&path).doing("lock", &path)?;
        Ok(Claim { _lock: lock })
    }

    /// Like [`Store::claim`], but gives up at once when somebody else has the claim.
    ///
    /// # Errors
    /// As [`Store::claim`].
    pub fn try_claim(&self, kind: &str, digest: &Digest) -> Result<Option<Claim>, StoreError> {
        let path = self.claim_path(kind, digest)?;
        let lock = Locked::attempt(&path).doing("lock", &path)?;
        Ok(lock.map(|lock| Claim { _lock: lock }))
    }

    fn claim_path(&self, kind: &str, digest: &Digest) -> Result<PathBuf, StoreError> {
        Ok(self.locks().join(format!("{}-{}", digest.hex(), word(kind)?)))
    }
}

/// A file that exists while it is locked.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    path: PathBuf,
}

impl Locked {
    /// Makes and locks the file, waiting for whoever has it.
    pub(super) fn wait(path: &Path) -> io::Result<Self> {
        loop {
            let file = open(path)?;
            file.lock()?;
            if let Some(locked) = Self::current(file, path)? {
                return Ok(locked);
            }
        }
    }

    /// Makes and locks the file, unless somebody else has it.
    pub(super) fn attempt(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if let Some(locked) = Self::current(file, path)? {
                return Ok(Some(locked));
            }
        }
    }

    /// The holder removes the file before it lets go, so a lock on a file that is no longer at `path` is worth nothing.
    fn current(file: File, path: &Path) -> io::Result<Option<Self>> {
        let held = file.metadata()?;
        match fs_err::symlink_metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => {
                Ok(Some(Self { file, path: path.to_owned() }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = fs_err::remove_file(&self.path); // a lock file that stays is found and taken by the next one
        // explicitly, because a child process that was forked meanwhile may share the descriptor
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    Ok(file.into_file())
}

/// Whether somebody holds the lock file at `path`.
pub(super) fn is_held(path: &Path) -> bool {
    match fs_err::OpenOptions::new().write(true).open(path) {
        Ok(file) => matches!(file.file().try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
