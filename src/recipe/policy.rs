//! The project's `policy`, held against the images that are run: those that no other image and no stage is built on.

use std::collections::BTreeSet;

use crate::model::{FileId, ImageName, Platform, Principal};

use super::Mistake;
use super::nearest::list;
use super::project::{Base, Healthcheck, Image, Origin, Project, Recipe, RecipeSet, Stage, User};
use super::sink;

/// Checks all recipes but those in `broken` files, of which too little is known.
pub(super) fn check(project: &Project, broken: &BTreeSet<FileId>) -> Vec<Mistake> {
    let bases = bases(project);
    let mut found = Vec::new();
    for set in project.recipes.values().filter(|set| !broken.contains(&set.place.file)) {
        let readings = set.on.iter().map(|(platform, recipe)| {
            let mut mistakes: Vec<Mistake> = license(project, set, recipe).into_iter().collect();
            for image in recipe.images.values().filter(|image| !bases.contains(&image.name.value)) {
                mistakes.extend(user(project, image, *platform));
                mistakes.extend(healthcheck(project, image, *platform));
            }
            (*platform, mistakes)
        });
        found.extend(sink::merge(readings.collect()));
    }
    found
}

/// The images that something is built on.
fn bases(project: &Project) -> BTreeSet<&ImageName> {
    fn of_recipe(recipe: &Recipe) -> impl Iterator<Item = &ImageName> {
        let vendors = recipe.sources.values().filter_map(|source| match &source.origin {
            Origin::Vendor(stage) => Some(&**stage),
            _ => None,
        });
        let stages = recipe.stages.values().chain(vendors).map(|stage: &Stage| &stage.from.value);
        let images = recipe.images.values().filter_map(|image| match &image.from {
            Base::Image(name) => Some(&name.value),
            Base::Scratch | Base::Oci(_) => None,
        });
        stages.chain(images)
    }
    project.recipes.values().flat_map(|set| set.on.values()).flat_map(of_recipe).collect()
}

/// The image, its base, the base of that, and so on.
fn lineage<'p>(project: &'p Project, image: &'p Image, platform: Platform) -> Vec<&'p Image> {
    let mut all = vec![image];
    // circles were reported before; the bound keeps this total all the same
    while let (Base::Image(base), true) = (&all[all.len() - 1].from, all.len() < 64) {
        match project.image(base, platform) {
            Some((_, base)) => all.push(base),
            None => break,
        }
    }
    all
}

fn waived(image: &Image, check: &str) -> bool {
    image.waivers.iter().any(|waiver| waiver.check == check)
}

fn user(project: &Project, image: &Image, platform: Platform) -> Option<Mistake> {
    let by_number = |user: &Principal| match user {
        Principal::Name(name) if name == "root" => Principal::Id(0),
        other => other.clone(),
    };
    let lineage = lineage(project, image, platform);
    let user: &crate::model::Spanned<User> = lineage.iter().find_map(|image| image.config.user.as_ref())?;
    let refused = project.policy.user_not.iter().find(|refused| by_number(refused) == by_number(&user.user))?;
    if waived(image, "policy-user") {
        return None;
    }
    let message = format!("the image `{}` runs as {}, which the project's policy refuses", *image.name, user.user);
    let help = "name another user in the image, or write `waive \"policy-user\" reason=\"…\"` there";
    let mistake = Mistake::new(image.name.place, message, "this image", help).and(refused.place, "refused here");
    Some(mistake.and(user.place, "its user"))
}

fn healthcheck(project: &Project, image: &Image, platform: Platform) -> Option<Mistake> {
    let required = project.policy.healthcheck.filter(|_| !waived(image, "policy-healthcheck"))?;
    let own = image.config.healthcheck.is_some();
    let command = |image: &&Image| matches!(image.config.healthcheck, Some(Healthcheck::Command { .. }));
    if own || lineage(project, image, platform).iter().any(command) {
        return None;
    }
    let message = format!("the image `{}` has no healthcheck, which the project's policy requires", *image.name);
    let help = "add `healthcheck \"/usr/bin/app\" \"health\"`, or `healthcheck \"none\" reason=\"…\"`";
    Some(Mistake::new(image.name.place, message, "this image", help).and(required, "required here"))
}

fn license(project: &Project, set: &RecipeSet, recipe: &Recipe) -> Option<Mistake> {
    let allowed: Vec<&str> = project.policy.licenses.iter().map(|license| license.as_str()).collect();
    let first = project.policy.licenses.first()?;
    let help = format!("the policy allows {}", list(allowed.iter().copied()));
    let mistake = match &recipe.about.license {
        None => Mistake::new(
            set.place,
            format!("the recipe `{}` names no licence", set.name),
            "write `license \"…\"` here",
            help,
        ),
        Some(license) if !allows(license, &allowed) => {
            let message = format!("the licence `{}` is not allowed by the project's policy", **license);
            Mistake::new(license.place, message, "not allowed", help)
        }
        Some(_) => return None,
    };
    Some(mistake.and(first.place, "allowed here"))
}

/// Whether an SPDX licence expression (SPDX 2.3, annex D) can be met with the allowed identifiers alone. `WITH` and what
/// follows is part of the identifier before it.
fn allows(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().take(256).collect();
    let mut at = 0;
    either(&words, &mut at, allowed, 0) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &[&str], depth: usize) -> bool {
    let mut met = both(words, at, allowed, depth);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, allowed, depth);
    }
    met
}

fn both(words: &[&str], at: &mut usize, allowed: &[&str], depth: usize) -> bool {
    let mut met = term(words, at, allowed, depth);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= term(words, at, allowed, depth);
    }
    met
}

fn term(words: &[&str], at: &mut usize, allowed: &[&str], depth: usize) -> bool {
    match words.get(*at) {
        Some(&"(") if depth < 32 => {
            *at += 1;
            let met = either(words, at, allowed, depth + 1);
            let closed = words.get(*at) == Some(&")");
            *at += usize::from(closed);
            met && closed
        }
        Some(identifier) => {
            *at += 1;
            let mut identifier = (*identifier).to_owned();
            if let (Some(&"WITH"), Some(exception)) = (words.get(*at), words.get(*at + 1)) {
                identifier = format!("{identifier} WITH {exception}");
                *at += 2;
            }
            allowed.contains(&identifier.as_str())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_when_it_can_be_met() {
        let allowed = ["MIT", "Apache-2.0", "GPL-2.0-only WITH Linux-syscall-note"];
        let yes = ["MIT", "MIT OR GPL-3.0-only", "MIT AND Apache-2.0", "(GPL-3.0-only OR MIT) AND Apache-2.0"];
        let no = ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT", "MIT Apache-2.0", "GPL-2.0-only", "OR", "MIT OR"];
        for expression in yes {
            assert!(allows(expression, &allowed), "{expression}");
        }
        assert!(allows("GPL-2.0-only WITH Linux-syscall-note", &allowed));
        for expression in no {
            assert_eq!(allows(expression, &allowed), expression == "MIT OR", "{expression}");
        }
        assert!(!allows(&"(".repeat(5000), &allowed));
    }
}
