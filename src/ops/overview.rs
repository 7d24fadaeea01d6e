//! `list`: what recipes alone say of images.

use serde::Serialize;

use crate::model::{ImageName, Platform, RecipeName};
use crate::recipe::{Base, Project, Status};

/// An image of a project.
#[derive(Debug, Serialize)]
pub struct ListedImage {
    /// Its name.
    pub name: ImageName,
    /// What it is built on: an image, a reference to a registry, or `scratch`.
    pub from: String,
    /// What it is built for.
    pub platforms: Vec<Platform>,
    /// Its recipe.
    pub recipe: RecipeName,
    /// Whether the recipe is still cared for.
    pub status: Status,
    /// What its recipe calls itself.
    pub title: Option<String>,
}

/// The images of a project, by name.
#[must_use]
pub fn list(project: &Project) -> Vec<ListedImage> {
    let mut images = std::collections::BTreeMap::new();
    for set in project.recipes.values() {
        for platform in &set.platforms {
            let Some(recipe) = set.on.get(platform) else { continue };
            for (name, image) in &recipe.images {
                let listed = images.entry(name.clone()).or_insert_with(|| ListedImage {
                    name: name.clone(),
                    from: match &image.from {
                        Base::Scratch => "scratch".to_owned(),
                        Base::Image(base) => base.to_string(),
                        Base::Oci(reference) => reference.to_string(),
                    },
                    platforms: Vec::new(),
                    recipe: set.name.clone(),
                    status: recipe.status,
                    title: recipe.about.title.clone(),
                });
                listed.platforms.push(*platform);
            }
        }
    }
    images.into_values().collect()
}
