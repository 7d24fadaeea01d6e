//! What apt would choose: one package after the other, each with all that it needs before the next.
//!
//! The pass never takes a decision back that it did not have to, so it finds no solution where a hard choice comes
//! first; what it chose until then is still the best guess for the solver.

use std::collections::HashMap;

use super::Kind;
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
        let mut pass =
            Pass { world, chosen: HashMap::new(), trail: Vec::new(), hit: HashMap::new(), recommended: Vec::new() };
        world.installed().for_each(|id| pass.choose(id));
        let first: Vec<Option<Id>> = roots.iter().map(|root| pass.choose_root(root)).collect();
        let complete =
            first.into_iter().fold(true, |complete, id| id.is_some_and(|id| pass.satisfy(id, 0)) && complete);
        Self { chosen: pass.chosen, wishes: if complete { pass.trail } else { pass.recommended } }
    }
}

struct Pass<'w, 'u> {
    world: &'w World<'u>,
    chosen: HashMap<Key, Id>,
    /// The chosen in order, so that a failed attempt can be undone.
    trail: Vec<Id>,
    /// What the chosen exclude, and how many of them do.
    hit: HashMap<Id, u32>,
    recommended: Vec<Id>,
}

impl Pass<'_, '_> {
    fn choose_root(&mut self, root: &[Id]) -> Option<Id> {
        if let Some(&id) = root.iter().find(|&&id| self.is_chosen(id)) {
            return Some(id);
        }
        let id = root.iter().copied().find(|&id| self.fits(id))?;
        self.choose(id);
        Some(id)
    }

    fn is_chosen(&self, id: Id) -> bool {
        self.chosen.get(&self.world.key(id)) == Some(&id)
    }

    /// Whether it can be beside what is chosen.
    fn fits(&self, id: Id) -> bool {
        let expanded = self.world.expand(id);
        let excluded = || expanded.exclusions.iter().flat_map(|exclusion| exclusion.set.ids.iter());
        expanded.broken.is_none()
            && !self.chosen.contains_key(&self.world.key(id))
            && !self.hit.contains_key(&id)
            && !excluded().any(|&other| self.is_chosen(other))
    }

    fn choose(&mut self, id: Id) {
        self.chosen.insert(self.world.key(id), id);
        self.trail.push(id);
        for exclusion in &self.world.expand(id).exclusions {
            for &other in exclusion.set.ids.iter() {
                *self.hit.entry(other).or_default() += 1;
            }
        }
    }

    fn undo(&mut self, length: usize) {
        for id in self.trail.split_off(length) {
            self.chosen.remove(&self.world.key(id));
            for exclusion in &self.world.expand(id).exclusions {
                for other in exclusion.set.ids.iter() {
                    if let Some(count) = self.hit.get_mut(other) {
                        *count -= 1;
                        if *count == 0 {
                            self.hit.remove(other);
                        }
                    }
                }
            }
        }
    }

    /// Chooses a version and all that it needs, or nothing.
    fn install(&mut self, id: Id, depth: usize) -> bool {
        if self.is_chosen(id) {
            return true;
        }
        if depth > DEEPEST || !self.fits(id) || !self.is_satisfiable(id) {
            return false;
        }
        let (before, recommended) = (self.trail.len(), self.recommended.len());
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
            .all(|requirement| requirement.kind == Kind::Recommends || !requirement.sets.is_empty())
    }

    /// Chooses what a chosen version needs; goes on after a failure when that was only recommended, or at the top,
    /// where there is nothing to fall back on.
    fn satisfy(&mut self, id: Id, depth: usize) -> bool {
        let mut complete = true;
        for requirement in &self.world.expand(id).requirements {
            let all = || requirement.sets.iter().flat_map(|set| set.ids.iter().copied());
            if all().any(|id| self.is_chosen(id)) {
                continue;
            }
            match all().find(|&id| self.install(id, depth + 1)) {
                Some(id) if requirement.kind == Kind::Recommends => self.recommended.push(id),
                Some(_) => {}
                None if requirement.kind == Kind::Recommends => {}
                None if depth == 0 => complete = false,
                None => return false,
            }
        }
        complete
    }
}
