//! The types that arguments and properties can have, and how they are written.

use std::str::FromStr;

use camino::Utf8PathBuf;
use url::Url;

use crate::model::{
    ArchiveName, ByteSize, Glob, ImageName, ImagePath, Mode, Ownership, PackageName, Platform, Principal, Seconds,
    SourceName, StageName,
};

use super::node::Value;
use super::read::{Read, Written};

fn parsed<T: FromStr<Err: std::fmt::Display>>(value: &Value) -> Option<Result<T, String>> {
    value.text().map(|text| text.parse().map_err(|error: T::Err| error.to_string()))
}

/// Types that read a text with [`FromStr`].
macro_rules! reads_text {
    ($($type:ty, $word:literal, $expected:literal, $example:literal;)*) => {
        $(impl Read for $type {
            const WORD: &'static str = $word;
            const EXPECTED: &'static str = $expected;
            const EXAMPLE: &'static str = $example;
            fn read(value: &Value) -> Option<Result<Self, String>> {
                parsed(value)
            }
        })*
    };
}

reads_text! {
    ArchiveName, "ARCHIVE", "the name of an archive", "\"debian\"";
    ImageName, "IMAGE", "the name of an image", "\"router\"";
    StageName, "STAGE", "the name of a stage", "\"compile\"";
    SourceName, "SOURCE", "the name of a source", "\"upstream\"";
    PackageName, "PACKAGE", "the name of a package", "\"libssl3t64\"";
    ByteSize, "SIZE", "a size", "\"2GiB\"";
    Seconds, "DURATION", "a duration", "\"10m\"";
    Mode, "MODE", "a mode in octal digits", "\"0755\"";
    Ownership, "OWNER", "an owner and a group", "\"caddy:caddy\"";
}

/// Any text.
impl Read for String {
    const WORD: &'static str = "TEXT";
    const EXPECTED: &'static str = "text";
    const EXAMPLE: &'static str = "\"text\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        Some(if text.contains('\0') { Err("text cannot hold a zero byte".to_owned()) } else { Ok(text.to_owned()) })
    }
}

/// Whatever is written, for the description of the language alone.
pub(super) struct Anything;

impl Read for Anything {
    const WORD: &'static str = "VALUE";
    const EXPECTED: &'static str = "a value";
    const EXAMPLE: &'static str = "\"text\"";
    const WRITTEN: Written = Written::Any;
    fn read(_: &Value) -> Option<Result<Self, String>> {
        Some(Ok(Self))
    }
}

impl Read for bool {
    const WORD: &'static str = "YES";
    const EXPECTED: &'static str = "a yes or no";
    const EXAMPLE: &'static str = "#true";
    const WRITTEN: Written = Written::Bool;
    fn read(value: &Value) -> Option<Result<Self, String>> {
        match value {
            Value::Bool(yes) => Some(Ok(*yes)),
            _ => None,
        }
    }
}

impl Read for Platform {
    const WORD: &'static str = "PLATFORM";
    const EXPECTED: &'static str = "a platform";
    const EXAMPLE: &'static str = "\"linux/arm64\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        parsed(value)
    }
}

/// Whole numbers.
macro_rules! reads_number {
    ($($type:ty),*) => {
        $(impl Read for $type {
            const WORD: &'static str = "N";
            const EXPECTED: &'static str = "a whole number";
            const EXAMPLE: &'static str = "5";
            const WRITTEN: Written = Written::Number;
            fn read(value: &Value) -> Option<Result<Self, String>> {
                let Value::Number { written, whole } = value else { return None };
                let limits = format!("`{written}` is not a whole number from 0 to {}", <$type>::MAX);
                Some(whole.and_then(|whole| whole.try_into().ok()).ok_or(limits))
            }
        })*
    };
}

reads_number!(u8, u16, u32);

/// The number of a user or group.
pub(super) struct Id(pub(super) u32);

impl Read for Id {
    const WORD: &'static str = "N";
    const EXPECTED: &'static str = "the number of a user or group";
    const EXAMPLE: &'static str = "2000";
    const WRITTEN: Written = Written::Number;
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let Value::Number { written, whole } = value else { return None };
        // the last number means "no change" to chown(2)
        let id = whole.and_then(|whole| u32::try_from(whole).ok()).filter(|&id| id != u32::MAX);
        Some(id.map(Self).ok_or_else(|| format!("`{written}` is not a number from 0 to {}", u32::MAX - 1)))
    }
}

impl Read for Principal {
    const WORD: &'static str = "USER";
    const EXPECTED: &'static str = "a user or group";
    const EXAMPLE: &'static str = "\"caddy\"";
    const WRITTEN: Written = Written::NumberOrText;
    fn read(value: &Value) -> Option<Result<Self, String>> {
        match Id::read(value) {
            Some(id) => Some(id.map(|id| Self::Id(id.0))),
            None => parsed(value),
        }
    }
}

impl Read for ImagePath {
    const WORD: &'static str = "PATH";
    const EXPECTED: &'static str = "a path in the image";
    const EXAMPLE: &'static str = "\"/usr/bin/env\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        value.text().map(|text| Self::absolute(text).map_err(|error| error.to_string()))
    }
}

/// Where something is put: a path, or a folder that it goes into when it ends in `/`.
pub(super) struct Destination {
    pub(super) path: ImagePath,
    pub(super) into: bool,
}

impl Destination {
    /// Where a file or folder called `name` ends up.
    pub(super) fn of(self, name: &[u8]) -> ImagePath {
        match ImagePath::new(name) {
            Ok(name) if self.into => self.path.join(&name),
            _ => self.path,
        }
    }
}

impl Read for Destination {
    const WORD: &'static str = "PATH";
    const EXPECTED: &'static str = "a path, or a folder with `/` at its end";
    const EXAMPLE: &'static str = "\"/usr/bin/\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let path = ImagePath::read(value)?;
        Some(path.map(|path| Self { path, into: value.text().is_some_and(|text| text.ends_with('/')) }))
    }
}

impl Read for Glob {
    const WORD: &'static str = "PATTERN";
    const EXPECTED: &'static str = "a pattern for paths";
    const EXAMPLE: &'static str = "\"/usr/share/doc/**\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        value.text().map(|text| Self::new(text).map_err(|error| error.to_string()))
    }
}

/// A path beside the recipe or below `images/`, normalised; it cannot lead out of its folder by its name.
pub(super) struct Beside(pub(super) Utf8PathBuf);

impl Read for Beside {
    const WORD: &'static str = "FILE";
    const EXPECTED: &'static str = "a relative path without `..`";
    const EXAMPLE: &'static str = "\"files/app.conf\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        Some(if text.starts_with('/') {
            Err(format!("`{text}` is absolute; files outside the repository cannot be used"))
        } else {
            match ImagePath::new(text.as_bytes()) {
                Ok(path) if path.is_root() && !text.starts_with('.') => Err("the path is empty".to_owned()),
                Ok(path) => Ok(Self(String::from_utf8_lossy(path.as_bytes()).into_owned().into())),
                Err(_) if text.split('/').any(|part| part == "..") => {
                    Err(format!("`{text}` contains `..`, which could lead out of the folder"))
                }
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

/// An address of the kinds in its list, without a password.
fn address(value: &Value, schemes: &[&str]) -> Option<Result<String, String>> {
    let text = value.text()?;
    Some(match Url::parse(text) {
        Err(error) => Err(format!("`{text}` is not a URL: {error}")),
        Ok(url) if !schemes.contains(&url.scheme()) => {
            Err(format!("`{}:` cannot be fetched; the URL may begin with {}", url.scheme(), schemes.join(", ")))
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("the URL holds a user or password, which belong in the environment file (`netrc`)".to_owned())
        }
        Ok(url) if url.scheme() != "file" && url.host_str().is_none_or(str::is_empty) => {
            Err(format!("`{text}` names no host"))
        }
        Ok(_) => Ok(text.to_owned()),
    })
}

/// The URL of a file.
pub(super) struct FileUrl(pub(super) String);

impl Read for FileUrl {
    const WORD: &'static str = "URL";
    const EXPECTED: &'static str = "a URL";
    const EXAMPLE: &'static str = "\"https://example.org/file.tar.gz\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        address(value, &["https", "http"]).map(|url| url.map(Self))
    }
}

/// The URL of a git repository.
pub(super) struct GitUrl(pub(super) String);

impl Read for GitUrl {
    const WORD: &'static str = "URL";
    const EXPECTED: &'static str = "the URL of a git repository";
    const EXAMPLE: &'static str = "\"https://example.org/project\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        address(value, &["https", "http", "git", "file"]).map(|url| url.map(Self))
    }
}

/// The name of a tag or branch (git-check-ref-format(1)).
pub(super) struct RefName(pub(super) String);

impl Read for RefName {
    const WORD: &'static str = "NAME";
    const EXPECTED: &'static str = "the name of a tag or branch";
    const EXAMPLE: &'static str = "\"v1.2.3\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        let forbidden = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
        let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let valid = !text.bytes().any(forbidden)
            && text.split('/').all(part)
            && !text.starts_with('-')
            && !text.ends_with('.')
            && !text.contains("..")
            && !text.contains("@{");
        Some(if valid { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` cannot name a tag or branch")) })
    }
}

/// A whole commit id: SHA-1, or SHA-256 in repositories of that format.
pub(super) struct CommitId(pub(super) String);

impl Read for CommitId {
    const WORD: &'static str = "COMMIT";
    const EXPECTED: &'static str = "a whole commit id";
    const EXAMPLE: &'static str = "\"2e9bd6cf6cd3a1b9a7e2c4e86fb1e3a6a1d0c4f7\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        Some(if digits && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a whole commit id: 40 (or 64) lower-case hexadecimal digits"))
        })
    }
}

/// The name of an environment variable (POSIX, XBD §8.1; lower case too).
pub(super) struct EnvName(pub(super) String);

impl Read for EnvName {
    const WORD: &'static str = "NAME";
    const EXPECTED: &'static str = "the name of an environment variable";
    const EXAMPLE: &'static str = "CGO_ENABLED";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let valid =
            text.bytes().next().is_some_and(letter) && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
        Some(if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` cannot name an environment variable"))
        })
    }
}
