//! What a file says, before it means anything: nodes with the place of every part.

use std::sync::Arc;

use crate::model::{Place, Spanned};

/// A value of KDL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Any string, its escapes and indentation resolved.
    Text(String),
    /// What a string that is nothing but `${name}` stands for: it may be read as the number or the yes or no that it
    /// spells.
    Filled(String),
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
    /// What was there could not be read, and was reported.
    Lost,
}

impl Value {
    /// What kind of value it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Filled(_) => "text",
            Self::Number { .. } => "a number",
            Self::Bool(_) => "a yes or no",
            Self::Null | Self::Lost => "nothing",
        }
    }

    /// The text, when it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Filled(text) => Some(text),
            _ => None,
        }
    }

    /// The number or the yes or no that a filled-in text spells.
    pub(super) fn spelled(&self) -> Option<Self> {
        let Self::Filled(text) = self else { return None };
        match text.as_str() {
            "true" => Some(Self::Bool(true)),
            "false" => Some(Self::Bool(false)),
            digits => {
                let whole = Some(digits.parse().ok()?);
                Some(Self::Number { written: digits.to_owned(), whole })
            }
        }
    }

    /// The one spelling of everything that means the same: `16`, `0x10` and `"16"` name the same port.
    pub(super) fn canonical(&self) -> String {
        match self {
            Self::Text(text) | Self::Filled(text) => text.clone(),
            Self::Number { written, whole } => whole.map_or_else(|| written.clone(), |whole| whole.to_string()),
            Self::Bool(yes) => yes.to_string(),
            Self::Null | Self::Lost => "#null".to_owned(),
        }
    }
}

/// What nodes take of a [`super::budget::Budget`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Nodes, arguments and properties.
    pub(super) parts: usize,
    /// Bytes of text in them.
    pub(super) text: usize,
}

impl std::ops::Add for Weight {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { parts: self.parts.saturating_add(other.parts), text: self.text.saturating_add(other.text) }
    }
}

impl std::ops::Mul<usize> for Weight {
    type Output = Self;
    fn mul(self, times: usize) -> Self {
        Self { parts: self.parts.saturating_mul(times), text: self.text.saturating_mul(times) }
    }
}

impl std::iter::Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| sum + one)
    }
}

/// A property: `name=value`.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub(super) name: Spanned<String>,
    pub(super) value: Spanned<Value>,
    /// Whether it gives way to another value: `name=(default)value`.
    pub(super) yields: bool,
}

/// A use of a definition: what brought a node into a recipe.
#[derive(Debug)]
pub(super) struct Via {
    /// The name of the definition, where it is defined.
    pub(super) definition: Spanned<String>,
    /// Whether it is one of the project's, which see each other alone.
    pub(super) shared: bool,
    /// The `is` node.
    pub(super) used: Place,
    /// What brought the `is` node; none when it stands in the recipe itself.
    pub(super) outer: Option<Arc<Via>>,
}

impl Via {
    /// This use, the one around it, and so on.
    pub(super) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |via| via.outer.as_deref())
    }
}

/// A node: `name argument property=value { children }`.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Spanned<String>,
    /// From its name to its last argument or property, without its block.
    pub(super) header: Place,
    pub(super) arguments: Vec<Spanned<Value>>,
    /// The first argument that is marked to give way to others, with all that follow it: `user (default)"nonroot"`.
    pub(super) yields: Option<usize>,
    pub(super) properties: Vec<Property>,
    /// Its block, when there is one.
    pub(super) children: Option<Vec<Node>>,
    /// What brought it; none for what a recipe itself says.
    pub(super) via: Option<Arc<Via>>,
}

impl Node {
    /// The first argument, when it is text.
    pub(super) fn key(&self) -> Option<Spanned<&str>> {
        let first = self.arguments.first()?;
        Some(Spanned::new(first.value.text()?, first.place))
    }

    /// The nodes of its block.
    pub(super) fn block(&self) -> &[Self] {
        self.children.as_deref().unwrap_or_default()
    }

    /// The same without its block.
    pub(super) fn shallow(&self) -> Self {
        Self { arguments: self.arguments.clone(), ..self.bare() }
    }

    /// The same without its block and its arguments.
    pub(super) fn bare(&self) -> Self {
        Self {
            name: self.name.clone(),
            header: self.header,
            arguments: Vec::new(),
            yields: self.yields,
            properties: self.properties.clone(),
            children: None,
            via: self.via.clone(),
        }
    }

    /// What it takes with all that is in its block.
    pub(super) fn weight(&self) -> Weight {
        let value = |value: &Value| match value {
            Value::Text(text) | Value::Filled(text) | Value::Number { written: text, .. } => text.len(),
            Value::Bool(_) | Value::Null | Value::Lost => 0,
        };
        let arguments: usize = self.arguments.iter().map(|argument| value(&argument.value)).sum();
        let properties = self.properties.iter().map(|one| one.name.len() + value(&one.value.value));
        let own = Weight {
            parts: 1 + self.arguments.len() + self.properties.len(),
            text: self.name.len() + arguments + properties.sum::<usize>(),
        };
        own + self.block().iter().map(Self::weight).sum()
    }

    /// The property of this name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| *property.name == name)
    }
}
