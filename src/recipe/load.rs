//! Reads the files of a project; the only place of this room that touches a disk.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::{Place, Spanned};

use super::Inspected;
use super::ProjectDir;
use super::decode::{Decoded, PROJECT_FILE, Text, decode};
use super::definitions::Unread;
use super::project::{CopyFrom, Edit, ImageEntryKind, Origin, Recipe};
use super::show::UnifiedProject;
use super::{Mistake, Mistakes, Project, not_yet, sink, syntax};

/// A project without mistakes.
#[derive(Debug)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// What is worth a second look.
    pub warnings: Mistakes,
    /// The recipes as they were before they got a meaning.
    pub unified: UnifiedProject,
}

/// Reads `images/project.kdl` and every `images/*/recipe.kdl` below `root`, and checks that the files beside them exist
/// that recipes name.
///
/// # Errors
/// With all mistakes of all files; a file that cannot be read is one of them.
pub fn load(root: &Utf8Path) -> Result<Loaded, Mistakes> {
    let folder = ProjectDir::open(root);
    let read = |name: &str| read_text(&folder, name).map_err(|error| unread(&error));
    let mut decoded = decode(read_files(root, &folder), root, &read);
    let beside = files_beside(&decoded.project);
    decoded.mistakes.extend(beside);
    decoded.mistakes.extend(not_yet::check(&decoded.project));
    finish(decoded)
}

/// Reads texts that are in memory: pairs of a name relative to `root`, like `images/router/recipe.kdl`, and a text. What
/// is neither the project's file nor a recipe can be included.
/// Whether the files beside the recipes exist is not checked.
///
/// # Errors
/// With all mistakes of all files.
pub fn parse(files: Vec<(String, String)>, root: &Utf8Path) -> Result<Loaded, Mistakes> {
    let (read, included): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(name, _)| name == PROJECT_FILE || name.ends_with("/recipe.kdl"));
    let included: BTreeMap<String, String> = included.into_iter().collect();
    let missing =
        || Unread { message: "cannot be read: there is no such file".to_owned(), label: "this file", help: READABLE };
    let library = |name: &str| included.get(name).cloned().ok_or_else(missing);
    finish(decode(read.into_iter().map(|(name, text)| (name, Ok(text))).collect(), root, &library))
}

/// Reads the project in `root` as far as that is possible; the texts in `open`, by names relative to `root`, stand for the
/// files of these names, which need not be there.
#[must_use]
pub fn inspect(root: &Utf8Path, open: &BTreeMap<String, String>) -> Inspected {
    let folder = ProjectDir::open(root);
    let read = |name: &str| match open.get(name) {
        Some(text) => Ok(text.clone()),
        None => read_text(&folder, name).map_err(|error| unread(&error)),
    };
    let is_own = |name: &str| name == PROJECT_FILE || (name.ends_with("/recipe.kdl") && name.split('/').count() == 3);
    let own: Vec<Text> =
        open.iter().filter(|(name, _)| is_own(name)).map(|(name, text)| (name.clone(), Ok(text.clone()))).collect();
    let mut files = read_files(root, &folder);
    // what is open is what counts, whether or not it could be read
    files.retain(|(name, _)| !open.contains_key(name) && (own.is_empty() || name != "images"));
    files.extend(own);
    let mut decoded = decode(files, root, &read);
    if root.join("images").is_dir() {
        let beside = files_beside(&decoded.project);
        decoded.mistakes.extend(beside);
    }
    decoded.mistakes.extend(not_yet::check(&decoded.project));
    let Decoded { project, mut mistakes, syntax, unified } = decoded;
    sink::without_consequences(&syntax, &mut mistakes, &project.sources);
    mistakes.extend(syntax);
    sink::sort(&mut mistakes);
    sink::limit(&mut mistakes);
    Inspected { mistakes: Mistakes { sources: project.sources.clone(), list: mistakes }, project, unified }
}

fn finish(decoded: Decoded) -> Result<Loaded, Mistakes> {
    let Decoded { project, mut mistakes, syntax, unified } = decoded;
    sink::without_consequences(&syntax, &mut mistakes, &project.sources);
    mistakes.extend(syntax);
    sink::sort(&mut mistakes);
    sink::limit(&mut mistakes);
    let (errors, warnings) = sink::partition(mistakes);
    let sources = project.sources.clone();
    if errors.is_empty() {
        Ok(Loaded { project, warnings: Mistakes { sources, list: warnings }, unified })
    } else {
        Err(Mistakes { sources, list: errors })
    }
}

fn read_files(root: &Utf8Path, folder: &io::Result<ProjectDir>) -> Vec<Text> {
    let mut files = Vec::new();
    let mut names = vec![PROJECT_FILE.to_owned()];
    match recipes(folder) {
        Ok(recipes) => names.extend(recipes),
        Err(error) => {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let help = if missing { "run this in the folder that holds `images/`" } else { "make it readable" };
            let message = if missing { format!("there is no folder `images` in `{root}`") } else { error.to_string() };
            files.push(("images".to_owned(), Err(Unread { message, label: "expected here", help })));
        }
    }
    for name in names {
        match read_text(folder, &name) {
            Ok(text) => files.push((name, Ok(text))),
            // a project needs no file of its own as long as its recipes name no archive
            Err(error) if error.kind() == io::ErrorKind::NotFound && name == PROJECT_FILE => {}
            Err(error) => files.push((name, Err(unread(&error)))),
        }
    }
    files
}

const READABLE: &str = "make it a readable file of UTF-8 text";
const NO_LINK: &str = "put the file itself there: a link could show what is outside of the project";

fn unread(error: &io::Error) -> Unread {
    let help = if error.kind() == io::ErrorKind::PermissionDenied { NO_LINK } else { READABLE };
    Unread { message: format!("cannot be read: {error}"), label: "this file", help }
}

/// An error of opening the project's folder, for each file that is asked of it.
fn opened(folder: &io::Result<ProjectDir>) -> io::Result<&ProjectDir> {
    folder.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))
}

/// The recipe files, relative to the project.
fn recipes(folder: &io::Result<ProjectDir>) -> io::Result<Vec<String>> {
    let folder = opened(folder)?;
    let mut names = Vec::new();
    for entry in folder.names(Utf8Path::new("images"))? {
        let name = format!("images/{entry}/recipe.kdl");
        // what cannot be looked at is told when it is read
        if folder.find(Utf8Path::new(&name)).is_ok_and(|found| found.is_none()) {
            continue;
        }
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// The text of a file; a little more than is allowed of a long one, so that its length is refused with the rest.
fn read_text(folder: &io::Result<ProjectDir>, name: &str) -> io::Result<String> {
    opened(folder)?.read_text(Utf8Path::new(name), syntax::LARGEST)
}

/// What a path must be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    File,
    FileOrFolder,
}

/// Checks the files that recipes and the project name.
fn files_beside(project: &Project) -> Vec<Mistake> {
    let images = Utf8PathBuf::from("images");
    let mut wanted: BTreeSet<(Place, Utf8PathBuf, &Utf8Path, Kind)> = BTreeSet::new();
    for archive in project.archives.values() {
        wanted.insert((archive.keyring.place, archive.keyring.value.clone(), &images, Kind::File));
    }
    for set in project.recipes.values() {
        for recipe in set.on.values() {
            for (path, kind) in named_beside(recipe) {
                wanted.insert((path.place, path.value.clone(), &set.folder, kind));
            }
            for keyring in keyrings(recipe) {
                wanted.insert((keyring.place, keyring.value.clone(), &images, Kind::File));
            }
        }
    }
    let problems = wanted.into_iter().filter_map(|(place, path, folder, kind)| {
        let (message, help) = problem(project, folder, &path, kind)?;
        Some(Mistake::new(place, message, format!("in `{folder}`"), help))
    });
    problems.collect()
}

fn named_beside(recipe: &Recipe) -> Vec<(&Spanned<Utf8PathBuf>, Kind)> {
    let mut all = Vec::new();
    for source in recipe.sources.values() {
        if let Origin::Local { path } = &source.origin {
            all.push((path, Kind::FileOrFolder));
        }
        all.extend(source.edits.iter().filter_map(|edit| match edit {
            Edit::Patch { file, .. } => Some((file, Kind::File)),
            Edit::Replace { .. } => None,
        }));
    }
    let entries = recipe.images.values().flat_map(|image| &image.entries);
    all.extend(entries.filter_map(|entry| match &entry.kind {
        ImageEntryKind::Copy { from: CopyFrom::Local(path), .. } => Some((path, Kind::FileOrFolder)),
        _ => None,
    }));
    all
}

fn keyrings(recipe: &Recipe) -> impl Iterator<Item = &Spanned<Utf8PathBuf>> {
    recipe.sources.values().filter_map(|source| match &source.origin {
        Origin::Download(download) => Some(&download.signature.as_ref()?.keyring),
        _ => None,
    })
}

/// What is wrong with `path` in `folder`: it is missing, no plain file or folder, or a link leads out of the folder.
fn problem(project: &Project, below: &Utf8Path, path: &Utf8Path, kind: Kind) -> Option<(String, String)> {
    let folder = project.root.join(below);
    let full = folder.join(path);
    let real = match full.canonicalize_utf8() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let help = near_file(&project.root, below, path)
                .unwrap_or_else(|| "put the file there, or correct the path".to_owned());
            return Some((format!("there is no `{path}`"), help));
        }
        Err(error) => return Some((format!("`{path}` cannot be used: {error}"), "make it readable".to_owned())),
    };
    let inside = folder.canonicalize_utf8().is_ok_and(|folder| real.starts_with(folder));
    if !inside {
        let help = "copy the file into the folder: what is outside cannot be reviewed with it".to_owned();
        return Some((format!("`{path}` is a link that leads out of the folder"), help));
    }
    let found = fs_err::metadata(&real).ok()?;
    match kind {
        Kind::File if !found.is_file() => Some((format!("`{path}` is not a file"), "name a file".to_owned())),
        Kind::FileOrFolder if !found.is_file() && !found.is_dir() => {
            Some((format!("`{path}` is neither a file nor a folder"), "name a file or folder".to_owned()))
        }
        _ => None,
    }
}

/// A file of a similar name in the same place, which no link leads to: names outside of the project are none of its.
fn near_file(root: &Utf8Path, folder: &Utf8Path, path: &Utf8Path) -> Option<String> {
    let parent = path.parent()?;
    let names = ProjectDir::open(root).ok()?.names(&folder.join(parent)).ok()?;
    let near = crate::diagnostic::nearest::nearest(path.file_name()?, names.iter().map(String::as_str))?;
    Some(format!("did you mean `{}`?", parent.join(near)))
}
