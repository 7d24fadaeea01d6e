//! `fmt`: files of a project in their one layout.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::OpsError;
use super::workspace::find_project;
use crate::beneath::{Beneath, Dir, remove_abandoned, replace};
use crate::recipe::{self, Mistakes, ProjectDir};

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

/// A file that is laid out.
struct Written {
    file: Beneath,
    shown: Utf8PathBuf,
}

/// A file whose layout is another one.
struct Change {
    file: Written,
    text: String,
}

/// Lays out `files`; names of those in the project at `root` are shown as it sees them.
///
/// # Errors
/// When a file cannot be read or written, when a link leads out of the project, or with the mistakes of all files: then
/// none is written.
pub fn format(root: Option<&Utf8Path>, files: &[Utf8PathBuf], mode: FormatMode) -> Result<FormatReport, OpsError> {
    let root = root.map(Utf8Path::canonicalize_utf8).transpose()?;
    let paths = files.iter().map(|file| real(file)).collect::<io::Result<BTreeSet<_>>>()?;
    let (mut changes, mut refused) = (Vec::new(), Vec::new());
    for path in &paths {
        let file = open(root.as_deref(), path)?;
        let old = read(&file)?;
        match recipe::format(file.shown.as_str(), &old) {
            Ok(text) if text == old => {}
            Ok(text) => changes.push(Change { file, text }),
            Err(mistakes) => refused.push(mistakes),
        }
    }
    if !refused.is_empty() {
        return Err(OpsError::Recipes { mistakes: Box::new(together(refused)) });
    }
    if mode == FormatMode::Write {
        for change in &changes {
            write(change)?;
        }
    }
    Ok(FormatReport { files: paths.len(), changed: changes.into_iter().map(|change| change.file.shown).collect() })
}

/// Where a file is, links followed; those of a project that lead out of it are refused.
fn real(file: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let real = utf8(fs_err::canonicalize(file)?)?;
    let named = utf8(std::path::absolute(file)?)?;
    if let Ok(project) = find_project(named.parent().unwrap_or(&named))
        && !real.starts_with(project.canonicalize_utf8()?)
    {
        let reason =
            format!("`{file}` is reached through a symbolic link that leads out of the project: it is left as it is");
        return Err(io::Error::other(reason));
    }
    Ok(real)
}

/// Opens the folder of a file at a path without links; one that came since is not followed.
fn open(root: Option<&Utf8Path>, path: &Utf8Path) -> io::Result<Written> {
    let inside = root.and_then(|root| Some((root, path.strip_prefix(root).ok()?)));
    let (base, below) = inside.unwrap_or((Utf8Path::new("/"), path.strip_prefix("/").unwrap_or(path)));
    let folder = Dir::open(base.as_std_path())?.dir(below.parent().unwrap_or(Utf8Path::new("")))?;
    let shown = if inside.is_some() { below.to_owned() } else { path.to_owned() };
    Ok(Written { file: Beneath::new(Arc::new(folder), path.file_name().unwrap_or_default()), shown })
}

/// The text of a file; of one that is too long as much as shows that.
fn read(file: &Written) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.file.open_file()?.take(recipe::LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::other(format!("`{}` is not UTF-8 text of a recipe's size", file.shown)))
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
    let project = ProjectDir::open(root)?;
    let images = Utf8PathBuf::from("images");
    let mut files = vec![images.join("project.kdl")];
    files.extend(project.names(&images)?.into_iter().map(|name| images.join(name).join("recipe.kdl")));
    let mut folders = vec![images.join("lib")];
    while let Some(folder) = folders.pop() {
        // a link to a folder may lead back to it
        if !project.dir().is_dir(&folder) {
            continue;
        }
        for path in project.names(&folder)?.into_iter().map(|name| folder.join(name)) {
            if project.dir().is_dir(&path) {
                folders.push(path);
            } else if path.extension() == Some("kdl") {
                files.push(path);
            }
        }
    }
    // a link that leads out is kept, and refused when it is opened
    files.retain(|file| project.find(file).map_or(true, |found| found.is_some_and(|found| found.is_file())));
    Ok(files.into_iter().map(|file| root.join(file)).collect())
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

/// Puts a text in the place of a file, which keeps its permissions.
fn write(change: &Change) -> io::Result<()> {
    let file = &change.file.file;
    remove_abandoned(&Beneath::new(file.shared_dir(), ""))?;
    replace(file, change.text.as_bytes(), file.metadata()?.mode & 0o777)
}
