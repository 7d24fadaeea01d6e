//! Everything that could be installed: the indexes of several suites and architectures as one.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::ops::Range;

use thiserror::Error;

use crate::distribution::debian::index::{Package, PackageIndex, Priority};
use crate::distribution::debian::relation::{self, RelationError};
use crate::distribution::debian::version;
use crate::model::ArchiveName;

/// The packages of one suite for one architecture.
pub struct UniversePart {
    /// The archive.
    pub archive: ArchiveName,
    /// The suite (`trixie-security`).
    pub suite: String,
    /// Debian's name of the architecture that the index is for.
    pub architecture: String,
    /// [`Release::priority`](crate::distribution::debian::release::Release::priority) of the suite.
    pub priority: i32,
    /// Its packages.
    pub index: PackageIndex,
}

/// All packages that a request may choose from; built once, used for many requests.
pub struct Universe {
    parts: Vec<UniversePart>,
    architectures: Vec<String>,
    /// By name, architecture, and newest version first.
    entries: Vec<Entry>,
    /// Runs of entries with one name.
    names: Vec<Range<u32>>,
    provided: HashMap<Box<str>, Vec<Provided>>,
}

/// Why indexes do not make a universe.
#[derive(Debug, Error)]
pub enum UniverseError {
    /// A field of a package that cannot be read.
    #[error("the field `{field}` of {package} {version} cannot be read")]
    Relation {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Which field.
        field: &'static str,
        /// Why.
        #[source]
        source: RelationError,
    },
    /// More indexes or architectures than there are bits for.
    #[error("{count} {what} are more than the {limit} that can be used at once")]
    TooMany {
        /// How many.
        count: usize,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

/// Position of an architecture in [`Universe::architectures`].
pub(super) type ArchId = u8;

/// What `all` is numbered as.
pub(super) const ALL: ArchId = ArchId::MAX;

/// One version of one package.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    part: u16,
    position: u32,
    pub(super) architecture: ArchId,
    /// The architectures in whose indexes it stands, a bit each: matters for `all`.
    pub(super) seen: u32,
    pub(super) priority: i32,
    /// Position of its name in [`Universe::names`].
    pub(super) name: u32,
}

/// That a version of a package stands for a name.
pub(super) struct Provided {
    pub(super) entry: u32,
    pub(super) version: Option<Box<str>>,
}

impl Universe {
    /// Joins indexes, most basic first: the same version in several suites counts as the first one's.
    ///
    /// # Errors
    /// When a `Provides` field cannot be read, or there are too many parts.
    pub fn new(parts: Vec<UniversePart>) -> Result<Self, UniverseError> {
        let mut architectures: Vec<String> = parts.iter().map(|part| part.architecture.clone()).collect();
        architectures.sort_unstable();
        architectures.dedup();
        for (count, what, limit) in [(architectures.len(), "architectures", 31), (parts.len(), "indexes", 1000)] {
            if count > limit {
                return Err(UniverseError::TooMany { count, what, limit });
            }
        }
        let mut universe =
            Self { parts, architectures, entries: Vec::new(), names: Vec::new(), provided: HashMap::new() };
        universe.collect();
        universe.number_names();
        universe.collect_provides()?;
        Ok(universe)
    }

    fn collect(&mut self) {
        let mut entries = Vec::with_capacity(self.parts.iter().map(|part| part.index.len()).sum());
        for (number, part) in (0..).zip(&self.parts) {
            let seen = self.arch(&part.architecture).map_or(0, |arch| 1 << arch);
            for (position, package) in (0..).zip(part.index.packages()) {
                let architecture = match package.architecture() {
                    "all" => ALL,
                    name => match self.arch(name) {
                        Some(arch) => arch,
                        None => continue, // an index may not bring in an architecture by the back door
                    },
                };
                entries.push(Entry { part: number, position, architecture, seen, priority: part.priority, name: 0 });
            }
        }
        // stable, and fast because every index comes sorted by name
        entries.sort_by(|a, b| self.order(a, b));
        entries.dedup_by(|later, first| {
            let same = self.order(later, first).is_eq();
            if same {
                first.seen |= later.seen;
                first.priority = first.priority.max(later.priority);
            }
            same
        });
        self.entries = entries;
    }

    fn order(&self, a: &Entry, b: &Entry) -> Ordering {
        let (x, y) = (self.of(a), self.of(b));
        x.name()
            .cmp(y.name())
            .then(a.architecture.cmp(&b.architecture))
            .then_with(|| version::compare(y.version(), x.version()))
    }

    fn number_names(&mut self) {
        let mut start = 0;
        while start < self.entries.len() {
            let name = self.of(&self.entries[start]).name();
            let length = self.entries[start..].iter().take_while(|entry| self.of(entry).name() == name).count();
            let number = self.names.len() as u32;
            self.names.push(start as u32..(start + length) as u32);
            self.entries[start..start + length].iter_mut().for_each(|entry| entry.name = number);
            start += length;
        }
    }

    fn collect_provides(&mut self) -> Result<(), UniverseError> {
        let mut provided: HashMap<Box<str>, Vec<Provided>> = HashMap::new();
        for (number, entry) in (0..).zip(&self.entries) {
            let package = self.of(entry);
            let relations = relation::parse_flat(package.provides()).map_err(|source| UniverseError::Relation {
                package: package.name().to_owned(),
                version: package.version().to_owned(),
                field: "Provides",
                source,
            })?;
            for relation in relations {
                let version = relation.constraint.map(|constraint| constraint.version.into());
                provided.entry(relation.name.into()).or_default().push(Provided { entry: number, version });
            }
        }
        self.provided = provided;
        Ok(())
    }

    fn of(&self, entry: &Entry) -> Package<'_> {
        #[expect(clippy::expect_used, reason = "entries are made from the parts, which never change")]
        self.parts[entry.part as usize].index.get(entry.position as usize).expect("the package of an entry")
    }

    pub(super) fn package(&self, entry: u32) -> Package<'_> {
        self.of(&self.entries[entry as usize])
    }

    pub(super) fn entry(&self, entry: u32) -> &Entry {
        &self.entries[entry as usize]
    }

    pub(super) fn part(&self, entry: u32) -> &UniversePart {
        &self.parts[self.entries[entry as usize].part as usize]
    }

    pub(super) fn entries(&self) -> Range<u32> {
        0..self.entries.len() as u32
    }

    pub(super) fn arch(&self, name: &str) -> Option<ArchId> {
        self.architectures.iter().position(|known| known == name).and_then(|position| ArchId::try_from(position).ok())
    }

    pub(super) fn architectures(&self) -> &[String] {
        &self.architectures
    }

    /// The number of a name of packages (not a virtual one).
    pub(super) fn name(&self, name: &str) -> Option<u32> {
        let found = self.names.binary_search_by(|range| self.package(range.start).name().cmp(name));
        found.ok().map(|position| position as u32)
    }

    pub(super) fn named(&self, name: u32) -> Range<u32> {
        self.names[name as usize].clone()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|range| self.package(range.start).name())
    }

    pub(super) fn name_count(&self) -> u32 {
        self.names.len() as u32
    }

    pub(super) fn providers(&self, name: &str) -> &[Provided] {
        self.provided.get(name).map_or(&[], Vec::as_slice)
    }

    /// The packages of a name, newest version first within an architecture.
    pub fn find<'u>(&'u self, name: &str) -> impl Iterator<Item = Package<'u>> {
        let range = self.name(name).map_or(0..0, |name| self.named(name));
        range.map(|entry| self.package(entry))
    }

    /// The names of the packages for an architecture (those for all included) that are at least so important.
    #[must_use]
    pub fn with_priority(&self, architecture: &str, priority: Priority) -> Vec<&str> {
        self.newest_where(architecture, |package| package.priority() <= priority)
    }

    /// The names of what a minimal Debian system consists of, as `debootstrap --variant=minbase` has it: essential
    /// packages, those of priority `required`, and apt. Want them, and their dependencies follow.
    #[must_use]
    pub fn minbase(&self, architecture: &str) -> Vec<&str> {
        self.newest_where(architecture, |package| {
            package.essential() || package.priority() == Priority::Required || package.name() == "apt"
        })
    }

    fn newest_where(&self, architecture: &str, belongs: impl Fn(Package<'_>) -> bool) -> Vec<&str> {
        let Some(arch) = self.arch(architecture) else { return Vec::new() };
        let newest = |range: &Range<u32>| {
            let usable = range.clone().filter(|&entry| self.is_usable(entry, 1 << arch));
            usable.min_by(|&a, &b| self.preference(a, b)).filter(|&entry| belongs(self.package(entry)))
        };
        self.names.iter().filter_map(newest).map(|entry| self.package(entry).name()).collect()
    }

    /// Whether an entry can be installed where the architectures of the mask are in use.
    pub(super) fn is_usable(&self, entry: u32, mask: u32) -> bool {
        let entry = self.entry(entry);
        if entry.architecture == ALL { entry.seen & mask != 0 } else { mask & (1 << entry.architecture) != 0 }
    }

    /// Which of two versions of a package apt would take: the higher priority of their suites, then the newer.
    pub(super) fn preference(&self, a: u32, b: u32) -> Ordering {
        let key = |entry: u32| Reverse(self.entry(entry).priority);
        let versions = || version::compare(self.package(b).version(), self.package(a).version());
        key(a).cmp(&key(b)).then_with(versions).then(a.cmp(&b))
    }
}
