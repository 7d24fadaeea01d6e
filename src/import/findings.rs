//! What could not be translated, told twice: to the person, and in the recipe at its place.

use std::collections::BTreeSet;

use serde::Serialize;

use super::recipe::{Item, one_line};
use crate::model::RecipeName;

/// Something that the recipe does not say, or not yet as it should.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ImportFinding {
    /// Where in the file, from 1.
    pub line: usize,
    /// What is written there, shortened.
    pub what: String,
    /// Why it was not translated, and what to do.
    pub why: String,
}

/// Most findings that are told: a file that gives more is not one to translate.
const MOST: usize = 2_000;
/// How much of a line is shown, and of what is said about it.
const SHOWN: usize = 72;
const SAID: usize = 400;

/// The findings of one file.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    list: BTreeSet<ImportFinding>,
}

impl Findings {
    pub(super) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), list: BTreeSet::new() }
    }

    /// Notes a finding, and gives the comment for its place in the recipe.
    pub(super) fn note(&mut self, line: usize, what: &str, why: impl Into<String>) -> Item {
        if self.list.len() >= MOST {
            return Item::Gap;
        }
        let (what, why) = (shortened(what, SHOWN), shortened(&why.into(), SAID));
        let comment = format!("TODO {}:{line}: {what}: {why}", self.file);
        self.list.insert(ImportFinding { line, what, why });
        Item::Comment(comment)
    }

    /// All of them, by line.
    pub(super) fn into_list(self) -> Vec<ImportFinding> {
        self.list.into_iter().collect()
    }
}

fn shortened(text: &str, most: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// `text` as a name of a recipe, image, stage or source: what names cannot hold becomes `-`.
pub(super) fn named(text: &str) -> Option<RecipeName> {
    let plain = |character: char| match character.to_ascii_lowercase() {
        character @ ('a'..='z' | '0'..='9' | '.' | '_' | '-') => character,
        _ => '-',
    };
    let name: String = text.chars().take(64).map(plain).collect();
    RecipeName::new(name.trim_matches(['-', '.', '_'])).ok()
}
