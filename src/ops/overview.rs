//! `list` and `check`: what can be told from recipes and lock alone.

use serde::Serialize;

use super::error::OpsError;
use super::services::{ProjectFiles, Services};
use super::workspace::Workspace;
use crate::model::{ImageName, Platform, RecipeName};
use crate::plan::{self, Selection};
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

/// What `check` looked at.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Recipes.
    pub recipes: usize,
    /// Images.
    pub images: usize,
    /// Steps that building everything would take.
    pub steps: usize,
}

/// Verifies that everything can be planned: recipes, references, files beside them, and the lock's fit.
///
/// # Errors
/// With all that does not fit.
pub fn check(workspace: &Workspace, services: &Services<'_>) -> Result<CheckReport, OpsError> {
    let project = &workspace.project;
    let everything = Selection { images: Vec::new(), platforms: Vec::new(), build: services.build };
    let plan = plan::plan(project, &workspace.lock, &everything, &ProjectFiles(&project.root))?;
    Ok(CheckReport { recipes: project.recipes.len(), images: list(project).len(), steps: plan.steps.len() })
}
