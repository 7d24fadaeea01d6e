//! The policy's size budget, held against what the lock alone tells: the packages of an image are in its layers, about
//! as large as their files. `build` knows the rest.

use std::collections::BTreeSet;

use super::CheckFinding;
use crate::lock::{Lock, SetId};
use crate::model::{ByteSize, Check, Platform};
use crate::recipe::{Image, Mistake, Project};

/// Checks all images that are run.
pub(super) fn check(project: &Project, lock: &Lock) -> Vec<CheckFinding> {
    let Some(budget) = &project.policy.size else { return Vec::new() };
    let bases = project.bases();
    let mut found = Vec::new();
    for set in project.recipes.values() {
        for (platform, recipe) in &set.on {
            for image in recipe.images.values().filter(|image| !bases.contains(&image.name.value)) {
                let packages = packages(project, lock, image, *platform);
                if packages <= budget.value.0 || image.is_excused(Check::PolicySize, "") {
                    continue;
                }
                let message = format!(
                    "the packages of the image `{}` have {} for {platform}; the project's policy allows {} for all of it",
                    *image.name,
                    ByteSize(packages),
                    budget.value
                );
                let help = "ask for fewer packages, or write `waive \"policy-size\" reason=\"…\"` in the image";
                let mistake = Mistake::new(image.name.place, message, "this image", help);
                found.push(CheckFinding::new("size", mistake.and(budget.place, "the budget")));
            }
        }
    }
    found
}

/// Bytes of all packages of an image and its bases.
fn packages(project: &Project, lock: &Lock, image: &Image, platform: Platform) -> u64 {
    let names: BTreeSet<_> = project.lineage(image, platform).iter().map(|image| &image.name.value).collect();
    let sets = lock.recipes.values().flat_map(|recipe| &recipe.packages);
    let own = sets
        .filter(|(id, _)| matches!(id, SetId::Image { name, platform: on } if *on == platform && names.contains(name)));
    own.flat_map(|(_, set)| &set.packages).map(|package| package.file.size).sum()
}
