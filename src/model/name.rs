//! Names, one type per role, so that an image cannot be mistaken for a stage.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Why a text is not a name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    #[error("the name of {what} is empty")]
    Empty {
        /// The role, with its article.
        what: &'static str,
    },
    /// Longer than [`LONGEST`].
    #[error("the name of {what} has {length} bytes; {LONGEST} are allowed")]
    TooLong {
        /// The role, with its article.
        what: &'static str,
        /// How long it is.
        length: usize,
    },
    /// A character that is not allowed, or not allowed first.
    #[error(
        "`{text}` cannot name {what}: `{character}` is not allowed there; use lower-case letters, digits and `{also}`, and begin with a letter or digit"
    )]
    Character {
        /// The role, with its article.
        what: &'static str,
        /// The text as given.
        text: String,
        /// The first character that is wrong.
        character: char,
        /// What is allowed beside letters and digits.
        also: &'static str,
    },
}

/// Longest name accepted: a file name on the usual file systems, with room for a suffix.
const LONGEST: usize = 128;

fn check(what: &'static str, also: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what });
    }
    if text.len() > LONGEST {
        return Err(NameError::TooLong { what, length: text.len() });
    }
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let wrong =
        text.char_indices().find(|&(index, character)| !plain(character) && (index == 0 || !also.contains(character)));
    match wrong {
        Some((_, character)) => Err(NameError::Character { what, text: text.to_owned(), character, also }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $also:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// When the text is empty, too long, or has a character that names may not have.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check($what, $also, &text)?;
                Ok(Self(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{:?}", self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A recipe: the name of its folder below `images/`.
    RecipeName, "a recipe", "._-"
);
name!(
    /// An image; unique in a project, and what `org.opencontainers.image.ref.name` says.
    ImageName, "an image", "._-"
);
name!(
    /// A stage; unique in its recipe.
    StageName, "a stage", "._-"
);
name!(
    /// A source; unique in its recipe.
    SourceName, "a source", "._-"
);
name!(
    /// A package archive of `project.kdl`.
    ArchiveName, "an archive", "._-"
);
name!(
    /// A binary or source package (Debian Policy §5.6.1; APK names fit as well).
    PackageName, "a package", "+._-"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_take_a_plus() {
        assert!(PackageName::new("libstdc++6").is_ok());
        assert!(ImageName::new("libstdc++6").is_err());
    }

    #[test]
    fn what_could_leave_a_folder_is_no_name() {
        for text in ["", ".", "..", "../x", "a/b", "-x", "A", "a b", "a\0"] {
            assert!(RecipeName::new(text).is_err(), "{text:?}");
        }
        assert!(RecipeName::new("x".repeat(129)).is_err());
        let message = ImageName::new("My Image").expect_err("upper case").to_string();
        assert!(message.contains("`M`") && message.contains("an image"), "{message}");
    }
}
