//! Immutable files named by their content.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::error::{Doing as _, StoreError};
use super::{Store, note_use};
use crate::model::{Digest, HashingWriter};

impl Store {
    /// Whether the store holds this blob; counts as a use of it.
    #[must_use]
    pub fn has_blob(&self, digest: &Digest) -> bool {
        let path = self.blob_path(digest);
        match fs_err::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                note_use(&path, &metadata);
                true
            }
            _ => false,
        }
    }

    /// How many bytes this blob has.
    ///
    /// # Errors
    /// When it is not there.
    pub fn blob_size(&self, digest: &Digest) -> Result<u64, StoreError> {
        match fs_err::symlink_metadata(self.blob_path(digest)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(_) => Err(StoreError::NoBlob { digest: *digest }),
        }
    }

    /// Where this blob is, or would be.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.inner.root.join("blobs/sha256").join(digest.hex())
    }

    /// Opens a blob for reading; counts as a use of it. Unless this process wrote or opened it before, it is hashed first.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is not what its name says; then it is removed.
    pub fn open_blob(&self, digest: &Digest) -> Result<fs_err::File, StoreError> {
        let path = self.blob_path(digest);
        match fs_err::File::open(&path) {
            Ok(file) => {
                note_use(&path, &file.metadata().doing("read", &path)?);
                self.check_blob(digest, &path)?;
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoBlob { digest: *digest }),
            Err(error) => Err(StoreError::io("open", &path, error)),
        }
    }

    /// Stores `bytes`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if !self.has_blob(&digest) {
            let mut writer = self.blob_writer()?;
            writer.append(bytes)?;
            writer.commit_as(&digest, None)?;
        }
        Ok(digest)
    }

    /// Begins a blob whose content, and so whose name, is not known yet.
    ///
    /// # Errors
    /// When a temporary file cannot be made.
    pub fn blob_writer(&self) -> Result<BlobWriter, StoreError> {
        let path = self.fresh();
        let file = fs_err::File::create_new(&path).doing("create", &path)?;
        Ok(BlobWriter {
            writer: BufWriter::with_capacity(1 << 16, HashingWriter::new(file)),
            file: Unfinished { path },
            store: self.clone(),
        })
    }

    /// Moves a finished file to its place among the blobs.
    pub(super) fn adopt_blob(&self, file: &fs_err::File, digest: &Digest) -> Result<(), StoreError> {
        let target = self.blob_path(digest);
        // over one that is there: these bytes were hashed a moment ago, and nobody knows how those are
        self.unsettled("blob", digest)?;
        fs_err::rename(file.path(), &target).doing("store", &target)?;
        // last, so that an interrupted download whose process is killed here can still be taken up
        file.set_permissions(std::fs::Permissions::from_mode(0o444)).doing("protect", &target)?;
        self.wrote_blob(digest);
        Ok(())
    }
}

/// A blob that is being written; hashes what passes. Nothing stays of it when it is dropped.
pub struct BlobWriter {
    writer: BufWriter<HashingWriter<fs_err::File>>,
    file: Unfinished,
    store: Store,
}

/// Removes a file when dropped; harmless when it was moved away.
struct Unfinished {
    path: PathBuf,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs_err::remove_file(&self.path); // the session's folder is removed in the end anyway
    }
}

impl BlobWriter {
    /// Writes all of `bytes`; like [`Write::write_all`], with an error that says what was being done.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.writer.write_all(bytes).doing("write", &self.file.path)
    }

    /// How many bytes were written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.writer.get_ref().length() + self.writer.buffer().len() as u64
    }

    /// The name that an error of [`Write`] concerns.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Stores what was written under its own digest, and says what and how much that is.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn commit(self) -> Result<(Digest, u64), StoreError> {
        let store = self.store.clone();
        let (file, digest, length, _unfinished) = self.finish()?;
        store.adopt_blob(&file, &digest)?;
        Ok((digest, length))
    }

    /// Stores what was written if it is what was promised; else nothing stays.
    ///
    /// # Errors
    /// When digest or length are others, or it cannot be stored.
    pub fn commit_as(self, expected: &Digest, length: Option<u64>) -> Result<(), StoreError> {
        let store = self.store.clone();
        let (file, found, found_length, _unfinished) = self.finish()?;
        if let Some(expected) = length.filter(|&length| length != found_length) {
            return Err(StoreError::Length { expected, found: found_length });
        }
        if found != *expected {
            return Err(StoreError::Mismatch { expected: *expected, found });
        }
        store.adopt_blob(&file, expected)
    }

    fn finish(self) -> Result<(fs_err::File, Digest, u64, Unfinished), StoreError> {
        let path = &self.file.path;
        let writer = self.writer.into_inner().map_err(io::IntoInnerError::into_error).doing("write", path)?;
        let (file, digest, length) = writer.finish();
        Ok((file, digest, length, self.file))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
