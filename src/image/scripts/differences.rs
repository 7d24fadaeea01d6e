//! What scripts changed: what is in the folder, and was not shipped so.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rayon::prelude::*;

use crate::archive::{Entry, EntryKind};
use crate::model::{Digest, EPOCH, HashingReader, ImagePath};

use super::super::ImageError;
use super::super::capability;
use super::found::{Found, FoundKind};
use super::{Subject, ground, is_mounted};
use crate::packages::{Content, Effects, FileTree, Node, NodeOwner};

type All = BTreeMap<ImagePath, Found>;

/// Puts into `tree`, which holds packages as shipped, what is `found` otherwise; `ground` is what scripts began with.
pub(super) fn apply(
    subject: &Subject<'_>,
    tree: &mut FileTree,
    ground: &FileTree,
    mut found: All,
) -> Result<Effects, ImageError> {
    let mut effects = Effects::default();
    found.retain(|path, found| match found.kind {
        FoundKind::Special => {
            effects.notes.push(format!("{path}: pipes, sockets and devices have no place in an image"));
            false
        }
        _ => tree.get(path).is_some() || !(subject.image.policy.excludes(path) || is_mounted(path)),
    });
    let gone: Vec<ImagePath> =
        tree.iter().map(|node| &node.entry.path).filter(|path| !found.contains_key(path)).cloned().collect();
    for path in gone.iter().rev() {
        effects.remove(tree, subject.base, path);
    }
    let first = first_names(&found);
    let changed = changed(tree, ground, &found, &first)?;
    // the other names of a file that loses its first one find their bytes before that is replaced
    for path in &changed {
        effects.uncover(tree, subject.base, path, found[path].kind == FoundKind::Dir);
    }
    for path in changed {
        let node = node(&path, &found[&path], &first);
        tree.insert(node);
    }
    Ok(effects)
}

/// The first name of each file that has several.
fn first_names(found: &All) -> BTreeMap<(u64, u64), ImagePath> {
    let mut first = BTreeMap::new();
    for (path, found) in found {
        if let FoundKind::File { shared: Some(inode), .. } = found.kind {
            first.entry(inode).or_insert_with(|| path.clone());
        }
    }
    first
}

/// Paths that are not as shipped; of a file with several names all or none.
fn changed(
    tree: &FileTree,
    ground: &FileTree,
    found: &All,
    first: &BTreeMap<(u64, u64), ImagePath>,
) -> Result<BTreeSet<ImagePath>, ImageError> {
    let all: Vec<(&ImagePath, &Found)> = found.iter().collect();
    let differs = |(path, one): &(&ImagePath, &Found)| -> Option<Result<ImagePath, ImageError>> {
        match is_as_shipped(tree, ground, path, one, found) {
            Ok(true) => None,
            Ok(false) => Some(Ok((*path).clone())),
            Err(source) => {
                Some(Err(ImageError::Io { doing: format!("read {path}, which package scripts left"), source }))
            }
        }
    };
    let mut changed = all.par_iter().filter_map(differs).collect::<Result<BTreeSet<_>, _>>()?;
    let groups: BTreeSet<(u64, u64)> = changed.iter().filter_map(|path| shared(&found[path])).collect();
    if !groups.is_empty() && !first.is_empty() {
        let names = found.iter().filter(|(_, one)| shared(one).is_some_and(|inode| groups.contains(&inode)));
        changed.extend(names.map(|(path, _)| path.clone()));
    }
    Ok(changed)
}

const fn shared(found: &Found) -> Option<(u64, u64)> {
    match found.kind {
        FoundKind::File { shared, .. } => shared,
        _ => None,
    }
}

fn is_as_shipped(tree: &FileTree, ground: &FileTree, path: &ImagePath, found: &Found, all: &All) -> io::Result<bool> {
    let Some(there) = tree.get(path) else { return Ok(false) };
    let node = match &there.entry.kind {
        EntryKind::Hardlink { target } => {
            let together =
                all.get(target).is_some_and(|target| shared(target).is_some() && shared(target) == shared(found));
            match tree.get(target).filter(|_| together) {
                Some(first) => first,
                None => return Ok(false),
            }
        }
        _ => there,
    };
    let entry = &node.entry;
    if (entry.uid, entry.gid) != (found.owner.uid, found.owner.gid) {
        return Ok(false);
    }
    let laid_out = ground.get(path).is_some_and(|ground| ground::was_opened(ground.entry.mode, found.mode));
    let same_mode = entry.mode == found.mode || found.kind == FoundKind::Dir && laid_out;
    Ok(match (&entry.kind, &found.kind) {
        (EntryKind::Dir, FoundKind::Dir) => same_mode,
        (EntryKind::Symlink { target }, FoundKind::Symlink(other)) => target == other,
        (EntryKind::File { size }, FoundKind::File { size: other, .. }) => {
            let known = entry.xattrs.iter().find(|(name, _)| name == capability::XATTR).map(|(_, value)| value);
            let capable = found.capability.is_none() || found.capability.as_ref() == known;
            same_mode && size == other && capable && has_content(node, found)?
        }
        _ => false,
    })
}

fn has_content(node: &Node, found: &Found) -> io::Result<bool> {
    let Some(digest) = node.content.as_ref().and_then(Content::digest) else { return Ok(false) };
    Ok(digest_of(found)? == digest)
}

fn digest_of(found: &Found) -> io::Result<Digest> {
    let mut file = HashingReader::new(found.host.open_file()?);
    io::copy(&mut file, &mut io::sink())?;
    Ok(file.finish().0)
}

fn node(path: &ImagePath, found: &Found, first: &BTreeMap<(u64, u64), ImagePath>) -> Node {
    let (kind, content) = match &found.kind {
        FoundKind::Dir | FoundKind::Special => (EntryKind::Dir, None),
        FoundKind::Symlink(target) => (EntryKind::Symlink { target: target.clone() }, None),
        FoundKind::File { size, shared } => match shared.and_then(|inode| first.get(&inode)) {
            Some(name) if name != path => (EntryKind::Hardlink { target: name.clone() }, None),
            _ => (EntryKind::File { size: *size }, Some(Content::Host(found.host.clone()))),
        },
    };
    let capability = found.capability.iter().map(|value| (capability::XATTR.to_owned(), value.clone()));
    let entry = Entry {
        path: path.clone(),
        kind,
        mode: found.mode,
        uid: found.owner.uid,
        gid: found.owner.gid,
        mtime: EPOCH.seconds(),
        xattrs: capability.collect(),
    };
    Node { entry, owner: NodeOwner::Generated, own: true, content, elf: None }
}
