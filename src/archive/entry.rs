//! One entry of an archive: everything about it but its content.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{ImagePath, Mode};

use super::{ArchiveError, escaped};

/// A file, folder or link of an archive. Owners are numbers; names of owners mean nothing outside of the system that
/// wrote them and are dropped on reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is.
    pub path: ImagePath,
    /// What it is.
    pub kind: EntryKind,
    /// Its permission bits.
    pub mode: Mode,
    /// The owning user.
    pub uid: u32,
    /// The owning group.
    pub gid: u32,
    /// When it was last changed, in seconds since 1970-01-01T00:00:00Z.
    pub mtime: i64,
    /// Extended attributes, sorted by name, each name once.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "escaped::pairs")]
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// What an entry is. Device nodes, pipes and sockets have no place in an image and cannot be expressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Bytes of content.
        size: u64,
    },
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink {
        /// What `readlink` returns: any bytes but zero.
        #[serde(with = "escaped")]
        target: Vec<u8>,
    },
    /// Another name of a regular file of the same archive.
    Hardlink {
        /// The first name.
        target: ImagePath,
    },
}

impl Entry {
    /// The entry without so many leading components of its name and, for a hard link, of its target's; none when
    /// nothing of its name is left.
    pub(super) fn strip(mut self, components: u32) -> Result<Option<Self>, ArchiveError> {
        let rest = |path: &ImagePath| match components.checked_sub(1) {
            None => Some(path.clone()),
            Some(last) => path.ancestors().nth(last as usize).and_then(|folder| path.below(&folder)),
        };
        let Some(path) = rest(&self.path) else { return Ok(None) };
        if let EntryKind::Hardlink { target } = &mut self.kind {
            let problem = || format!("is a hard link to `{target}`, of which no name is left after stripping");
            *target = rest(target)
                .ok_or_else(|| ArchiveError::Conflict { path: self.path.to_string(), problem: problem() })?;
        }
        Ok(Some(Self { path, ..self }))
    }
}

impl EntryKind {
    /// Bytes of content in an archive: zero for all but regular files.
    #[must_use]
    pub const fn size(&self) -> u64 {
        match self {
            Self::File { size } => *size,
            _ => 0,
        }
    }
}

/// The kind as words with their article, for messages.
impl fmt::Display for EntryKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::File { .. } => "a file",
            Self::Dir => "a folder",
            Self::Symlink { .. } => "a symbolic link",
            Self::Hardlink { .. } => "a hard link",
        })
    }
}
