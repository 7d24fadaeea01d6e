//! Why a step failed.

use thiserror::Error;

use super::PinError;
use crate::distribution::world::WorldError;
use crate::fetch::FetchError;
use crate::image::ImageError;
use crate::model::{Digest, Place, Platform};
use crate::stage::source::SourceError;
use crate::stage::{RootError, StageError};
use crate::store::StoreError;

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
    OtherTree { what: String, expected: Digest, found: Digest },
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

impl StepError {
    /// Where in the recipes it is, when the error itself knows.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Absent { place, .. } => Some(*place),
            Self::Image(error) => error.place(),
            _ => None,
        }
    }

    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Stage(error) => return error.help(),
            Self::Root(error) => return error.help(),
            Self::Source(error) => return error.help(),
            Self::Image(error) => return error.help(),
            Self::Store(error) => return error.help(),
            Self::Fetch(error) => return error.help(),
            Self::Registry { source, .. } => return source.help(),
            Self::World(_) => return None,
            Self::OtherTree { .. } | Self::OtherBase { .. } => {
                "somebody changed the lock by hand, or what it was made from changed: find out which, then run \
                 `orchestrate refresh` for the recipe and review what moves"
                    .to_owned()
            }
            Self::NotGranted { add, .. } => format!("if it should, add {add}"),
            Self::NoVariable { variable, .. } => {
                format!("set `{variable}`, or name a file with the secret in the environment file")
            }
            Self::Absent { .. } => "list what the step put into \"$OUT\"".to_owned(),
        })
    }
}
