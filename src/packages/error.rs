//! What can keep packages from being together.

use std::io;

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::distribution::world::{ControlError, WorldError};
use crate::model::{Digest, ImagePath, shown_list};
use crate::store::StoreError;

use super::merge::Clash;

/// Why packages cannot be put together.
#[derive(Debug, Error)]
pub enum PackagesError {
    /// The store failed.
    #[error("the store failed while packages were put together")]
    Store {
        /// How.
        #[from]
        source: StoreError,
    },
    /// A package is not what a package may be.
    #[error("package {package} cannot be unpacked")]
    Package {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// The control data of a package cannot be used.
    #[error(transparent)]
    Control {
        /// Which, and why.
        #[from]
        source: ControlError,
    },
    /// The packages are of no world.
    #[error(transparent)]
    World {
        /// Why.
        #[from]
        source: WorldError,
    },
    /// A package ships one path under two names.
    #[error(
        "package {package} ships `{path}` twice: as `{first}` and as `{second}`, which are one path where folders of the root are links into /usr"
    )]
    Twice {
        /// The package.
        package: String,
        /// The path.
        path: ImagePath,
        /// Its first name.
        first: ImagePath,
        /// Its second name.
        second: ImagePath,
    },
    /// Packages claim the same paths.
    #[error("the packages cannot be installed together: {}", shown_list(clashes))]
    Conflict {
        /// All claims that nothing settles.
        clashes: Vec<Clash>,
    },
    /// Package configuration failed.
    #[error("the packages cannot be configured")]
    Configure {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something that an earlier build left in the store is gone.
    #[error("{what} ({digest}) is not in the store any more")]
    Lost {
        /// What.
        what: &'static str,
        /// Which.
        digest: Digest,
    },
    /// A piece of a layer cannot be written.
    #[error("cannot write {what}")]
    Write {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl PackagesError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Package { source, .. } => return source.help().map(str::to_owned),
            Self::Conflict { .. } => {
                "leave one of the packages out, or leave the path out of the image with `exclude`".to_owned()
            }
            Self::Twice { path, .. } => format!("leave it out with `exclude \"{path}\"`, or choose another version"),
            Self::Control { source: ControlError::OtherPackage { .. } } => {
                "run `orchestrate refresh` to pin it again".to_owned()
            }
            Self::Control { source: ControlError::Unreadable { .. } } => {
                "the package does not follow its format: choose another version".to_owned()
            }
            Self::Lost { .. } => {
                "run `orchestrate cache verify`, which removes what is damaged, and build again".to_owned()
            }
            Self::Store { source } => return source.help(),
            Self::World { .. } | Self::Configure { .. } | Self::Write { .. } | Self::Io { .. } => return None,
        })
    }
}
