//! Paths of files in an archive of packages, and the URLs that they have at a mirror.

use std::str::FromStr;

use thiserror::Error;
use url::Url;

/// The longest path that is accepted, in bytes.
const LONGEST: usize = 1024;
/// What a part may hold beside ASCII letters and digits. Pools use `+-._~`; the others mean nothing in a URL,
/// a shell or a terminal. Version epochs are no reason for `:` or `%3a`: file names leave the epoch out.
const ALSO: &[u8] = b"+-._~@=,";

/// The path of a file in an archive, relative to the archive's root: `pool/main/g/gcc-12/g++-12_12.2.0-14_amd64.deb`.
/// It cannot lead out of the archive, and has no character with a meaning in URLs, so it is also how its URL ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchivePath(String);

/// Why a text is not a path in an archive, or has no URL at a mirror.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ArchivePathError {
    /// There is none.
    #[error("the path in the archive is empty")]
    Empty,
    /// Longer than any archive's.
    #[error("the path `{path}…` has more than {LONGEST} bytes")]
    TooLong {
        /// Its beginning.
        path: String,
    },
    /// A part that is empty, `.` or `..`.
    #[error("`{path}` is not a path within an archive: it has an empty part, `.` or `..`")]
    Part {
        /// The path as given.
        path: String,
    },
    /// A character that file names of archives do not have.
    #[error("`{path}` is not a path within an archive: `{}` may not be in it", character.escape_default())]
    Character {
        /// The path as given, escaped.
        path: String,
        /// The first such character.
        character: char,
    },
    /// A mirror that no path can be appended to.
    #[error("no path can be appended to the mirror `{base}`")]
    Base {
        /// The mirror's URL without credentials.
        base: String,
    },
}

impl ArchivePath {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of the file at a mirror whose URL is `base`: the base with this path appended, part by part. Unlike
    /// [`Url::join`], which obeys a path that names a scheme or a host, the result is always below the base.
    ///
    /// # Errors
    /// When the base is a URL of the kind that has no path, or has a query or a fragment.
    pub fn below(&self, base: &Url) -> Result<Url, ArchivePathError> {
        let refused = || {
            let mut shown = base.clone();
            // both fail only for URLs that cannot have credentials
            let _ = (shown.set_username(""), shown.set_password(None));
            ArchivePathError::Base { base: shown.into() }
        };
        let mut url = base.clone();
        url.path_segments_mut().map_err(|()| refused())?.pop_if_empty().extend(self.0.split('/'));
        let place = |url: &Url| {
            let credentials = (url.username().to_owned(), url.password().map(str::to_owned));
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port(), credentials)
        };
        let folder = base.path().trim_end_matches('/');
        let ends = url.path().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        let plain = url.query().is_none() && url.fragment().is_none();
        match plain && place(&url) == place(base) && ends == Some(self.as_str()) {
            true => Ok(url),
            false => Err(refused()),
        }
    }
}

impl FromStr for ArchivePath {
    type Err = ArchivePathError;

    fn from_str(text: &str) -> Result<Self, ArchivePathError> {
        let shown = || text.chars().take(120).flat_map(char::escape_default).collect::<String>();
        let odd = |character: &char| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'/' || ALSO.contains(&byte);
            !u8::try_from(*character).is_ok_and(plain)
        };
        if text.is_empty() {
            return Err(ArchivePathError::Empty);
        }
        if text.len() > LONGEST {
            return Err(ArchivePathError::TooLong { path: shown() });
        }
        if let Some(character) = text.chars().find(odd) {
            return Err(ArchivePathError::Character { path: shown(), character });
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(ArchivePathError::Part { path: shown() });
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(base: &str, path: &str) -> Result<String, ArchivePathError> {
        path.parse::<ArchivePath>()?.below(&base.parse().expect("a URL")).map(String::from)
    }

    #[test]
    fn the_files_of_pools_have_urls() {
        for (base, path, expected) in [
            (
                "http://m.example/archive/",
                "pool/main/g/gcc-12/g++-12_12.2.0-14+deb12u1_amd64.deb",
                "http://m.example/archive/pool/main/g/gcc-12/g++-12_12.2.0-14+deb12u1_amd64.deb",
            ),
            ("http://m.example", "a/b_1~rc1.deb", "http://m.example/a/b_1~rc1.deb"),
            ("https://m.example:8443/x", "a@1,b=c", "https://m.example:8443/x/a@1,b=c"),
            ("file:///srv/a%20b/", "pool/x", "file:///srv/a%20b/pool/x"),
        ] {
            assert_eq!(below(base, path).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_would_lead_elsewhere_is_refused() {
        for path in [
            "",
            "/etc/passwd",
            "file:/etc/x",
            "file:///etc/x",
            "https:other.example/x",
            "//other.example/x",
            "pool/../../x",
            "pool/./x",
            "pool//x",
            "pool/",
            "pool/%2e%2e/x",
            "pool/x%3a1.deb",
            "pool/1:2.deb",
            "\\\\other.example\\x",
            "pool/x?y",
            "pool/x#y",
            "pool/\u{1b}]0;x",
            "pool/x\ny",
            "pool/x y",
            "pool/é",
            "pool/\u{202e}x",
        ] {
            assert!(path.parse::<ArchivePath>().is_err(), "{path}");
        }
        assert!("a/".repeat(600).parse::<ArchivePath>().is_err());
        let text = "pool/\u{1b}x".parse::<ArchivePath>().expect_err("refused").to_string();
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_base_without_a_path_or_with_a_query_is_no_mirror() {
        for base in ["data:text/plain,x", "cdrom:x", "http://m.example/?x=", "http://me:s3cret@m.example/#x"] {
            let error = below(base, "pool/x").expect_err(base).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_that_is_accepted_stays_below_the_base(path in "[a-zA-Z0-9+._~@=,/:%?#\\\\ -]{0,30}") {
            if let Ok(url) = below("http://m.example/archive/", &path) {
                assert_eq!(url, format!("http://m.example/archive/{path}"));
            }
        }
    }
}
