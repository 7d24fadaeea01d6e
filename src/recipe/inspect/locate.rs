//! The node and the word at an offset, and what block they stand in.

use super::super::decode::PROJECT_FILE;
use super::super::images::IMAGE;
use super::super::node::{Node, Value};
use super::super::parameters::PARAMETERS;
use super::super::project_file::PROJECT;
use super::super::recipe_file::RECIPE;
use super::super::shape::{Block, Shape};
use super::super::sources::SOURCE;
use super::super::stages::STAGE;
use crate::model::{Place, Spanned};

/// What the cursor is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// The name of the node.
    Name,
    /// The argument of this number.
    Argument(usize),
    /// The name of the property of this number.
    Property(usize),
    /// Its value.
    Value(usize),
}

/// A node at an offset, and the nodes around it.
pub(super) struct Located<'n> {
    pub(super) node: &'n Node,
    /// From the outermost node to the one around it.
    pub(super) around: Vec<&'n Node>,
    /// Its shape, where the language knows it.
    pub(super) shape: Option<&'static Shape>,
    /// What the block is called that it stands in.
    pub(super) block: &'static str,
    pub(super) on: On,
    /// The word itself.
    pub(super) word: Place,
}

impl<'n> Located<'n> {
    /// The value that the cursor is on.
    pub(super) fn value(&self) -> Option<&'n Spanned<Value>> {
        match self.on {
            On::Argument(index) => self.node.arguments.get(index),
            On::Value(index) => self.node.properties.get(index).map(|property| &property.value),
            On::Name | On::Property(_) => None,
        }
    }

    /// The name of the property that the cursor is on, or on whose value it is.
    pub(super) fn property(&self) -> Option<&'n str> {
        match self.on {
            On::Property(index) | On::Value(index) => {
                self.node.properties.get(index).map(|property| property.name.as_str())
            }
            On::Name | On::Argument(_) => None,
        }
    }
}

fn holds(place: Place, offset: usize) -> bool {
    let start = place.offset as usize;
    (start..=start + place.length as usize).contains(&offset)
}

/// The blocks that nodes of the file called `name` may be of at its top.
fn top(name: &str) -> Vec<&'static dyn Block> {
    if name == PROJECT_FILE { vec![&PROJECT] } else { vec![&RECIPE] }
}

/// What may stand in the block of `node`, which itself is of one of `blocks`.
fn inner(node: &Node, blocks: &[&'static dyn Block]) -> Vec<&'static dyn Block> {
    match node.name.as_str() {
        "on" | "variant" => blocks.to_vec(),
        // a definition may be for any of these
        "define" => vec![&RECIPE, &IMAGE, &STAGE, &SOURCE, &PARAMETERS],
        name => blocks.iter().filter_map(|block| block.shape(name)?.block).take(1).collect(),
    }
}

/// The word at `offset`, none between words.
pub(super) fn locate<'n>(nodes: &'n [Node], name: &str, offset: usize) -> Option<Located<'n>> {
    let mut around = Vec::new();
    let (mut nodes, mut blocks) = (nodes, top(name));
    loop {
        // the last node that begins before the cursor is the only one that can hold it
        let node = nodes.iter().rev().find(|node| node.header.offset as usize <= offset)?;
        if let Some((on, word)) = word_at(node, offset) {
            let found = blocks.iter().find_map(|block| Some((block.shape(&node.name)?, block.what())));
            let otherwise = blocks.first().map_or("", |block| block.what());
            let (shape, block) = found.map_or((None, otherwise), |(shape, block)| (Some(shape), block));
            return Some(Located { node, around, shape, block, on, word });
        }
        blocks = inner(node, &blocks);
        around.push(node);
        nodes = node.children.as_deref()?;
    }
}

fn word_at(node: &Node, offset: usize) -> Option<(On, Place)> {
    if holds(node.name.place, offset) {
        return Some((On::Name, node.name.place));
    }
    let argument = node.arguments.iter().position(|argument| holds(argument.place, offset));
    if let Some(index) = argument {
        return Some((On::Argument(index), node.arguments[index].place));
    }
    node.properties.iter().enumerate().find_map(|(index, property)| {
        if holds(property.name.place, offset) {
            return Some((On::Property(index), property.name.place));
        }
        holds(property.value.place, offset).then_some((On::Value(index), property.value.place))
    })
}

/// The blocks that a node at `offset` would be of. Where the braces are that close a block is not known here: what is
/// behind the last node of a block counts as in it.
pub(super) fn blocks_at(nodes: &[Node], name: &str, offset: usize) -> Vec<&'static dyn Block> {
    let (mut nodes, mut blocks) = (nodes, top(name));
    while let Some(node) = nodes.iter().rev().find(|node| node.header.offset as usize <= offset) {
        let Some(children) = node.children.as_deref() else { break };
        let behind = (node.header.offset + node.header.length) as usize <= offset;
        let followed = nodes.iter().any(|other| other.header.offset as usize > offset);
        if !behind || (children.is_empty() && !followed) {
            break;
        }
        blocks = inner(node, &blocks);
        nodes = children;
    }
    blocks
}
