//! What is wrong with a recipe: message, places and what to write instead, ready to be drawn.

use std::fmt;

use crate::diagnostic::{Diagnostic, Severity, Style};
use crate::model::{Place, SourceMap, printable_line};

/// Something that a person has to change, or, as a warning, may want to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong; lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What is said right at the place.
    pub label: String,
    /// Other places that matter, and what is said there.
    pub others: Vec<(Place, String)>,
    /// What to write instead.
    pub help: String,
    /// Whether it stops everything.
    pub severity: Severity,
}

impl Mistake {
    /// A mistake at one place. What is quoted in it is shortened: a text of a recipe may be as long as the recipe.
    pub fn new(place: Place, message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: shortened(message.into(), LONGEST),
            place,
            label: shortened(label.into(), LONGEST_LABEL),
            others: Vec::new(),
            help: shortened(help.into(), LONGEST),
            severity: Severity::Error,
        }
    }

    /// The same with another place that matters, as long as these are few enough to be looked at.
    #[must_use]
    pub fn and(mut self, place: Place, label: impl Into<String>) -> Self {
        if self.others.len() < MOST_OTHERS {
            self.others.push((place, shortened(label.into(), LONGEST_LABEL)));
        }
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The mistake as people read it.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let own = Diagnostic::new(&printable_line(&self.message)).with_severity(self.severity);
        let labelled = own.at(self.place, &self.label).with_help(Some(&self.help));
        self.others.iter().fold(labelled, |diagnostic, (place, label)| diagnostic.at(*place, label))
    }
}

/// Longest message and help, in bytes.
const LONGEST: usize = 2000;
/// Longest label, in bytes.
const LONGEST_LABEL: usize = 400;
/// Most other places of a mistake.
const MOST_OTHERS: usize = 32;

/// The text, or its beginning and its end.
fn shortened(text: String, longest: usize) -> String {
    if text.len() <= longest {
        return text;
    }
    let part = longest / 2;
    let head = (0..=part).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tail = (text.len() - part..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}…{}", &text[..head], &text[tail..])
}

/// All mistakes of all files, by file and offset.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    /// The texts that the places point into.
    pub sources: SourceMap,
    /// What is wrong.
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them as people read them, each followed by an empty line.
    #[must_use]
    pub fn draw(&self, style: Style) -> String {
        self.list.iter().map(|mistake| mistake.diagnostic().draw(Some(&self.sources), style) + "\n").collect()
    }
}

/// One line per mistake, `file:line: message`, for those who draw nothing.
impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(out, "{separator}{}: {}", self.sources.line(mistake.place), mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
