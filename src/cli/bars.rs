//! Bars on a terminal. They draw themselves, so the text in them is made printable on its way in.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::{printable_line, printable_output};

/// Longest text beside a bar, in characters.
const LONGEST: usize = 160;

/// All bars that are shown.
pub(super) struct Bars(MultiProgress);

/// One of them.
pub(super) struct Bar(ProgressBar);

impl Bars {
    /// Bars that are drawn on standard error, or, when not `shown`, nowhere.
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(MultiProgress::with_draw_target(target))
    }

    /// A bar that fills up to so many bytes.
    pub(super) fn bytes(&self, bytes: u64, message: &str) -> Bar {
        let bar = self.0.add(ProgressBar::new(bytes));
        bar.set_style(style("{msg:32} {bar:24} {decimal_bytes:>9} of {decimal_total_bytes:9} {eta}"));
        bar.set_message(shown(&printable_line(message)));
        Bar(bar)
    }

    /// A sign of life of what is called `name`.
    pub(super) fn spinner(&self, name: &str) -> Bar {
        let bar = self.0.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix} {elapsed:>4} {wide_msg}"));
        bar.set_prefix(format!("{:32}", shown(&printable_line(name))));
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar(bar)
    }

    /// Takes a bar away.
    pub(super) fn end(&self, bar: &Bar) {
        bar.0.finish_and_clear();
        self.0.remove(&bar.0);
    }

    /// Runs `write` while no bar is in the way.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Takes all bars away.
    pub(super) fn clear(&self) {
        let _ = self.0.clear(); // a terminal that went away needs no clearing
    }
}

impl Bar {
    /// How far it is.
    pub(super) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// The line of a program's output that it shows.
    pub(super) fn says(&self, line: &str) {
        self.0.set_message(shown(&printable_output(line).replace('\t', " ")));
    }
}

fn shown(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn style(template: &str) -> ProgressStyle {
    // a template that does not parse would be a mistake of ours: fall back to the default look rather than stop
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
