//! Points in time, in whole seconds, always UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The fixed clock of every build step and of every file without a date of its own: 1980-01-01T00:00:00Z, the
/// earliest moment that zip archives (and so wheels and jars made in a step) can hold.
pub const EPOCH: Timestamp = Timestamp(315_532_800);

/// Seconds since 1970-01-01T00:00:00Z; written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not a point in time.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a time: expected {expected}")]
pub struct TimestampError {
    text: String,
    expected: &'static str,
}

impl Timestamp {
    /// The time so many seconds after 1970-01-01T00:00:00Z; limited to the years that calendars of the field can write.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.clamp(0, 253_402_300_799)) // 9999-12-31T23:59:59Z
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Parses the date of a release file: RFC 5322, e.g. `Sat, 12 Sep 2026 07:55:41 UTC`.
    ///
    /// # Errors
    /// When it is no such date.
    pub fn from_rfc2822(text: &str) -> Result<Self, TimestampError> {
        let wrong =
            || TimestampError { text: text.to_owned(), expected: "a date like `Sat, 12 Sep 2026 07:55:41 UTC`" };
        let zoned =
            text.trim().strip_suffix("UTC").map_or_else(|| text.trim().to_owned(), |head| format!("{head}+0000"));
        let zoned = jiff::fmt::rfc2822::parse(&zoned).map_err(|_| wrong())?;
        Ok(Self::from_seconds(zoned.timestamp().as_second()))
    }

    /// As a snapshot service writes it: `20260912T075541Z`.
    #[must_use]
    pub fn compact(self) -> String {
        self.to_string().replace(['-', ':'], "")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let wrong = || TimestampError { text: text.to_owned(), expected: "RFC 3339, like `2026-09-12T07:55:41Z`" };
        let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        Ok(Self::from_seconds(time.as_second()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => write!(out, "{time}"),
            Err(_) => write!(out, "@{}", self.0), // out of the calendar's range, which `from_seconds` prevents
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_archives_do() {
        let time = Timestamp::from_rfc2822("Sat, 12 Sep 2026 07:55:41 UTC").expect("a date of a release file");
        assert_eq!(time.to_string(), "2026-09-12T07:55:41Z");
        assert_eq!(time.compact(), "20260912T075541Z");
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(EPOCH.to_string(), "1980-01-01T00:00:00Z");
        assert!(Timestamp::from_rfc2822("yesterday").is_err());
    }
}
