//! What the control files of packages say of each other, by the packages' numbers.

use crate::archive::Control;
use crate::distribution::debian::deb822::{Limits, Reader, Stanza};
use crate::distribution::debian::needs::{Graph, Needs};
use crate::distribution::debian::relation::{self, Qualifier};
use crate::model::PackageId;

use super::PackagesError;

/// What merging asks about packages.
pub(crate) trait Relations {
    /// Whether `one` may take over files of `other` (`Replaces`, Debian Policy §7.6.1).
    fn replaces(&self, one: u32, other: u32) -> bool;
    /// `name:architecture`.
    fn name(&self, package: u32) -> String;
}

/// The control files of a set of packages, read.
#[derive(Debug, Default)]
pub(crate) struct ControlFiles {
    ids: Vec<PackageId>,
    replaces: Vec<Vec<Replaced>>,
    graph: Graph,
}

/// One relation of a `Replaces` field.
#[derive(Debug)]
struct Replaced {
    name: String,
    architecture: Option<String>,
    constraint: Option<relation::Constraint<'static>>,
}

impl ControlFiles {
    /// Checks that each package is the one that was pinned, and reads what it says of others.
    ///
    /// # Errors
    /// When a control file cannot be read, or is that of another package.
    pub(super) fn read<'a>(
        packages: impl Iterator<Item = (&'a PackageId, &'a Control)>,
    ) -> Result<Self, PackagesError> {
        let (mut files, mut needs) = (Self::default(), Vec::new());
        for (id, control) in packages {
            let wrong = |source| PackagesError::Control { package: id.name.to_string(), source };
            let mut stanzas = Reader::new(control.control.as_bytes(), Limits::default());
            let stanza = stanzas.next().map_err(wrong)?;
            if let Some(stanza) = stanza {
                is_of(id, stanza)?;
            }
            needs.push(stanza.map(Needs::of).unwrap_or_default());
            files.replaces.push(stanza.map(replaced).unwrap_or_default());
            files.ids.push(id.clone());
        }
        files.graph = Graph::new(needs);
        Ok(files)
    }

    /// What packages need of each other.
    pub(super) const fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Relations for ControlFiles {
    fn replaces(&self, one: u32, other: u32) -> bool {
        let PackageId { name, version, architecture } = &self.ids[other as usize];
        let matches = |replaced: &Replaced| {
            replaced.name == name.as_str()
                && replaced.architecture.as_ref().is_none_or(|wanted| wanted == architecture)
                && replaced.constraint.as_ref().is_none_or(|constraint| constraint.allows(version))
        };
        self.replaces[one as usize].iter().any(matches)
    }

    fn name(&self, package: u32) -> String {
        self.ids[package as usize].qualified_name()
    }
}

/// The lock names packages; what a package says of itself must agree, since its own words go into the database.
fn is_of(id: &PackageId, stanza: &Stanza) -> Result<(), PackagesError> {
    let PackageId { name, version, architecture } = id;
    let found = ["Package", "Version", "Architecture"].map(|field| stanza.get(field).unwrap_or_default());
    if found == [name.as_str(), version, architecture] {
        return Ok(());
    }
    let [name, version, architecture] = found;
    Err(PackagesError::OtherPackage { wanted: id.to_string(), found: format!("{name} {version} ({architecture})") })
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
