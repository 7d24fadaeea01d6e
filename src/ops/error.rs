//! What can go wrong in a verb, and whose business it is.

use camino::Utf8PathBuf;
use thiserror::Error;

use super::environment::EnvironmentError;
use super::show::ShowError;
use crate::distribution::openpgp::{KeyringError, SignatureError};
use crate::distribution::suite::{DocumentError, WorldFault};
use crate::distribution::world::WorldError;
use crate::fetch::{FetchError, FetchFailure};
use crate::image::ImageError;
use crate::import::ImportError;
use crate::lock::LockError;
use crate::model::{ArchiveName, ArchivePathError, ByteSize, ImageName, Place, Platform, Timestamp};
use crate::plan::{PlanError, Subject};
use crate::publish::PublishError;
use crate::recipe::Mistakes;
use crate::resolve::Unsatisfiable;
use crate::stage::source::SourceError;
use crate::stage::{RootError, StageError};
use crate::store::StoreError;

/// Why a verb did not do what was asked.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what each is; `source` is always the cause")]
pub enum OpsError {
    #[error("no project here: neither `{start}` nor a folder above it holds `images/project.kdl`")]
    NoProject { start: Utf8PathBuf },
    #[error("{mistakes}")]
    Recipes { mistakes: Box<Mistakes> },
    #[error("the lock cannot be used")]
    Lock { source: LockError },
    #[error("the environment file cannot be used")]
    Environment { source: EnvironmentError },
    #[error("the store cannot be used")]
    Store {
        #[from]
        source: StoreError,
    },
    #[error("cannot plan the build")]
    Plan {
        #[from]
        source: PlanError,
    },
    #[error("not all inputs could be fetched")]
    Fetch {
        #[from]
        source: FetchError,
    },
    #[error("{subject} failed")]
    Step { subject: Subject, place: Option<Place>, source: Box<StepError> },
    #[error("{option} does not allow these steps, whose output the lock records: {}", steps.join(", "))]
    VendorRefused { steps: Vec<String>, option: &'static str },
    #[error("{count} steps failed")]
    Steps { count: usize, failures: Vec<OpsError> },
    #[error("cannot make an image's index")]
    Index {
        #[from]
        source: ImageError,
    },
    #[error("cannot write the images out")]
    Publish {
        #[from]
        source: PublishError,
    },
    #[error("`{output}` takes {takes}, and {given} were asked for")]
    Output { output: String, takes: &'static str, given: usize },
    #[error("cannot refresh from suite `{suite}` of archive `{archive}`")]
    Suite { archive: ArchiveName, suite: String, place: Place, source: Box<SuiteError> },
    #[error("the lock records no suite of an archive, so there is nothing to look in")]
    NoSuites,
    #[error("no mirror is known for archive `{archive}`")]
    NoMirror { archive: ArchiveName, place: Place },
    #[error("a file has no URL at the mirrors")]
    Path { source: ArchivePathError },
    #[error(transparent)]
    World {
        #[from]
        source: WorldError,
    },
    #[error("the indexes do not fit together")]
    Catalogue { source: WorldFault },
    #[error("no packages can be found for {what}")]
    Unsatisfiable { what: String, source: Box<Unsatisfiable> },
    #[error("there is no source package `{name}` in {distribution}")]
    NoSourcePackage { name: String, distribution: String, place: Place },
    #[error("cannot pin {what}")]
    Pin { what: String, place: Place, source: Box<PinError> },
    #[error(transparent)]
    Show {
        #[from]
        source: ShowError,
    },
    #[error("the image `{image}` has {size} for {platform}; the project's policy allows {budget}")]
    TooLarge { image: ImageName, platform: Platform, size: ByteSize, budget: ByteSize, place: Place },
    #[error("there is no recipe `{name}`")]
    UnknownRecipe { name: String, known: Vec<String> },
    #[error("image `{image}` asks for packages, but neither it nor an image below it names a distribution")]
    NoDistribution { image: ImageName, place: Place },
    #[error("cannot import `{path}`")]
    Import { path: Utf8PathBuf, source: ImportError },
    #[error("`{path}` exists")]
    Exists { path: Utf8PathBuf },
    #[error("there is an image `{name}` already")]
    ImageExists { name: String },
    #[error("this machine's processor is not one that images can be built on")]
    UnknownMachine,
    #[error("cannot read or write a file")]
    Io {
        #[from]
        source: std::io::Error,
    },
}

/// Why a step failed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each is a room's own error")]
pub enum StepError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{what} is {found}, but the lock says {expected}")]
    OtherTree { what: String, expected: crate::model::Digest, found: crate::model::Digest },
    #[error("`{reference}` for {platform} has another configuration or other layers than the lock says")]
    OtherBase { reference: String, platform: Platform },
    #[error("cannot ask the registry whether `{reference}` is what the lock says")]
    Registry { reference: String, source: Box<PinError> },
    #[error("the environment file does not let {subject} have the secret `{id}`")]
    NotGranted { subject: String, id: String, add: String },
    #[error("the secret `{id}` is in the variable `{variable}`, which is not set")]
    NoVariable { id: String, variable: String },
    #[error("`{path}` is not in the output of {from}")]
    Absent { path: String, from: String, place: Place },
}

/// Why a suite could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each is a room's own error")]
pub enum SuiteError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the keyring cannot be used")]
    Keys {
        #[from]
        source: KeyringError,
    },
    #[error("index `{name}` cannot be read")]
    Index { name: String, source: WorldFault },
    #[error("index `{name}` cannot be decompressed")]
    Archive { name: String, source: crate::archive::ArchiveError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read the keyring")]
    Keyring { source: std::io::Error },
    #[error("a file has no URL at the mirrors")]
    Path {
        #[from]
        source: ArchivePathError,
    },
    #[error("the release file is from {date}, older than the one from {locked} that `lock/archives.kdl` records")]
    Older { date: Timestamp, locked: Timestamp },
    #[error("no mirror has a release file that may be used:{}", refused.iter().map(|one| format!("\n  - {one}")).collect::<String>())]
    Mirrors { refused: Vec<RefusedMirror> },
}

impl SuiteError {
    /// Whether no other mirror would help.
    pub(super) const fn is_about_here(&self) -> bool {
        match self {
            Self::Fetch(error) => !matches!(error, FetchError::Failed { .. }),
            Self::Store(_) | Self::Path { .. } => true,
            _ => false,
        }
    }

    /// Whether a mirror has only an older release than the lock.
    pub(crate) fn is_older(&self) -> bool {
        match self {
            Self::Older { .. } => true,
            Self::Mirrors { refused } => refused.iter().any(|one| one.error.is_older()),
            _ => false,
        }
    }

    /// What is wrong when none of these mirrors helped: the error itself where it says all, as that of a single mirror
    /// does and those of fetching together.
    pub(super) fn of_mirrors(mut refused: Vec<RefusedMirror>) -> Self {
        if refused.iter().all(|one| matches!(one.error, Self::Fetch(FetchError::Failed { .. }))) {
            let (mut label, mut attempts) = (String::new(), Vec::new());
            for one in refused {
                if let Self::Fetch(FetchError::Failed { failures }) = one.error {
                    for failure in failures {
                        label = failure.label;
                        attempts.extend(failure.attempts);
                    }
                }
            }
            return Self::Fetch(FetchError::Failed { failures: vec![FetchFailure { label, attempts }] });
        }
        match refused.pop() {
            Some(single) if refused.is_empty() && !single.error.is_older() => single.error,
            last => {
                refused.extend(last);
                Self::Mirrors { refused }
            }
        }
    }
}

/// A mirror whose release file may not be used, and why.
#[derive(Debug)]
pub struct RefusedMirror {
    /// The URL of its release file, without credentials.
    url: String,
    error: SuiteError,
}

impl RefusedMirror {
    pub(super) fn new(url: &url::Url, error: SuiteError) -> Self {
        Self { url: crate::fetch::shown(url), error }
    }
}

impl std::fmt::Display for RefusedMirror {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let SuiteError::Fetch(FetchError::Failed { failures }) = &self.error {
            let reasons = failures.iter().flat_map(|failure| &failure.attempts).map(|attempt| attempt.reason.as_str());
            return write!(out, "{}: {}", self.url, reasons.collect::<Vec<_>>().join("; "));
        }
        write!(out, "{}: {}", self.url, self.error)?;
        let mut cause: &dyn std::error::Error = &self.error;
        while let Some(deeper) = cause.source() {
            write!(out, ": {deeper}")?;
            cause = deeper;
        }
        Ok(())
    }
}

/// Why a source could not be pinned.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each is a room's own error")]
pub enum PinError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the keyring cannot be used")]
    Keys {
        #[from]
        source: KeyringError,
    },
    #[error("the registry answers with {found} when it is asked for {expected}")]
    OtherManifest { expected: crate::model::Digest, found: crate::model::Digest },
    #[error("it is not for {platform}, but for {}", known.join(", "))]
    NoPlatform { platform: crate::model::Platform, known: Vec<String> },
    #[error("it is no image: {reason}")]
    NotAnImage { reason: String },
    #[error("cannot read the keyring")]
    Keyring { source: std::io::Error },
    #[error("a file has no URL at the mirrors")]
    Path {
        #[from]
        source: ArchivePathError,
    },
    #[error("`{url}` is not a URL")]
    Url { url: String, source: url::ParseError },
}
