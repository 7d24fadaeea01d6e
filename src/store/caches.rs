//! Folders that build steps keep between runs. What is in them is their own business, so nothing here looks into it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::claim::Claim;
use super::error::{Doing as _, StoreError};
use super::{Store, note_use};
use crate::model::{Digest, ImagePath, TrustDomain};

/// The caches of one kind of step in one trust domain: nobody else's while this value lives.
#[derive(Debug)]
pub struct CacheFolder {
    path: PathBuf,
    _claim: Claim,
}

/// The kind of claim that is held on a cache folder.
pub(super) const CLAIM: &str = "cache";

impl Store {
    /// The cache folder under `key` in a trust domain; made when it is not there. Waits while another step uses it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn cache_folder(&self, domain: &TrustDomain, key: &Digest) -> Result<CacheFolder, StoreError> {
        let claim = self.claim(CLAIM, key)?;
        let path = self.root().join("caches").join(domain.as_str()).join(key.hex());
        fs_err::create_dir_all(&path).doing("create", &path)?;
        note_use(&path, &fs_err::symlink_metadata(&path).doing("look at", &path)?);
        Ok(CacheFolder { path, _claim: claim })
    }
}

/// The bytes that a folder takes on the disk. What cannot be looked at, because a step took its permissions away or made
/// its path too long, does not count.
pub(super) fn size(folder: &Path) -> u64 {
    let (mut bytes, mut open) = (0, vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs_err::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue }; // of a link, not of what it names
            bytes += metadata.blocks() * 512;
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    bytes
}

impl CacheFolder {
    /// The folder of the machine for each cache.
    pub fn of(&self, caches: &[ImagePath]) -> Vec<(ImagePath, PathBuf)> {
        let folder = |cache: &ImagePath| self.path.join(Digest::of(cache.as_bytes()).hex());
        caches.iter().map(|cache| (cache.clone(), folder(cache))).collect()
    }
}
