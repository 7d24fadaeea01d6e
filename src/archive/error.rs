//! What can be wrong with an archive.

use std::io;

use thiserror::Error;

/// Why an archive cannot be read or written. Paths are shown lossily.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The bytes could not be had; nothing is known to be wrong with the archive.
    #[error("cannot read the archive")]
    Read {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes could not be delivered.
    #[error("cannot write the archive")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The end came too early.
    #[error("the archive is cut off: it ends in the middle of {within}")]
    Truncated {
        /// What is incomplete.
        within: String,
    },
    /// A decompressor did not accept its input.
    #[error("cannot decompress the {format} data: it is damaged, cut off or asks for too much memory")]
    Damaged {
        /// The compression format.
        format: &'static str,
        /// What the decompressor says.
        #[source]
        source: io::Error,
    },
    /// A compression format that is deliberately not read.
    #[error("{format} compression is not supported: recompress the file with xz, zstd or gzip")]
    UnsupportedCompression {
        /// Its name.
        format: &'static str,
    },
    /// More than a limit allows.
    #[error("{what} exceeds the limit of {limit} {unit}")]
    Limit {
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
        /// What the limit counts.
        unit: &'static str,
    },
    /// A tar header that does not follow the format.
    #[error("bad tar header at byte {offset}: {problem}")]
    Header {
        /// Where the header begins, in the decompressed archive.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A name with which an archive could reach outside of the folder it is unpacked into.
    #[error("the archive holds an unsafe name: {problem}")]
    UnsafeName {
        /// What is wrong with it.
        problem: String,
    },
    /// Something else than a file, folder or link.
    #[error("`{path}` is {kind}, which is not allowed in an archive: only files, folders and links are")]
    ForbiddenKind {
        /// The entry.
        path: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Entries that contradict each other.
    #[error("`{path}` {problem}")]
    Conflict {
        /// The later entry.
        path: String,
        /// How it contradicts an earlier one.
        problem: String,
    },
    /// A container (`ar`, .deb) that does not follow its format.
    #[error("not a valid {format} file: {problem}")]
    Container {
        /// `ar` or `.deb`.
        format: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An entry that cannot be written as described.
    #[error("cannot write `{path}` to an archive: {problem}")]
    Unwritable {
        /// The entry.
        path: String,
        /// Why not.
        problem: String,
    },
}

impl ArchiveError {
    /// Takes back an error of this type that travelled through [`std::io::Read`]; all others were met in reading.
    #[must_use]
    pub fn from_read(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|source| Self::Read { source })
    }

    /// As [`ArchiveError::from_read`], for an error met in writing.
    #[must_use]
    pub fn from_write(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|source| Self::Write { source })
    }

    /// What a person can do about it, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Truncated { .. } | Self::Damaged { .. } | Self::Container { .. } => {
                Some("when its hash is the pinned one, the file was published like this: use another version")
            }
            Self::UnsafeName { .. } | Self::Conflict { .. } | Self::ForbiddenKind { .. } | Self::Header { .. } => {
                Some("the archive may have been made to do harm; look at it with `tar -tvf` before you trust it")
            }
            Self::Limit { .. } => Some("a small archive that unpacks to this much is likely made to do harm"),
            _ => None,
        }
    }
}

/// So that it can pass through [`std::io::Read`] and [`std::io::Write`]; see [`ArchiveError::from_read`].
impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        let kind = match &error {
            ArchiveError::Read { source } | ArchiveError::Write { source } => source.kind(),
            ArchiveError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
