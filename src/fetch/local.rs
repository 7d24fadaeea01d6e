//! Files beside a recipe, copied so that what is hashed is what is used.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::io;
use std::path::{Component, Path, PathBuf};

use camino::Utf8Path;

use super::error::FetchError;
use crate::beneath::{Dir, Kind, follow};

/// Far more than anyone keeps beside a recipe.
const MOST_ENTRIES: usize = 100_000;

/// Copies the file or folder `path`, relative to `folder`, into the folder `target`, which is made: a file under its own
/// name, of a folder what is in it. As a checkout of the repository elsewhere would have it: files are 0644 or 0755,
/// folders without files are left out, and times are not kept. Symbolic links stay links and must not lead out of what
/// is copied.
///
/// # Errors
/// When `path` leads out of `folder` or is not there, when a link leads out, when anything else than a file, folder or
/// link is found, or something cannot be read or written.
pub fn snapshot(folder: &Path, path: &Utf8Path, target: &Path) -> Result<(), FetchError> {
    let inside = Dir::open(folder).map_err(|source| failed("open", folder, source))?;
    let asked = folder.join(path);
    if leaves(Path::new("x"), path.as_std_path()) {
        return Err(refused(&asked, "it is not in the recipe's folder"));
    }
    let found = found(&inside, path.as_std_path())?;
    fs_err::create_dir_all(target).map_err(|source| failed("create", target, source))?;
    let target = Dir::open(target).map_err(|source| failed("open", target, source))?;
    let metadata = inside.metadata(&found).map_err(|source| failed("find", &asked, source))?;
    if metadata.is_file() {
        let name = asked.file_name().or(found.file_name()).unwrap_or_default();
        let pair = Pair { from: (&inside, &found), to: (&target, Path::new(name)) };
        return pair.copy(metadata.mode).map_err(|source| failed("copy", &asked, source));
    }
    let root = inside.dir(&found).map_err(|source| failed("open", &asked, source))?;
    Snapshot { root: &root, target: &target, entries: 0 }.folder()
}

/// Where `path` leads through the links of the recipe's folder, which must not lead out of it.
fn found(inside: &Dir, path: &Path) -> Result<PathBuf, FetchError> {
    let shown = inside.shown(path);
    // each link on the way is judged by its own text, then followed
    let mut way = PathBuf::new();
    for component in path.components() {
        way.push(component);
        if matches!(component, Component::ParentDir | Component::CurDir) {
            continue;
        }
        let place = follow(&[inside], way.parent().unwrap_or(Path::new("")))
            .map(|folder| folder.join(way.file_name().unwrap_or_default()))
            .map_err(|source| failed("find", &shown, source))?;
        if let Ok(text) = inside.read_link(&place)
            && leaves(&place, Path::new(&text))
        {
            return Err(refused(&shown, "it is not in the recipe's folder: a link on the way leads out of it"));
        }
    }
    follow(&[inside], path).map_err(|source| failed("find", &shown, source))
}

struct Snapshot<'a> {
    root: &'a Dir,
    target: &'a Dir,
    entries: usize,
}

impl Snapshot<'_> {
    fn folder(&mut self) -> Result<(), FetchError> {
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            let shown = self.root.shown(&folder);
            for name in self.root.names(&folder).map_err(|source| failed("list", &shown, source))? {
                self.entries += 1;
                if self.entries > MOST_ENTRIES {
                    return Err(refused(self.root.path(), "it holds more than 100000 files and folders"));
                }
                let below = folder.join(name);
                let shown = self.root.shown(&below);
                let metadata = self.root.metadata(&below).map_err(|source| failed("look at", &shown, source))?;
                match metadata.kind {
                    Kind::Dir => waiting.push(below),
                    Kind::File => {
                        self.make_folder_of(&below)?;
                        let pair = Pair { from: (self.root, &below), to: (self.target, &below) };
                        pair.copy(metadata.mode).map_err(|source| failed("copy", &shown, source))?;
                    }
                    Kind::Symlink => self.link(&below)?,
                    _ => return Err(refused(&shown, "it is neither a file nor a folder nor a link")),
                }
            }
        }
        Ok(())
    }

    fn make_folder_of(&self, below: &Path) -> Result<(), FetchError> {
        let folder = below.parent().unwrap_or(Path::new(""));
        let made = self.target.create_dir_all(folder);
        made.map(drop).map_err(|source| failed("create", &self.target.shown(folder), source))
    }

    fn link(&self, below: &Path) -> Result<(), FetchError> {
        let from = self.root.shown(below);
        let text = self.root.read_link(below).map_err(|source| failed("read", &from, source))?;
        if leaves(below, Path::new(&text)) {
            let reason = format!("it links to `{}`, which is outside of what is copied", Path::new(&text).display());
            return Err(refused(&from, &reason));
        }
        self.make_folder_of(below)?;
        self.target.symlink(&text, below).map_err(|source| failed("link", &self.target.shown(below), source))
    }
}

/// A file, and where it is copied to.
struct Pair<'a> {
    from: (&'a Dir, &'a Path),
    to: (&'a Dir, &'a Path),
}

impl Pair<'_> {
    fn copy(&self, mode: u32) -> io::Result<()> {
        let mut reader = self.from.0.open_file(self.from.1)?;
        let mut writer = self.to.0.create_file(self.to.1, if mode & 0o100 == 0 { 0o644 } else { 0o755 })?;
        io::copy(&mut reader, &mut writer).map(drop)
    }
}

/// Whether a link at `below` with this text leads out of the folder that `below` is relative to. Judged by the text, so
/// that it does not depend on what else is on this machine; a step up after a step through another link counts as out.
fn leaves(below: &Path, text: &Path) -> bool {
    let mut depth = below.components().count().saturating_sub(1);
    for component in text.components() {
        match component {
            Component::RootDir | Component::Prefix(_) => return true,
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
        }
    }
    false
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> FetchError {
    FetchError::File { doing, path: path.to_owned(), source }
}

fn refused(path: &Path, reason: &str) -> FetchError {
    FetchError::Tree { path: path.to_owned(), from: "the recipe's folder".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::store::digest_tree;

    fn recipe() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["files/etc/conf.d", "files/empty/deep"] {
            fs_err::create_dir_all(folder.path().join(path)).expect("made");
        }
        for (path, mode) in [("files/etc/main.conf", 0o600), ("files/etc/conf.d/one", 0o664), ("start", 0o700)] {
            fs_err::write(folder.path().join(path), path).expect("written");
            let mode = std::fs::Permissions::from_mode(mode);
            fs_err::set_permissions(folder.path().join(path), mode).expect("chmod");
        }
        symlink("../main.conf", folder.path().join("files/etc/conf.d/link")).expect("linked");
        folder
    }

    fn take(folder: &Path, path: &str) -> Result<tempfile::TempDir, FetchError> {
        let target = tempfile::tempdir().expect("a folder");
        snapshot(folder, Utf8Path::new(path), &target.path().join("made"))?;
        Ok(target)
    }

    #[test]
    fn a_folder_is_copied_as_any_checkout_of_it_would_be() {
        let recipe = recipe();
        let target = take(recipe.path(), "files").expect("copied");
        let at = |path: &str| target.path().join("made").join(path);
        let mode = |path: &str| fs_err::metadata(at(path)).expect("there").permissions().mode() & 0o7777;
        assert_eq!((mode("etc/main.conf"), mode("etc/conf.d/one")), (0o644, 0o644));
        assert_eq!(fs_err::read_to_string(at("etc/conf.d/link")).expect("there"), "files/etc/main.conf");
        assert!(!at("empty").exists(), "git would not have it");
        let again = take(recipe.path(), "./files/").expect("copied");
        assert_eq!(digest_tree(&at("")).ok(), digest_tree(&again.path().join("made")).ok());
    }

    #[test]
    fn a_file_is_copied_under_its_name() {
        let recipe = recipe();
        let target = take(recipe.path(), "start").expect("copied");
        let metadata = fs_err::metadata(target.path().join("made/start")).expect("there");
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn what_leads_out_of_the_folder_is_refused() {
        let recipe = recipe();
        for path in ["..", "/etc", "files/../..", "gone"] {
            assert!(take(recipe.path(), path).is_err(), "{path}");
        }
        symlink("/etc", recipe.path().join("outside")).expect("linked");
        assert!(take(recipe.path(), "outside").is_err());
        for text in ["/etc/passwd", "../../start", "../../../etc", "conf.d/../../../x"] {
            let link = recipe.path().join("files/etc/bad");
            symlink(text, &link).expect("linked");
            let error = take(recipe.path(), "files").expect_err("refused").to_string();
            assert!(error.contains(&format!("it links to `{text}`, which is outside of what is copied")), "{error}");
            fs_err::remove_file(&link).expect("removed");
        }
    }
}
