//! The project's `policy`, held against the images that are run: those that no other image and no stage is built on.

use std::collections::BTreeSet;

use crate::model::{ArchiveName, Check, FileId, Platform, Principal};

use super::Mistake;
use super::project::{Healthcheck, Image, Project, Recipe, RecipeSet, User};
use super::sink;
use crate::diagnostic::nearest::list;

/// Checks all recipes but those in `broken` files, of which too little is known.
pub(super) fn check(project: &Project, broken: &BTreeSet<FileId>) -> Vec<Mistake> {
    let bases = project.bases();
    let mut found = Vec::new();
    for set in project.recipes.values().filter(|set| !broken.contains(&set.place.file)) {
        let readings = set.on.iter().map(|(platform, recipe)| {
            let mut mistakes: Vec<Mistake> = license(project, set, recipe).into_iter().collect();
            mistakes.extend(recipe.images.values().filter_map(|image| archives(project, image)));
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

fn user(project: &Project, image: &Image, platform: Platform) -> Option<Mistake> {
    let by_number = |user: &Principal| match user {
        Principal::Name(name) if name == "root" => Principal::Id(0),
        other => other.clone(),
    };
    let lineage = project.lineage(image, platform);
    let user: &crate::model::Spanned<User> = lineage.iter().find_map(|image| image.config.user.as_ref())?;
    let refused = project.policy.user_not.iter().find(|refused| by_number(refused) == by_number(&user.user))?;
    if image.is_excused(Check::PolicyUser, "") {
        return None;
    }
    let message = format!("the image `{}` runs as {}, which the project's policy refuses", *image.name, user.user);
    let help = "name another user in the image, or write `waive \"policy-user\" reason=\"…\"` there";
    let mistake = Mistake::new(image.name.place, message, "this image", help).and(refused.place, "refused here");
    Some(mistake.and(user.place, "its user"))
}

fn healthcheck(project: &Project, image: &Image, platform: Platform) -> Option<Mistake> {
    let required = project.policy.healthcheck.filter(|_| !image.is_excused(Check::PolicyHealthcheck, ""))?;
    let own = image.config.healthcheck.is_some();
    let command = |image: &&Image| matches!(image.config.healthcheck, Some(Healthcheck::Command { .. }));
    if own || project.lineage(image, platform).iter().any(command) {
        return None;
    }
    let message = format!("the image `{}` has no healthcheck, which the project's policy requires", *image.name);
    let help = "add `healthcheck \"/usr/bin/app\" \"health\"`, or `healthcheck \"none\" reason=\"…\"`";
    Some(Mistake::new(image.name.place, message, "this image", help).and(required, "required here"))
}

/// An image that names a distribution of an archive that the policy does not.
fn archives(project: &Project, image: &Image) -> Option<Mistake> {
    let first = project.policy.archives.first()?;
    let named = image.distribution.as_ref()?;
    let distribution = project.distribution(&named.value)?;
    let allowed = |archive: &ArchiveName| project.policy.archives.iter().any(|known| known.value == *archive);
    let refused = distribution.uses.iter().find(|used| !allowed(&used.archive))?;
    if image.is_excused(Check::PolicyArchive, refused.archive.as_str()) {
        return None;
    }
    let message = format!(
        "`{}` takes packages from the archive `{}`, which the project's policy does not allow",
        distribution.name.value, refused.archive
    );
    let names = project.policy.archives.iter().map(|archive| archive.as_str());
    let help =
        format!("the policy allows {}; or write `waive \"policy-archive\" reason=\"…\"` in the image", list(names));
    Some(Mistake::new(named.place, message, "this distribution", help).and(first.place, "allowed here"))
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
