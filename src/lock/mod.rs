//! The pins: for every input of every image, the hash of the bytes that were seen when a person asked for it.
//!
//! Goals of the format, in this order: complete (with a lock a build reads no index and asks nobody), small diffs (one
//! line a pin, sorted), byte-stable (the same pins are the same bytes, whoever writes them), readable, quick to read.
//! It is KDL, in one canonical line form that [`text`] reads a thousand times faster than a general parser would.
//!
//! One file per recipe (and variant of it) and `archives.kdl`, which says which release of each suite the pins were taken from.

mod difference;
mod line;
mod pins;
mod text;

pub use difference::{Move, difference};
pub use line::{LineError, LockError};
pub use pins::{
    ArchivesLock, BasePin, BlobPin, FilePin, IndexPin, PackagePin, PackageSet, RecipeLock, SetId, SetOwner, SourcePin,
    SuitePin,
};
pub use text::{parse_archives, parse_recipe, render_archives, render_recipe};

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use camino::Utf8Path;
use fs_err as fs;

use crate::file;
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

/// Reads `folder/*.kdl`, which must be regular files: a lock comes with the recipes, and whoever can change those must
/// not be able to have other files read. A folder that is not there is an empty lock.
///
/// # Errors
/// When a file cannot be read or is not in the form that [`save`] writes.
pub fn load(folder: &Utf8Path) -> Result<Lock, LockError> {
    let (mut lock, mut left) = (Lock::default(), LARGEST_ALL);
    let entries = match fs::read_dir(folder.as_std_path()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(lock),
        Err(source) => return Err(LockError::Io { source }),
    };
    for entry in entries {
        let path = entry.map_err(|source| LockError::Io { source })?.path();
        let Some(stem) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".kdl"))
        else {
            continue;
        };
        let text = read(&path, LARGEST.min(left))?;
        left = left.saturating_sub(text.len() as u64);
        let shown = format!("{}/{stem}.kdl", folder.file_name().unwrap_or("lock"));
        let within = |line: LineError| LockError::Text { file: shown.clone(), line };
        if stem == ARCHIVES {
            lock.archives = parse_archives(&text).map_err(within)?;
        } else if let Ok(name) = RecipeName::new(stem.replacen('@', ":", 1)) {
            lock.recipes.insert(name, parse_recipe(&text).map_err(within)?);
        }
    }
    Ok(lock)
}

fn read(path: &Path, limit: u64) -> Result<String, LockError> {
    let bytes = file::read_unlinked(path, limit).map_err(|source| LockError::Io { source })?;
    String::from_utf8(bytes).map_err(|_| LockError::Io {
        source: std::io::Error::new(ErrorKind::InvalidData, format!("`{}` is not UTF-8", path.display())),
    })
}

/// Writes what differs from the files in `folder`, and removes locks of recipes that are no more. Files whose bytes
/// would stay the same are not touched.
///
/// # Errors
/// When a file cannot be written; every file is either the old one or the new one.
pub fn save(folder: &Utf8Path, lock: &Lock) -> Result<(), LockError> {
    let io = |source| LockError::Io { source };
    fs::create_dir_all(folder.as_std_path()).map_err(io)?;
    let mut files: BTreeMap<String, String> =
        lock.recipes.iter().map(|(name, recipe)| (file_name(name), render_recipe(recipe))).collect();
    files.insert(format!("{ARCHIVES}.kdl"), render_archives(&lock.archives));
    for (name, text) in &files {
        let path = folder.join(name);
        if file::read_unlinked(path.as_std_path(), LARGEST).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        let mut file = tempfile::NamedTempFile::new_in(folder.as_std_path()).map_err(io)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(io)?;
        readable_by_all(file.as_file()).map_err(io)?;
        file.persist(path.as_std_path()).map_err(|error| io(error.error))?;
    }
    for entry in fs::read_dir(folder.as_std_path()).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".kdl") && !files.contains_key(name) {
            fs::remove_file(&path).map_err(io)?;
        }
    }
    Ok(())
}

/// The file of a recipe's pins: `dns.kdl`, `php@8.4.kdl` for a variant, since some file systems know no `:` in names.
#[must_use]
pub fn file_name(recipe: &RecipeName) -> String {
    format!("{}.kdl", recipe.as_str().replace(':', "@"))
}

/// Temporary files are private; a lock is source code like any other.
fn readable_by_all(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(source.to_string().contains(reason) && source.to_string().contains("x.kdl"), "{source}");
            fs::remove_file(&path).expect("removed");
        };
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        refused("it is a link");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).expect("made");
        refused("not a regular file");
        let sparse = fs::File::create(&path).expect("made");
        sparse.set_len(1 << 40).expect("grown");
        refused("larger than");
        fs::write(&path, b"\xff").expect("written");
        refused("not UTF-8");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_empty_lock() {
        assert_eq!(load(Utf8Path::new("/nonexistent/lock")).expect("empty"), Lock::default());
    }
}
