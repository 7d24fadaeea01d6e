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
    /// Longer than 128 bytes.
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
    /// Not what archives call a package, a version or an architecture.
    #[error(
        "`{text}` is not {what}: it begins with a letter or digit, and has letters, digits and `{also}`, {limit} at most"
    )]
    Written {
        /// What it should be, with its article.
        what: &'static str,
        /// The text as given, or its beginning.
        text: String,
        /// What is allowed beside letters and digits.
        also: &'static str,
        /// The most characters that are allowed.
        limit: usize,
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

/// What archives write, in letters of both cases. Such a text needs no quotes anywhere.
fn check_written(what: &'static str, also: &'static str, limit: usize, text: &str) -> Result<(), NameError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let begins = text.bytes().next().is_some_and(plain);
    if begins && text.len() <= limit && text.bytes().all(|byte| plain(byte) || also.as_bytes().contains(&byte)) {
        return Ok(());
    }
    Err(NameError::Written { what, text: text.chars().take(80).collect(), also, limit })
}

/// A name, or a name and that of a variant: `NAME:VARIANT`.
fn check_varied(what: &'static str, text: &str) -> Result<(), NameError> {
    let (name, variant) = text.split_once(':').map_or((text, None), |(name, variant)| (name, Some(variant)));
    check(what, "._-", name)?;
    variant.map_or(Ok(()), |variant| check("a variant", "._-", variant))
}

/// Names that a variant may be part of.
macro_rules! varied {
    ($($name:ident),*) => {
        $(impl $name {
            /// The name in this variant.
            #[must_use]
            pub fn with_variant(&self, variant: &VariantName) -> Self {
                Self(format!("{}:{variant}", self.base()))
            }

            /// The name without that of a variant.
            #[must_use]
            pub fn base(&self) -> &str {
                self.0.split(':').next().unwrap_or_default()
            }

            /// The variant, when it names one.
            #[must_use]
            pub fn variant(&self) -> Option<&str> {
                self.0.split_once(':').map(|(_, variant)| variant)
            }
        })*
    };
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $also:literal) => {
        name!($(#[$doc])* $name, $what, $also, |text| check($what, $also, text));
    };
    ($(#[$doc:meta])* $name:ident, $what:literal, $also:literal, $check:expr) => {
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
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(&text)?;
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

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
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
    /// A recipe: the name of its folder below `images/`; with that of a variant, `php:8.4`, where it has some.
    RecipeName, "a recipe", "._-", |text| check_varied("a recipe", text)
);
name!(
    /// An image; unique in a project, and what `org.opencontainers.image.ref.name` says; `php:8.4` for that of a variant.
    ImageName, "an image", "._-", |text| check_varied("an image", text)
);
name!(
    /// A variant of a recipe; the tag of its images.
    VariantName, "a variant", "._-"
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
    /// A definition; unique among those that a recipe sees.
    DefinitionName, "a definition", "._-"
);
name!(
    /// Those whose builds may share results that no key covers: a branch, a pull request.
    TrustDomain, "a trust domain", "._-"
);
name!(
    /// A package archive of `project.kdl`.
    ArchiveName, "an archive", "._-"
);
name!(
    /// A binary or source package, of any format. Archives have a few with letters in upper case.
    PackageName, "a package", "+._-", |text| check_written("the name of a package", "+._-", LONGEST, text)
);
name!(
    /// The whole version of a package as its archive writes it, with epoch and revision; its order is the format's.
    PackageVersion, "a version", ".+~:-_", |text| check_written("the version of a package", ".+~:-_", 255, text)
);
name!(
    /// An architecture of packages by the archive's own name: `amd64` or `x86_64`, and `all` or `noarch`.
    PackageArch, "an architecture", "-_", |text| check_written("an architecture of packages", "-_", LONGEST, text)
);

varied!(RecipeName, ImageName);

impl Default for TrustDomain {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_take_a_plus() {
        assert!(PackageName::new("libstdc++6").is_ok() && PackageName::new("R").is_ok());
        assert!(ImageName::new("libstdc++6").is_err());
    }

    #[test]
    fn what_archives_write_needs_no_quotes() {
        for version in ["1", "2:9.1.0-2+deb13u1~bpo", "1.2.5_alpha1-r10"] {
            assert!(PackageVersion::new(version).is_ok(), "{version}");
        }
        for text in ["", "-1", "1'", "1 2", "1/2", "1\n", "$(x)", "é"] {
            assert!(PackageVersion::new(text).is_err() && PackageArch::new(text).is_err(), "{text}");
            assert!(PackageName::new(text).is_err(), "{text}");
        }
        let error = PackageVersion::new("1'").expect_err("a quote").to_string();
        assert!(error.starts_with("`1'` is not the version of a package: it begins"), "{error}");
    }

    #[test]
    fn a_variant_is_part_of_the_name_of_an_image() {
        let image = ImageName::new("php").expect("a name").with_variant(&VariantName::new("8.4").expect("a name"));
        assert_eq!((image.as_str(), image.base(), image.variant()), ("php:8.4", "php", Some("8.4")));
        assert_eq!(ImageName::new("php:8.4"), Ok(image));
        for text in ["php:", ":8.4", "php:8:4", "php:8/4"] {
            assert!(ImageName::new(text).is_err(), "{text}");
        }
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
