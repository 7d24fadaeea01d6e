//! What can go wrong in a verb, and whose business it is.

mod diagnose;
mod pin;
mod step;
mod suite;

use camino::Utf8PathBuf;
use thiserror::Error;

use super::environment::EnvironmentError;
use super::show::ShowError;
use crate::diagnostic::nearest::known_name;
use crate::distribution::suite::WorldFault;
use crate::distribution::world::WorldError;
use crate::fetch::FetchError;
use crate::image::ImageError;
use crate::import::ImportError;
use crate::lock::LockError;
use crate::model::{ArchiveName, ArchivePathError, ByteSize, ImageName, Place, Platform};
use crate::plan::{PlanError, Subject};
use crate::publish::PublishError;
use crate::recipe::Mistakes;
use crate::resolve::Unsatisfiable;
use crate::store::StoreError;

pub use pin::PinError;
pub use step::StepError;
pub(super) use suite::RefusedMirror;
pub use suite::SuiteError;

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

impl OpsError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoProject { .. } => "go to the repository of images, or name it with `--project DIR`".to_owned(),
            Self::Lock { source } => source.help(),
            Self::Store { source } => return source.help(),
            Self::Fetch { source } => return source.help(),
            Self::Plan { source } => return source.help(),
            Self::Step { source, .. } => return source.help(),
            Self::Index { source } => return source.help(),
            Self::Publish { source } => return source.help(),
            Self::Suite { source, .. } => return source.help(),
            Self::Pin { source, .. } => return source.help(),
            Self::Unsatisfiable { source, .. } => return source.help.clone(),
            Self::Import { source, .. } => source.help(),
            Self::Show { source } => source.help(),
            Self::VendorRefused { option, .. } => format!(
                "run `orchestrate fetch` with the same store first: it runs vendor steps and compares their output with \
                 the lock; then `build {option}` finds it there"
            ),
            Self::Output { .. } => "choose images and platforms on the command line, or use `oci:DIR`".to_owned(),
            Self::TooLarge { .. } => "leave packages or files out (`exclude`), raise `size` in the policy of \
                                      images/project.kdl, or write `waive \"policy-size\" reason=\"…\"` in the image"
                .to_owned(),
            Self::UnknownRecipe { name, known } => known_name(name, known.iter().map(String::as_str)),
            Self::NoMirror { archive, .. } => format!(
                "name one in the environment file: `mirror \"{archive}\" \"http://…\"`, or give the archive a `snapshot` \
                 in images/project.kdl"
            ),
            Self::NoSuites => "run `orchestrate refresh` first".to_owned(),
            Self::NoDistribution { .. } => {
                "say where its packages come from: add `distribution NAME suite=SUITE` to the \
                                            image, with a name that images/project.kdl declares"
                    .to_owned()
            }
            Self::NoSourcePackage { .. } => {
                "check the name: a source package may have another name than the packages that are built from it"
                    .to_owned()
            }
            Self::Exists { .. } => "nothing was written: choose another name, or remove what is there".to_owned(),
            Self::ImageExists { .. } => {
                "names of images are unique in a project: choose another one; `orchestrate list` shows all".to_owned()
            }
            Self::UnknownMachine => "run it on a machine of one of the platforms in docs/reference.md".to_owned(),
            Self::Recipes { .. }
            | Self::Environment { .. }
            | Self::Steps { .. }
            | Self::Path { .. }
            | Self::World { .. }
            | Self::Catalogue { .. }
            | Self::Io { .. } => return None,
        })
    }

    /// Where in the recipes it is, when it is in one place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Suite { place, .. }
            | Self::NoMirror { place, .. }
            | Self::NoSourcePackage { place, .. }
            | Self::Pin { place, .. }
            | Self::NoDistribution { place, .. }
            | Self::TooLarge { place, .. } => Some(*place),
            Self::Plan { source } => source.place(),
            Self::Step { place, source, .. } => source.place().or(*place),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
