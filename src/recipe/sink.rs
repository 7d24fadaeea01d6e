//! Where mistakes are collected while a recipe is read, once per platform, and made one list again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Place, Platform, SourceMap};

use super::Mistake;
use super::mistake::Severity;
use super::node::Via;

/// Takes mistakes from wherever they are found.
#[derive(Default)]
pub(super) struct Sink {
    mistakes: RefCell<Vec<Mistake>>,
    /// The use of a definition that brought what is being read.
    via: RefCell<Option<Arc<Via>>>,
}

impl Sink {
    /// Takes a mistake; where it stands in a definition, it also says where that is used.
    pub(super) fn push(&self, mut mistake: Mistake) {
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

    /// Runs `read` on something that `via` brought.
    pub(super) fn within<T>(&self, via: Option<&Arc<Via>>, read: impl FnOnce() -> T) -> T {
        let before = self.via.replace(via.cloned());
        let read = read();
        self.via.replace(before);
        read
    }

    pub(super) fn into_list(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
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

/// Drops of `later` what stands on a line that already has a mistake of `syntax`: it would only follow from that.
pub(super) fn without_consequences(syntax: &[Mistake], later: &mut Vec<Mistake>, sources: &SourceMap) {
    if syntax.is_empty() {
        return;
    }
    let lines: BTreeSet<_> = syntax.iter().map(|mistake| line(mistake.place, sources)).collect();
    later.retain(|mistake| !lines.contains(&line(mistake.place, sources)));
}

fn line(place: Place, sources: &SourceMap) -> (crate::model::FileId, usize) {
    let text = sources.file(place.file).text.as_bytes();
    let before = &text[..text.len().min(place.offset as usize)];
    (place.file, before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1))
}

/// Errors and warnings apart.
pub(super) fn partition(mistakes: Vec<Mistake>) -> (Vec<Mistake>, Vec<Mistake>) {
    mistakes.into_iter().partition(|mistake| mistake.severity == Severity::Error)
}
