//! Where mistakes are collected while a recipe is read, once per platform, and made one list again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Severity;
use crate::model::{FileId, Place, Platform, SourceMap};

use super::Mistake;
use super::node::Via;
use super::shape::Vocabulary;

/// Most mistakes that one reading tells, and as many warnings: nobody corrects more in one go.
const MOST: usize = 200;

/// Takes mistakes from wherever they are found, as many as can be told.
pub(super) struct Sink {
    vocabulary: &'static Vocabulary,
    mistakes: RefCell<Vec<Mistake>>,
    errors: Cell<usize>,
    warnings: Cell<usize>,
    /// Where the first stands that is not told, and how bad the worst of those is.
    untold: Cell<Option<(Place, Severity)>>,
    /// The use of a definition that brought what is being read.
    via: RefCell<Option<Arc<Via>>>,
}

impl Sink {
    /// An empty one, for readers that look up unknown nodes in `vocabulary`.
    pub(super) fn new(vocabulary: &'static Vocabulary) -> Self {
        let (mistakes, via) = (RefCell::default(), RefCell::default());
        Self { vocabulary, mistakes, errors: Cell::new(0), warnings: Cell::new(0), untold: Cell::new(None), via }
    }

    /// What is known of nodes that a block does not know.
    pub(super) const fn vocabulary(&self) -> &'static Vocabulary {
        self.vocabulary
    }

    /// Takes a mistake; where it stands in a definition, it also says where that is used.
    pub(super) fn push(&self, mut mistake: Mistake) {
        let count = match mistake.severity {
            Severity::Error => &self.errors,
            Severity::Warning => &self.warnings,
        };
        if count.get() >= MOST {
            let (place, worst) = self.untold.get().unwrap_or((mistake.place, mistake.severity));
            let severity = if worst == Severity::Error { worst } else { mistake.severity };
            return self.untold.set(Some((place, severity)));
        }
        count.set(count.get() + 1);
        if let Some(via) = &*self.via.borrow() {
            let place = mistake.place;
            for used in via.chain().filter(|used| used.used != place).take(4) {
                let known = mistake.others.iter().any(|(place, _)| *place == used.used);
                if !known {
                    mistake = mistake.and(used.used, format!("the definition `{}` is used here", *used.definition));
                }
            }
        }
        self.mistakes.borrow_mut().push(mistake);
    }

    /// Whether there are as many mistakes as are told: then reading on helps nobody.
    pub(super) fn is_full(&self) -> bool {
        self.errors.get() >= MOST
    }

    /// Runs `read` on something that `via` brought.
    pub(super) fn within<T>(&self, via: Option<&Arc<Via>>, read: impl FnOnce() -> T) -> T {
        let before = self.via.replace(via.cloned());
        let read = read();
        self.via.replace(before);
        read
    }

    /// All that was taken, and whether there is more.
    pub(super) fn into_list(self) -> Vec<Mistake> {
        let full = self.is_full();
        let mut list = self.mistakes.into_inner();
        // whoever read stopped when it was full
        let last = list.last().filter(|_| full).map(|last| (last.place, Severity::Error));
        if let Some((place, severity)) = self.untold.get().or(last) {
            let what = if severity == Severity::Error { "mistakes" } else { "warnings" };
            let message = format!("only the first {MOST} {what} of this recipe are shown");
            let help = "correct what is shown: the rest is shown after that";
            list.push(Mistake { severity, ..Mistake::new(place, message, "from here on", help) });
        }
        list
    }
}

/// The mistakes of one recipe as it reads for each of its platforms: each is told once, and for which platforms, when
/// those are not all.
pub(super) fn merge(readings: Vec<(Platform, Vec<Mistake>)>) -> Vec<Mistake> {
    let all: BTreeSet<_> = readings.iter().map(|(platform, _)| *platform).collect();
    let mut merged: BTreeMap<(Place, String), (Mistake, BTreeSet<Platform>)> = BTreeMap::new();
    for (platform, mistakes) in readings {
        for mistake in mistakes {
            let key = (mistake.place, mistake.message.clone());
            merged.entry(key).or_insert_with(|| (mistake, BTreeSet::new())).1.insert(platform);
        }
    }
    let told = merged.into_values().map(|(mut mistake, platforms)| {
        let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
        if platforms != all && !names.iter().any(|name| mistake.message.contains(name)) {
            mistake.message = format!("{} (for {})", mistake.message, names.join(", "));
        }
        mistake
    });
    told.collect()
}

/// Sorts by file and offset and drops what is said twice.
pub(super) fn sort(mistakes: &mut Vec<Mistake>) {
    mistakes.sort_by(|one, other| {
        let key = |mistake: &Mistake| (mistake.place.file, mistake.place.offset, mistake.place.length);
        (key(one), &one.message).cmp(&(key(other), &other.message))
    });
    mistakes.dedup_by(|one, other| (one.place, &one.message) == (other.place, &other.message));
}

/// Most mistakes that are told of one file.
const MOST_OF_FILE: usize = 250;

/// Cuts a sorted list to what is shown of each file, errors before warnings, and says how many more there are.
pub(super) fn limit(mistakes: &mut Vec<Mistake>) {
    let mut counts: BTreeMap<(FileId, bool), usize> = BTreeMap::new();
    let mut untold: BTreeMap<(FileId, bool), (Place, usize)> = BTreeMap::new();
    mistakes.retain(|mistake| {
        let key = (mistake.place.file, mistake.severity == Severity::Error);
        let count = counts.entry(key).or_default();
        *count += 1;
        if *count > MOST_OF_FILE {
            untold.entry(key).or_insert((mistake.place, 0)).1 += 1;
        }
        *count <= MOST_OF_FILE
    });
    for ((_, errors), (place, count)) in untold {
        let what = if errors { "mistake" } else { "warning" };
        let plural = if count == 1 { " is" } else { "s are" };
        let message = format!("{count} more {what}{plural} not shown");
        let told = Mistake::new(place, message, "from here on", "correct what is shown: the rest is shown after that");
        mistakes.push(if errors { told } else { told.as_warning() });
    }
}

/// Drops of `later` what stands on a line that already has a mistake of `syntax`: it would only follow from that.
pub(super) fn without_consequences(syntax: &[Mistake], later: &mut Vec<Mistake>, sources: &SourceMap) {
    if syntax.is_empty() {
        return;
    }
    let line = |place: Place| (place.file, sources.file(place.file).line_at(place.offset as usize));
    let lines: BTreeSet<_> = syntax.iter().map(|mistake| line(mistake.place)).collect();
    later.retain(|mistake| !lines.contains(&line(mistake.place)));
}

/// Errors and warnings apart.
pub(super) fn partition(mistakes: Vec<Mistake>) -> (Vec<Mistake>, Vec<Mistake>) {
    mistakes.into_iter().partition(|mistake| mistake.severity == Severity::Error)
}
