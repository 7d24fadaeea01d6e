//! Links, followed as a program does whose root the folder is.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Dir;
use super::error::refused;

/// As many as Linux follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Where `path` leads in a root made of `layers`, uppermost first: every symbolic link on the way is followed, absolute
/// ones and `..` from the root of the layers on. A link at the end is kept. What is not there keeps its name, so that it
/// can be made.
///
/// # Errors
/// When there are too many links, or a layer cannot be read.
pub fn resolve(layers: &[&Dir], path: &Path) -> io::Result<PathBuf> {
    walk(layers, path, true)
}

/// Like [`resolve`], but a link at the end is followed as well.
///
/// # Errors
/// As [`resolve`].
pub fn follow(layers: &[&Dir], path: &Path) -> io::Result<PathBuf> {
    walk(layers, path, false)
}

fn walk(layers: &[&Dir], path: &Path, keep_last: bool) -> io::Result<PathBuf> {
    let mut left: VecDeque<OsString> = path.components().filter_map(named).collect();
    let (mut found, mut links) = (PathBuf::new(), 0);
    while let Some(name) = left.pop_front() {
        if name == ".." {
            found.pop();
            continue;
        }
        found.push(&name);
        if keep_last && left.is_empty() {
            break;
        }
        let Some(target) = link_at(layers, &found)? else { continue };
        links += 1;
        if links > MOST_LINKS {
            let reason = "there are more symbolic links on the way than a kernel follows";
            return Err(refused(io::ErrorKind::InvalidInput, "find", path, reason));
        }
        found.pop();
        let target = Path::new(&target);
        if target.is_absolute() {
            found.clear();
        }
        target.components().filter_map(named).rev().for_each(|name| left.push_front(name));
    }
    Ok(found)
}

fn named(component: Component<'_>) -> Option<OsString> {
    match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    }
}

/// The target of the link at `path` in the uppermost layer that has something there.
fn link_at(layers: &[&Dir], path: &Path) -> io::Result<Option<OsString>> {
    for layer in layers {
        match layer.find(path) {
            Ok(Some(metadata)) if metadata.is_symlink() => return layer.read_link(path).map(Some),
            Ok(Some(_)) => return Ok(None),
            Ok(None) => {}
            // in this layer a folder on the way is a link, which was seen when the folder was resolved
            Err(error) if is_loop(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn is_loop(error: &io::Error) -> bool {
    error.kind() == io::Error::from(rustix::io::Errno::LOOP).kind()
}
