//! Removal of what was not used for long.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::{Doing as _, StoreError};
use super::remove::remove_tree;
use super::session::{self, names};
use super::status::Count;
use super::tree_digest::TreeFacts;
use super::{Store, TreeKind, USE_GRANULARITY, caches, claim, gate};
use crate::model::{ByteSize, Digest};

/// What may stay when a store is cleaned. Each bound holds by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The least recently used entries go until no more than this is left.
    pub size: Option<ByteSize>,
    /// Entries that were not used for this long go; the time of use is known to an hour.
    pub age: Option<Duration>,
}

/// What cleaning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// What was removed.
    pub removed: Count,
    /// What is left.
    pub kept: Count,
}

struct Candidate {
    used: SystemTime,
    path: PathBuf,
    bytes: u64,
    kind: Kind,
}

/// What an entry is, which says how large it is and whether anybody uses it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Tree,
    Cache,
}

impl Store {
    /// Removes what the retention does not let stay, least recently used first. Nothing is removed that a claim is held
    /// on, or that another process, alive now, may have used. New processes wait at the door meanwhile.
    ///
    /// # Errors
    /// When the store cannot be listed or something cannot be removed.
    pub fn clean(&self, retention: Retention) -> Result<Cleaned, StoreError> {
        let door = gate(self.root())?;
        door.lock().doing("lock", door.path())?;
        let mut candidates = self.candidates()?;
        // the path decides among equals, so that two runs agree
        candidates.sort_by(|one, other| (one.used, &one.path).cmp(&(other.used, &other.path)));
        let mut left = candidates.iter().map(|candidate| candidate.bytes).sum::<u64>();
        let mut cleaned = Cleaned::default();
        let (guarded, claimed) = (self.guarded_since()?, self.claimed()?);
        let oldest = retention.age.and_then(|age| SystemTime::now().checked_sub(age));
        for candidate in candidates {
            let too_old = oldest.is_some_and(|oldest| candidate.used <= oldest);
            let too_much = retention.size.is_some_and(|size| left > size.0);
            let in_use =
                guarded.is_some_and(|since| candidate.used >= since) || claimed.contains(stem(&candidate.path));
            if (too_old || too_much) && !in_use && self.remove_unused(&candidate)? {
                left -= candidate.bytes;
                cleaned.removed.entries += 1;
                cleaned.removed.bytes += candidate.bytes;
            } else {
                cleaned.kept.entries += 1;
                cleaned.kept.bytes += candidate.bytes;
            }
        }
        Ok(cleaned)
    }

    /// Removes an entry, unless it is a cache that a step uses. A step may take one that was old a moment ago, so the
    /// claim on it is held meanwhile; of other entries, those who use them see that they are gone.
    fn remove_unused(&self, candidate: &Candidate) -> Result<bool, StoreError> {
        let key = Digest::from_hex(stem(&candidate.path));
        let _claim = match key {
            Ok(key) if candidate.kind == Kind::Cache => match self.try_claim(caches::CLAIM, &key)? {
                Some(claim) => Some(claim),
                None => return Ok(false),
            },
            _ => None,
        };
        self.discard_entry(&candidate.path).map(|()| true)
    }

    /// Moves an entry away, which is one step, and removes it there.
    pub(super) fn discard_entry(&self, path: &Path) -> Result<(), StoreError> {
        let aside = self.fresh();
        match fs_err::rename(path, &aside) {
            Ok(()) => remove_tree(&aside),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("remove", path, error)),
        }
    }

    /// Another live process may have used what was used after this.
    fn guarded_since(&self) -> Result<Option<SystemTime>, StoreError> {
        let tmp = self.root().join("tmp");
        let oldest = session::oldest_other(&tmp, self.inner.session.folder())?;
        Ok(oldest.map(|began| began.checked_sub(USE_GRANULARITY).unwrap_or(SystemTime::UNIX_EPOCH)))
    }

    /// The digests that claims are held on, in hexadecimal.
    fn claimed(&self) -> Result<BTreeSet<String>, StoreError> {
        let held = names(&self.locks())?.into_iter().filter(|name| claim::is_held(&self.locks().join(name)));
        Ok(held.filter_map(|name| Some(name.to_str()?.split('-').next()?.to_owned())).collect())
    }

    fn candidates(&self) -> Result<Vec<Candidate>, StoreError> {
        let root = self.root();
        let mut found = Vec::new();
        for folder in ["blobs/sha256", "parts", "logs"] {
            gather(&root.join(folder), Kind::File, &mut found)?;
        }
        for kind in names(&root.join("steps"))? {
            gather(&root.join("steps").join(kind), Kind::File, &mut found)?;
        }
        for kind in TreeKind::ALL {
            gather(&root.join("trees").join(kind.name()), Kind::Tree, &mut found)?;
        }
        for domain in names(&root.join("caches"))? {
            gather(&root.join("caches").join(domain), Kind::Cache, &mut found)?;
        }
        Ok(found)
    }
}

fn gather(folder: &Path, kind: Kind, found: &mut Vec<Candidate>) -> Result<(), StoreError> {
    for name in names(folder)? {
        let path = folder.join(name);
        let Ok(metadata) = fs_err::symlink_metadata(&path) else { continue }; // it went meanwhile
        let bytes = match kind {
            Kind::Tree => TreeFacts::read(&path)?.map_or(0, |facts| facts.bytes),
            Kind::Cache => caches::size(&path),
            Kind::File => metadata.len(),
        };
        let used = metadata.modified().doing("look at", &path)?;
        found.push(Candidate { used, path, bytes, kind });
    }
    Ok(())
}

/// The digest in the name of an entry.
fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
