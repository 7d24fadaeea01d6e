//! Errors and warnings as people read them: one type for what every room has to say, and one way to draw it.

mod draw;
mod excerpt;
pub(crate) mod nearest;

use crate::model::{Place, printable, printable_line};

pub use draw::Style;

/// A problem: what is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    labels: Vec<(Place, String)>,
    help: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The work stops.
    Error,
    /// The work goes on, though hardly as meant.
    Warning,
}

impl Diagnostic {
    /// An error. A message is lower case and has no full stop; causes follow on lines of their own. Characters that a
    /// terminal obeys are escaped.
    #[must_use]
    pub fn new(message: &str) -> Self {
        let message = printable(message).into_owned();
        Self { severity: Severity::Error, message, labels: Vec::new(), help: None }
    }

    /// The same with another severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same with a text at a place. The first place names the file that is shown; places in other files are shown
    /// below it.
    #[must_use]
    pub fn at(mut self, place: Place, label: &str) -> Self {
        self.labels.push((place, printable_line(label).into_owned()));
        self
    }

    /// The same with what a person can do.
    #[must_use]
    pub fn with_help(mut self, help: Option<&str>) -> Self {
        self.help = help.map(|help| printable(help).into_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceMap;

    fn place(sources: &mut SourceMap, name: &str, text: &str, word: &str) -> Place {
        let offset = u32::try_from(text.find(word).expect("it is there")).expect("small");
        Place { file: sources.add(name, text), offset, length: u32::try_from(word.len()).expect("small") }
    }

    #[test]
    fn labels_in_other_files_are_kept() {
        let mut sources = SourceMap::default();
        let here = place(&mut sources, "images/a/recipe.kdl", "image \"a\" from=\"b\"\n", "from");
        let there = place(&mut sources, "images/b/recipe.kdl", "image \"b\" from=\"a\"\n", "\"a\"");
        let diagnostic =
            Diagnostic::new("a circle").at(here, "it begins").at(there, "and returns").with_help(Some("cut it"));
        let drawn = diagnostic.draw(Some(&sources), Style { width: 80, colour: false });
        for expected in
            ["a circle", "images/a/recipe.kdl:1", "it begins", "images/b/recipe.kdl:1", "and returns", "cut it"]
        {
            assert!(drawn.contains(expected), "{drawn}");
        }
    }

    #[test]
    fn without_texts_the_message_and_the_help_remain() {
        let mut sources = SourceMap::default();
        let here = place(&mut sources, "a.kdl", "image\n", "image");
        let drawn = Diagnostic::new("wrong")
            .at(here, "label")
            .with_help(Some("mend"))
            .draw(None, Style { width: 80, colour: false });
        assert!(drawn.contains("wrong") && drawn.contains("mend") && !drawn.contains("label"), "{drawn}");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let mut sources = SourceMap::default();
        let here = place(&mut sources, "a\u{1b}.kdl", "image\n", "image");
        let diagnostic = Diagnostic::new("m\u{1b}[2J").at(here, "l\u{1b}\n").with_help(Some("h\u{202e}"));
        let drawn = diagnostic.draw(Some(&sources), Style { width: 80, colour: false });
        assert!(!drawn.contains(['\u{1b}', '\u{202e}']), "{drawn:?}");
    }
}
