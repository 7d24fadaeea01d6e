//! Why there is no plan.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use thiserror::Error;

use super::fit::Misfit;
use crate::diagnostic::nearest::known_name;
use crate::model::{ImageName, ImagePath, Place, Platform};

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The lock does not answer what the recipes ask.
    #[error("the lock does not fit the recipes")]
    Unfit {
        /// All of it, sorted.
        misfits: Vec<Misfit>,
    },
    /// A name that is no image.
    #[error("there is no image `{name}`")]
    UnknownImage {
        /// The name.
        name: ImageName,
        /// The images that there are.
        known: Vec<ImageName>,
    },
    /// An image that is not for a platform that was asked for.
    #[error("image `{name}` is not for {platform}")]
    NotFor {
        /// The image.
        name: ImageName,
        /// The platform.
        platform: Platform,
        /// What its recipe says.
        known: Vec<Platform>,
    },
    /// A stage needs a toolchain that is not there for the machine that builds.
    #[error("`{toolchain}` cannot be built on {build}: its recipe does not name that platform")]
    NoToolchain {
        /// The image.
        toolchain: ImageName,
        /// The build machine's platform.
        build: Platform,
        /// Where a stage asks for it.
        place: Place,
    },
    /// A file beside a recipe cannot be read.
    #[error("cannot read `{path}`, which is copied into an image or a source")]
    Local {
        /// Relative to the project.
        path: Utf8PathBuf,
        /// Where the recipe says so.
        place: Place,
        /// Why.
        source: std::io::Error,
    },
    /// A toolchain's image takes files out of another image, and roots are made without images.
    #[error("a toolchain's image cannot copy from image `{image}`")]
    ToolchainFromImage {
        /// The other image.
        image: ImageName,
        /// Where.
        place: Place,
    },
    /// A cache where programs or libraries are looked up.
    #[error(
        "the cache `{cache}` cannot be kept: `{variable}` names `{folder}`, where the step would run what an earlier one left"
    )]
    CacheInSearchPath {
        /// The cache.
        cache: ImagePath,
        /// The variable of the stage or of its toolchain's image.
        variable: &'static str,
        /// The folder that it names.
        folder: ImagePath,
        /// The stage.
        place: Place,
    },
    /// A reference that loading the recipes should have refused.
    #[error("{what} is not known")]
    Dangling {
        /// What.
        what: String,
        /// Where.
        place: Place,
    },
}

impl PlanError {
    /// Where in the recipes it is, when it is in one place.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::NoToolchain { place, .. }
            | Self::ToolchainFromImage { place, .. }
            | Self::CacheInSearchPath { place, .. }
            | Self::Local { place, .. }
            | Self::Dangling { place, .. } => Some(*place),
            Self::Unfit { .. } | Self::UnknownImage { .. } | Self::NotFor { .. } => None,
        }
    }

    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unfit { misfits } => {
                let recipes: BTreeSet<&str> = misfits.iter().map(|misfit| misfit.recipe.as_str()).collect();
                format!("run `orchestrate refresh {}`", Vec::from_iter(recipes).join(" "))
            }
            Self::UnknownImage { name, known } => known_name(name.as_str(), known.iter().map(AsRef::as_ref)),
            Self::NotFor { known, .. } => {
                format!("its recipe is for {}", known.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::NoToolchain { build, .. } => format!("add `{build}` to the `platforms` of the toolchain's recipe"),
            Self::Local { .. } => "check the path; it is relative to the recipe's folder".to_owned(),
            Self::ToolchainFromImage { .. } => "copy from the stage that makes the files".to_owned(),
            Self::CacheInSearchPath { .. } => "choose another folder for the cache, like `/cache`".to_owned(),
            Self::Dangling { .. } => return None,
        })
    }
}
