//! What an archive publishes of a suite: one signed document, and the indexes that it vouches for.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead};

use serde::Serialize;
use thiserror::Error;

use super::openpgp::{Keyring, SignatureError};
use crate::model::{Digest, Platform, Timestamp};

/// An error of one package world.
pub type WorldFault = Box<dyn Error + Send + Sync>;

/// Reads what archives of a package world publish.
pub trait ArchiveFormat: Sync {
    /// Where the signed document of a suite is, relative to the archive's base URL.
    fn document(&self, suite: &str) -> String;

    /// Verifies a signed document and reads it.
    ///
    /// # Errors
    /// When nobody who is trusted signed it, or it is not what was asked for.
    fn read(&self, document: &SignedDocument<'_>) -> Result<Box<dyn Suite>, DocumentError>;

    /// Reads the wanted ones of an index of source packages. Those that the suite keeps for other reasons than to offer
    /// them are left out.
    ///
    /// # Errors
    /// When it is no index, or a wanted package cannot be fetched from what it says.
    fn source_packages(
        &self,
        index: &mut dyn BufRead,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<SourcePackage>, WorldFault>;

    /// Calls `visit` with each file of a list of contents, without a leading slash, and each package that has it.
    ///
    /// # Errors
    /// When the list cannot be read.
    fn contents(&self, list: &mut dyn BufRead, visit: &mut dyn FnMut(&str, &str)) -> io::Result<()>;

    /// Which of two versions is the newer one.
    fn compare_versions(&self, one: &str, other: &str) -> std::cmp::Ordering;
}

/// A document as it came, and how it is verified.
#[derive(Clone, Copy)]
pub struct SignedDocument<'a> {
    /// The document.
    pub bytes: &'a [u8],
    /// Who may sign.
    pub keyring: &'a Keyring,
    /// Of these, the keys that may; all when empty.
    pub fingerprints: &'a [String],
    /// The suite that was asked for.
    pub suite: &'a str,
    /// What time it is.
    pub now: Timestamp,
    /// Whether it is from a dated record, which is out of date by its nature.
    pub is_dated: bool,
}

/// A suite whose document was verified.
pub trait Suite: fmt::Debug + Send + Sync {
    /// When it was published.
    fn date(&self) -> Timestamp;

    /// How much its packages are preferred to those of other suites.
    fn priority(&self) -> i32;

    /// The index of the packages of a component, for a platform. A suite may have none.
    fn packages(&self, component: &str, platform: Platform) -> Option<IndexFile>;

    /// The index of the source packages of a component.
    fn sources(&self, component: &str) -> Option<IndexFile>;

    /// The lists of the files of a component's packages, for a platform.
    fn contents(&self, component: &str, platform: Platform) -> Vec<IndexFile>;
}

/// A file that a signed document vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ListedFile {
    /// Its hash.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// An index as it can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexFile {
    /// Its path, relative to the folder of the suite's document.
    pub path: String,
    /// Another path, that is never replaced while it is being read, where the archive offers one.
    pub by_hash: Option<String>,
    /// What it must be.
    pub file: ListedFile,
}

/// A source package of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its files, with paths relative to the archive's base URL; checked.
    pub files: Vec<(String, ListedFile)>,
}

/// Why a signed document may not be used.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// It is not UTF-8.
    #[error("the release file is not text")]
    NotText,
    /// Nobody who is trusted signed it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It should have been replaced by now.
    #[error(transparent)]
    Expired(WorldFault),
    /// It says something else than what was asked for.
    #[error(transparent)]
    Refused(WorldFault),
}

impl DocumentError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Signature(_) => KEYRING_HELP.to_owned(),
            Self::Expired(_) => {
                "the mirror is behind or replays an old file: name another one in the environment file, or \
                                 pin the archive to its `snapshot` of a date; or this machine's clock is wrong"
                    .to_owned()
            }
            Self::NotText | Self::Refused(_) => return None,
        })
    }
}

/// What to do when a signature or a keyring is not as it should be.
pub(crate) const KEYRING_HELP: &str = "the archive's `keyring` in images/project.kdl says which keys are trusted; a mirror \
                                       may also serve a damaged file";
