//! What can keep an image from being published.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::model::{Digest, ImagePath, Platform};
use crate::store::StoreError;

/// Why an image cannot be published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A file or folder of the output failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The store failed.
    #[error("the store failed while an image was published")]
    Store {
        /// How.
        #[from]
        source: StoreError,
    },
    /// More images, or platforms of one, than the format has room for; or none.
    #[error("this output takes {takes}, and {given} were asked for")]
    Takes {
        /// What it takes.
        takes: &'static str,
        /// How many there were.
        given: usize,
    },
    /// A folder that holds something else.
    #[error("`{path}` holds files but is not an OCI layout")]
    NotALayout {
        /// The folder.
        path: PathBuf,
    },
    /// An index that cannot be understood.
    #[error("`{path}` is not the index of an OCI layout")]
    Index {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A layer that cannot be read.
    #[error("the layer {layer} cannot be read")]
    Layer {
        /// Which.
        layer: Digest,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// A layer that has something below a link or file of another layer.
    #[error("the layer {layer} holds `{path}`, but `{above}` is {kind} of another layer")]
    BelowNoFolder {
        /// What is below.
        path: ImagePath,
        /// The layer that holds it.
        layer: Digest,
        /// What it is below.
        above: ImagePath,
        /// What that is.
        kind: String,
    },
    /// An archive that cannot be written.
    #[error("cannot write `{path}`")]
    Archive {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// An output for one platform was asked for an image of several.
    #[error("{output} holds images of one platform, and these are for {}", list(platforms))]
    Platforms {
        /// The kind of output.
        output: &'static str,
        /// The platforms.
        platforms: Vec<Platform>,
    },
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ")
}

impl PublishError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::BelowNoFolder { .. } => Some(
                "write an OCI layout instead, with `oci:DIR`: a container runtime lays the layers over each other"
                    .to_owned(),
            ),
            Self::NotALayout { path } => Some(format!("choose an empty or new folder, or remove `{}`", path.display())),
            Self::Index { path, .. } => Some(format!("remove the folder around `{}` and build again", path.display())),
            Self::Platforms { platforms, .. } => {
                platforms.first().map(|first| format!("choose one with `--platform {first}`"))
            }
            Self::Layer { .. } => {
                Some("run `orchestrate cache verify`, which removes what is damaged, and build again".to_owned())
            }
            Self::Store { source } => source.help(),
            Self::Takes { .. } => Some(
                "choose images and platforms on the command line, or write an OCI layout with `oci:DIR`".to_owned(),
            ),
            Self::Io { .. } | Self::Archive { .. } => None,
        }
    }
}
