//! The language as its own tables tell it: what each node is called, what it takes and means. Editors, the reference,
//! `show` and suggestions work with it.

use std::sync::OnceLock;

use serde::Serialize;
use serde::ser::SerializeMap as _;

use crate::model::{Architecture, Platform, SourceMap};

use super::context::{Context, Names, World};
use super::record::{AcceptedValue, Described, Record};
use super::shape::{Block, Identity, Shape, Times};
use super::sink::Sink;
use super::syntax;
use super::vocabulary::VOCABULARY;
use super::vocabulary::{self, ReadAndDrop, Structure};

/// Of each block its nodes, both in the order of the reference.
pub(super) struct Language {
    pub(super) blocks: Vec<(&'static str, Vec<Known>)>,
}

/// A node of a block.
pub(super) struct Known {
    pub(super) shape: &'static Shape,
    /// The ways to write it.
    pub(super) ways: Vec<Way>,
    /// What it takes, however it is written.
    all: Described,
}

/// One way to write a node.
pub(super) struct Way {
    pub(super) example: &'static str,
    pub(super) meaning: &'static str,
    pub(super) takes: Described,
}

impl Language {
    pub(super) fn get() -> &'static Self {
        static LANGUAGE: OnceLock<Language> = OnceLock::new();
        LANGUAGE.get_or_init(|| Self {
            blocks: vocabulary::readers()
                .into_iter()
                .map(|(block, read)| (block.what(), describe(block, read)))
                .collect(),
        })
    }

    /// What a node of the block called `what` takes.
    pub(super) fn node(&self, what: &str, name: &str) -> Option<&Described> {
        let (_, nodes) = self.blocks.iter().find(|(block, _)| *block == what)?;
        nodes.iter().find(|known| known.shape.name == name).map(|known| &known.all)
    }
}

/// Reads every example of a block, and notes what is asked.
fn describe(block: &'static dyn Block, read: ReadAndDrop) -> Vec<Known> {
    let describe = |shape: &'static Shape| {
        let ways: Vec<Way> = shape
            .ways()
            .map(|(example, meaning)| Way { example, meaning, takes: takes(example, read, block.what(), shape.name) })
            .collect();
        let mut all = Described::default();
        ways.iter().for_each(|way| all.add(&way.takes));
        Known { shape, ways, all }
    };
    block.shapes().into_iter().map(describe).collect()
}

fn takes(example: &str, read: ReadAndDrop, block: &'static str, node: &'static str) -> Described {
    let record = Record::of(block, node);
    let mut sources = SourceMap::default();
    let nodes = syntax::parse(sources.add("example", example), example).nodes.unwrap_or_default();
    let (sink, names, world) = (Sink::new(&VOCABULARY), Names::default(), World::default());
    let platform = Some(Platform::new(Architecture::Amd64));
    read(&nodes, &Context { sink: &sink, platform, names: &names, world: &world, record: Some(&record) });
    record.into_described()
}

impl Way {
    /// How the node is written, in words for its values: `copy PATH [from=NAME] to=PATH`.
    pub(super) fn written(&self, shape: &Shape) -> String {
        let mut written = shape.name.to_owned();
        for (index, argument) in self.takes.arguments.iter().enumerate() {
            let more = if self.takes.repeated() && index + 1 == self.takes.arguments.len() { "…" } else { "" };
            written += &format!(" {}{more}", value(argument));
        }
        for (name, property) in &self.takes.properties {
            let must = property.required || property.words.len() == 1;
            let (open, close) = if must { ("", "") } else { ("[", "]") };
            written += &format!(" {open}{name}={}{close}", value(property));
        }
        if shape.block.is_some() {
            written += " { … }";
        }
        written
    }
}

fn value(taken: &AcceptedValue) -> String {
    match taken.words[..] {
        [only] => format!("\"{only}\""),
        [_, ..] => "WORD".to_owned(),
        [] => taken.word.clone(),
    }
}

/// A meaning for those who do not read it in the reference, whose sections it links to.
pub(super) fn without_links(meaning: &str) -> String {
    let mut out = String::with_capacity(meaning.len());
    let mut rest = meaning;
    while let Some((before, text, after)) = link(rest) {
        out += before;
        out += text;
        rest = after;
    }
    out + rest
}

/// What is before the first `[text](#section)`, its text, and what is after it.
fn link(meaning: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = meaning.split_once('[')?;
    let (text, rest) = rest.split_once("](#")?;
    let (_, after) = rest.split_once(')')?;
    (!text.contains('[')).then_some((before, text, after))
}

/// The language as data, for editors and other programs.
#[derive(Debug, Serialize)]
pub struct LanguageDescription {
    /// What may stand in each block; `project.kdl` and `a recipe` are files.
    blocks: Vec<BlockDescription>,
    /// Nodes that are understood before all others.
    structure: Vec<StructureDescription>,
}

#[derive(Debug, Serialize)]
struct BlockDescription {
    name: &'static str,
    nodes: Vec<NodeDescription>,
}

#[derive(Debug, Serialize)]
struct StructureDescription {
    name: &'static str,
    written: &'static str,
    meaning: String,
    example: &'static str,
    /// Where it may stand.
    stands: &'static str,
}

#[derive(Debug, Serialize)]
struct NodeDescription {
    name: &'static str,
    /// Whether it may stand in its block once alone.
    once: bool,
    /// Whether it must stand there.
    required: bool,
    /// What holds when it does not, in Markdown.
    #[serde(skip_serializing_if = "str::is_empty")]
    default: &'static str,
    /// When two of its name have to agree.
    identity: &'static str,
    /// The block that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<&'static str>,
    ways: Vec<WayDescription>,
}

/// One way to write a node.
#[derive(Debug, Serialize)]
struct WayDescription {
    written: String,
    meaning: String,
    example: &'static str,
    arguments: &'static [AcceptedValue],
    /// Whether the last argument may be repeated.
    repeated: bool,
    properties: Properties,
}

/// Properties by their names, in their order.
#[derive(Debug)]
struct Properties(&'static [(&'static str, AcceptedValue)]);

impl Serialize for Properties {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, taken) in self.0 {
            map.serialize_entry(name, taken)?;
        }
        map.end()
    }
}

/// The language that recipes are written in, as the decoder reads it.
#[must_use]
pub fn language() -> LanguageDescription {
    let blocks = Language::get().blocks.iter();
    let blocks =
        blocks.map(|(name, nodes)| BlockDescription { name, nodes: nodes.iter().map(node_description).collect() });
    LanguageDescription {
        blocks: blocks.collect(),
        structure: vocabulary::STRUCTURE.iter().map(structure_description).collect(),
    }
}

fn node_description(known: &'static Known) -> NodeDescription {
    let shape = known.shape;
    let way = |way: &'static Way| WayDescription {
        written: way.written(shape),
        meaning: without_links(way.meaning),
        example: way.example,
        arguments: &way.takes.arguments,
        repeated: way.takes.repeated(),
        properties: Properties(&way.takes.properties),
    };
    NodeDescription {
        name: shape.name,
        once: shape.times == Times::Once,
        required: shape.required,
        default: shape.otherwise,
        identity: match shape.identity {
            Identity::Single => "single",
            Identity::Keyed { .. } => "keyed",
            Identity::Set => "set",
            Identity::Whole => "whole",
            Identity::Sequence => "sequence",
        },
        block: shape.block.map(|block| block.what()),
        ways: known.ways.iter().map(way).collect(),
    }
}

fn structure_description(known: &Structure) -> StructureDescription {
    let Structure { name, written, meaning, example, stands, .. } = *known;
    StructureDescription { name, written, meaning: without_links(meaning), example, stands }
}

#[cfg(test)]
mod tests {
    use super::without_links;

    #[test]
    fn links_into_the_reference_are_left_out() {
        assert_eq!(without_links("[A test](#tests) of [an image](#images)."), "A test of an image.");
        assert_eq!(without_links("`\"name[:tag]@sha256:…\"` stays"), "`\"name[:tag]@sha256:…\"` stays");
    }
}
