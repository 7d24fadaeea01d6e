//! How a running build looks: bars on a terminal, a line for each thing that matters elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bars::{Bar, Bars};
use super::terminal;
use crate::model::Seconds;
use crate::ops::{Event, How, Observer};

/// Draws what happens on stderr.
pub(super) struct Progress {
    look: Look,
    state: Mutex<State>,
}

/// How it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Bars that move.
    Bars,
    /// Lines that stay.
    Lines,
    /// Nothing.
    Quiet,
}

struct State {
    bars: Bars,
    steps: BTreeMap<String, Bar>,
    fetch: Option<Fetch>,
    done: usize,
    to_run: usize,
}

struct Fetch {
    bar: Option<Bar>,
    files: usize,
    bytes: BTreeMap<String, u64>,
    since: Instant,
}

impl Progress {
    /// Bars on a terminal, lines elsewhere, nothing when quiet.
    pub(super) fn new(quiet: bool) -> Self {
        let look = match (quiet, terminal::people_have_a_terminal()) {
            (true, _) => Look::Quiet,
            (false, true) => Look::Bars,
            (false, false) => Look::Lines,
        };
        let bars = Bars::new(look == Look::Bars);
        let state = State { bars, steps: BTreeMap::new(), fetch: None, done: 0, to_run: 0 };
        Self { look, state: Mutex::new(state) }
    }

    /// Takes all bars away, before something else is printed.
    pub(super) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fetch = None;
        state.steps.clear();
        state.bars.clear();
    }
}

impl State {
    /// A line that stays, above the bars.
    fn line(&self, text: &str) {
        self.bars.suspend(|| terminal::say(text));
    }

    fn fetching(&mut self, look: Look, files: usize, bytes: u64) {
        let message = format!("fetching {files} file{}", plural(files));
        let bar = (look == Look::Bars).then(|| self.bars.bytes(bytes, &message));
        self.fetch = Some(Fetch { bar, files, bytes: BTreeMap::new(), since: Instant::now() });
    }

    fn fetch_done(&mut self) {
        let Some(fetch) = self.fetch.take() else { return };
        if let Some(bar) = &fetch.bar {
            self.bars.end(bar);
        }
        let (files, size) = (fetch.files, crate::model::ByteSize(fetch.bytes.values().sum()));
        self.line(&format!("fetched   {files} file{}, {size} in {}", plural(files), short(fetch.since.elapsed())));
    }

    fn started(&mut self, look: Look, name: &str) {
        if look == Look::Bars {
            self.steps.insert(name.to_owned(), self.bars.spinner(name));
        }
    }

    fn finished(&mut self, name: &str, how: How, took: Duration) {
        if let Some(bar) = self.steps.remove(name) {
            self.bars.end(&bar);
        }
        self.done += 1;
        let same = if how == How::SameInputs { ", nothing new" } else { "" };
        self.line(&format!("[{:>2}/{}] {name:44} {}{same}", self.done, self.to_run, short(took)));
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        if self.look == Look::Quiet {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { steps, to_run } => {
                state.to_run = to_run;
                if to_run > 0 {
                    state.line(&format!("{to_run} of {steps} step{} to run", plural(steps)));
                }
            }
            Event::Fetching { files, bytes } => state.fetching(self.look, files, bytes),
            Event::Fetched { label, bytes } => {
                if let Some(fetch) = &mut state.fetch {
                    fetch.bytes.insert(label.to_owned(), bytes);
                    if let Some(bar) = &fetch.bar {
                        bar.at(fetch.bytes.values().sum());
                    }
                }
            }
            Event::FetchDone => state.fetch_done(),
            Event::Started { subject } => state.started(self.look, &subject.to_string()),
            Event::Line { subject, text } => {
                if let Some(bar) = state.steps.get(&subject.to_string()) {
                    bar.says(text);
                }
            }
            Event::Finished { subject, how, took } => state.finished(&subject.to_string(), how, took),
            Event::Doing { what } => state.line(what),
            Event::Note { text } => state.line(&format!("note: {text}")),
        }
    }
}

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A duration as people read it: tenths below ten seconds.
pub(super) fn short(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis @ 1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => Seconds(u64::try_from(millis / 1000).unwrap_or(u64::MAX)).to_string(),
    }
}
