//! Who owns a file and what may be done with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The permission bits of a file: twelve bits, written in octal (`0755`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mode(u16);

/// Why a text is not a mode.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a mode: write three or four octal digits in quotes, like \"0755\"")]
pub struct ModeError {
    text: String,
}

impl Mode {
    /// The mode with these bits; those above the twelve permission bits are dropped.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self((bits & 0o7777) as u16)
    }

    /// The twelve bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }
}

impl FromStr for Mode {
    type Err = ModeError;
    fn from_str(text: &str) -> Result<Self, ModeError> {
        let digits = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let bits = digits.then(|| u32::from_str_radix(text, 8).ok()).flatten();
        bits.map(Self::from_bits).ok_or_else(|| ModeError { text: text.to_owned() })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04o}", self.0)
    }
}

/// A user or a group, by number or by a name that the image's accounts must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Principal {
    /// A number.
    Id(u32),
    /// A name.
    Name(String),
}

/// Who owns a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// The user.
    pub user: Principal,
    /// The group.
    pub group: Principal,
}

/// Why a text names no user or group.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not {what}: write a name like `caddy` or a number below 4294967295")]
pub struct PrincipalError {
    text: String,
    what: &'static str,
}

impl Ownership {
    /// Owned by root.
    pub const ROOT: Self = Self { user: Principal::Id(0), group: Principal::Id(0) };
}

impl FromStr for Principal {
    type Err = PrincipalError;
    fn from_str(text: &str) -> Result<Self, PrincipalError> {
        let wrong = || PrincipalError { text: text.to_owned(), what: "a user or group" };
        if text.bytes().next().is_some_and(|first| first.is_ascii_digit()) {
            // the last number means "no change" to chown(2)
            return text.parse().ok().filter(|&id| id != u32::MAX).map(Self::Id).ok_or_else(wrong);
        }
        // what useradd accepts by default (shadow's NAME_REGEX), kept to 32 bytes as utmp does
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let all = text.bytes().all(|byte| letters(byte) || byte.is_ascii_digit() || byte == b'-');
        let name = text.len() <= 32 && text.bytes().next().is_some_and(letters) && all;
        name.then(|| Self::Name(text.to_owned())).ok_or_else(wrong)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(out, "{id}"),
            Self::Name(name) => out.write_str(name),
        }
    }
}

/// `user:group`, or `user` alone for the group of the same name or number.
impl FromStr for Ownership {
    type Err = PrincipalError;
    fn from_str(text: &str) -> Result<Self, PrincipalError> {
        let (user, group) = text.split_once(':').unwrap_or((text, text));
        Ok(Self { user: user.parse()?, group: group.parse()? })
    }
}

impl fmt::Display for Ownership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.user, self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!("4755".parse::<Mode>().map(Mode::bits), Ok(0o4755));
        assert_eq!("0755".parse::<Mode>().map(|mode| mode.to_string()), Ok("0755".to_owned()));
        for text in ["", "755x", "0888", "75", "07555", "+755"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }

    #[test]
    fn owners_are_names_or_numbers() {
        let owner: Ownership = "caddy:2000".parse().expect("a user and a group");
        assert_eq!(owner.to_string(), "caddy:2000");
        assert_eq!("7".parse::<Ownership>().map(|owner| owner.group), Ok(Principal::Id(7)));
        for text in ["", ":", "a:", "A", "4294967295", "-1", "a b", "0x1"] {
            assert!(text.parse::<Ownership>().is_err(), "{text}");
        }
    }
}
