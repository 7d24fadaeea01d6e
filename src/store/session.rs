//! What a process has in the store while it runs: a folder in `tmp/` of its own, and a lock that says that it is alive.
//! What dead processes left is removed when the store is opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::claim::{self, Locked};
use super::error::{Doing as _, StoreError};
use super::remove::remove_tree;

/// A folder in `tmp/` that lives as long as this value.
#[derive(Debug)]
pub(super) struct Session {
    folder: PathBuf,
    next: AtomicU64,
    _alive: Locked,
    /// Folders of dead processes that could not be taken over.
    stuck: Vec<PathBuf>,
}

impl Session {
    /// Registers this process in `tmp`. The lock comes before the folder, so that a folder without a lock is dead.
    pub(super) fn begin(tmp: &Path) -> Result<Self, StoreError> {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        for attempt in 0..1000 {
            let folder = tmp.join(format!("{}-{started}-{attempt}", std::process::id()));
            let lock = folder.with_extension("lock");
            let Some(alive) = Locked::attempt(&lock).doing("lock", &lock)? else { continue };
            match fs_err::create_dir(&folder) {
                Ok(()) => return Ok(Self { folder, next: AtomicU64::new(0), _alive: alive, stuck: Vec::new() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::io("create", &folder, error)),
            }
        }
        Err(StoreError::io("create a folder in", tmp, io::ErrorKind::AlreadyExists.into()))
    }

    /// Like [`Session::begin`], and takes over what processes that no longer live left: their folders in `tmp/`, which
    /// are moved into that of this session, and the files of their locks, which are removed. Whoever calls this keeps
    /// others from beginning a session meanwhile.
    pub(super) fn begin_after_dead(root: &Path) -> Result<Self, StoreError> {
        let (tmp, locks) = (root.join("tmp"), root.join("locks"));
        let mut session = Self::begin(&tmp)?;
        let inherited = session.inherited();
        fs_err::create_dir(&inherited).doing("create", &inherited)?;
        for name in names(&tmp)? {
            let path = tmp.join(&name);
            let is_dead = path != session.folder && !is_lock(&path) && !claim::is_held(&path.with_extension("lock"));
            if is_dead && fs_err::rename(&path, inherited.join(name)).is_err() {
                session.stuck.push(path); // of another user: earlier versions let others write here
            }
        }
        let stale = names(&tmp)?.into_iter().map(|name| tmp.join(name)).filter(|path| is_lock(path));
        for path in stale.chain(names(&locks)?.into_iter().map(|name| locks.join(name))) {
            drop(Locked::attempt(&path)); // taking a lock that is free and letting go removes the file
        }
        Ok(session)
    }

    fn inherited(&self) -> PathBuf {
        self.folder.join("inherited")
    }

    /// Removes what was taken over; says what could not be.
    pub(super) fn remove_inherited(&self) -> Vec<PathBuf> {
        let folder = self.inherited();
        let left = names(&folder).unwrap_or_default().into_iter().map(|name| folder.join(name));
        let left: Vec<PathBuf> = left.filter(|path| remove_tree(path).is_err()).collect();
        let _ = fs_err::remove_dir(&folder); // not there, or not empty
        self.stuck.iter().cloned().chain(left).collect()
    }

    /// A path in the session's folder that nothing is at.
    pub(super) fn fresh(&self) -> PathBuf {
        self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// The session's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = remove_tree(&self.folder); // what stays is removed by the next process
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

/// When the oldest of the other live sessions began; none when there is none.
pub(super) fn oldest_other(tmp: &Path, own: &Path) -> Result<Option<SystemTime>, StoreError> {
    let mut oldest = None;
    for name in names(tmp)? {
        let folder = tmp.join(&name);
        let lock = folder.with_extension("lock");
        if folder == own || folder == lock || !claim::is_held(&lock) {
            continue;
        }
        let began = fs_err::metadata(&lock).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        oldest = Some(oldest.map_or(began, |known: SystemTime| known.min(began)));
    }
    Ok(oldest)
}

/// The names in a folder, sorted; none when the folder is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>, StoreError> {
    let listing = match fs_err::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in listing {
        names.push(entry.doing("list", folder)?.file_name());
    }
    names.sort();
    Ok(names)
}
