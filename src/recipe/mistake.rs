//! What is wrong with a recipe: message, places and what to write instead, ready to be drawn by `miette`.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource};

use crate::model::{Place, SourceMap};

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
    /// A mistake at one place.
    pub fn new(place: Place, message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place,
            label: label.into(),
            others: Vec::new(),
            help: help.into(),
            severity: Severity::Error,
        }
    }

    /// The same with another place that matters.
    #[must_use]
    pub fn and(mut self, place: Place, label: impl Into<String>) -> Self {
        self.others.push((place, label.into()));
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The mistake as `miette` draws it, over the texts that its places point into.
    #[must_use]
    pub fn report(&self, sources: &SourceMap) -> Report {
        let range = self.place.offset as usize..(self.place.offset + self.place.length) as usize;
        let mut labels = vec![LabeledSpan::new_primary_with_span(Some(self.label.clone()), range)];
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.others.iter().partition(|(place, _)| place.file == self.place.file);
        labels.extend(here.into_iter().map(|(place, label)| labelled(*place, label)));
        let related = elsewhere.into_iter().map(|(place, label)| Report {
            message: label.clone(),
            source: source(*place, sources),
            labels: vec![labelled(*place, "here")],
            help: None,
            severity: miette::Severity::Advice,
            related: Vec::new(),
        });
        Report {
            message: self.message.clone(),
            source: source(self.place, sources),
            labels,
            help: Some(self.help.clone()),
            severity: match self.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            related: related.collect(),
        }
    }
}

fn labelled(place: Place, label: &str) -> LabeledSpan {
    LabeledSpan::new(Some(label.to_owned()), place.offset as usize, place.length as usize)
}

fn source(place: Place, sources: &SourceMap) -> NamedSource<Arc<str>> {
    let file = sources.file(place.file);
    NamedSource::new(&file.name, Arc::clone(&file.text))
}

/// One [`Mistake`] together with the text it is in.
#[derive(Debug)]
pub struct Report {
    message: String,
    source: NamedSource<Arc<str>>,
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
