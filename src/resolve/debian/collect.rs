//! From the versions that the solver chose to a solution with reasons.

use std::collections::{HashMap, HashSet, VecDeque};

use super::expand::Requirement;
use super::roots::Root;
use super::world::{Id, World};
use super::{ChoiceReason, Chosen, DependencyKind, Solution};

/// Sorts what was chosen and says why each is there. What nothing leads to is left out: it would only be a remnant of
/// the search.
pub(super) fn solution<'u>(world: &World<'u>, roots: &[Root], chosen: &HashSet<Id>) -> Solution<'u> {
    let found = reasons(world, roots, chosen);
    let mut order: Vec<Id> = found.keys().copied().filter(|&id| !world.is_installed(id)).collect();
    order.sort_unstable(); // entries are numbered by name and architecture
    let position: HashMap<Id, usize> = order.iter().enumerate().map(|(position, &id)| (id, position)).collect();
    let package = |&id: &Id| {
        let part = world.universe.part(id);
        let reason = match &found[&id] {
            Found::Root(reason) => reason.clone(),
            Found::Needed { by, requirement } => ChoiceReason::Needed {
                by: position.get(by).copied().unwrap_or_default(),
                kind: requirement.kind,
                relation: world.requirement_text(*by, requirement),
            },
        };
        Chosen { package: world.universe.package(id), archive: &part.archive, suite: &part.suite, reason }
    };
    Solution { packages: order.iter().map(package).collect() }
}

enum Found {
    Root(ChoiceReason),
    Needed { by: Id, requirement: Requirement },
}

/// Breadth first, so that the reason is the shortest chain.
fn reasons(world: &World<'_>, roots: &[Root], chosen: &HashSet<Id>) -> HashMap<Id, Found> {
    let mut found = HashMap::new();
    let mut queue = VecDeque::new();
    for root in roots {
        for id in root.ids().filter(|id| chosen.contains(id)) {
            found.entry(id).or_insert_with(|| {
                queue.push_back(id);
                Found::Root(root.reason.clone())
            });
        }
    }
    while let Some(by) = queue.pop_front() {
        for requirement in &world.expand(by).requirements {
            for id in satisfied_by(requirement, chosen) {
                found.entry(id).or_insert_with(|| {
                    queue.push_back(id);
                    Found::Needed { by, requirement: requirement.clone() }
                });
            }
        }
    }
    found
}

fn satisfied_by(requirement: &Requirement, chosen: &HashSet<Id>) -> impl Iterator<Item = Id> {
    requirement.sets.iter().flat_map(|set| set.ids.iter().copied()).filter(|id| chosen.contains(id))
}

/// What the chosen recommend, is not there, and was not tried yet: the preferred candidate of each recommendation.
pub(super) fn unmet_recommendations(world: &World<'_>, chosen: &HashSet<Id>, tried: &HashSet<Id>) -> Vec<Id> {
    let mut order: Vec<Id> = chosen.iter().copied().collect();
    order.sort_unstable();
    let mut unmet = Vec::new();
    for id in order {
        for requirement in
            world.expand(id).requirements.iter().filter(|requirement| requirement.kind == DependencyKind::Recommends)
        {
            if satisfied_by(requirement, chosen).next().is_none() {
                let candidates = requirement.sets.iter().flat_map(|set| set.ids.iter().copied());
                unmet.extend(candidates.take(1).filter(|id| !tried.contains(id)));
            }
        }
    }
    unmet.sort_unstable();
    unmet.dedup();
    unmet
}
