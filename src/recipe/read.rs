//! Types that values of a recipe are read as.

use serde::Serialize;

use super::node::Value;

/// A type that a value can be read as.
pub(super) trait Read: Sized {
    /// A word that stands for it where a node is described: `copy PATH to=PATH`.
    const WORD: &'static str;
    /// What is expected, with its article.
    const EXPECTED: &'static str;
    /// An example, as it is written in a recipe.
    const EXAMPLE: &'static str;
    /// What KDL writes it as.
    const WRITTEN: Written = Written::Text;

    /// Reads the value; none when it is of the wrong kind, an error when its text is wrong.
    fn read(value: &Value) -> Option<Result<Self, String>>;
}

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
    /// Any of these.
    Any,
}
