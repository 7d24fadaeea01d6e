//! A recipe as it is after unification, with the place that each value came from: as KDL that reads back as the same
//! recipe, and as data.

mod merge;
mod print;
mod shown;
mod strings;

#[cfg(test)]
mod tests;

use crate::model::{ImageName, Place, Platform, RecipeName, SourceMap};

use super::file::Unified;
use super::recipe_file::RECIPE;

pub use print::ShownPart;
pub use shown::{Provenance, Shown};

/// The recipes of a project with all that definitions bring, before they are given a meaning.
#[derive(Debug)]
pub struct UnifiedProject {
    pub(super) recipes: Vec<Unified>,
    /// Where each definition stands, and what it is called.
    pub(super) definitions: Vec<(Place, String)>,
}

impl UnifiedProject {
    /// What `recipe` says: for `platform`, or for all of its platforms; only the image `image` of it, when one is named.
    #[must_use]
    pub fn show(
        &self,
        recipe: &RecipeName,
        image: Option<&ImageName>,
        platform: Option<Platform>,
        sources: &SourceMap,
    ) -> Option<Shown> {
        let found = self.recipes.iter().find(|unified| unified.name == *recipe)?;
        let wanted = |on: Platform| platform.is_none_or(|platform| platform == on);
        let readings = found.readings.iter().filter(|reading| wanted(reading.platform));
        let maker = shown::Maker { sources, definitions: &self.definitions };
        let lists: Vec<(Platform, Vec<shown::ShownNode>)> =
            readings.map(|reading| (reading.platform, maker.recipe(reading))).collect();
        let platforms: Vec<Platform> =
            found.platforms.iter().copied().filter(|platform| lists.iter().any(|(on, _)| on == platform)).collect();
        let mut nodes = shown::header(recipe, &platforms);
        nodes.extend(merge::merge(lists, &RECIPE));
        if let Some(image) = image {
            nodes = shown::only(nodes, image);
        }
        Some(Shown { recipe: recipe.clone(), platforms, nodes })
    }
}
