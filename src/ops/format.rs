//! `fmt`: files of a project in their one layout.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::OpsError;
use crate::recipe::{self, Mistakes};

/// Whether files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatMode {
    /// They are.
    Write,
    /// They are only compared.
    Check,
}

/// What was looked at.
#[derive(Debug)]
pub struct FormatReport {
    /// How many files there were.
    pub files: usize,
    /// Those that changed, or would change, as people know them.
    pub changed: Vec<Utf8PathBuf>,
}

/// A file whose layout is another one.
struct Change {
    shown: Utf8PathBuf,
    path: Utf8PathBuf,
    text: String,
}

/// Lays out `files`; names of those in the project at `root` are shown as it sees them.
///
/// # Errors
/// When a file cannot be read or written, or with the mistakes of all files: then none is written.
pub fn format(root: Option<&Utf8Path>, files: &[Utf8PathBuf], mode: FormatMode) -> Result<FormatReport, OpsError> {
    let root = root.map(Utf8Path::canonicalize_utf8).transpose()?;
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    let paths =
        files.iter().map(|file| fs_err::canonicalize(file).and_then(utf8)).collect::<io::Result<BTreeSet<_>>>()?;
    for path in &paths {
        let shown = root.as_ref().and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
        let old = fs_err::read_to_string(path)?;
        match recipe::format(shown.as_str(), &old) {
            Ok(text) if text == old => {}
            Ok(text) => changes.push(Change { shown: shown.to_owned(), path: path.clone(), text }),
            Err(mistakes) => refused.push(mistakes),
        }
    }
    if !refused.is_empty() {
        return Err(OpsError::Recipes { mistakes: Box::new(together(refused)) });
    }
    if mode == FormatMode::Write {
        for change in &changes {
            replace(&change.path, &change.text)?;
        }
    }
    Ok(FormatReport { files: paths.len(), changed: changes.into_iter().map(|change| change.shown).collect() })
}

/// Lays out a text; messages call it `name`.
///
/// # Errors
/// With its mistakes.
pub fn format_text(name: &str, text: &str) -> Result<String, OpsError> {
    recipe::format(name, text).map_err(|mistakes| OpsError::Recipes { mistakes: Box::new(mistakes) })
}

/// The KDL files that people write in the project at `root`: its own, recipes, and what they share in `images/lib`.
///
/// # Errors
/// When a folder cannot be read.
pub fn written_files(root: &Utf8Path) -> Result<Vec<Utf8PathBuf>, OpsError> {
    let images = root.join("images");
    let mut files = vec![images.join("project.kdl")];
    for folder in entries(&images)? {
        files.push(folder.join("recipe.kdl"));
    }
    let mut folders = vec![images.join("lib")];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for path in entries(&folder)? {
            // a link to a folder may lead back to it
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension() == Some("kdl") {
                files.push(path);
            }
        }
    }
    files.retain(|file| file.is_file());
    Ok(files)
}

fn entries(folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    fs_err::read_dir(folder)?.map(|entry| utf8(entry?.path())).collect()
}

fn utf8(path: std::path::PathBuf) -> io::Result<Utf8PathBuf> {
    Utf8PathBuf::from_path_buf(path)
        .map_err(|path| io::Error::other(format!("the name `{}` is not UTF-8", path.display())))
}

/// The mistakes of files that were read one by one.
fn together(all: Vec<Mistakes>) -> Mistakes {
    let mut joined = Mistakes::default();
    for Mistakes { sources, list } in all {
        let Some(first) = list.first() else { continue };
        let source = sources.file(first.place.file);
        let file = joined.sources.add(&source.name, source.text.clone());
        joined.list.extend(list.into_iter().map(|mut mistake| {
            mistake.place.file = file;
            mistake.others.iter_mut().for_each(|(place, _)| place.file = file);
            mistake
        }));
    }
    joined
}

/// Puts `text` in the place of the file, which is the old one or the new one at any moment and keeps its permissions.
fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    let permissions = fs_err::metadata(path)?.permissions();
    let mut file = tempfile::Builder::new().prefix(".orchestrate-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
