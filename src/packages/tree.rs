//! The merged tree of an image: what is at each path, who put it there, and where its bytes are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::archive::{ElfFacts, Entry, EntryKind};
use crate::beneath::Beneath;
use crate::model::{Digest, EPOCH, ImagePath, Mode};

/// How many symbolic links one path may lead through (Linux allows as many).
const LINKS: usize = 40;

/// Something at a path of an image.
#[derive(Clone, Debug)]
pub struct Node {
    /// Everything about it but its bytes.
    pub entry: Entry,
    /// Who put it there.
    pub owner: NodeOwner,
    /// Whether the image itself has it, and not only the image that it is built on.
    pub own: bool,
    /// The bytes of a file.
    pub content: Option<Content>,
    /// What its ELF headers say, for a file that has them.
    pub elf: Option<ElfFacts>,
}

/// Who put something into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeOwner {
    /// A package: its number in the image's list.
    Package(u32),
    /// Package configuration.
    Generated,
    /// The recipe.
    Recipe,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In the uncompressed stream of a segment.
    Stored {
        /// The segment's key.
        key: Digest,
        /// Where they begin.
        offset: u64,
        /// What they are.
        digest: Digest,
    },
    /// In a file of an unpacked package.
    Unpacked {
        /// The file.
        file: Beneath,
        /// What they are.
        digest: Digest,
    },
    /// Here.
    Memory(Arc<[u8]>),
    /// In a file of this machine.
    Host(Beneath),
}

impl Content {
    /// What the bytes are, where that is known without reading further.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Stored { digest, .. } | Self::Unpacked { digest, .. } => Some(*digest),
            Self::Memory(bytes) => Some(Digest::of(bytes)),
            Self::Host(_) => None,
        }
    }
}

/// A path that leads through too many symbolic links, or out of what a path can hold.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{path}` leads through more than {LINKS} symbolic links of the image")]
pub struct LinkLoop {
    /// The path.
    pub path: ImagePath,
}

/// Whether the last component of a path is followed when it is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is followed.
    Follow,
    /// The link itself is meant.
    Keep,
}

/// What is at each path. The root itself is not in it.
#[derive(Clone, Debug, Default)]
pub struct FileTree {
    nodes: BTreeMap<ImagePath, Node>,
    /// Hard links by what they link to; it may hold some that are gone.
    linked: BTreeMap<ImagePath, BTreeSet<ImagePath>>,
}

impl Node {
    fn links_to(&self, path: &ImagePath) -> bool {
        matches!(&self.entry.kind, EntryKind::Hardlink { target } if target == path)
    }
}

impl FileTree {
    /// What is at `path` itself.
    #[must_use]
    pub fn get(&self, path: &ImagePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub(crate) fn get_mut(&mut self, path: &ImagePath) -> Option<&mut Node> {
        self.nodes.get_mut(path)
    }

    pub(crate) fn insert(&mut self, node: Node) {
        if let EntryKind::Hardlink { target } = &node.entry.kind {
            self.linked.entry(target.clone()).or_default().insert(node.entry.path.clone());
        }
        self.nodes.insert(node.entry.path.clone(), node);
    }

    pub(crate) fn remove(&mut self, path: &ImagePath) -> Option<Node> {
        self.nodes.remove(path)
    }

    /// Everything, a folder before what is in it.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// `path` and everything in it.
    pub fn within<'a>(&'a self, path: &'a ImagePath) -> impl Iterator<Item = &'a Node> {
        let from = (Bound::Included(path), Bound::Unbounded);
        self.nodes.range::<ImagePath, _>(from).map(|(_, node)| node).take_while(|node| node.entry.path.is_within(path))
    }

    /// What is directly in a folder.
    pub fn children<'a>(&'a self, folder: &'a ImagePath) -> impl Iterator<Item = &'a Node> {
        self.within(folder).filter(|node| node.entry.path.parent().as_ref() == Some(folder))
    }

    /// Whether a folder is at `path` itself.
    #[must_use]
    pub fn is_folder(&self, path: &ImagePath) -> bool {
        path.is_root() || self.get(path).is_some_and(|node| node.entry.kind == EntryKind::Dir)
    }

    /// Where `path` leads when the image is the root of the file system: symbolic links are followed, and `..` never
    /// leads above the root. What does not exist yet is taken as written.
    ///
    /// # Errors
    /// When it leads through too many links.
    pub fn resolve(&self, path: &ImagePath, last: Last) -> Result<ImagePath, LinkLoop> {
        resolve(path, last, |path| match &self.get(path)?.entry.kind {
            EntryKind::Symlink { target } => Some(target.clone()),
            _ => None,
        })
    }

    /// The regular file at `path`, through links of both kinds.
    #[must_use]
    pub fn file(&self, path: &ImagePath) -> Option<&Node> {
        let node = self.get(&self.resolve(path, Last::Follow).ok()?)?;
        match &node.entry.kind {
            EntryKind::File { .. } => Some(node),
            EntryKind::Hardlink { target } => self.get(target),
            _ => None,
        }
    }

    /// Makes the other names of the file at `path` independent of it, before it goes away: the first of them gets the
    /// bytes, the others link to that one.
    pub(crate) fn detach_links(&mut self, path: &ImagePath) {
        let Some(file) = self.nodes.get(path).filter(|node| matches!(node.entry.kind, EntryKind::File { .. })) else {
            return;
        };
        if self.linked.get(path).is_none_or(BTreeSet::is_empty) {
            return;
        }
        let (kind, content, elf) = (file.entry.kind.clone(), file.content.clone(), file.elf.clone());
        let mut heir: Option<ImagePath> = None;
        for link in self.linked.remove(path).unwrap_or_default() {
            let Some(node) = self.nodes.get_mut(&link).filter(|node| node.links_to(path)) else { continue };
            if let Some(heir) = &heir {
                node.entry.kind = EntryKind::Hardlink { target: heir.clone() };
                self.linked.entry(heir.clone()).or_default().insert(link);
            } else {
                (node.entry.kind, node.content, node.elf) = (kind.clone(), content.clone(), elf.clone());
                heir = Some(link);
            }
        }
    }

    /// Makes sure that every folder above `path` is there; `describe` knows those that were left out.
    pub(crate) fn ensure_parents(
        &mut self,
        path: &ImagePath,
        owner: NodeOwner,
        describe: impl Fn(&ImagePath) -> Option<Entry>,
    ) {
        for folder in path.ancestors() {
            if !self.nodes.contains_key(&folder) {
                let entry = describe(&folder).unwrap_or_else(|| plain_folder(folder));
                self.insert(Node { entry, owner, own: true, content: None, elf: None });
            }
        }
    }
}

/// A folder of root's that nobody described: 0755, from the fixed clock's day.
pub(crate) fn plain_folder(path: ImagePath) -> Entry {
    let mode = Mode::from_bits(0o755);
    Entry { path, kind: EntryKind::Dir, mode, uid: 0, gid: 0, mtime: EPOCH.seconds(), xattrs: Vec::new() }
}

/// [`FileTree::resolve`] over anything that knows the targets of links.
pub(crate) fn resolve(
    path: &ImagePath,
    last: Last,
    link: impl Fn(&ImagePath) -> Option<Vec<u8>>,
) -> Result<ImagePath, LinkLoop> {
    let too_deep = || LinkLoop { path: path.clone() };
    let mut todo: Vec<Vec<u8>> = components(path.as_bytes());
    let mut done = ImagePath::root();
    let mut links = 0;
    while let Some(component) = todo.pop() {
        if component == b".." {
            done = done.parent().unwrap_or_default();
            continue;
        }
        let next = done.join(&ImagePath::new(&component).map_err(|_| too_deep())?);
        let follow = !todo.is_empty() || last == Last::Follow;
        let Some(target) = follow.then(|| link(&next)).flatten() else {
            done = next;
            continue;
        };
        links += 1;
        if links > LINKS || todo.len() > 4096 {
            return Err(too_deep());
        }
        if target.starts_with(b"/") {
            done = ImagePath::root();
        }
        todo.extend(components(&target));
    }
    Ok(done)
}

/// The components, last one first; those that mean nothing left out.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    parts.rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::testing::{link, node, path};

    fn tree(nodes: Vec<Node>) -> FileTree {
        let mut tree = FileTree::default();
        nodes.into_iter().for_each(|node| tree.insert(node));
        tree
    }

    #[test]
    fn paths_are_resolved_as_in_a_changed_root() {
        let tree = tree(vec![
            link("bin", "usr/bin"),
            link("var/run", "/run"),
            link("esc", "../../../etc"),
            link("a/b", "../c/./d"),
        ]);
        let lead = |from: &str| tree.resolve(&path(from), Last::Follow).expect("no loop").to_string();
        assert_eq!(lead("bin/sh"), "/usr/bin/sh");
        assert_eq!(lead("var/run/x"), "/run/x");
        assert_eq!(lead("esc/passwd"), "/etc/passwd");
        assert_eq!(lead("a/b/e"), "/c/d/e");
        assert_eq!(tree.resolve(&path("var/run"), Last::Keep), Ok(path("var/run")));
    }

    #[test]
    fn loops_end() {
        let tree = tree(vec![link("a", "b"), link("b", "a"), link("big", "big/big")]);
        for start in ["a", "big"] {
            assert!(tree.resolve(&path(start), Last::Follow).is_err(), "{start}");
        }
    }

    #[test]
    fn a_folder_knows_its_children() {
        let nodes = ["usr", "usr/bin", "usr/bin/x", "usrx", "usr-y"].map(|at| node(at, EntryKind::Dir));
        let tree = tree(nodes.into());
        let names =
            |nodes: &mut dyn Iterator<Item = &Node>| nodes.map(|node| node.entry.path.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&mut tree.children(&path("usr"))), ["/usr/bin"]);
        assert_eq!(names(&mut tree.within(&path("usr"))), ["/usr", "/usr/bin", "/usr/bin/x"]);
        assert_eq!(names(&mut tree.children(&ImagePath::root())), ["/usr", "/usr-y", "/usrx"]);
    }
}
