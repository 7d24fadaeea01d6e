//! Nodes of trees, for tests of this room and of those that use it.

use super::tree::{Node, NodeOwner, plain_folder};
use crate::archive::{Entry, EntryKind};
use crate::model::ImagePath;

pub(crate) fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

pub(crate) fn link(from: &str, target: &str) -> Node {
    node(from, EntryKind::Symlink { target: target.as_bytes().to_vec() })
}

pub(crate) fn node(at: &str, kind: EntryKind) -> Node {
    let entry = Entry { kind, ..plain_folder(path(at)) };
    Node { entry, owner: NodeOwner::Generated, own: true, content: None, elf: None }
}
