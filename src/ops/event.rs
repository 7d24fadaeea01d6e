//! What happens, as it happens: reported by the verbs, drawn by the command line.

use std::time::Duration;

use crate::plan::Subject;

/// How a step came to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It ran.
    Ran,
    /// Its inputs turned out to have the same bytes as at an earlier run.
    SameInputs,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The plan is made: so many steps in all, so many of them have to run.
    Planned {
        /// All.
        steps: usize,
        /// Those without a result.
        to_run: usize,
    },
    /// Files are going to be fetched.
    Fetching {
        /// How many.
        files: usize,
        /// Bytes in all, where known.
        bytes: u64,
    },
    /// Bytes arrived.
    Fetched {
        /// Of what.
        label: &'a str,
        /// How many of it there are now.
        bytes: u64,
    },
    /// All files are there.
    FetchDone,
    /// A step begins.
    Started {
        /// Which.
        subject: &'a Subject,
    },
    /// A step printed a line.
    Line {
        /// Which.
        subject: &'a Subject,
        /// The line, without its end.
        text: &'a str,
    },
    /// A step is done.
    Finished {
        /// Which.
        subject: &'a Subject,
        /// How.
        how: How,
        /// How long it took.
        took: Duration,
    },
    /// A part of a longer operation, in a few words.
    Doing {
        /// What.
        what: &'a str,
    },
    /// Something that a person should know.
    Note {
        /// What.
        text: &'a str,
    },
}

/// Receives events.
pub trait Observer: Sync {
    /// Something happened. Called from several threads.
    fn event(&self, event: Event<'_>);
}

/// Nobody.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}
