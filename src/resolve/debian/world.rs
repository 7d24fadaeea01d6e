//! The universe as one request sees it: its architectures, and what is installed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::expand::Expanded;
use super::universe::{ALL, ArchId, Universe};
use super::{Installed, Request};
use crate::distribution::debian::index::{MultiArch, Package};

/// A version of a package: an entry of the universe or, from [`World::first_foreign`] on, an installed package that
/// no index knows.
pub(super) type Id = u32;

/// A name of a package on an architecture; at most one version of each can be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) name: u32,
    pub(super) architecture: ArchId,
}

/// Versions of one package of which any will do, or none may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Set {
    pub(super) key: Key,
    /// Preferred first.
    pub(super) ids: Rc<[Id]>,
}

/// An installed package that no index knows in its version.
struct Foreign {
    name: String,
    version: String,
    key: Key,
    /// The best known version of it, taken as a likeness where only the package itself could say.
    likeness: Option<Id>,
}

/// A request's view of the universe.
pub(super) struct World<'u> {
    pub(super) universe: &'u Universe,
    pub(super) native: ArchId,
    /// The architectures in use, the native one first.
    pub(super) architectures: Vec<ArchId>,
    mask: u32,
    pub(super) recommends: bool,
    installed: HashMap<Key, Id>,
    foreign: Vec<Foreign>,
    foreign_names: HashMap<String, u32>,
    pub(super) expanded: RefCell<HashMap<Id, Rc<Expanded>>>,
}

impl<'u> World<'u> {
    /// Architectures that the universe lacks are passed over; wanted packages of them are found to be missing later.
    pub(super) fn new(universe: &'u Universe, request: &Request) -> Self {
        let native = universe.arch(&request.native).unwrap_or(ALL);
        let wanted = request.wanted.iter().filter_map(|wanted| wanted.architecture.as_deref());
        let installed = request.installed.iter().map(|installed| installed.architecture.as_str());
        let mut others: Vec<ArchId> = wanted.chain(installed).filter_map(|name| universe.arch(name)).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|&arch| arch != native);
        let architectures: Vec<ArchId> = std::iter::once(native).filter(|&arch| arch != ALL).chain(others).collect();
        let mask = architectures.iter().fold(0, |mask, arch| mask | 1 << arch);
        let mut world = Self {
            universe,
            native,
            architectures,
            mask,
            recommends: request.recommends,
            installed: HashMap::new(),
            foreign: Vec::new(),
            foreign_names: HashMap::new(),
            expanded: RefCell::default(),
        };
        request.installed.iter().for_each(|installed| world.install(installed));
        world
    }

    fn install(&mut self, installed: &Installed) {
        let architecture = self.universe.arch(&installed.architecture).unwrap_or(self.native);
        let name = self.universe.name(&installed.name).unwrap_or_else(|| {
            let next = self.first_foreign_name() + self.foreign_names.len() as u32;
            *self.foreign_names.entry(installed.name.clone()).or_insert(next)
        });
        let key = Key { name, architecture };
        let known = self.available(key);
        let id = known.iter().copied().find(|&id| self.universe.package(id).version() == installed.version);
        let id = id.unwrap_or_else(|| {
            let (name, version) = (installed.name.clone(), installed.version.clone());
            self.foreign.push(Foreign { name, version, key, likeness: known.first().copied() });
            self.first_foreign() + self.foreign.len() as u32 - 1
        });
        self.installed.insert(key, id);
    }

    fn first_foreign(&self) -> Id {
        self.universe.entries().end
    }

    fn first_foreign_name(&self) -> u32 {
        self.universe.name_count()
    }

    fn foreign(&self, id: Id) -> Option<&Foreign> {
        id.checked_sub(self.first_foreign()).and_then(|position| self.foreign.get(position as usize))
    }

    /// What the index says of a version; for an installed one that no index has, what it says of the best known one.
    pub(super) fn package(&self, id: Id) -> Option<Package<'u>> {
        match self.foreign(id) {
            Some(foreign) => foreign.likeness.map(|likeness| self.universe.package(likeness)),
            None => Some(self.universe.package(id)),
        }
    }

    pub(super) fn name(&self, id: Id) -> &str {
        self.foreign(id).map_or_else(|| self.universe.package(id).name(), |foreign| &foreign.name)
    }

    pub(super) fn version(&self, id: Id) -> &str {
        self.foreign(id).map_or_else(|| self.universe.package(id).version(), |foreign| &foreign.version)
    }

    pub(super) fn key(&self, id: Id) -> Key {
        if let Some(foreign) = self.foreign(id) {
            return foreign.key;
        }
        let entry = self.universe.entry(id);
        Key { name: entry.name, architecture: if entry.architecture == ALL { self.native } else { entry.architecture } }
    }

    pub(super) fn multi_arch(&self, id: Id) -> MultiArch {
        self.package(id).map_or(MultiArch::No, Package::multi_arch)
    }

    pub(super) fn is_installed(&self, id: Id) -> bool {
        self.installed.get(&self.key(id)) == Some(&id)
    }

    pub(super) fn installed(&self) -> impl Iterator<Item = Id> {
        let mut ids: Vec<Id> = self.installed.values().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
    }

    /// The number of a name, if there is or was a package of that name.
    pub(super) fn name_number(&self, name: &str) -> Option<u32> {
        self.universe.name(name).or_else(|| self.foreign_names.get(name).copied())
    }

    /// The versions that indexes have, preferred first.
    pub(super) fn available(&self, key: Key) -> Vec<Id> {
        if key.name >= self.first_foreign_name() {
            return Vec::new();
        }
        let mut ids: Vec<Id> =
            self.universe.named(key.name).filter(|&id| self.is_usable(id) && self.key(id) == key).collect();
        ids.sort_by(|&a, &b| self.universe.preference(a, b));
        ids
    }

    fn is_usable(&self, id: Id) -> bool {
        self.universe.is_usable(id, self.mask)
    }

    /// The versions that can be in a solution: the installed one alone where there is one.
    pub(super) fn candidates(&self, key: Key) -> Vec<Id> {
        self.installed.get(&key).map_or_else(|| self.available(key), |&id| vec![id])
    }

    pub(super) fn sets_of_name(&self, name: &str, belongs: impl Fn(Id, ArchId) -> bool) -> Vec<Set> {
        let Some(name) = self.name_number(name) else { return Vec::new() };
        let of = |&architecture: &ArchId| {
            let key = Key { name, architecture };
            let ids: Vec<Id> = self.candidates(key).into_iter().filter(|&id| belongs(id, architecture)).collect();
            (!ids.is_empty()).then(|| Set { key, ids: ids.into() })
        };
        self.architectures.iter().filter_map(of).collect()
    }

    /// Those that provide a name and `belong`, with the version that they provide.
    pub(super) fn sets_of_providers(&self, name: &str, belongs: impl Fn(Id, ArchId, Option<&str>) -> bool) -> Vec<Set> {
        let mut sets: Vec<(Key, Vec<Id>)> = Vec::new();
        for provided in self.universe.providers(name) {
            if !self.is_usable(provided.entry) {
                continue;
            }
            let key = self.key(provided.entry);
            let id = match self.installed.get(&key) {
                Some(&id)
                    if id == provided.entry
                        || self.foreign(id).is_some_and(|foreign| foreign.likeness == Some(provided.entry)) =>
                {
                    id
                }
                Some(_) => continue,
                None => provided.entry,
            };
            if belongs(id, key.architecture, provided.version.as_deref()) {
                match sets.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, ids)) if ids.contains(&id) => {}
                    Some((_, ids)) => ids.push(id),
                    None => sets.push((key, vec![id])),
                }
            }
        }
        let preferred = |mut ids: Vec<Id>| {
            ids.sort_by(|&a, &b| self.compare(a, b));
            ids.into()
        };
        sets.into_iter().map(|(key, ids)| Set { key, ids: preferred(ids) }).collect()
    }

    pub(super) fn compare(&self, a: Id, b: Id) -> std::cmp::Ordering {
        if self.foreign(a).is_some() || self.foreign(b).is_some() { a.cmp(&b) } else { self.universe.preference(a, b) }
    }

    /// Every version that any index has under a name, also for architectures that are not in use.
    pub(super) fn every_version(&self, name: &str) -> Vec<Id> {
        self.universe.name(name).map(|name| self.universe.named(name).collect()).unwrap_or_default()
    }

    /// Whether it can be installed for several architectures.
    pub(super) fn is_same(&self, id: Id) -> bool {
        self.multi_arch(id) == MultiArch::Same
    }

    /// Whether it is for all architectures.
    pub(super) fn is_for_all(&self, id: Id) -> bool {
        self.foreign(id).is_none() && self.universe.entry(id).architecture == ALL
    }

    /// Debian's name of the native architecture.
    pub(super) fn native_name(&self) -> &str {
        self.architecture_name_of(self.native)
    }

    /// The architecture of a version; `all` for those.
    pub(super) fn architecture_name(&self, id: Id) -> &str {
        if self.is_for_all(id) { "all" } else { self.architecture_name_of(self.key(id).architecture) }
    }

    pub(super) fn architecture_name_of(&self, architecture: ArchId) -> &str {
        self.universe.architectures().get(usize::from(architecture)).map_or("all", String::as_str)
    }

    /// `2.41-12 (trixie)`.
    pub(super) fn show_origin(&self, id: Id) -> String {
        match self.foreign(id) {
            Some(foreign) => foreign.version.clone(),
            None => format!("{} ({})", self.version(id), self.universe.part(id).suite),
        }
    }

    /// `libc6 (2.41-12)`, or `libc6:arm64 (2.41-12)` when it is not the native one.
    pub(super) fn show(&self, id: Id) -> String {
        format!("{} ({})", self.show_name(id), self.version(id))
    }

    /// The same without the version.
    pub(super) fn show_name(&self, id: Id) -> String {
        let architecture = self.key(id).architecture;
        match self.universe.architectures().get(architecture as usize) {
            Some(name) if architecture != self.native => format!("{}:{name}", self.name(id)),
            _ => self.name(id).to_owned(),
        }
    }
}
