//! The world as the solver sees it: names, versions, sets of versions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;

use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider, Interner,
    KnownDependencies, NameId, SolvableId, SolverCache, StringId, VersionSetId, VersionSetUnionId,
};

use super::DependencyKind;
use super::preference::Preference;
use super::world::{Id, Key, Set, World};

/// What a set of versions means to the solver.
#[derive(Clone, PartialEq, Eq, Hash)]
struct VersionSet {
    set: Set,
    /// Whether it is these versions that are meant, or all others.
    inverse: bool,
}

/// Gives every distinct value a number.
struct Interned<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn new() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }

    fn number(&mut self, value: T) -> u32 {
        *self.numbers.entry(value).or_insert_with_key(|value| {
            self.values.push(value.clone());
            self.values.len() as u32 - 1
        })
    }

    fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

/// Answers the solver's questions.
pub(super) struct Provider<'w, 'u> {
    pub(super) world: &'w World<'u>,
    preference: &'w Preference,
    sets: RefCell<Interned<VersionSet>>,
    unions: RefCell<Interned<Rc<[VersionSetId]>>>,
    texts: RefCell<Interned<String>>,
}

impl<'w, 'u> Provider<'w, 'u> {
    pub(super) fn new(world: &'w World<'u>, preference: &'w Preference) -> Self {
        let (sets, unions) = (RefCell::new(Interned::new()), RefCell::new(Interned::new()));
        Self { world, preference, sets, unions, texts: RefCell::new(Interned::new()) }
    }

    /// Any version of any of the sets: those that hold a preferred version first, else in their order.
    pub(super) fn requirement(&self, sets: &[Set]) -> ConditionalRequirement {
        let preferred = |set: &Set| set.ids.iter().any(|&id| self.preference.has(self.world, id));
        let (first, others): (Vec<&Set>, Vec<&Set>) = sets.iter().partition(|set| preferred(set));
        let numbers: Vec<VersionSetId> =
            first.into_iter().chain(others).map(|set| self.set(set.clone(), false)).collect();
        match numbers[..] {
            [single] => single.into(),
            _ => VersionSetUnionId(self.unions.borrow_mut().number(numbers.into())).into(),
        }
    }

    fn set(&self, set: Set, inverse: bool) -> VersionSetId {
        VersionSetId(self.sets.borrow_mut().number(VersionSet { set, inverse }))
    }

    /// Dense, because the solver keeps lists by these numbers.
    fn name_of(&self, key: Key) -> NameId {
        let architectures = &self.world.architectures;
        let position = architectures.iter().position(|&architecture| architecture == key.architecture);
        NameId::from_raw(key.name * architectures.len() as u32 + position.unwrap_or_default() as u32)
    }

    fn key_of(&self, name: NameId) -> Key {
        let (raw, count) = (name.into_raw(), self.world.architectures.len() as u32);
        Key { name: raw / count, architecture: self.world.architectures[(raw % count) as usize] }
    }
}

impl Interner for Provider<'_, '_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        self.world.show(solvable.into_raw())
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.world.candidates(self.key_of(name)).first().map(|&id| self.world.show_name(id)).unwrap_or_default()
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        let sets = self.sets.borrow();
        let versions = sets.get(version_set.0).set.ids.iter().map(|&id| self.world.version(id));
        versions.collect::<Vec<_>>().join(", ")
    }

    fn display_string(&self, string: StringId) -> impl Display + '_ {
        self.texts.borrow().get(string.0).clone()
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        self.name_of(self.sets.borrow().get(version_set.0).set.key)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.name_of(self.world.key(solvable.into_raw()))
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        let sets = Rc::clone(self.unions.borrow().get(union.0));
        (0..sets.len()).map(move |position| sets[position])
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        Condition::Requirement(VersionSetId(0)) // never asked: no requirement here has a condition
    }
}

impl DependencyProvider for Provider<'_, '_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        version_set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let sets = self.sets.borrow();
        let VersionSet { set, inverse: others } = sets.get(version_set.0);
        let wanted = inverse == *others;
        candidates.iter().copied().filter(|candidate| set.ids.contains(&candidate.into_raw()) == wanted).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let ids = self.world.candidates(self.key_of(name));
        let favored = ids.iter().copied().find(|&id| self.preference.has(self.world, id));
        Some(Candidates {
            candidates: ids.into_iter().map(SolvableId::from_raw).collect(),
            favored: favored.map(SolvableId::from_raw),
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        solvables.sort_by(|a, b| self.world.compare(a.into_raw(), b.into_raw()));
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let expanded = self.world.expand(solvable.into_raw());
        if let Some(error) = &expanded.broken {
            return Dependencies::Unknown(StringId(self.texts.borrow_mut().number(error.to_string())));
        }
        let required =
            expanded.requirements.iter().filter(|requirement| requirement.kind != DependencyKind::Recommends);
        Dependencies::Known(KnownDependencies {
            requirements: required.map(|requirement| self.requirement(&requirement.sets)).collect(),
            constrains: expanded.exclusions.iter().map(|exclusion| self.set(exclusion.set.clone(), true)).collect(),
        })
    }
}

/// The version that a number of the solver stands for.
pub(super) fn id(solvable: SolvableId) -> Id {
    solvable.into_raw()
}
