//! Changes to a tree that a recipe asks for: patches and replaced texts.

use diffy::Line;
use diffy::patch_set::{FileMode, FileOperation, ParseOptions, PatchSet};

use super::SourceError;
use crate::beneath::Dir;
use crate::model::ImagePath;

/// Largest file that an edit reads; sources that people patch are text.
const LARGEST: u64 = 64 << 20;

/// Applies a unified diff of any number of files, without fuzz (a hunk may have moved, its lines must match).
///
/// # Errors
/// When it is no diff, does not fit, or names a file outside of `tree`.
pub fn apply_patch(name: &str, patch: &[u8], tree: &Dir, strip: u32) -> Result<(), SourceError> {
    let not_a_patch = |reason: String| SourceError::NotAPatch { patch: name.to_owned(), reason };
    let git = patch.starts_with(b"diff --git ") || find(patch, b"\ndiff --git ");
    let options = if git { ParseOptions::gitdiff() } else { ParseOptions::unidiff() };
    let mut files = 0;
    for file in PatchSet::parse_bytes(patch, options) {
        let file = file.map_err(|error| not_a_patch(error.to_string()))?;
        let operation = file.operation().strip_prefix(strip as usize);
        let text = file.patch().as_text().ok_or_else(|| not_a_patch("it changes a binary file".to_owned()))?;
        let (from, to) = ends(&operation, tree)?;
        let shown = to.as_ref().or(from.as_ref()).map(|path| path.to_string()).unwrap_or_default();
        let misfit = |reason: String| SourceError::DoesNotApply { patch: name.to_owned(), file: shown.clone(), reason };
        let old = match &from {
            Some(path) => tree.read(path.as_relative(), LARGEST).map_err(|error| misfit(error.to_string()))?,
            None => Vec::new(),
        };
        let new = apply_hunks(&old, text).map_err(|number| misfit(format!("its hunk {number} finds no place")))?;
        write(tree, from.as_ref(), to.as_ref(), &new, file.new_mode())?;
        files += 1;
    }
    if files == 0 { Err(not_a_patch("it changes nothing".to_owned())) } else { Ok(()) }
}

/// Applies the hunks of one file in order; the number of the first that finds no place is the error. A hunk goes to the
/// place nearest to where it says (moved as far as the hunk before it was) whose lines are all the same. The lines around
/// its changes may be those around the changes before: diffy's own `apply` refuses that, patch(1) does not.
fn apply_hunks(old: &[u8], patch: &diffy::Patch<'_, [u8]>) -> Result<Vec<u8>, usize> {
    let mut lines: Vec<&[u8]> = old.split_inclusive(|&byte| byte == b'\n').collect();
    let (mut moved, mut settled) = (0_isize, 0_usize);
    for (number, hunk) in patch.hunks().iter().enumerate() {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let (mut last_change, mut changed) = (0, false);
        for line in hunk.lines() {
            match line {
                Line::Context(text) => {
                    before.push(*text);
                    after.push(*text);
                    continue;
                }
                Line::Delete(text) => before.push(*text),
                Line::Insert(text) => after.push(*text),
            }
            (last_change, changed) = (after.len(), true);
        }
        let start = hunk.new_range().start().saturating_sub(usize::from(!hunk.new_range().is_empty()));
        let wanted = start.saturating_add_signed(moved);
        let place = nearest_place(&lines, &before, wanted, settled).ok_or(number + 1)?;
        moved += place.cast_signed() - wanted.cast_signed();
        lines.splice(place..place + before.len(), after);
        if changed {
            settled = place + last_change;
        }
    }
    Ok(lines.concat())
}

/// Where `wanted` lines stand in `lines`, nearest to `place`. Lines before `settled` were changed already: only their
/// end may be part of the match.
fn nearest_place(lines: &[&[u8]], wanted: &[&[u8]], place: usize, settled: usize) -> Option<usize> {
    let last = lines.len().checked_sub(wanted.len())?;
    let first = settled.saturating_sub(wanted.len());
    let fits = |&at: &usize| lines[at..at + wanted.len()] == *wanted;
    let near = |at: &usize| at.abs_diff(place);
    (first..=last).filter(fits).min_by_key(near)
}

/// Which file is read and which is written.
fn ends(
    operation: &FileOperation<'_, [u8]>,
    tree: &Dir,
) -> Result<(Option<ImagePath>, Option<ImagePath>), SourceError> {
    let path = |name: &[u8]| ImagePath::new(name).map_err(|source| SourceError::Outside { source });
    Ok(match operation {
        FileOperation::Create(name) => (None, Some(path(name)?)),
        FileOperation::Delete(name) => (Some(path(name)?), None),
        FileOperation::Rename { from, to } | FileOperation::Copy { from, to } => (Some(path(from)?), Some(path(to)?)),
        FileOperation::Modify { original, modified } => {
            // `--- a/x.orig` and `+++ b/x`: patch(1) takes the one that exists
            let (original, modified) = (path(original)?, path(modified)?);
            let is_there = tree.find(modified.as_relative())?.is_some();
            let name = if is_there { modified } else { original };
            (Some(name.clone()), Some(name))
        }
    })
}

fn write(
    tree: &Dir,
    from: Option<&ImagePath>,
    to: Option<&ImagePath>,
    content: &[u8],
    mode: Option<&FileMode>,
) -> Result<(), SourceError> {
    let executable = match from {
        Some(path) => tree.metadata(path.as_relative())?.is_executable(),
        None => false,
    };
    if let Some(path) = from
        && from != to
    {
        tree.remove_file(path.as_relative())?;
    }
    let Some(path) = to else { return Ok(()) };
    if let Some(parent) = path.parent() {
        tree.create_dir_all(parent.as_relative())?;
    }
    let executable = mode.map_or(executable, |mode| *mode == FileMode::Executable);
    Ok(tree.write(path.as_relative(), content, if executable { 0o755 } else { 0o644 })?)
}

/// Replaces every occurrence of `old` in a file of the tree.
///
/// # Errors
/// When it does not occur, or the file is not there or outside of `tree`.
pub fn replace(tree: &Dir, file: &str, old: &str, new: &str) -> Result<(), SourceError> {
    let path = ImagePath::new(file.as_bytes()).map_err(|source| SourceError::Outside { source })?;
    let content = tree.read(path.as_relative(), LARGEST)?;
    if old.is_empty() || !find(&content, old.as_bytes()) {
        let text = old.chars().take(60).collect();
        return Err(SourceError::NothingToReplace { file: file.to_owned(), text });
    }
    let mut changed = Vec::with_capacity(content.len());
    let mut rest = content.as_slice();
    while let Some(at) = position(rest, old.as_bytes()) {
        changed.extend_from_slice(&rest[..at]);
        changed.extend_from_slice(new.as_bytes());
        rest = &rest[at + old.len()..];
    }
    changed.extend_from_slice(rest);
    let mode = tree.metadata(path.as_relative())?.mode;
    Ok(tree.write(path.as_relative(), &changed, mode & 0o777)?)
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn find(text: &[u8], wanted: &[u8]) -> bool {
    position(text, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    fn open(tree: &tempfile::TempDir) -> Dir {
        Dir::open(tree.path()).expect("a folder")
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("src")).expect("made");
        fs::write(folder.path().join("src/a.c"), "one\ntwo\nthree\n").expect("written");
        folder
    }

    const PATCH: &str = "Description: why\n\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
                         --- /dev/null\n+++ b/src/new.c\n@@ -0,0 +1 @@\n+new\n";

    #[test]
    fn a_patch_changes_and_makes_files_as_patch_does() {
        let (ours, theirs) = (tree(), tree());
        apply_patch("p", PATCH.as_bytes(), &open(&ours), 1).expect("applies");
        fs::write(theirs.path().join("p"), PATCH).expect("written");
        let mut oracle = std::process::Command::new("patch");
        oracle.args(["-p1", "-F0", "-s", "-i", "p"]).current_dir(theirs.path());
        assert!(oracle.status().expect("install the package `patch`").success());
        for name in ["src/a.c", "src/new.c"] {
            let read = |tree: &tempfile::TempDir| fs::read(tree.path().join(name)).expect(name);
            assert_eq!(read(&ours), read(&theirs), "{name}");
        }
    }

    #[test]
    fn hunks_may_follow_each_other_without_a_line_between() {
        let (ours, theirs) = (tree(), tree());
        let text: String = (1..=12).map(|n| format!("{n}\n")).collect();
        let patch = "--- a/src/a.c\n+++ b/src/a.c\n@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+four\n 5\n 6\n\
                     @@ -7,5 +7,6 @@\n 7\n 8\n-9\n+nine\n+more\n 10\n 11\n";
        for tree in [&ours, &theirs] {
            fs::write(tree.path().join("src/a.c"), &text).expect("written");
        }
        apply_patch("p", patch.as_bytes(), &open(&ours), 1).expect("applies");
        fs::write(theirs.path().join("p"), patch).expect("written");
        let mut oracle = std::process::Command::new("patch");
        oracle.args(["-p1", "-F0", "-s", "-i", "p"]).current_dir(theirs.path());
        assert!(oracle.status().expect("install the package `patch`").success());
        let read = |tree: &tempfile::TempDir| fs::read_to_string(tree.path().join("src/a.c")).expect("there");
        assert_eq!(read(&ours), read(&theirs));
    }

    #[test]
    fn a_patch_that_does_not_fit_says_where() {
        let folder = tree();
        let error =
            apply_patch("fix.patch", PATCH.replace("-two", "-2wo").as_bytes(), &open(&folder), 1).expect_err("misfit");
        assert!(error.to_string().contains("fix.patch") && error.to_string().contains("src/a.c"), "{error}");
        assert!(apply_patch("p", b"no patch", &open(&folder), 1).is_err());
    }

    #[test]
    fn edits_stay_in_the_tree() {
        let folder = tree();
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("a.c"), "two").expect("written");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).expect("linked");
        for file in ["../a.c", "link/a.c"] {
            assert!(replace(&open(&folder), file, "two", "2").is_err(), "{file}");
            let patch = PATCH.replace("src/a.c", file);
            assert!(apply_patch("p", patch.as_bytes(), &open(&folder), 1).is_err(), "{file}");
        }
        assert_eq!(fs::read(outside.path().join("a.c")).expect("there"), b"two");
    }

    #[test]
    fn a_replacement_must_find_its_text() {
        let folder = tree();
        replace(&open(&folder), "src/a.c", "t", "T").expect("occurs twice");
        assert_eq!(fs::read(folder.path().join("src/a.c")).expect("there"), b"one\nTwo\nThree\n");
        assert!(replace(&open(&folder), "src/a.c", "four", "4").expect_err("absent").to_string().contains("four"));
    }
}
