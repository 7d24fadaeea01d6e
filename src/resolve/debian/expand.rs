//! What the relations of a package mean in a world: which versions satisfy them, which they exclude.

use std::cmp::Reverse;
use std::rc::Rc;

use super::DependencyKind;
use super::universe::ArchId;
use super::world::{Id, Key, Set, World};
use crate::distribution::debian::index::{MultiArch, Package, Priority};
use crate::distribution::debian::relation::{self, Qualifier, Relation, RelationError};

/// Something that a package needs.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    pub(super) kind: DependencyKind,
    /// Position of the group of alternatives in its field.
    pub(super) group: usize,
    /// What satisfies it, preferred first; empty when nothing does.
    pub(super) sets: Vec<Set>,
}

/// Why two packages cannot be together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Against {
    Conflicts,
    Breaks,
    /// Not co-installable with itself on another architecture, or only in the same version.
    OtherArchitecture,
}

/// Something that a package cannot be together with.
#[derive(Clone, Debug)]
pub(super) struct Exclusion {
    pub(super) against: Against,
    /// Position in its field.
    pub(super) position: usize,
    pub(super) set: Set,
}

/// The relations of a package, in numbers.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) requirements: Vec<Requirement>,
    pub(super) exclusions: Vec<Exclusion>,
    /// Why the package cannot be used at all.
    pub(super) broken: Option<RelationError>,
}

impl World<'_> {
    /// What satisfies one alternative of a dependency of a package of `own` architecture, in apt's order.
    pub(super) fn satisfying(&self, relation: &Relation<'_>, own: ArchId) -> Vec<Set> {
        let serves = |id: Id, architecture: ArchId| match relation.qualifier {
            Qualifier::Any => self.multi_arch(id) == MultiArch::Allowed,
            Qualifier::Own => architecture == own || self.multi_arch(id) == MultiArch::Foreign,
            Qualifier::Native => architecture == self.native || self.multi_arch(id) == MultiArch::Foreign,
            Qualifier::Architecture(name) => {
                self.universe.arch(name) == Some(architecture) || self.multi_arch(id) == MultiArch::Foreign
            }
        };
        let allows = |version: &str| relation.constraint.as_ref().is_none_or(|constraint| constraint.allows(version));
        let mut sets =
            self.sets_of_name(relation.name, |id, architecture| serves(id, architecture) && allows(self.version(id)));
        let number = self.name_number(relation.name);
        sets.extend(self.sets_of_providers(relation.name, |id, architecture, version| {
            let versioned = version.map_or(relation.constraint.is_none(), allows);
            versioned && serves(id, architecture) && Some(self.key(id).name) != number
        }));
        sets.sort_by_cached_key(|set| self.rank(set.ids[0], number));
        sets
    }

    /// The order in which apt tries what satisfies a dependency: what is there, the package of that name, essential
    /// ones, protected ones, the native architecture, the more important priority. Names decide the rest.
    fn rank(&self, id: Id, wanted: Option<u32>) -> (bool, bool, bool, bool, usize, Priority, Reverse<Key>) {
        let key = self.key(id);
        let package = self.package(id);
        let architecture = self.architectures.iter().position(|&arch| arch == key.architecture);
        (
            !self.is_installed(id),
            Some(key.name) != wanted,
            !package.is_some_and(Package::essential),
            !package.is_some_and(Package::important),
            architecture.unwrap_or(usize::MAX),
            package.map_or(Priority::Extra, Package::priority),
            Reverse(key),
        )
    }

    /// What the relations of a version mean, found once.
    pub(super) fn expand(&self, id: Id) -> Rc<Expanded> {
        if let Some(known) = self.expanded.borrow().get(&id) {
            return Rc::clone(known);
        }
        let expanded = Rc::new(
            self.expand_anew(id).unwrap_or_else(|error| Expanded { broken: Some(error), ..Expanded::default() }),
        );
        self.expanded.borrow_mut().insert(id, Rc::clone(&expanded));
        expanded
    }

    fn expand_anew(&self, id: Id) -> Result<Expanded, RelationError> {
        let mut expanded = Expanded::default();
        self.exclude_other_architectures(id, &mut expanded);
        let Some(package) = self.package(id) else { return Ok(expanded) };
        let key = self.key(id);
        // what is installed is taken to have what it needs
        if !self.is_installed(id) {
            for (kind, field) in fields(package, self.recommends) {
                for (group, alternatives) in relation::parse(field)?.iter().enumerate() {
                    let sets = self.satisfying_any(alternatives, key.architecture);
                    expanded.requirements.push(Requirement { kind, group, sets });
                }
            }
        }
        for (against, field) in [(Against::Conflicts, package.conflicts()), (Against::Breaks, package.breaks())] {
            for (position, relation) in relation::parse_flat(field)?.iter().enumerate() {
                let excluded = self.excluded(relation, key.name).into_iter();
                expanded.exclusions.extend(excluded.map(|set| Exclusion { against, position, set }));
            }
        }
        Ok(expanded)
    }

    fn satisfying_any(&self, alternatives: &[Relation<'_>], own: ArchId) -> Vec<Set> {
        let mut order: Vec<&Relation<'_>> = alternatives.iter().collect();
        // a system made from nothing has its merged /usr from the start: nothing needs to be converted
        if let Some(merged) = order.iter().position(|relation| relation.name == "usr-is-merged") {
            let converts = order[..merged].iter().any(|relation| relation.name == "usrmerge");
            order[..=merged].rotate_right(usize::from(converts));
        }
        let mut sets: Vec<Set> = Vec::new();
        for relation in order {
            for set in self.satisfying(relation, own) {
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
        sets
    }

    /// What a conflict hits: on every architecture, never a package of the same name.
    fn excluded(&self, relation: &Relation<'_>, own: u32) -> Vec<Set> {
        let on = |architecture: ArchId| match relation.qualifier {
            Qualifier::Architecture(name) => self.universe.arch(name) == Some(architecture),
            Qualifier::Native => architecture == self.native,
            Qualifier::Own | Qualifier::Any => true,
        };
        let allows = |version: &str| relation.constraint.as_ref().is_none_or(|constraint| constraint.allows(version));
        let mut sets =
            self.sets_of_name(relation.name, |id, architecture| on(architecture) && allows(self.version(id)));
        sets.extend(self.sets_of_providers(relation.name, |_, architecture, version| {
            on(architecture) && version.map_or(relation.constraint.is_none(), allows)
        }));
        sets.retain(|set| set.key.name != own);
        sets
    }

    fn exclude_other_architectures(&self, id: Id, expanded: &mut Expanded) {
        let Key { name, architecture } = self.key(id);
        let same = |other: Id| {
            let both = self.multi_arch(id) == MultiArch::Same && self.multi_arch(other) == MultiArch::Same;
            both && self.version(other) == self.version(id)
        };
        for &other in self.architectures.iter().filter(|&&other| other != architecture) {
            let key = Key { name, architecture: other };
            let ids: Vec<Id> = self.candidates(key).into_iter().filter(|&other| !same(other)).collect();
            if !ids.is_empty() {
                let set = Set { key, ids: ids.into() };
                expanded.exclusions.push(Exclusion { against: Against::OtherArchitecture, position: 0, set });
            }
        }
    }

    /// A requirement of a package as it is written, with all alternatives.
    pub(super) fn requirement_text(&self, id: Id, requirement: &Requirement) -> String {
        let field = self.package(id).into_iter().flat_map(|package| fields(package, true));
        let text =
            field.filter(|(kind, _)| *kind == requirement.kind).map(|(_, field)| field).next().unwrap_or_default();
        let groups = relation::parse(text).unwrap_or_default();
        let alternatives = groups.get(requirement.group).map(Vec::as_slice).unwrap_or_default();
        alternatives.iter().map(Relation::to_string).collect::<Vec<_>>().join(" | ")
    }

    /// What a package cannot be together with, as it is written.
    pub(super) fn exclusion_text(&self, id: Id, exclusion: &Exclusion) -> String {
        let field = self.package(id).map(|package| match exclusion.against {
            Against::Breaks => package.breaks(),
            Against::Conflicts | Against::OtherArchitecture => package.conflicts(),
        });
        let relations = relation::parse_flat(field.unwrap_or_default()).unwrap_or_default();
        relations.get(exclusion.position).map(Relation::to_string).unwrap_or_default()
    }
}

/// The fields with what a package needs, in the order in which apt looks at them.
fn fields(package: Package<'_>, recommends: bool) -> impl Iterator<Item = (DependencyKind, &str)> {
    let all = [
        (DependencyKind::PreDepends, package.pre_depends()),
        (DependencyKind::Depends, package.depends()),
        (DependencyKind::Recommends, package.recommends()),
    ];
    all.into_iter()
        .filter(move |(kind, field)| !field.is_empty() && (recommends || *kind != DependencyKind::Recommends))
}
