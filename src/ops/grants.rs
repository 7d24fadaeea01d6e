//! Which steps of which recipes may have something of the environment file: a secret, the password of a proxy.

use std::collections::BTreeSet;

use kdl::KdlNode;

use crate::model::{RecipeName, SourceName, StageName};
use crate::plan::{Part, Subject};

/// The steps that may have it; none unless the environment file says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Grant>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    /// Without a variant it is all variants of the recipe.
    recipe: RecipeName,
    step: Grantee,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grantee {
    Stage(StageName),
    Vendor(SourceName),
}

impl Grants {
    /// Whether the step may have it.
    #[must_use]
    pub fn allow(&self, subject: &Subject) -> bool {
        let Some(recipe) = &subject.recipe else { return false };
        let whole = |granted: &RecipeName| granted.variant().is_none() && granted.as_str() == recipe.base();
        self.0.iter().any(|grant| {
            let same = match (&grant.step, &subject.part) {
                (Grantee::Stage(granted), Part::Stage(stage)) => granted == stage,
                (Grantee::Vendor(granted), Part::Vendor(source)) => granted == source,
                _ => false,
            };
            same && (grant.recipe == *recipe || whole(&grant.recipe))
        })
    }

    /// Reads the `allow` nodes in the block of `node`.
    pub(super) fn read(node: &KdlNode) -> Result<Self, String> {
        let mut grants = BTreeSet::new();
        for child in node.children().map(kdl::KdlDocument::nodes).unwrap_or_default() {
            if child.name().value() != "allow" {
                let parent = node.name().value();
                return Err(format!("`{parent}` has no `{}` in its block; it knows `allow`", child.name().value()));
            }
            grants.insert(grant(child)?);
        }
        Ok(Self(grants))
    }
}

fn grant(node: &KdlNode) -> Result<Grant, String> {
    let (mut recipe, mut steps) = (None, Vec::new());
    for entry in node.entries() {
        let text = entry.value().as_string().ok_or_else(usage)?;
        match entry.name().map(kdl::KdlIdentifier::value) {
            Some("recipe") if recipe.is_none() => {
                recipe = Some(RecipeName::new(text).map_err(|error| error.to_string())?);
            }
            Some("stage") => steps.push(Grantee::Stage(StageName::new(text).map_err(|error| error.to_string())?)),
            Some("vendor") => steps.push(Grantee::Vendor(SourceName::new(text).map_err(|error| error.to_string())?)),
            _ => return Err(usage()),
        }
    }
    match (recipe, steps.pop()) {
        (Some(recipe), Some(step)) if steps.is_empty() && node.children().is_none() => Ok(Grant { recipe, step }),
        _ => Err(usage()),
    }
}

fn usage() -> String {
    "write `allow recipe=\"RECIPE\" stage=\"STAGE\"` or `allow recipe=\"RECIPE\" vendor=\"SOURCE\"`".to_owned()
}

/// The line of the environment file that would let the step have something; none for what is no step that runs scripts.
#[must_use]
pub(super) fn line_for(subject: &Subject) -> Option<String> {
    let recipe = subject.recipe.as_ref()?;
    match &subject.part {
        Part::Stage(name) => Some(format!("allow recipe=\"{recipe}\" stage=\"{name}\"")),
        Part::Vendor(name) => Some(format!("allow recipe=\"{recipe}\" vendor=\"{name}\"")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(block: &str) -> Result<Grants, String> {
        let document: kdl::KdlDocument = format!("secret \"a\" {{\n{block}\n}}").parse().expect("KDL");
        Grants::read(&document.nodes()[0])
    }

    fn subject(recipe: &str, part: Part) -> Subject {
        Subject { recipe: Some(RecipeName::new(recipe).expect("a name")), part, platform: None }
    }

    fn stage(name: &str) -> Part {
        Part::Stage(StageName::new(name).expect("a name"))
    }

    fn vendor(name: &str) -> Part {
        Part::Vendor(SourceName::new(name).expect("a name"))
    }

    #[test]
    fn a_grant_is_for_one_step_of_one_recipe() {
        let grants = grants("allow recipe=\"app\" stage=\"sign\"\nallow recipe=\"web\" vendor=\"deps\"").expect("good");
        for (recipe, part, allowed) in [
            ("app", stage("sign"), true),
            ("app:1.0", stage("sign"), true),
            ("app", stage("make"), false),
            ("app", vendor("sign"), false),
            ("app", Part::StageRoot(StageName::new("sign").expect("a name")), false),
            ("web", vendor("deps"), true),
            ("web", stage("deps"), false),
            ("other", stage("sign"), false),
        ] {
            let subject = subject(recipe, part);
            assert_eq!(grants.allow(&subject), allowed, "{subject}");
        }
    }

    #[test]
    fn a_grant_for_a_variant_is_for_no_other() {
        let grants = grants("allow recipe=\"app:1\" stage=\"sign\"").expect("good");
        assert!(grants.allow(&subject("app:1", stage("sign"))));
        assert!(!grants.allow(&subject("app:2", stage("sign"))));
        assert!(!grants.allow(&subject("app", stage("sign"))));
    }

    #[test]
    fn the_line_that_is_asked_for_is_one_that_is_read() {
        for part in [stage("sign"), vendor("deps")] {
            let subject = subject("app", part);
            let line = line_for(&subject).expect("a line");
            assert!(grants(&line).expect("good").allow(&subject), "{line}");
        }
    }

    #[test]
    fn half_a_grant_is_a_mistake() {
        for block in [
            "allow",
            "allow recipe=\"app\"",
            "allow stage=\"sign\"",
            "allow recipe=\"app\" stage=\"a\" vendor=\"b\"",
            "allow recipe=\"app\" stage=\"*\"",
            "allow \"app\" stage=\"sign\"",
            "allow recipe=\"app\" stage=\"sign\" { x; }",
            "deny recipe=\"app\" stage=\"sign\"",
        ] {
            assert!(grants(block).is_err(), "{block}");
        }
    }
}
