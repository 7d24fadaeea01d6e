//! What the decoder asks of a node, noted while it reads the examples of its own tables: what the language is described
//! by. It cannot differ from what is read, because it is what was asked for.

use std::cell::RefCell;

use serde::Serialize;

use super::read::{Read, Written};

/// A value that a node takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct AcceptedValue {
    /// A word that stands for it: `PATH`.
    pub(super) word: String,
    /// What it is, with its article, where that is more than its type.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) what: String,
    /// Its type, with its article.
    #[serde(rename = "type")]
    pub(super) expected: &'static str,
    /// An example, as it is written.
    pub(super) example: &'static str,
    pub(super) written: Option<Written>,
    /// The words that are allowed, when they are just these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) words: Vec<&'static str>,
    /// Whether it must be there.
    pub(super) required: bool,
}

/// What a node takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    /// Its arguments in their order.
    pub(super) arguments: Vec<AcceptedValue>,
    /// The one that may be repeated: the last.
    rest: Option<usize>,
    /// Its properties in the order in which they are asked for.
    pub(super) properties: Vec<(&'static str, AcceptedValue)>,
}

/// Where a value stands.
pub(super) enum At {
    Argument(usize),
    Property(&'static str),
}

/// What is asked of a node.
pub(super) enum ReaderCall {
    Value {
        at: At,
        what: String,
        word: &'static str,
        expected: &'static str,
        example: &'static str,
        written: Written,
    },
    /// All arguments from this one on are alike.
    Rest(usize),
    Required(At),
    Words {
        at: At,
        words: Vec<&'static str>,
    },
}

impl ReaderCall {
    pub(super) fn argument<T: Read>(index: usize, what: &str) -> Self {
        Self::value::<T>(At::Argument(index), what)
    }

    pub(super) fn property<T: Read>(name: &'static str) -> Self {
        Self::value::<T>(At::Property(name), "")
    }

    fn value<T: Read>(at: At, what: &str) -> Self {
        let (word, expected, example, written) = (T::WORD, T::EXPECTED, T::EXAMPLE, T::WRITTEN);
        Self::Value { at, what: what.to_owned(), word, expected, example, written }
    }

    pub(super) fn words<T>(at: At, words: &[(&'static str, T)]) -> Self {
        Self::Words { at, words: words.iter().map(|(word, _)| *word).collect() }
    }
}

/// Records the calls for one node of one block, and ignores those for nodes around it and in it.
#[derive(Debug)]
pub(super) struct Record {
    block: &'static str,
    node: &'static str,
    described: RefCell<Described>,
}

impl Record {
    pub(super) fn of(block: &'static str, node: &'static str) -> Self {
        Self { block, node, described: RefCell::default() }
    }

    pub(super) fn into_described(self) -> Described {
        self.described.into_inner()
    }

    pub(super) fn note(&self, block: &str, node: &str, asked: ReaderCall) {
        if (block, node) != (self.block, self.node) {
            return;
        }
        let mut described = self.described.borrow_mut();
        match asked {
            ReaderCall::Value { at, what, word, expected, example, written } => {
                let taken = described.taken(at);
                if !what.is_empty() || taken.word.is_empty() {
                    let own = of_one_word(&what).filter(|_| written != Written::Number);
                    taken.word = own.unwrap_or_else(|| word.to_owned());
                    taken.what = what;
                }
                (taken.expected, taken.example, taken.written) = (expected, example, Some(written));
            }
            ReaderCall::Words { at, words } => described.taken(at).words = words,
            ReaderCall::Rest(first) => described.rest = Some(first),
            ReaderCall::Required(at) => described.taken(at).required = true,
        }
    }
}

/// `FOLDER` for "a folder".
fn of_one_word(what: &str) -> Option<String> {
    let word = what.strip_prefix("a ").or_else(|| what.strip_prefix("an "))?;
    word.bytes().all(|byte| byte.is_ascii_alphabetic()).then(|| word.to_ascii_uppercase())
}

impl Described {
    fn taken(&mut self, at: At) -> &mut AcceptedValue {
        match at {
            At::Property(name) => {
                let known = self.properties.iter().position(|(known, _)| *known == name);
                let index = known.unwrap_or(self.properties.len());
                if known.is_none() {
                    self.properties.push((name, AcceptedValue::default()));
                }
                &mut self.properties[index].1
            }
            At::Argument(index) => {
                // what is repeated is described once
                let index = self.rest.map_or(index, |first| index.min(first));
                if self.arguments.len() <= index {
                    self.arguments.resize(index + 1, AcceptedValue::default());
                }
                &mut self.arguments[index]
            }
        }
    }

    /// Whether the last argument may be repeated.
    pub(super) fn repeated(&self) -> bool {
        self.rest.is_some()
    }

    /// The argument at `index`.
    pub(super) fn argument(&self, index: usize) -> Option<&AcceptedValue> {
        self.arguments.get(index).or_else(|| self.arguments.last().filter(|_| self.repeated()))
    }

    pub(super) fn property(&self, name: &str) -> Option<&AcceptedValue> {
        self.properties.iter().find(|(known, _)| *known == name).map(|(_, taken)| taken)
    }

    /// Adds what another way to write the node takes beyond this one.
    pub(super) fn add(&mut self, other: &Self) {
        self.arguments.extend(other.arguments.iter().skip(self.arguments.len()).cloned());
        self.rest = self.rest.or(other.rest);
        for (name, taken) in &other.properties {
            if self.property(name).is_none() {
                self.properties.push((name, taken.clone()));
            }
        }
    }
}
