//! Where in a recipe a value was written: carried along so that an error found much later can still point at it.

use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a recipe file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub offset: u32,
    /// Number of bytes.
    pub length: u32,
}

/// A value and where it was written. Two of them are equal when their values are.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> Spanned<T> {
    /// A value written at `place`.
    pub const fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), place: self.place }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// What a value means does not depend on where it stands: keys and JSON hold the value alone.
impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// A file that was read: its name as people know it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path as shown, relative to the project.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// Where each line begins, once somebody asked: errors are many, and texts long.
    lines: OnceLock<Arc<[u32]>>,
}

impl SourceFile {
    /// Where each line begins.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            let starts = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
            std::iter::once(0).chain(starts).collect()
        })
    }

    /// The line that holds the byte at `offset`, counting from zero; past the end it is the last one.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> usize {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.lines().partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// Where a line, counted from zero, begins and ends, its line end excluded; none past the last one.
    #[must_use]
    pub fn line_range(&self, line: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.lines().get(line)? as usize;
        let end = self.lines().get(line + 1).map_or(self.text.len(), |&next| next as usize - 1);
        Some(start..end)
    }
}

/// All files that were read, so that a [`Place`] can be shown.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file.
    ///
    /// # Panics
    /// Not before four thousand million files.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let id = u32::try_from(self.files.len()).expect("fewer files than 2^32");
        self.files.push(SourceFile { name: name.into(), text: text.into(), lines: OnceLock::new() });
        FileId(id)
    }

    /// The file of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<FileId> {
        let index = self.files.iter().position(|file| file.name == name)?;
        u32::try_from(index).ok().map(FileId)
    }

    /// The file of this id, which must come from this map.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The name of the file and the line in it, counting from one.
    #[must_use]
    pub fn position(&self, place: Place) -> (&str, usize) {
        let file = self.file(place.file);
        (&file.name, file.line_at(place.offset as usize) + 1)
    }

    /// `file:line`, counting from one.
    #[must_use]
    pub fn line(&self, place: Place) -> String {
        let (file, line) = self.position(place);
        format!("{file}:{line}")
    }
}
