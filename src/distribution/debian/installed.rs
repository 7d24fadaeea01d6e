//! What the control files of the packages of one system say of each other.
//!
//! Which packages count as asked for is as apt's `extended_states` records it: those that the recipe names, by their own
//! name or one that they provide, those of the sets that it names, and what makes a system essential. Bootstrapping tools
//! unpack the essential packages, with all that these need, before there is an apt that could mark them as automatic; the
//! oracle is mmdebstrap.

use std::collections::BTreeSet;

use super::deb822::{Reader, Stanza, StanzaLimits};
use super::diversion;
use super::needs::{Graph, Needs};
use super::relation::{self, Qualifier};
use crate::archive::Control;
use crate::distribution::world::{ControlError, Diversion, Relations};
use crate::model::PackageId;

/// The control files of a set of packages, read.
#[derive(Debug, Default)]
pub(super) struct InstalledRelations {
    ids: Vec<PackageId>,
    replaces: Vec<Vec<Replaced>>,
    diversions: Vec<Vec<Diversion>>,
    graph: Graph,
}

/// One relation of a `Replaces` field.
#[derive(Debug)]
struct Replaced {
    name: String,
    architecture: Option<String>,
    constraint: Option<relation::Constraint<'static>>,
}

impl InstalledRelations {
    pub(super) fn read(packages: &[(&PackageId, &Control)]) -> Result<Self, ControlError> {
        let (mut read, mut needs) = (Self::default(), Vec::new());
        for &(id, control) in packages {
            let wrong = |source| ControlError::Unreadable { package: id.name.to_string(), source: Box::new(source) };
            let mut stanzas = Reader::new(control.control.as_bytes(), StanzaLimits::default());
            let stanza = stanzas.next().map_err(wrong)?;
            if let Some(stanza) = stanza {
                is_of(id, stanza)?;
            }
            needs.push(stanza.map(Needs::of).unwrap_or_default());
            read.replaces.push(stanza.map(replaced).unwrap_or_default());
            read.diversions.push(diversion::of(control));
            read.ids.push(id.clone());
        }
        read.graph = Graph::new(needs);
        Ok(read)
    }
}

impl Relations for InstalledRelations {
    /// `Replaces` (Debian Policy §7.6.1).
    fn replaces(&self, one: usize, other: usize) -> bool {
        let PackageId { name, version, architecture, .. } = &self.ids[other];
        let matches = |replaced: &Replaced| {
            replaced.name == name.as_str()
                && replaced.architecture.as_ref().is_none_or(|wanted| *architecture == wanted.as_str())
                && replaced.constraint.as_ref().is_none_or(|constraint| constraint.allows(version.as_str()))
        };
        self.replaces[one].iter().any(matches)
    }

    fn diversions(&self, package: usize) -> &[Diversion] {
        &self.diversions[package]
    }

    fn asked(&self, named: &[&str]) -> BTreeSet<usize> {
        asked(&self.graph, named)
    }

    fn basic(&self, named: &[&str]) -> BTreeSet<usize> {
        basic(&self.graph, named)
    }
}

fn asked(graph: &Graph, named: &[&str]) -> BTreeSet<usize> {
    let mut asked = basic(graph, &[]);
    asked.extend(named.iter().filter_map(|name| graph.providers(name).first()));
    asked
}

fn basic(graph: &Graph, named: &[&str]) -> BTreeSet<usize> {
    let wanted = graph.all(|package| package.essential || named.contains(&package.name.as_str()));
    graph.with_needs(&wanted, &[]).into_iter().collect()
}

/// The lock names packages; what a package says of itself must agree, since its own words go into the database.
fn is_of(id: &PackageId, stanza: &Stanza) -> Result<(), ControlError> {
    let PackageId { name, version, architecture, .. } = id;
    let found = ["Package", "Version", "Architecture"].map(|field| stanza.get(field).unwrap_or_default());
    if found == [name.as_str(), version.as_str(), architecture.as_str()] {
        return Ok(());
    }
    let [name, version, architecture] = found;
    Err(ControlError::OtherPackage { wanted: id.to_string(), found: format!("{name} {version} ({architecture})") })
}

fn replaced(stanza: &Stanza) -> Vec<Replaced> {
    let text = stanza.get("Replaces").unwrap_or_default();
    // a field that cannot be read replaces nothing: then the clash is reported
    let relations = relation::parse_flat(text).unwrap_or_default();
    let own = |relation: relation::Relation<'_>| Replaced {
        name: relation.name.to_owned(),
        architecture: match relation.qualifier {
            Qualifier::Architecture(architecture) => Some(architecture.to_owned()),
            _ => None,
        },
        constraint: relation.constraint.map(relation::Constraint::into_owned),
    };
    relations.into_iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(text: &str) -> Graph {
        let mut stanzas = Reader::new(text.as_bytes(), StanzaLimits::default());
        let mut packages = Vec::new();
        while let Some(stanza) = stanzas.next().expect("a stanza") {
            packages.push(Needs::of(stanza));
        }
        Graph::new(packages)
    }

    #[test]
    fn what_provides_the_name_that_the_recipe_gives_is_asked_for() {
        let graph = graph(
            "Package: exim4-base\nPriority: optional\n\n\
             Package: exim4-daemon-light\nProvides: mail-transport-agent, default-mta\nDepends: exim4-base\n\n\
             Package: dash\nEssential: yes\nDepends: libc6\n\nPackage: libc6\n\n\
             Package: own\n\nPackage: other\nProvides: own\n\n",
        );
        let asked = |named: &[&str]| -> Vec<String> {
            asked(&graph, named).into_iter().map(|index| graph.packages()[index].name.clone()).collect()
        };
        assert_eq!(asked(&["default-mta"]), ["exim4-daemon-light", "dash", "libc6"]);
        assert_eq!(asked(&["own", "unknown"]), ["dash", "libc6", "own"]);
    }
}
