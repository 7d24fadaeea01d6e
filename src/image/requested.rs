//! Which packages of an image count as asked for, as apt's `extended_states` records it: those that the recipe names, by
//! their own name or one that they provide, those of the sets that it names, and what makes a system essential. Bootstrapping tools unpack the essential packages, with
//! all that these need, before there is an apt that could mark them as automatic; the oracle is mmdebstrap.

use std::collections::BTreeSet;

use crate::distribution::debian::deb822::Stanza;
use crate::distribution::debian::relation;

use super::packages::Opened;

/// Debian Policy §2.5.
const PRIORITIES: &[&str] = &["required", "important", "standard", "optional"];

/// What decides about a package.
#[derive(Debug, Default)]
pub(super) struct Facts {
    name: String,
    provides: Vec<String>,
    /// Groups of alternatives.
    needs: Vec<Vec<String>>,
    essential: bool,
    /// Its rank: the smaller, the more important.
    priority: usize,
}

/// Marks packages that the image itself has; `facts` are of all packages, in their order, and `named` is what the recipe
/// asks for.
pub(super) fn mark(packages: &mut [Opened], facts: &[Facts], named: &[&str]) {
    let asked = asked(facts, named);
    for (index, package) in packages.iter_mut().enumerate().filter(|(_, package)| package.own) {
        package.installed.requested |= asked.contains(&index);
    }
}

fn asked(facts: &[Facts], named: &[&str]) -> BTreeSet<usize> {
    let mut asked = basic(facts, &[]);
    asked.extend(named.iter().filter_map(|name| satisfied_by(facts, &[name])));
    asked
}

/// The essential packages, those `named`, and all that these need.
pub(super) fn basic(facts: &[Facts], named: &[&str]) -> BTreeSet<usize> {
    let is_wanted = |package: &Facts| package.essential || named.contains(&package.name.as_str());
    let mut basic = BTreeSet::new();
    let mut open: Vec<usize> = (0..facts.len()).filter(|&index| is_wanted(&facts[index])).collect();
    while let Some(index) = open.pop() {
        if basic.insert(index) {
            open.extend(facts[index].needs.iter().filter_map(|alternatives| satisfied_by(facts, alternatives)));
        }
    }
    basic
}

/// The package that satisfies the first alternative that any does: the one of that name, else of those that provide it
/// the most important, as apt chooses.
fn satisfied_by(facts: &[Facts], alternatives: &[impl AsRef<str>]) -> Option<usize> {
    alternatives.iter().map(AsRef::as_ref).find_map(|wanted| {
        let named = facts.iter().position(|package| package.name == wanted);
        let provides = |package: &Facts| package.provides.iter().any(|name| name == wanted);
        let providers = || (0..facts.len()).filter(|&index| provides(&facts[index]));
        named.or_else(|| providers().min_by_key(|&index| facts[index].priority))
    })
}

impl Facts {
    /// Reads a control file's stanza; a relation that cannot be read says nothing.
    pub(super) fn of(stanza: &Stanza) -> Self {
        let field = |name: &str| stanza.get(name).unwrap_or_default();
        let names = |text: &str| -> Vec<String> {
            let relations = relation::parse_flat(text).unwrap_or_default();
            relations.iter().map(|relation| relation.name.to_owned()).collect()
        };
        let groups = |text: &str| -> Vec<Vec<String>> {
            let groups = relation::parse(text).unwrap_or_default();
            groups.iter().map(|group| group.iter().map(|relation| relation.name.to_owned()).collect()).collect()
        };
        Self {
            name: field("Package").to_owned(),
            provides: names(field("Provides")),
            needs: [groups(field("Pre-Depends")), groups(field("Depends"))].concat(),
            essential: field("Essential") == "yes",
            priority: PRIORITIES.iter().position(|name| *name == field("Priority")).unwrap_or(PRIORITIES.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::debian::deb822::{Limits, Reader};

    fn facts(text: &str) -> Vec<Facts> {
        let mut stanzas = Reader::new(text.as_bytes(), Limits::default());
        let mut facts = Vec::new();
        while let Some(stanza) = stanzas.next().expect("a stanza") {
            facts.push(Facts::of(stanza));
        }
        facts
    }

    #[test]
    fn what_provides_the_name_that_the_recipe_gives_is_asked_for() {
        let facts = facts(
            "Package: exim4-base\nPriority: optional\n\n\
             Package: exim4-daemon-light\nProvides: mail-transport-agent, default-mta\nDepends: exim4-base\n\n\
             Package: dash\nEssential: yes\nDepends: libc6\n\nPackage: libc6\n\n\
             Package: own\n\nPackage: other\nProvides: own\n\n",
        );
        let asked = |named: &[&str]| -> Vec<String> {
            asked(&facts, named).into_iter().map(|index| facts[index].name.clone()).collect()
        };
        assert_eq!(asked(&["default-mta"]), ["exim4-daemon-light", "dash", "libc6"]);
        assert_eq!(asked(&["own", "unknown"]), ["dash", "libc6", "own"]);
    }
}
