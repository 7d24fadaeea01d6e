//! Whether a lock answers what the recipes ask.

use std::fmt;

use crate::model::{Place, RecipeName};

/// Something that a recipe asks for and its lock does not answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Misfit {
    /// The recipe to refresh.
    pub recipe: RecipeName,
    /// What of it.
    pub what: String,
    /// How it does not fit.
    pub kind: MisfitKind,
    /// Where the recipe asks for it.
    pub place: Place,
}

/// How a lock does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MisfitKind {
    /// It was never pinned.
    Missing,
    /// It was pinned for another request.
    Changed,
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            MisfitKind::Missing => write!(out, "not in the lock: {}", self.what),
            MisfitKind::Changed => write!(out, "asked for differently since: {}", self.what),
        }
    }
}
