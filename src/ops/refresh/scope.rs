//! What a refresh looks up, and what of a lock still has somebody who asks for it.

use std::collections::BTreeSet;

use super::RefreshRequest;
use crate::lock::{Lock, SetId, StepOwner};
use crate::model::{ImageName, RecipeName};
use crate::ops::error::OpsError;
use crate::ops::output::InputKind;
use crate::recipe::{Base, Image, Origin, Project, RecipeSet, Stage, Status};

/// Which recipes and which kinds of inputs are looked up.
pub(super) struct Scope {
    pub(super) recipes: BTreeSet<RecipeName>,
    pub(super) only: Vec<InputKind>,
}

impl Scope {
    pub(super) fn new(project: &Project, request: &RefreshRequest) -> Result<Self, OpsError> {
        let mut recipes = BTreeSet::new();
        for name in &request.recipes {
            let found = named(project, name);
            if found.is_empty() {
                let known = project.recipes.keys().map(ToString::to_string).collect();
                return Err(OpsError::UnknownRecipe { name: name.to_string(), known });
            }
            recipes.extend(found);
        }
        if request.recipes.is_empty() {
            let maintained = |set: &&RecipeSet| set.on.values().any(|recipe| recipe.status == Status::Maintained);
            recipes.extend(project.recipes.values().filter(maintained).map(|set| set.name.clone()));
        }
        Ok(Self { recipes, only: request.only.clone() })
    }

    pub(super) fn has(&self, recipe: &RecipeName, kind: InputKind) -> bool {
        self.recipes.contains(recipe) && (self.only.is_empty() || self.only.contains(&kind))
    }
}

/// The recipes that a person means by `name`: that recipe, in all its variants when none is named, or that of an image.
fn named(project: &Project, name: &RecipeName) -> Vec<RecipeName> {
    let called = |set: &RecipeName| *set == *name || (name.variant().is_none() && set.base() == name.as_str());
    let found: Vec<RecipeName> = project.recipes.keys().filter(|set| called(set)).cloned().collect();
    if !found.is_empty() {
        return found;
    }
    let images = ImageName::new(name.as_str()).map(|image| project.images_called(&image)).unwrap_or_default();
    images.iter().filter_map(|image| Some(project.recipe_of(image)?.name.clone())).collect()
}

/// The lock without what no recipe asks for any more.
pub(super) fn pruned(project: &Project, lock: &Lock) -> Lock {
    let mut lock = lock.clone();
    lock.recipes.retain(|name, _| project.recipes.contains_key(name));
    for (name, pins) in &mut lock.recipes {
        let set = &project.recipes[name];
        pins.sources.retain(|(source, platform), _| {
            set.on.iter().any(|(on, recipe)| {
                recipe.sources.contains_key(source) && platform.is_none_or(|platform| platform == *on)
            })
        });
        pins.packages.retain(|id, _| asks_for(project, set, id));
        pins.bases.retain(|(image, platform), _| {
            let image = set.on.get(platform).and_then(|recipe| recipe.images.get(image));
            matches!(image.map(|image| &image.from), Some(Base::Oci(_)))
        });
    }
    lock
}

pub(super) fn asks_for(project: &Project, set: &RecipeSet, id: &SetId) -> bool {
    let own = |stage: &Stage| !stage.packages.is_empty() || !stage.target_packages.is_empty();
    let Some(recipe) = set.on.get(&id.target()) else { return false };
    match id {
        SetId::Image { name, .. } => recipe.images.get(name).is_some_and(has_packages),
        SetId::Step { build, .. } if !project.build_platforms.contains(build) => false,
        SetId::Step { owner: StepOwner::Stage(name), .. } => recipe.stages.get(name).is_some_and(own),
        SetId::Step { owner: StepOwner::Vendor(name), .. } => {
            let origin = recipe.sources.get(name).map(|source| &source.origin);
            matches!(origin, Some(Origin::Vendor(stage)) if own(stage))
        }
    }
}

pub(super) fn has_packages(image: &Image) -> bool {
    !image.packages.is_empty() || !image.selections.is_empty()
}
