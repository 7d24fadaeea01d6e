//! Which paths of a package go into an image.

use std::fmt;
use std::sync::OnceLock;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::ImagePath;

/// A pattern over absolute paths: `*` and `?` stay within a component, `**` crosses them, `{a,b}` and `[…]` choose.
/// It also matches everything inside a folder that it matches.
#[derive(Clone)]
pub struct Glob {
    text: String,
    /// What it compiles to, once it is asked: that takes a hundred times the memory of the text.
    matcher: OnceLock<Option<GlobSet>>,
}

/// Deepest nesting of `{…}` in a pattern.
const DEEPEST: usize = 8;

/// Why a text is not a pattern.
#[derive(Debug, Error)]
#[error("`{text}` is not a pattern for paths: {reason}")]
pub struct GlobError {
    text: String,
    reason: String,
}

impl Glob {
    /// Checks and takes a pattern, which must begin with `/`.
    ///
    /// # Errors
    /// When it is not absolute or does not parse.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        let wrong = |reason: String| GlobError { text: text.to_owned(), reason };
        if !text.starts_with('/') {
            return Err(wrong("it must begin with `/`".to_owned()));
        }
        if text.len() > 1024 {
            return Err(wrong("it is longer than 1024 bytes".to_owned()));
        }
        if nesting(text) > DEEPEST {
            return Err(wrong(format!("`{{…}}` are nested more than {DEEPEST} deep")));
        }
        compile(text).map_err(|error| wrong(error.kind().to_string()))?;
        Ok(Self { text: text.to_owned(), matcher: OnceLock::new() })
    }

    fn matcher(&self) -> Option<&GlobSet> {
        self.matcher.get_or_init(|| set(std::slice::from_ref(self))).as_ref()
    }

    /// Whether it matches the path itself or a folder that the path is in.
    #[must_use]
    pub fn matches(&self, path: &ImagePath) -> bool {
        let with_folders = std::iter::once(path.clone()).chain(path.ancestors());
        with_folders.into_iter().any(|path| self.matcher().is_some_and(|set| set.is_match(path.to_string())))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.text)
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// What an image leaves out of its packages: excluded, unless kept. Serialises as what was written, so that it can be
/// part of a key.
#[derive(Clone, Debug, Default)]
pub struct PathPolicy {
    exclude: Vec<Glob>,
    keep: Vec<Glob>,
    /// What they compile to, once something is asked.
    sets: OnceLock<Option<(GlobSet, GlobSet)>>,
}

impl PathPolicy {
    /// Leaves out what `exclude` matches and `keep` does not. The order of patterns does not matter.
    #[must_use]
    pub fn new(mut exclude: Vec<Glob>, mut keep: Vec<Glob>) -> Self {
        for globs in [&mut exclude, &mut keep] {
            globs.sort_by(|one, other| one.text.cmp(&other.text));
            globs.dedup();
        }
        Self { exclude, keep, sets: OnceLock::new() }
    }

    /// Whether it leaves out nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty()
    }

    /// Whether a file, link or folder at `path` is left out. A folder that is left out is still made when something
    /// kept is in it.
    #[must_use]
    pub fn excludes(&self, path: &ImagePath) -> bool {
        if self.exclude.is_empty() || path.is_root() {
            return false;
        }
        match self.sets.get_or_init(|| set(&self.exclude).zip(set(&self.keep))) {
            Some((exclude, keep)) => any(exclude, path) && !any(keep, path),
            None => {
                self.exclude.iter().any(|glob| glob.matches(path)) && !self.keep.iter().any(|glob| glob.matches(path))
            }
        }
    }
}

fn compile(text: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// All patterns as one; none when together they are beyond the limits of what can be compiled: then each is asked alone.
fn set(globs: &[Glob]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(compile(&glob.text).ok()?);
    }
    builder.build().ok()
}

/// How deep `{…}` are nested.
fn nesting(text: &str) -> usize {
    let (mut deepest, mut open) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn any(set: &GlobSet, path: &ImagePath) -> bool {
    let text = path.to_string();
    set.is_match(&text) || path.ancestors().any(|folder| set.is_match(folder.to_string()))
}

impl PartialEq for PathPolicy {
    fn eq(&self, other: &Self) -> bool {
        (&self.exclude, &self.keep) == (&other.exclude, &other.keep)
    }
}

impl Serialize for PathPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.exclude, &self.keep).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(exclude: &[&str], keep: &[&str]) -> PathPolicy {
        let globs = |texts: &[&str]| texts.iter().map(|text| Glob::new(text).expect("a pattern")).collect();
        PathPolicy::new(globs(exclude), globs(keep))
    }

    #[test]
    fn what_is_kept_survives_what_is_excluded() {
        let policy = policy(&["/usr/share/doc", "/usr/share/man/**"], &["/usr/share/doc/*/copyright"]);
        let excluded = |path: &str| policy.excludes(&path.parse().expect("a path"));
        assert!(excluded("usr/share/doc/libc6/changelog.gz"));
        assert!(excluded("usr/share/man/man1/ls.1.gz"));
        assert!(!excluded("usr/share/doc/libc6/copyright"));
        assert!(!excluded("usr/share/docs"));
        assert!(!excluded(""));
    }

    #[test]
    fn patterns_are_absolute_and_parse() {
        assert!(Glob::new("usr/*").is_err());
        assert!(Glob::new("/a[").is_err());
        let deep = format!("/{}a{}", "{".repeat(400), "}".repeat(400));
        assert!(Glob::new(&deep).is_err_and(|error| error.to_string().contains("deep")));
        let wide = format!("/{{{}}}", "{a,b},".repeat(160));
        assert!(Glob::new(&wide).expect("a pattern").matches(&"b".parse().expect("a path")));
    }
}
