//! Content-addressed blobs, trees and records of results on disk. An entry is whole or absent, whatever happens to the
//! process or the machine, and any number of threads and processes may share a store.
//!
//! | path | holds |
//! |---|---|
//! | `blobs/sha256/<hex>` | immutable files, read-only, named by their content |
//! | `trees/<kind>/<hex>/tree` | folders named by a key; beside them in `digest` what they hold |
//! | `steps/<kind>/<hex>.json` | small results named by a key |
//! | `parts/<hex>` | downloads that were interrupted |
//! | `caches/<domain>/<hex>/` | folders that build steps keep between runs, by trust domain |
//! | `logs/` | what steps printed |
//! | `locks/` | claims that are held |
//! | `unsettled/<boot>/` | names of entries that may not have reached the disk yet, see `settle` |
//! | `tmp/` | what is being written, one folder for each process |
//!
//! The folder belongs to one user and is closed to all others. An entry that this process did not write itself is
//! compared with its digest before its content is used, once per process; see `checked`.
//!
//! Everything is written in `tmp/` and renamed. When an entry was last used is the modification time of the blob, the
//! record, or the folder around the tree, brought up to date at most once an hour.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

mod blob;
mod caches;
mod checked;
mod claim;
mod clean;
mod error;
mod materialise;
mod owner;
mod partial;
mod record;
mod remove;
mod scratch;
mod session;
mod settle;
mod status;
mod sweep;
mod tree;
mod tree_digest;
mod verify;

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use blob::BlobWriter;
pub use caches::CacheFolder;
pub use claim::Claim;
pub use clean::{Cleaned, Retention};
pub(crate) use error::FREE_SPACE;
pub use error::StoreError;
pub use materialise::copy_tree;
pub use partial::PartialBlob;
pub use remove::remove_tree;
pub use scratch::Scratch;
pub use status::{Count, Usage};
pub use tree::{TreeKind, TreeWriter};
pub use tree_digest::{TreeFacts, TreeHasher, digest_tree, inspect_folder, inspect_tree};
pub use verify::Problem;

use checked::Checked;
use error::Doing as _;
use session::Session;

/// What the version file says.
const VERSION: &str = "orchestrate store 1";
/// How stale the time of last use may get; it spares the disk a write for each look at an entry.
const USE_GRANULARITY: Duration = Duration::from_secs(3600);

/// A folder of content-addressed entries. Cheap to clone; the clones share one session.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    boot: String,
    session: Session,
    leftovers: Vec<PathBuf>,
    checked: Checked,
}

impl Store {
    /// Opens the store at `root` and makes it, for its user alone, when it is not there. Clears away what killed processes left, and checks
    /// what was written shortly before the machine went down. Waits while another process cleans.
    ///
    /// # Errors
    /// When the folder cannot be made or written, belongs to another user or another version, or others may write to it.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let root = std::path::absolute(root).doing("open", root)?;
        owner::claim_folder(&root)?;
        for folder in ["blobs/sha256", "trees", "steps", "parts", "locks", "unsettled", "tmp"] {
            let folder = root.join(folder);
            fs_err::create_dir_all(&folder).doing("create", &folder)?;
        }
        check_version(&root)?;
        let boot = settle::boot();
        let gate = gate(&root)?;
        let mut session = None;
        // whoever gets the store alone at the door does the housekeeping; others need not wait for it
        if settle::is_foreign(&root, &boot)? {
            gate.lock().doing("lock", gate.path())?;
            settle::check_foreign(&root, &boot)?;
            session = Some(Session::begin_after_dead(&root)?);
        } else if gate.try_lock().is_ok() {
            session = Some(Session::begin_after_dead(&root)?);
            settle::settle(&root, &boot)?;
        }
        // what cannot be swept is tried again another day, and is in nobody's way
        let swept = session.as_ref().and_then(|session| sweep::sweep(&root, session).ok()).unwrap_or_default();
        gate.unlock().doing("unlock", gate.path())?;
        gate.lock_shared().doing("lock", gate.path())?;
        let session = session.map_or_else(|| Session::begin(&root.join("tmp")), Ok)?;
        // after the door is open again: a folder may hold millions of files
        let leftovers = session.remove_inherited();
        swept.iter().for_each(|path| _ = remove_tree(path)); // the session's folder goes in the end anyway
        Ok(Self { inner: Arc::new(Inner { root, boot, session, leftovers, checked: Checked::default() }) })
    }

    /// Folders that processes left when they were killed, and that cannot be removed. They do no harm.
    #[must_use]
    pub fn leftovers(&self) -> &[PathBuf] {
        &self.inner.leftovers
    }

    /// The store's folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn locks(&self) -> PathBuf {
        self.inner.root.join("locks")
    }

    /// A path in this process's part of `tmp/` that nothing is at.
    fn fresh(&self) -> PathBuf {
        self.inner.session.fresh()
    }
}

/// The lock that keeps new sessions out while entries are removed: shared to enter, exclusive to clean.
fn gate(root: &Path) -> Result<fs_err::File, StoreError> {
    let path = root.join("gate");
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(&path).doing("open", &path)
}

fn check_version(root: &Path) -> Result<(), StoreError> {
    let path = root.join("version");
    match fs_err::read_to_string(&path) {
        Ok(text) if text.trim_end() == VERSION => Ok(()),
        // empty: another process is writing it, or the machine went down meanwhile
        Ok(text) if !text.is_empty() => {
            let found = text.lines().next().unwrap_or_default().chars().take(80).collect();
            Err(StoreError::OtherVersion { path: root.to_owned(), found, expected: VERSION })
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("read", &path, error)),
        _ => {
            // tells backup programs to leave the folder alone (Cache Directory Tagging Specification)
            let tag = root.join("CACHEDIR.TAG");
            fs_err::write(&tag, "Signature: 8a477f597d28d172789f06886806bc55\n").doing("write", &tag)?;
            fs_err::write(&path, format!("{VERSION}\n")).doing("write", &path)
        }
    }
}

/// `kind` itself, when it can be part of a file name.
fn word(kind: &str) -> Result<&str, StoreError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(plain);
    good.then_some(kind).ok_or_else(|| StoreError::Kind { kind: kind.to_owned() })
}

/// Notes that the entry at `path` was used now.
fn note_use(path: &Path, metadata: &Metadata) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
    let fresh = metadata.modified().is_ok_and(|used| match SystemTime::now().duration_since(used) {
        Ok(age) => age < USE_GRANULARITY,
        Err(_) => false, // in the future: the clock was wrong then
    });
    if !fresh {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        };
        let _ = utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW); // only cleaning cares, and it errs late
    }
}

#[cfg(test)]
mod tests;
