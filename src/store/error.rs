//! What can go wrong in a store, told apart by what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::Digest;

/// What to do when a file system has no room.
pub(crate) const FREE_SPACE: &str = "free some space, for instance with `orchestrate cache clean`";

/// Why the store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system has no room, or the user's quota is used up.
    #[error("no space left to {doing} `{path}`")]
    Full {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The user may not.
    #[error("not permitted to {doing} `{path}`")]
    Denied {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Bytes that are not what they were promised to be.
    #[error("expected {expected}, found {found}")]
    Mismatch {
        /// The digest that was promised.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// Bytes that are more or fewer than promised.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// The promised length.
        expected: u64,
        /// How many came; when too many came, as many as were read before giving up.
        found: u64,
    },
    /// A digest that the store does not hold.
    #[error("the store does not hold blob {digest}")]
    NoBlob {
        /// Which.
        digest: Digest,
    },
    /// A device, pipe or socket in a tree.
    #[error("`{path}` is {kind}: a tree holds only files, folders and symbolic links")]
    Special {
        /// Where.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A tree beyond the limits.
    #[error("`{path}` holds more than {limit} {what}")]
    TooMuch {
        /// The tree.
        path: PathBuf,
        /// Of what there are too many.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// An entry that was changed after it was stored. It is gone now.
    #[error("`{path}` was changed after it was stored: it was {expected}, and is {found}")]
    Changed {
        /// The blob, or the folder around the tree.
        path: PathBuf,
        /// What was stored.
        expected: Digest,
        /// What was found.
        found: Digest,
    },
    /// A store of somebody else.
    #[error("the store `{path}` belongs to user {owner}, and this is user {user}")]
    OtherOwner {
        /// The store.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
        /// The number of the user who runs the program.
        user: u32,
    },
    /// A store that others can write to.
    #[error("other users of this machine may have written to the store `{path}`: its mode is {mode:04o}")]
    OpenToOthers {
        /// The store.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder that another layout of the store, or something else, lives in.
    #[error("`{path}` is not a store of this version: it says `{found}`, expected `{expected}`")]
    OtherVersion {
        /// The folder.
        path: PathBuf,
        /// The first line of its version file.
        found: String,
        /// What this program writes.
        expected: &'static str,
    },
    /// A name of a kind of record or claim that is no plain word.
    #[error("`{kind}` cannot name a kind of record or claim: only a-z, 0-9 and - may be in it")]
    Kind {
        /// The name.
        kind: String,
    },
    /// A result that cannot be written as JSON.
    #[error("cannot write the {kind} record {digest} as JSON")]
    Encode {
        /// The kind of the record.
        kind: String,
        /// Its key.
        digest: Digest,
        /// What the serialiser said.
        #[source]
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Sorts a failure of the file system by what can be done about it.
    pub(crate) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let (path, kind, source) = (path.to_owned(), error.kind(), plain(error));
        match kind {
            StorageFull | QuotaExceeded => Self::Full { doing, path, source },
            PermissionDenied | ReadOnlyFilesystem => Self::Denied { doing, path, source },
            _ => Self::Io { doing, path, source },
        }
    }

    /// What a person can do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Full { .. } => Some(FREE_SPACE.to_owned()),
            Self::Denied { .. } => Some(
                "the store must belong to the user who builds: name another folder with `cache` in the environment file"
                    .to_owned(),
            ),
            Self::OtherVersion { path, .. } => Some(format!("remove `{}`, or choose another folder", path.display())),
            Self::Mismatch { .. } | Self::Length { .. } => {
                Some("the content changed; if that is expected, run `orchestrate refresh`".to_owned())
            }
            Self::Changed { .. } => Some(
                "it was removed: run the command again, and it is made or fetched anew; `orchestrate cache verify` \
                 checks everything else"
                    .to_owned(),
            ),
            Self::OtherOwner { .. } => Some(
                "each user has a store of their own: name another folder with `--store`, or with `cache` in the \
                 environment file"
                    .to_owned(),
            ),
            Self::OpenToOthers { path, .. } => Some(format!(
                "if you trust them, run `chmod 0700 {path}` and then `orchestrate cache verify`; else remove the store",
                path = path.display()
            )),
            Self::NoBlob { .. } => Some("run the build again without `--offline`, so that it is fetched".to_owned()),
            Self::Io { .. } | Self::Special { .. } | Self::TooMuch { .. } | Self::Kind { .. } | Self::Encode { .. } => {
                None
            }
        }
    }
}

/// The bare error of the system, without the path that `fs_err` put in front: the path is in our own message.
fn plain(error: io::Error) -> io::Error {
    if let Some(cause) = crate::beneath::cause(&error) {
        return match cause.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(cause.kind(), cause.to_string()),
        };
    }
    let inner = error.get_ref().and_then(|inner| inner.source()).and_then(|source| source.downcast_ref::<io::Error>());
    match inner.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}

/// Adds what was being done to a failure of the file system.
pub(super) trait Doing<T> {
    /// `self`, or the error that says that `doing` failed for `path`.
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::io(doing, path, error))
    }
}

impl<T> Doing<T> for rustix::io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|errno| StoreError::io(doing, path, errno.into()))
    }
}
