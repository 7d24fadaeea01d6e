//! Small results, named by the key of the step that found them: JSON behind a line with its SHA-256.

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Doing as _, StoreError};
use super::{Store, note_use, word};
use crate::model::Digest;

impl Store {
    /// The record of this kind and key; counts as a use of it. None when there is none, or when it cannot be
    /// understood: it is damaged or cut short, or an earlier version wrote other fields. A record may name blobs and trees
    /// that were cleaned away since; whoever reads it must look.
    ///
    /// # Errors
    /// When `kind` is no plain word, or the file cannot be read.
    pub fn record<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Result<Option<T>, StoreError> {
        let path = self.record_path(kind, key)?;
        let bytes = match fs_err::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path, error)),
        };
        if let Ok(metadata) = fs_err::symlink_metadata(&path) {
            note_use(&path, &metadata);
        }
        Ok(unsealed(&bytes).and_then(|json| serde_json::from_slice(json).ok()))
    }

    /// Writes the record of this kind and key, whole, over one that may be there.
    ///
    /// # Errors
    /// When `kind` is no plain word, or it cannot be written.
    pub fn put_record<T: Serialize>(&self, kind: &str, key: &Digest, value: &T) -> Result<(), StoreError> {
        let path = self.record_path(kind, key)?;
        let encode = |source| StoreError::Encode { kind: kind.to_owned(), digest: *key, source };
        let bytes = sealed(&serde_json::to_vec(value).map_err(encode)?);
        let fresh = self.fresh();
        if let Err(error) = fs_err::write(&fresh, bytes) {
            let _ = fs_err::remove_file(&fresh); // the first failure is the one to tell
            return Err(StoreError::io("write", &fresh, error));
        }
        let folder = path.parent().unwrap_or(&path);
        fs_err::create_dir_all(folder).doing("create", folder)?;
        fs_err::rename(&fresh, &path).doing("store", &path)
    }

    fn record_path(&self, kind: &str, key: &Digest) -> Result<PathBuf, StoreError> {
        Ok(self.inner.root.join("steps").join(word(kind)?).join(format!("{}.json", key.hex())))
    }
}

/// Says of JSON what it is, so that damage is found: a digit that turned into another would be JSON as well.
fn sealed(json: &[u8]) -> Vec<u8> {
    [Digest::of(json).hex().as_bytes(), b"\n", json].concat()
}

fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.iter().position(|&byte| byte == b'\n')?;
    let (seal, json) = (bytes.get(..line)?, bytes.get(line + 1..)?);
    (Digest::of(json).hex().as_bytes() == seal).then_some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_of_a_record_is_found() {
        let record = sealed(b"{\"size\":1234}");
        assert_eq!(unsealed(&record), Some(&b"{\"size\":1234}"[..]));
        for at in 0..record.len() {
            let mut changed = record.clone();
            changed[at] ^= 1;
            assert_eq!(unsealed(&changed), None, "byte {at}");
            assert_eq!(unsealed(&record[..at]), None, "cut after {at}");
        }
        assert_eq!(unsealed(b"{\"size\":1234}"), None, "as an earlier version wrote it");
    }
}
