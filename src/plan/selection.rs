//! What of a project is wanted.

use super::error::PlanError;
use crate::model::{ImageName, Platform};
use crate::recipe::{Project, RecipeSet, Status};

/// What of a project is wanted.
#[derive(Clone, Debug)]
pub struct Selection {
    /// These images; all that are not retired when empty.
    pub images: Vec<ImageName>,
    /// These platforms; those of each recipe when empty.
    pub platforms: Vec<Platform>,
    /// What stages run on.
    pub build: Platform,
}

/// The images and platforms that are wanted, in the order of recipes.
pub(super) fn select(project: &Project, selection: &Selection) -> Result<Vec<(ImageName, Platform)>, PlanError> {
    let images_of = |set: &RecipeSet, platform: &Platform| -> Vec<ImageName> {
        set.on.get(platform).map(|recipe| recipe.images.keys().cloned().collect()).unwrap_or_default()
    };
    let mut images = Vec::new();
    for name in &selection.images {
        let called = project.images_called(name);
        let Some(set) = called.first().and_then(|name| project.recipe_of(name)) else {
            let known = project
                .recipes
                .values()
                .flat_map(|set| set.on.values())
                .flat_map(|recipe| recipe.images.keys().cloned());
            let mut known: Vec<_> = known.collect();
            known.sort();
            known.dedup();
            return Err(PlanError::UnknownImage { name: name.clone(), known });
        };
        let missing = |platform: &&Platform| !called.iter().any(|name| images_of(set, platform).contains(name));
        if let Some(&platform) = selection.platforms.iter().find(missing) {
            return Err(PlanError::NotFor { name: name.clone(), platform, known: set.platforms.clone() });
        }
        images.extend(called);
    }
    let mut wanted = Vec::new();
    for set in project.recipes.values() {
        for platform in &set.platforms {
            let Some(recipe) = set.on.get(platform) else { continue };
            let chosen = |name: &ImageName| match images.as_slice() {
                [] => recipe.status != Status::Retired,
                images => images.contains(name),
            };
            let platform_chosen = selection.platforms.is_empty() || selection.platforms.contains(platform);
            let images = recipe.images.keys().filter(|name| platform_chosen && chosen(name));
            wanted.extend(images.map(|name| (name.clone(), *platform)));
        }
    }
    wanted.sort_by(|one, other| one.0.cmp(&other.0)); // stable: platforms stay in the recipe's order
    Ok(wanted)
}
