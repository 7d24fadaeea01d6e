//! What an attempt to fetch something can end with.

use std::time::Duration;

use crate::store::StoreError;

/// Why an attempt failed, by what follows from it.
pub(super) enum Trouble {
    /// This URL will not help: the next one.
    Next(String),
    /// It may help later.
    Again {
        reason: String,
        /// When the server says so.
        after: Option<Duration>,
    },
    /// It is there, but gives so little that another URL is better; what came is kept.
    Slow(String),
    /// Nothing will help.
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Mismatch { .. } | StoreError::Length { .. } => Self::Next(error.to_string()),
            other => Self::Store(other),
        }
    }
}
