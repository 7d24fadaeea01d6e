//! Paths inside an image: absolute, normalised, and bytes, because that is what file systems hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A path inside an image, kept without the leading slash: `usr/bin/env`, and the empty path for the root itself.
/// No component is empty, `.` or `..`, so it cannot leave the image. Ordered by components, so that a folder is
/// followed by all that is in it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct ImagePath(Box<[u8]>);

/// Why bytes are not a path inside an image.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// A `..` component.
    #[error("`{path}` contains `..`, which could lead out of the image")]
    Parent {
        /// The path as given, lossily.
        path: String,
    },
    /// A zero byte.
    #[error("`{path}` contains a zero byte")]
    Zero {
        /// The path as given, lossily.
        path: String,
    },
    /// Longer than Linux allows (`PATH_MAX`), or with a component longer than `NAME_MAX`.
    #[error("`{path}…` is too long: 4095 bytes in all and 255 in a component are allowed")]
    TooLong {
        /// The beginning of the path.
        path: String,
    },
    /// Where an absolute path is required.
    #[error("`{path}` is not absolute: a path inside an image begins with `/`")]
    NotAbsolute {
        /// The path as given.
        path: String,
    },
}

impl ImagePath {
    /// The root of the image.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Normalises `bytes`: leading `/` and `./`, doubled and trailing slashes and `.` components go.
    ///
    /// # Errors
    /// For `..`, a zero byte, or a path that Linux would refuse as too long.
    pub fn new(bytes: &[u8]) -> Result<Self, PathError> {
        let shown = || String::from_utf8_lossy(bytes.get(..120).unwrap_or(bytes)).into_owned();
        let mut path = Vec::with_capacity(bytes.len());
        for component in bytes.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(PathError::Parent { path: shown() }),
                _ if component.contains(&0) => return Err(PathError::Zero { path: shown() }),
                _ if component.len() > 255 => return Err(PathError::TooLong { path: shown() }),
                _ => {}
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(component);
        }
        if path.len() > 4095 { Err(PathError::TooLong { path: shown() }) } else { Ok(Self(path.into())) }
    }

    /// Like [`ImagePath::new`], for what a person writes: it must begin with `/`.
    ///
    /// # Errors
    /// As [`ImagePath::new`], and when it is not absolute.
    pub fn absolute(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') {
            Self::new(text.as_bytes())
        } else {
            Err(PathError::NotAbsolute { path: text.to_owned() })
        }
    }

    /// The bytes, without a leading slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path relative to the root as the operating system takes it.
    #[must_use]
    pub fn as_relative(&self) -> &std::path::Path {
        use std::os::unix::ffi::OsStrExt as _;
        std::path::Path::new(std::ffi::OsStr::from_bytes(&self.0))
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder it is in; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// The last component; empty for the root.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }

    /// All folders it is in, outermost first, the root left out.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        let slashes = self.0.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        slashes.map(|(end, _)| Self(self.0[..end].into()))
    }

    /// Whether it is `folder` or inside it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        match self.0.strip_prefix(&*folder.0) {
            Some(rest) => folder.is_root() || rest.is_empty() || rest[0] == b'/',
            None => false,
        }
    }

    /// What remains of it below `folder`, when it is within it.
    #[must_use]
    pub fn below(&self, folder: &Self) -> Option<Self> {
        let rest = self.is_within(folder).then(|| &self.0[folder.0.len()..])?;
        Some(Self(rest.strip_prefix(b"/").unwrap_or(rest).into()))
    }

    /// `self` followed by `other`, which is taken as relative.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self.is_root(), other.is_root()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => Self([&*self.0, b"/", &*other.0].concat().into()),
        }
    }
}

impl Ord for ImagePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // a slash sorts before every other byte, which is the order of components
        let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        self.0.iter().map(rank).cmp(other.0.iter().map(rank))
    }
}

impl PartialOrd for ImagePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for ImagePath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text.as_bytes())
    }
}

/// With its leading slash; bytes that are not UTF-8 are replaced.
impl fmt::Display for ImagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Without loss: bytes above 0x7e, control characters and `%` as `%XX`.
impl Serialize for ImagePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use fmt::Write as _;
        let mut text = String::with_capacity(self.0.len());
        for &byte in &self.0 {
            if byte == b'%' || !(0x20..0x7f).contains(&byte) {
                let _ = write!(text, "%{byte:02X}"); // writing to a string cannot fail
            } else {
                text.push(char::from(byte));
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for ImagePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let text = String::deserialize(deserializer)?;
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            let escaped = (byte == b'%').then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()));
            match escaped {
                None => (bytes.push(byte), rest = tail).1,
                Some(hex) => {
                    let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    bytes.push(value.ok_or_else(|| D::Error::custom("a stray % in a path"))?);
                    rest = &tail[2..];
                }
            }
        }
        Self::new(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ImagePath {
        text.parse().expect("a path")
    }

    #[test]
    fn paths_are_normalised_and_stay_inside() {
        assert_eq!(path("./usr//bin/./env/").as_bytes(), b"usr/bin/env");
        assert!(path("/").is_root());
        for text in ["..", "/a/../../b", "a/..", "a\0b"] {
            assert!(text.parse::<ImagePath>().is_err(), "{text:?}");
        }
        assert!(ImagePath::new(&[b'a'; 256]).is_err());
        assert!(ImagePath::absolute("etc/x").is_err());
    }

    #[test]
    fn a_folder_sorts_before_what_is_in_it_and_that_before_its_siblings() {
        let mut paths = [path("a.b"), path("a/b"), path("a"), path("a-b"), path("")];
        paths.sort();
        assert_eq!(paths.map(|path| path.to_string()), ["/", "/a", "/a/b", "/a-b", "/a.b"]);
    }

    #[test]
    fn relations_between_paths() {
        let file = path("usr/share/doc/x");
        assert_eq!(file.parent(), Some(path("usr/share/doc")));
        assert_eq!(path("usr").parent(), Some(ImagePath::root()));
        assert_eq!(
            file.ancestors().map(|path| path.to_string()).collect::<Vec<_>>(),
            ["/usr", "/usr/share", "/usr/share/doc"]
        );
        assert!(file.is_within(&path("usr/share")) && !path("usrx").is_within(&path("usr")));
        assert_eq!(file.below(&path("usr/share")), Some(path("doc/x")));
        assert_eq!(path("a").join(&path("b")), path("a/b"));
    }

    #[test]
    fn json_keeps_every_byte() {
        let odd = ImagePath::new(b"a%b\xff\xc3\xa9/\x01").expect("no rule forbids these");
        let text = serde_json::to_string(&odd).expect("serialises");
        assert_eq!(serde_json::from_str::<ImagePath>(&text).expect("reads back"), odd);
        assert!(serde_json::from_str::<ImagePath>("\"a%f\"").is_err());
    }
}
