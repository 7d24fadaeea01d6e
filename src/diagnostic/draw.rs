//! Draws a [`Diagnostic`] over the lines of the recipe that it is about. `miette` lays it out.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan};
use textwrap::{WordSeparator, WordSplitter};

use super::excerpt::Excerpt;
use super::{Diagnostic, Severity};
use crate::model::{Place, SourceMap};

/// How a diagnostic is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that may be used.
    pub width: usize,
    /// Whether with ANSI colours.
    pub colour: bool,
}

impl Diagnostic {
    /// The text that people see; ends with a line end. Without the texts of the recipes, no lines of them are shown.
    #[must_use]
    pub fn draw(&self, sources: Option<&SourceMap>, style: Style) -> String {
        let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false).with_wrap_lines(false);
        let drawing = Drawing::of(self, sources).wrapped(style.width);
        let mut text = String::new();
        let _ = handler.render_report(&mut text, &drawing); // writing to a string cannot fail
        text
    }
}

/// Columns that `miette` puts before each line of a message and of a help.
const MARGINS: (usize, usize) = (4, 8);

/// The lines of a text, each continued below its own first word. A command, a path or a digest is copied from the screen,
/// so nothing but a space is a place to break a line at.
fn wrapped(text: &str, width: usize) -> String {
    let line = |line: &str| {
        let text = line.trim_start();
        let mut indent = " ".repeat(line.len() - text.len());
        let first = indent.clone();
        if text.starts_with("- ") {
            indent.push_str("  ");
        }
        let options = textwrap::Options::new(width)
            .initial_indent(&first)
            .subsequent_indent(&indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::fill(text, options)
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What `miette` is given.
#[derive(Debug)]
struct Drawing {
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<Excerpt>,
    related: Vec<Drawing>,
}

impl Drawing {
    fn of(diagnostic: &Diagnostic, sources: Option<&SourceMap>) -> Self {
        let mut drawing = Self {
            message: diagnostic.message.clone(),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: diagnostic.help.clone(),
            labels: Vec::new(),
            source: None,
            related: Vec::new(),
        };
        if let (Some(sources), Some((first, _))) = (sources, diagnostic.labels.first()) {
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                diagnostic.labels.iter().partition(|(place, _)| place.file == first.file);
            drawing.mark(&here, sources);
            drawing.related = elsewhere.into_iter().map(|label| Self::elsewhere(label, sources)).collect();
        }
        drawing
    }

    fn wrapped(mut self, width: usize) -> Self {
        self.message = wrapped(&self.message, width.saturating_sub(MARGINS.0));
        self.help = self.help.map(|help| wrapped(&help, width.saturating_sub(MARGINS.1)));
        self.related = self.related.into_iter().map(|related| related.wrapped(width)).collect();
        self
    }

    /// A label in another file: its text becomes the message.
    fn elsewhere((place, label): &(Place, String), sources: &SourceMap) -> Self {
        let mut drawing = Self {
            message: label.clone(),
            severity: miette::Severity::Advice,
            help: None,
            labels: Vec::new(),
            source: None,
            related: Vec::new(),
        };
        drawing.mark(&[&(*place, "here".to_owned())], sources);
        drawing
    }

    /// Shows lines of one file with labels at these places; the first is the one that the file is opened at.
    fn mark(&mut self, labels: &[&(Place, String)], sources: &SourceMap) {
        let Some((first, _)) = labels.first() else { return };
        let places: Vec<Place> = labels.iter().map(|(place, _)| *place).collect();
        let (excerpt, ranges) = Excerpt::new(sources.file(first.file), &places);
        for ((_, label), range) in labels.iter().zip(ranges) {
            let label = Some(label.clone());
            self.labels.push(match self.labels.is_empty() {
                true => LabeledSpan::new_primary_with_span(label, range),
                false => LabeledSpan::new_with_span(label, range),
            });
        }
        self.source = Some(excerpt);
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl miette::Diagnostic for Drawing {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|related| related as &dyn miette::Diagnostic)))
    }
}
