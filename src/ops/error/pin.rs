//! Why a source could not be pinned.

use thiserror::Error;

use crate::distribution::openpgp::{KeyringError, SignatureError};
use crate::distribution::suite::KEYRING_HELP;
use crate::distribution::world::WorldError;
use crate::fetch::FetchError;
use crate::model::{ArchivePathError, Digest, Platform};
use crate::store::StoreError;

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
    OtherManifest { expected: Digest, found: Digest },
    #[error("it is not for {platform}, but for {}", known.join(", "))]
    NoPlatform { platform: Platform, known: Vec<String> },
    #[error("it is not an image: {reason}")]
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

impl PinError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Fetch(error) => error.help(),
            Self::Store(error) => error.help(),
            Self::Signature(_) | Self::Keys { .. } | Self::Keyring { .. } => Some(KEYRING_HELP.to_owned()),
            Self::OtherManifest { .. } => Some("ask again; if it stays so, use another registry".to_owned()),
            Self::NoPlatform { .. } => {
                Some("choose another image, or take the platform out of the recipe's `platforms`".to_owned())
            }
            Self::NotAnImage { .. } => Some("check the reference: it must name an image or an index".to_owned()),
            Self::Url { .. } => Some("correct the URL in the recipe".to_owned()),
            Self::World(_) | Self::Path { .. } => None,
        }
    }
}
