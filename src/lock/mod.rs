//! The pins: for every input of every image, the hash of the bytes that were seen when a person asked for it.
//!
//! Goals of the format, in this order: complete (with a lock a build reads no index and asks nobody), small diffs (one
//! line a pin, sorted), byte-stable (the same pins are the same bytes, whoever writes them), readable, quick to read.
//! It is KDL, in one canonical line form that `text` reads a thousand times faster than a general parser would.
//!
//! One file per recipe (and variant of it) and `archives.kdl`, which says which release of each suite the pins were taken from.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

mod difference;
mod line;
mod pins;
mod text;

pub use difference::{Move, difference};
pub use line::{LineError, LockError};
pub use pins::{
    ArchivesLock, BasePin, BlobPin, FilePin, IndexPin, PackagePin, PackageSet, RecipeLock, SetId, SourcePin, StepOwner,
    SuitePin,
};
pub use text::{parse_archives, parse_recipe, render_archives, render_recipe};

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use camino::Utf8Path;
use fs_err as fs;

use crate::beneath::{Beneath, Dir, remove_abandoned, replace};
use crate::model::RecipeName;

/// All locks of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The releases that package pins were taken from.
    pub archives: ArchivesLock,
    /// The pins of each recipe.
    pub recipes: BTreeMap<RecipeName, RecipeLock>,
}

/// Name of the file that belongs to no recipe; no recipe can have it, for `refresh` refuses one called so.
pub const ARCHIVES: &str = "archives";

/// The largest file of pins that is read, and what all of them may have together. Those of a thousand packages have
/// 200 kB.
const LARGEST: u64 = 32 << 20;
const LARGEST_ALL: u64 = 256 << 20;

/// Reads `folder/*.kdl`, which must be regular files in a folder, not links: a lock comes with the recipes, and whoever
/// changes those must not have other files read. A folder that is not there is an empty lock.
///
/// # Errors
/// When a file cannot be read or is not in the form that [`save`] writes.
pub fn load(folder: &Utf8Path) -> Result<Lock, LockError> {
    let io = |source| LockError::Io { source };
    let (mut lock, mut left) = (Lock::default(), LARGEST_ALL);
    let files = match open(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(lock),
        Err(source) => return Err(io(source)),
    };
    for name in files.names("").map_err(io)? {
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".kdl")) else { continue };
        let bytes = files.read(&name, LARGEST.min(left)).map_err(io)?;
        left = left.saturating_sub(bytes.len() as u64);
        let shown = format!("{}/{stem}.kdl", folder.file_name().unwrap_or("lock"));
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| io(Error::new(ErrorKind::InvalidData, format!("`{shown}` is not UTF-8"))))?;
        let within = |line: LineError| LockError::Text { file: shown.clone(), line };
        if stem == ARCHIVES {
            lock.archives = parse_archives(&text).map_err(within)?;
        } else if let Ok(name) = RecipeName::new(stem.replacen('@', ":", 1)) {
            lock.recipes.insert(name, parse_recipe(&text).map_err(within)?);
        }
    }
    Ok(lock)
}

/// Opens the folder of the locks, which may not be a link itself.
fn open(folder: &Utf8Path) -> Result<Dir, Error> {
    let (parent, name) = place(folder);
    Dir::open(parent)?.dir(name)
}

/// The folder that a folder is in, and its name there.
fn place(folder: &Utf8Path) -> (&Path, &str) {
    let parent = folder.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    (parent.as_std_path(), folder.file_name().unwrap_or("lock"))
}

/// Writes what differs from the files in `folder`, and removes locks of recipes that are no more. Files whose bytes
/// would stay the same are not touched.
///
/// # Errors
/// When a file cannot be written; every file is either the old one or the new one.
pub fn save(folder: &Utf8Path, lock: &Lock) -> Result<(), LockError> {
    let io = |source| LockError::Io { source };
    let (parent, name) = place(folder);
    fs::create_dir_all(parent).map_err(io)?;
    let folder = Dir::open(parent).and_then(|parent| parent.create_dir_all(name)).map_err(io)?;
    let folder = Beneath::new(Arc::new(folder), "");
    remove_abandoned(&folder).map_err(io)?;
    let mut files: BTreeMap<String, String> =
        lock.recipes.iter().map(|(name, recipe)| (file_name(name), render_recipe(recipe))).collect();
    files.insert(format!("{ARCHIVES}.kdl"), render_archives(&lock.archives));
    for (name, text) in &files {
        if folder.dir().read(name, LARGEST).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        replace(&folder.join(name), text.as_bytes(), 0o644).map_err(io)?;
    }
    for name in folder.names().map_err(io)? {
        if name.to_str().is_some_and(|name| name.ends_with(".kdl") && !files.contains_key(name)) {
            folder.dir().remove_file(&name).map_err(io)?;
        }
    }
    Ok(())
}

/// The file of a recipe's pins: `dns.kdl`, `php@8.4.kdl` for a variant, since some file systems know no `:` in names.
#[must_use]
pub fn file_name(recipe: &RecipeName) -> String {
    format!("{}.kdl", recipe.as_str().replace(':', "@"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_refresh_had_begun_goes_with_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8Path::from_path(folder.path()).expect("UTF-8").join("lock");
        save(&path, &Lock::default()).expect("saved");
        fs::write(path.join(".orchestrate-1-1"), "half").expect("written");
        save(&path, &Lock::default()).expect("saved");
        let names: Vec<_> =
            fs::read_dir(&path).expect("there").map(|entry| entry.expect("listed").file_name()).collect();
        assert_eq!(names, ["archives.kdl"]);
    }

    #[test]
    fn saving_twice_touches_nothing_and_forgets_recipes_that_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("UTF-8").join("lock");
        let mut lock = Lock::default();
        lock.recipes.insert(RecipeName::new("dns").expect("a name"), RecipeLock::default());
        lock.recipes.insert(RecipeName::new("php:8.4").expect("a name"), RecipeLock::default());
        save(&folder, &lock).expect("saves");
        let modified =
            |name: &str| fs::metadata(folder.join(name).as_std_path()).and_then(|data| data.modified()).expect("there");
        let before = modified("dns.kdl");
        save(&folder, &lock).expect("saves again");
        assert_eq!(before, modified("dns.kdl"));
        assert_eq!(load(&folder).expect("loads"), lock);
        assert!(folder.join("php@8.4.kdl").exists());
        lock.recipes.clear();
        save(&folder, &lock).expect("saves without it");
        assert!(!folder.join("dns.kdl").exists());
    }

    #[test]
    fn links_devices_pipes_and_huge_files_are_no_locks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.kdl");
        let refused = |reason: &str| {
            let error = load(Utf8Path::from_path(folder.path()).expect("UTF-8")).expect_err(reason);
            let LockError::Io { source } = &error else { panic!("{error}") };
            let (mut text, mut cause) = (source.to_string(), std::error::Error::source(source));
            while let Some(deeper) = cause {
                text.push_str(&format!(": {deeper}"));
                cause = deeper.source();
            }
            assert!(text.contains(reason) && text.contains("x.kdl"), "{text}");
            fs::remove_file(&path).expect("removed");
        };
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        refused("it is a symbolic link");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).expect("made");
        refused("not a regular file");
        let sparse = fs::File::create(&path).expect("made");
        sparse.set_len(1 << 40).expect("grown");
        refused("has more than");
        fs::write(&path, b"\xff").expect("written");
        refused("not UTF-8");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_empty_lock() {
        assert_eq!(load(Utf8Path::new("/nonexistent/lock")).expect("empty"), Lock::default());
    }
}
