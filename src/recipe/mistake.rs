//! What is wrong with a recipe: message, places and what to write instead, ready to be drawn by `miette`.

use std::fmt;

use miette::{Diagnostic, LabeledSpan};

use crate::model::{Place, SourceMap, printable, printable_line};

use super::excerpt::Excerpt;

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

/// How bad a [`Mistake`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The recipes cannot be used.
    Error,
    /// They can, though hardly as meant.
    Warning,
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

    /// The mistake as `miette` draws it, over the lines that its places are in.
    #[must_use]
    pub fn report(&self, sources: &SourceMap) -> Report {
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.others.iter().partition(|(place, _)| place.file == self.place.file);
        let own = (self.place, &self.label);
        let all: Vec<(Place, &String)> =
            std::iter::once(own).chain(here.into_iter().map(|(place, label)| (*place, label))).collect();
        let places: Vec<Place> = all.iter().map(|(place, _)| *place).collect();
        let (source, ranges) = Excerpt::new(sources.file(self.place.file), &places);
        let mut labels = Vec::with_capacity(all.len());
        for ((_, label), range) in all.iter().zip(ranges) {
            let label = Some(printable_line(label).into_owned());
            labels.push(match labels.is_empty() {
                true => LabeledSpan::new_primary_with_span(label, range),
                false => LabeledSpan::new_with_span(label, range),
            });
        }
        Report {
            message: printable_line(&self.message).into_owned(),
            source,
            labels,
            help: Some(printable(&self.help).into_owned()),
            severity: match self.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            related: elsewhere.into_iter().map(|(place, label)| related(*place, label, sources)).collect(),
        }
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

/// What is said in another file.
fn related(place: Place, label: &str, sources: &SourceMap) -> Report {
    let (source, ranges) = Excerpt::new(sources.file(place.file), &[place]);
    let here = |range| LabeledSpan::new_with_span(Some("here".to_owned()), range);
    Report {
        message: printable_line(label).into_owned(),
        source,
        labels: ranges.into_iter().map(here).collect(),
        help: None,
        severity: miette::Severity::Advice,
        related: Vec::new(),
    }
}

/// One [`Mistake`] together with the text it is in.
#[derive(Debug)]
pub struct Report {
    message: String,
    source: Excerpt,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
    severity: miette::Severity,
    related: Vec<Report>,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|report| report as &dyn Diagnostic)))
    }
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

    /// Each mistake as `miette` draws it.
    pub fn reports(&self) -> impl Iterator<Item = Report> {
        self.list.iter().map(|mistake| mistake.report(&self.sources))
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
