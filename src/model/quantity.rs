//! Sizes and durations as people write them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// Why a text is not a quantity.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not {what}: write a whole number and a unit, like {example}")]
pub struct QuantityError {
    text: String,
    what: &'static str,
    example: &'static str,
}

/// A number of bytes; written with the units `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ByteSize(pub u64);

/// A duration in whole seconds; written with the units `s`, `m`, `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seconds(pub u64);

const SIZES: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];
const DURATIONS: &[(&str, u64)] = &[("s", 1), ("m", 60), ("h", 3600)];

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, scale) = units.iter().find_map(|&(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    let plain = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| number.parse::<u64>().ok()).flatten()?.checked_mul(scale)
}

impl FromStr for ByteSize {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), what: "a size", example: "`512MiB` or `2GiB`" };
        read(text, SIZES).map(Self).ok_or_else(error)
    }
}

impl FromStr for Seconds {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { text: text.to_owned(), what: "a duration", example: "`30s`, `10m` or `2h`" };
        read(text, DURATIONS).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        match [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)].iter().find(|&&(_, unit)| bytes >= unit) {
            // one decimal, rounded down: integers alone, so that every machine prints the same
            Some((name, unit)) => write!(out, "{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
            None => write!(out, "{bytes} B"),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..60 => write!(out, "{seconds} s"),
            seconds @ 60..3600 => write!(out, "{} m {:02} s", seconds / 60, seconds % 60),
            seconds => write!(out, "{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_need_a_unit_and_do_not_overflow() {
        assert_eq!("512MiB".parse(), Ok(ByteSize(512 << 20)));
        assert_eq!("10m".parse(), Ok(Seconds(600)));
        for text in ["", "5", "s", "-1s", "1.5h", "99999999999999999999s", "18446744073709551615h"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
        assert_eq!(ByteSize(39_290_000).to_string(), "39.2 MB");
    }
}
