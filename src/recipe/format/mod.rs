//! The one layout of a KDL file: what `orchestrate fmt` writes.
//!
//! The parser's tree knows neither comments nor how things were written, so this works on `tokens`: every piece of the
//! text but the spaces between them. `layout` puts them in `lines`, with `spans` for what goes over several of them.
//! Pieces are never reordered, joined, split or invented, except for `;` and `\` that say nothing and for line ends;
//! hence no comment can be lost. Nothing here recurses, and every step takes time in proportion to the text.
//!
//! - A node a line, four spaces for each block around it, one space between its parts.
//! - A block that was written on one line stays there while it fits, as `{ one; two }`; one of several lines stays so.
//! - One empty line where there were some, but none at the edges of a block or file.
//! - `"""` and its lines stand one level deeper than their node.
//! - `//` after something stands one space behind it, unless it was in one column with the line before or after: then
//!   the whole run stays in one column.

mod layout;
mod lines;
mod spans;
mod tokens;

use crate::model::{Place, SourceMap};

use super::node::{Node, Property};
use super::syntax::{self, Parsed};
use super::{Mistake, Mistakes, sink};

/// The text of a KDL file in its canonical layout; `name` is what messages call the file.
///
/// What was laid out is read again and compared, so that no file is ever replaced by one that says something else.
///
/// # Errors
/// With the mistakes of its syntax, when it has any.
pub fn format(name: &str, text: &str) -> Result<String, Mistakes> {
    let before = read(name, text)?;
    let formatted = laid_out(text);
    let after = read(name, &formatted)?;
    if same(&before, &after) {
        return Ok(formatted);
    }
    let mut sources = SourceMap::default();
    let place = Place { file: sources.add(name, text), offset: 0, length: 0 };
    let help = "this is a bug of ours: please report it with the file, which was left as it is";
    let mistake = Mistake::new(place, "another layout of this file would say something else", "in this file", help);
    Err(Mistakes { sources, list: vec![mistake] })
}

fn laid_out(text: &str) -> String {
    layout::layout(text, &tokens::tidy(&tokens::tokens(text)))
}

fn read(name: &str, text: &str) -> Result<Vec<Node>, Mistakes> {
    let mut sources = SourceMap::default();
    let Parsed { nodes, mut mistakes } = syntax::parse(sources.add(name, text), text);
    match nodes {
        Some(nodes) if mistakes.is_empty() => Ok(nodes),
        _ => {
            sink::sort(&mut mistakes);
            Err(Mistakes { sources, list: mistakes })
        }
    }
}

/// Whether both say the same, wherever it stands.
fn same(before: &[Node], after: &[Node]) -> bool {
    let mut pairs = vec![(before, after)];
    while let Some((before, after)) = pairs.pop() {
        if before.len() != after.len() {
            return false;
        }
        for (one, other) in before.iter().zip(after) {
            // without `..`: whoever adds a part has to compare it here
            let Node { name, header: _, arguments, yields, properties, children, via: _ } = one;
            let equal = *name == other.name && *arguments == other.arguments && *yields == other.yields;
            if !equal || !same_properties(properties, &other.properties) {
                return false;
            }
            match (children, &other.children) {
                (None, None) => {}
                (Some(children), Some(others)) => pairs.push((children, others)),
                _ => return false,
            }
        }
    }
    true
}

fn same_properties(before: &[Property], after: &[Property]) -> bool {
    let equal = |(one, other): (&Property, &Property)| {
        let Property { name, value, yields } = one;
        *name == other.name && *value == other.value && *yields == other.yields
    };
    before.len() == after.len() && before.iter().zip(after).all(equal)
}

#[cfg(test)]
mod tests;
