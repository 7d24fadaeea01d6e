//! Sources as build steps see them: pinned bytes unpacked into a folder, then edited as the recipe says.

mod edit;
mod package;
mod unpack;

pub use edit::{apply_patch, replace};
pub use package::unpack_package;
pub use unpack::{place_file, unpack_tar};

use std::io;

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::model::PathError;

/// Why a source could not be made.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file could not be read or written; the cause names it.
    #[error("cannot write the source's tree")]
    Io {
        /// Which, and why.
        #[from]
        source: io::Error,
    },
    /// An archive is broken or hostile.
    #[error("cannot unpack `{name}`")]
    Archive {
        /// Its file name.
        name: String,
        /// How.
        source: ArchiveError,
    },
    /// A patch is not a unified diff.
    #[error("`{patch}` is not a unified diff: {reason}")]
    NotAPatch {
        /// The patch.
        patch: String,
        /// Why not.
        reason: String,
    },
    /// A patch does not fit.
    #[error("`{patch}` does not apply to `{file}`: {reason}")]
    DoesNotApply {
        /// The patch.
        patch: String,
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// A text to replace does not occur.
    #[error("`replace` finds no `{text}` in `{file}`")]
    NothingToReplace {
        /// The file.
        file: String,
        /// What was to be replaced, shortened.
        text: String,
    },
    /// A name in an edit leads out of the tree.
    #[error("an edit names a file outside of the source")]
    Outside {
        /// How.
        source: PathError,
    },
    /// The files of a source package are not what such a package has.
    #[error("the source package {reason}")]
    NotASourcePackage {
        /// What is odd.
        reason: String,
    },
}

impl SourceError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } | Self::Outside { .. } | Self::NotAPatch { .. } => return None,
            Self::Archive { .. } => {
                "look at the archive with `tar -tvf`; what it was pinned as is in the lock".to_owned()
            }
            Self::DoesNotApply { .. } => {
                "patches apply without fuzz: make it anew against the pinned version, or set `strip=`".to_owned()
            }
            Self::NothingToReplace { .. } => {
                "the text must stand there exactly, spaces included; the source may have moved since it was written"
                    .to_owned()
            }
            Self::NotASourcePackage { .. } => "formats `3.0 (quilt)` and `3.0 (native)` are known".to_owned(),
        })
    }
}
