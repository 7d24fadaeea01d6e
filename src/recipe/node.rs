//! What a file says, before it means anything: nodes with the place of every part.

use crate::model::{Place, Spanned};

/// A value of KDL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Any string, its escapes and indentation resolved.
    Text(String),
    /// A number as it was written, and its value when it is a whole one.
    Number {
        /// As written.
        written: String,
        /// Its value.
        whole: Option<i128>,
    },
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
}

impl Value {
    /// What kind of value it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number { .. } => "a number",
            Self::Bool(_) => "a yes or no",
            Self::Null => "nothing",
        }
    }
}

/// A property: `name=value`.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub(super) name: Spanned<String>,
    pub(super) value: Spanned<Value>,
}

/// A node: `name argument property=value { children }`.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Spanned<String>,
    /// From its name to its last argument or property, without its block.
    pub(super) header: Place,
    pub(super) arguments: Vec<Spanned<Value>>,
    pub(super) properties: Vec<Property>,
    /// Its block, when there is one.
    pub(super) children: Option<Vec<Node>>,
}

impl Node {
    /// The first argument, when it is text.
    pub(super) fn key(&self) -> Option<Spanned<&str>> {
        match self.arguments.first() {
            Some(Spanned { value: Value::Text(text), place }) => Some(Spanned::new(text, *place)),
            _ => None,
        }
    }
}
