//! What apt would choose: one package after the other, each with all that it needs before the next.
//!
//! The pass seldom takes a decision back, so it finds no solution where a hard choice comes first; what it chose until
//! then is still the best guess for the solver.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::DependencyKind;
use super::expand::Requirement;
use super::world::{Id, Key, World};

/// Deepest chain of dependencies that is followed.
const DEEPEST: usize = 1000;

/// The choices.
pub(super) struct Preference {
    chosen: HashMap<Key, Id>,
    /// What the solver shall take in as far as it fits, although nothing may force it to: all choices when they are
    /// complete, for apt keeps what it chose for an alternative that something chosen later would have satisfied; else
    /// those that were made because they are recommended.
    pub(super) wishes: Vec<Id>,
}

impl Preference {
    /// Whether it was chosen.
    pub(super) fn has(&self, world: &World<'_>, id: Id) -> bool {
        self.chosen.get(&world.key(id)) == Some(&id)
    }

    /// Goes through `roots`, the versions that were asked for, after all of them are taken as chosen.
    pub(super) fn find(world: &World<'_>, roots: &[Vec<Id>]) -> Self {
        let mut pass = Pass {
            world,
            chosen: HashMap::new(),
            trail: Vec::new(),
            hit: HashMap::new(),
            settled: HashSet::new(),
            above: Vec::new(),
            recommended: Vec::new(),
        };
        world.installed().for_each(|id| pass.settle(id));
        let first: Vec<Option<Id>> = roots.iter().map(|root| pass.choose_root(root)).collect();
        for id in first.into_iter().flatten() {
            pass.satisfy(id, 0); // what fails shows in the end
        }
        let complete = roots.iter().all(|root| root.iter().any(|&id| pass.is_chosen(id))) && pass.is_closed();
        let wishes = if complete { pass.choices() } else { pass.recommended };
        Self { chosen: pass.chosen, wishes }
    }
}

/// A step of the pass, so that a failed attempt can be undone.
#[derive(Clone, Copy)]
enum Step {
    Chosen(Id),
    Dropped(Id),
}

struct Pass<'w, 'u> {
    world: &'w World<'u>,
    chosen: HashMap<Key, Id>,
    trail: Vec<Step>,
    /// What the chosen exclude, and how many of them do.
    hit: HashMap<Id, u32>,
    /// Choices that there was no choice about: what is installed, what was asked for, and what those need that nothing
    /// else satisfies.
    settled: HashSet<Id>,
    /// The packages whose dependencies are being followed.
    above: Vec<Id>,
    recommended: Vec<Id>,
}

impl Pass<'_, '_> {
    fn choose_root(&mut self, root: &[Id]) -> Option<Id> {
        let chosen = root.iter().copied().find(|&id| self.is_chosen(id));
        let id = chosen.or_else(|| root.iter().copied().find(|&id| self.make_room(id)))?;
        if chosen.is_none() {
            self.settle(id);
        }
        Some(id)
    }

    fn settle(&mut self, id: Id) {
        self.settled.insert(id);
        self.choose(id);
    }

    fn is_chosen(&self, id: Id) -> bool {
        self.chosen.get(&self.world.key(id)) == Some(&id)
    }

    /// Whether nothing chosen lacks anything.
    fn is_closed(&self) -> bool {
        self.chosen.values().all(|&id| {
            let expanded = self.world.expand(id);
            let critical =
                expanded.requirements.iter().filter(|requirement| requirement.kind != DependencyKind::Recommends);
            let mut sets = critical.map(|requirement| &requirement.sets);
            sets.all(|sets| sets.iter().flat_map(|set| set.ids.iter()).any(|&id| self.is_chosen(id)))
        })
    }

    /// What was chosen and not dropped, in order.
    fn choices(&self) -> Vec<Id> {
        let chosen = self.trail.iter().filter_map(|step| match *step {
            Step::Chosen(id) if self.is_chosen(id) => Some(id),
            _ => None,
        });
        chosen.collect()
    }

    /// Whether it can be beside what is chosen, after dropping what it excludes itself and is not bound to stay, as
    /// apt does when a later need outweighs an earlier guess.
    fn make_room(&mut self, id: Id) -> bool {
        let expanded = self.world.expand(id);
        if expanded.broken.is_some() || self.chosen.contains_key(&self.world.key(id)) {
            return false;
        }
        let excluded = expanded.exclusions.iter().flat_map(|exclusion| exclusion.set.ids.iter().copied());
        let in_the_way: BTreeSet<Id> = excluded.filter(|&other| self.is_chosen(other)).collect();
        if in_the_way.iter().any(|other| self.settled.contains(other) || self.above.contains(other)) {
            return false;
        }
        let before = self.trail.len();
        for other in in_the_way {
            self.remove(other);
            self.trail.push(Step::Dropped(other));
        }
        let fits = !self.hit.contains_key(&id);
        if !fits {
            self.undo(before);
        }
        fits
    }

    fn choose(&mut self, id: Id) {
        self.add(id);
        self.trail.push(Step::Chosen(id));
    }

    fn add(&mut self, id: Id) {
        self.chosen.insert(self.world.key(id), id);
        for exclusion in &self.world.expand(id).exclusions {
            for &other in exclusion.set.ids.iter() {
                *self.hit.entry(other).or_default() += 1;
            }
        }
    }

    fn remove(&mut self, id: Id) {
        self.chosen.remove(&self.world.key(id));
        for exclusion in &self.world.expand(id).exclusions {
            for &other in exclusion.set.ids.iter() {
                if let Entry::Occupied(mut count) = self.hit.entry(other) {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
            }
        }
    }

    fn undo(&mut self, length: usize) {
        for step in self.trail.split_off(length).into_iter().rev() {
            match step {
                Step::Chosen(id) => self.remove(id),
                Step::Dropped(id) => self.add(id),
            }
        }
    }

    /// Chooses a version and all that it needs, or nothing.
    fn install(&mut self, id: Id, depth: usize) -> bool {
        if self.is_chosen(id) {
            return true;
        }
        let (before, recommended) = (self.trail.len(), self.recommended.len());
        if depth > DEEPEST || !self.is_satisfiable(id) || !self.make_room(id) {
            return false;
        }
        self.choose(id);
        let satisfied = self.satisfy(id, depth);
        if !satisfied {
            self.undo(before);
            self.recommended.truncate(recommended);
        }
        satisfied
    }

    fn is_satisfiable(&self, id: Id) -> bool {
        let expanded = self.world.expand(id);
        expanded
            .requirements
            .iter()
            .all(|requirement| requirement.kind == DependencyKind::Recommends || !requirement.sets.is_empty())
    }

    /// Chooses what a chosen version needs; goes on after a failure when that was only recommended, or when there is
    /// nothing to fall back on.
    fn satisfy(&mut self, id: Id, depth: usize) -> bool {
        self.above.push(id);
        let expanded = self.world.expand(id);
        let complete = expanded.requirements.iter().all(|requirement| self.satisfy_one(id, requirement, depth));
        self.above.pop();
        complete
    }

    fn satisfy_one(&mut self, id: Id, requirement: &Requirement, depth: usize) -> bool {
        let critical = requirement.kind != DependencyKind::Recommends;
        let settled = self.settled.contains(&id);
        let all = || requirement.sets.iter().flat_map(|set| set.ids.iter().copied());
        let there = all().find(|&id| self.is_chosen(id));
        let found = there.or_else(|| all().find(|&id| self.install(id, depth + 1)));
        match found {
            // no other way: what this needs in turn is settled as well
            Some(found)
                if critical
                    && settled
                    && requirement.sets.len() == 1
                    && self.settled.insert(found)
                    && !self.above.contains(&found)
                    && depth < DEEPEST =>
            {
                self.satisfy(found, depth + 1);
            }
            Some(found) if !critical && there.is_none() => self.recommended.push(found),
            _ => {}
        }
        found.is_some() || !critical || settled
    }
}
