//! Blobs that arrive in pieces over several runs.

use std::io::{Seek as _, SeekFrom, Write as _};

use super::Store;
use super::claim::Claim;
use super::error::{Doing as _, StoreError};
use super::tree_digest::copy;
use crate::model::{Digest, Hasher};

/// A blob whose digest is known before its bytes are. What has arrived stays in `parts/` when this is dropped, so that
/// the next attempt, by whichever process, goes on from there. Only one of them has it at a time.
pub struct PartialBlob {
    file: fs_err::File,
    hasher: Hasher,
    digest: Digest,
    store: Store,
    _claim: Claim,
}

impl Store {
    /// Takes up a blob where an earlier attempt left it, hashing again what is there. Waits while another thread or
    /// process has it; look again with [`Store::has_blob`] afterwards.
    ///
    /// # Errors
    /// When the file cannot be made or read.
    pub fn partial_blob(&self, digest: &Digest) -> Result<PartialBlob, StoreError> {
        let claim = self.claim("part", digest)?;
        self.open_part(digest, claim)
    }

    /// Like [`Store::partial_blob`], but gives up at once when another thread or process has it.
    ///
    /// # Errors
    /// As [`Store::partial_blob`].
    pub fn try_partial_blob(&self, digest: &Digest) -> Result<Option<PartialBlob>, StoreError> {
        let claim = self.try_claim("part", digest)?;
        claim.map(|claim| self.open_part(digest, claim)).transpose()
    }

    fn open_part(&self, digest: &Digest, claim: Claim) -> Result<PartialBlob, StoreError> {
        let path = self.inner.root.join("parts").join(digest.hex());
        let mut options = fs_err::OpenOptions::new();
        let mut file = options.create(true).truncate(false).read(true).write(true).open(&path).doing("open", &path)?;
        let mut hasher = Hasher::new();
        copy(&mut file, &mut hasher).doing("read", &path)?;
        Ok(PartialBlob { file, hasher, digest: *digest, store: self.clone(), _claim: claim })
    }
}

impl PartialBlob {
    /// How many bytes are there.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.hasher.length()
    }

    /// Writes all of `bytes` after those that are there. When that fails nothing stays, so that a full disk is not kept
    /// full.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Err(error) = self.file.write_all(bytes) {
            let _ = fs_err::remove_file(self.file.path()); // the first failure is the one to tell
            return Err(StoreError::io("write", self.file.path(), error));
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// Forgets all bytes and begins again.
    ///
    /// # Errors
    /// When the file cannot be emptied.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).doing("empty", self.file.path())?;
        self.file.seek(SeekFrom::Start(0)).doing("empty", self.file.path())?;
        self.hasher = Hasher::new();
        Ok(())
    }

    /// Stores the blob if its bytes are the promised ones; else they are forgotten, and it can be begun again.
    ///
    /// # Errors
    /// When the digest is another, or it cannot be stored.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let found = self.hasher.clone().finish();
        if found != self.digest {
            self.restart()?;
            return Err(StoreError::Mismatch { expected: self.digest, found });
        }
        self.store.adopt_blob(&self.file, &self.digest)
    }
}

impl Drop for PartialBlob {
    fn drop(&mut self) {
        if self.hasher.length() == 0 {
            let _ = fs_err::remove_file(self.file.path()); // an empty file helps nobody
        }
    }
}
