//! What the decoder asks of each node, noted while it reads the examples of its own tables: the description of the
//! language that editors, `show`, completions and the reference work with. It cannot differ from what is read, because
//! it is what was asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;

use crate::model::{Architecture, Platform, SourceMap};

use super::context::{Context, Names, World};
use super::reader::Read;
use super::shape::{Identity, Shape, Times};
use super::sink::Sink;
use super::{syntax, vocabulary};

/// What KDL writes a value as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Written {
    /// A string.
    Text,
    /// A number.
    Number,
    /// `#true` or `#false`.
    Bool,
    /// A number or a string.
    NumberOrText,
}

/// A value that a node takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Taken {
    /// What it is, with its article.
    pub(super) what: String,
    /// Its type, with its article.
    pub(super) expected: &'static str,
    /// An example, as it is written.
    pub(super) example: &'static str,
    pub(super) written: Option<Written>,
    /// The words that are allowed, when they are just these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) words: Vec<&'static str>,
    /// Whether a property must be there.
    pub(super) required: bool,
}

/// A node of the language.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Described {
    /// Its arguments in their order.
    pub(super) arguments: Vec<Taken>,
    /// Whether the last of them may be repeated.
    pub(super) repeated: bool,
    pub(super) properties: BTreeMap<&'static str, Taken>,
}

/// Where a value stands.
pub(super) enum At {
    Argument(usize),
    Property(&'static str),
}

/// What is asked of a node.
pub(super) enum Asked {
    Value {
        at: At,
        what: String,
        expected: &'static str,
        example: &'static str,
        written: Written,
    },
    /// All further arguments are like the one that is asked for next.
    Rest,
    Required(&'static str),
    Words {
        at: At,
        words: Vec<&'static str>,
    },
}

impl Asked {
    pub(super) fn argument<T: Read>(index: usize, what: &str) -> Self {
        Self::value::<T>(At::Argument(index), what)
    }

    pub(super) fn property<T: Read>(name: &'static str) -> Self {
        Self::value::<T>(At::Property(name), "")
    }

    fn value<T: Read>(at: At, what: &str) -> Self {
        let (expected, example, written) = (T::EXPECTED, T::EXAMPLE, T::WRITTEN);
        Self::Value { at, what: what.to_owned(), expected, example, written }
    }

    pub(super) fn words<T>(at: At, words: &[(&'static str, T)]) -> Self {
        Self::Words { at, words: words.iter().map(|(word, _)| *word).collect() }
    }
}

/// Takes down what is asked, by block and node.
#[derive(Debug, Default)]
pub(super) struct Record {
    nodes: RefCell<BTreeMap<(&'static str, String), Described>>,
}

impl Record {
    pub(super) fn note(&self, block: &'static str, node: &str, asked: Asked) {
        let mut nodes = self.nodes.borrow_mut();
        let described = nodes.entry((block, node.to_owned())).or_default();
        match asked {
            Asked::Value { at, what, expected, example, written } => {
                let taken = described.taken(at);
                if !what.is_empty() {
                    taken.what = what;
                }
                (taken.expected, taken.example, taken.written) = (expected, example, Some(written));
            }
            Asked::Words { at, words } => described.taken(at).words = words,
            Asked::Rest => described.repeated = true,
            Asked::Required(name) => described.taken(At::Property(name)).required = true,
        }
    }
}

impl Described {
    fn taken(&mut self, at: At) -> &mut Taken {
        match at {
            At::Property(name) => self.properties.entry(name).or_default(),
            At::Argument(index) => {
                // what is repeated is described once
                let index = if self.repeated { index.min(self.arguments.len().saturating_sub(1)) } else { index };
                if self.arguments.len() <= index {
                    self.arguments.resize(index + 1, Taken::default());
                }
                &mut self.arguments[index]
            }
        }
    }

    /// The argument at `index`.
    pub(super) fn argument(&self, index: usize) -> Option<&Taken> {
        self.arguments.get(index).or_else(|| self.arguments.last().filter(|_| self.repeated))
    }
}

/// The language: of each block, by what it is called, its nodes in the order of the reference.
pub(super) struct Language {
    pub(super) blocks: Vec<(&'static str, Vec<(&'static Shape, Described)>)>,
}

impl Language {
    pub(super) fn get() -> &'static Self {
        static LANGUAGE: OnceLock<Language> = OnceLock::new();
        LANGUAGE.get_or_init(describe)
    }

    /// A node of the block called `what`.
    pub(super) fn node(&self, what: &str, name: &str) -> Option<&Described> {
        let (_, nodes) = self.blocks.iter().find(|(block, _)| *block == what)?;
        nodes.iter().find(|(shape, _)| shape.name == name).map(|(_, described)| described)
    }
}

/// Reads every example of every table, and notes what is asked.
fn describe() -> Language {
    let record = Record::default();
    for (read, examples) in vocabulary::readers() {
        for example in examples {
            let mut sources = SourceMap::default();
            let nodes = syntax::parse(sources.add("example", example), example).nodes.unwrap_or_default();
            let (sink, names, world) = (Sink::default(), Names::default(), World::default());
            let platform = Some(Platform::new(Architecture::Amd64));
            read(&nodes, &Context { sink: &sink, platform, names: &names, world: &world, record: Some(&record) });
        }
    }
    let nodes = record.nodes.into_inner();
    let blocks = vocabulary::blocks().into_iter().map(|block| {
        let describe = |shape: &'static Shape| {
            let found = nodes.get(&(block.what(), shape.name.to_owned()));
            (shape, found.cloned().unwrap_or_default())
        };
        (block.what(), block.shapes().into_iter().map(describe).collect())
    });
    Language { blocks: blocks.collect() }
}

/// The language as data, for editors and other programs.
#[derive(Debug, Serialize)]
pub struct LanguageDescription {
    /// What may stand in each block; `project.kdl` and `a recipe` are files.
    blocks: Vec<BlockDescription>,
}

#[derive(Debug, Serialize)]
struct BlockDescription {
    name: &'static str,
    nodes: Vec<NodeDescription>,
}

#[derive(Debug, Serialize)]
struct NodeDescription {
    name: &'static str,
    meaning: &'static str,
    example: &'static str,
    /// Whether it may stand in its block once alone.
    once: bool,
    /// When two of its name have to agree.
    identity: &'static str,
    #[serde(flatten)]
    takes: Described,
    /// The block that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<&'static str>,
}

/// The language that recipes are written in, as the decoder reads it.
#[must_use]
pub fn language() -> LanguageDescription {
    let node = |(shape, takes): &(&'static Shape, Described)| NodeDescription {
        name: shape.name,
        meaning: shape.meaning,
        example: shape.example,
        once: shape.times == Times::Once,
        identity: match shape.identity {
            Identity::Single => "single",
            Identity::Keyed { .. } => "keyed",
            Identity::Set => "set",
            Identity::Whole => "whole",
            Identity::Sequence => "sequence",
        },
        takes: takes.clone(),
        block: shape.block.map(|block| block.what()),
    };
    let blocks = Language::get().blocks.iter();
    let blocks = blocks.map(|(name, nodes)| BlockDescription { name, nodes: nodes.iter().map(node).collect() });
    LanguageDescription { blocks: blocks.collect() }
}
