//! Files beside a recipe, copied so that what is hashed is what is used.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use camino::Utf8Path;

use super::error::FetchError;

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
    let inside = fs_err::canonicalize(folder).map_err(|source| failed("find", folder, source))?;
    let asked = folder.join(path);
    let root = fs_err::canonicalize(&asked).map_err(|source| failed("find", &asked, source))?;
    if !root.starts_with(&inside) {
        return Err(refused(&asked, "it is not in the recipe's folder"));
    }
    fs_err::create_dir_all(target).map_err(|source| failed("create", target, source))?;
    if fs_err::metadata(&root).map_err(|source| failed("look at", &root, source))?.is_file() {
        let name = asked.file_name().or(root.file_name()).unwrap_or_default();
        return copy_file(&root, &target.join(name));
    }
    Snapshot { root: &root, target, entries: 0 }.folder()
}

struct Snapshot<'a> {
    root: &'a Path,
    target: &'a Path,
    entries: usize,
}

impl Snapshot<'_> {
    fn folder(&mut self) -> Result<(), FetchError> {
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let folder = self.root.join(&below);
            let listing = fs_err::read_dir(&folder).map_err(|source| failed("list", &folder, source))?;
            for entry in listing {
                let entry = entry.map_err(|source| failed("list", &folder, source))?;
                self.entries += 1;
                if self.entries > MOST_ENTRIES {
                    return Err(refused(self.root, "it holds more than 100000 files and folders"));
                }
                let kind = entry.file_type().map_err(|source| failed("look at", &entry.path(), source))?;
                let below = below.join(entry.file_name());
                match kind {
                    kind if kind.is_dir() => waiting.push(below),
                    kind if kind.is_file() => copy_file(&entry.path(), &self.place(&below)?)?,
                    kind if kind.is_symlink() => self.link(&below)?,
                    _ => return Err(refused(&entry.path(), "it is neither a file nor a folder nor a link")),
                }
            }
        }
        Ok(())
    }

    /// Where something goes, in a folder that is there.
    fn place(&self, below: &Path) -> Result<PathBuf, FetchError> {
        let to = self.target.join(below);
        let parent = to.parent().unwrap_or(&to);
        fs_err::create_dir_all(parent).map_err(|source| failed("create", parent, source))?;
        Ok(to)
    }

    fn link(&self, below: &Path) -> Result<(), FetchError> {
        let from = self.root.join(below);
        let text = fs_err::read_link(&from).map_err(|source| failed("read", &from, source))?;
        if leaves(below, &text) {
            let reason = format!("it links to `{}`, which is outside of what is copied", text.display());
            return Err(refused(&from, &reason));
        }
        let to = self.place(below)?;
        fs_err::os::unix::fs::symlink(&text, &to).map_err(|source| failed("link", &to, source))
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

fn copy_file(from: &Path, to: &Path) -> Result<(), FetchError> {
    let mut reader = fs_err::File::open(from).map_err(|source| failed("open", from, source))?;
    let executable = reader.metadata().map_err(|source| failed("look at", from, source))?.permissions().mode() & 0o100;
    let mut writer = fs_err::File::create_new(to).map_err(|source| failed("create", to, source))?;
    io::copy(&mut reader, &mut writer).map_err(|source| failed("copy", from, source))?;
    let mode = if executable == 0 { 0o644 } else { 0o755 };
    writer.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(|source| failed("protect", to, source))
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> FetchError {
    FetchError::File { doing, path: path.to_owned(), source }
}

fn refused(path: &Path, reason: &str) -> FetchError {
    FetchError::Tree { path: path.to_owned(), from: "the recipe's folder".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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
