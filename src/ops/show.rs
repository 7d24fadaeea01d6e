//! `show`: recipes as they are after unification.

use std::str::FromStr;

use camino::Utf8Path;
use thiserror::Error;

use super::error::OpsError;
use crate::diagnostic::nearest::known_name;
use crate::model::{ImageName, NameError, Platform, RecipeName};
use crate::recipe::{self, Loaded, Shown};

/// What is to be shown: a recipe, in all its variants when none is named, an image, or an image of a recipe
/// (`RECIPE:IMAGE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowName(RecipeName);

impl FromStr for ShowName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        RecipeName::new(text).map(Self)
    }
}

/// Why something cannot be shown.
#[derive(Debug, Error)]
pub enum ShowError {
    /// A name that is neither a recipe nor an image.
    #[error("there is no recipe or image `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A recipe that is not for the platform.
    #[error("the recipe `{name}` is not for {platform}")]
    NotFor {
        /// The recipe.
        name: RecipeName,
        /// The platform.
        platform: Platform,
        /// What it is for.
        known: Vec<Platform>,
    },
}

impl ShowError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { name, known } => known_name(name, known.iter().map(String::as_str)),
            Self::NotFor { known, .. } => {
                format!("it is for {}", known.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Shows what is named, or every recipe, on `platform` or on all.
///
/// # Errors
/// With all mistakes of all recipes, or when a name is unknown.
pub fn show(root: &Utf8Path, names: &[ShowName], platform: Option<Platform>) -> Result<Vec<Shown>, OpsError> {
    let loaded = recipe::load(root).map_err(|mistakes| OpsError::Recipes { mistakes: Box::new(mistakes) })?;
    let mut wanted: Vec<(RecipeName, Option<ImageName>)> = Vec::new();
    for name in names {
        wanted.extend(meant(&loaded, &name.0)?);
    }
    if names.is_empty() {
        wanted.extend(loaded.project.recipes.keys().map(|name| (name.clone(), None)));
    }
    let mut shown = Vec::new();
    for (recipe, image) in wanted {
        let known = &loaded.project.recipes[&recipe].platforms;
        if let Some(platform) = platform.filter(|platform| !known.contains(platform)) {
            if names.is_empty() {
                continue;
            }
            return Err(ShowError::NotFor { name: recipe, platform, known: known.clone() }.into());
        }
        shown.extend(loaded.unified.show(&recipe, image.as_ref(), platform, &loaded.project.sources));
    }
    Ok(shown)
}

/// The recipes that a name means, each with the image that is meant of it.
fn meant(loaded: &Loaded, name: &RecipeName) -> Result<Vec<(RecipeName, Option<ImageName>)>, ShowError> {
    let recipes = &loaded.project.recipes;
    let called = |set: &&RecipeName| *set == name || (name.variant().is_none() && set.base() == name.as_str());
    let whole: Vec<_> = recipes.keys().filter(called).map(|set| (set.clone(), None)).collect();
    if !whole.is_empty() {
        return Ok(whole);
    }
    // an image by its name, or after that of its recipe
    let of_recipe = name.variant().filter(|_| recipes.keys().any(|set| set.base() == name.base()));
    let image = ImageName::new(of_recipe.unwrap_or(name.as_str())).ok();
    let images = image.map(|image| loaded.project.images_called(&image)).unwrap_or_default();
    let found = images.into_iter().filter_map(|image| {
        let set = loaded.project.recipe_of(&image)?;
        (of_recipe.is_none() || set.name.base() == name.base()).then(|| (set.name.clone(), Some(image)))
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        let images = recipes.values().flat_map(|set| set.on.values()).flat_map(|recipe| recipe.images.keys());
        let mut known: Vec<String> =
            recipes.keys().map(ToString::to_string).chain(images.map(ToString::to_string)).collect();
        known.sort();
        known.dedup();
        return Err(ShowError::Unknown { name: name.to_string(), known });
    }
    Ok(found)
}
