//! Debian's packages: which versions of which packages belong together.
//!
//! A first pass chooses as apt would, going down the dependencies of one package after the other; a complete solver
//! then takes those choices as its preferences, so that the answer is apt's where apt has one, and a right one where
//! apt's way of choosing leads nowhere.

mod alone;
mod catalogue;
mod collect;
mod expand;
mod explain;
mod preference;
mod provider;
mod request;
mod roots;
mod solution;
mod universe;
mod world;

use std::collections::HashSet;

use resolvo::{Problem, SolvableId, Solver, UnsolvableOrCancelled};

use preference::Preference;
use provider::Provider;
use roots::Root;
use world::{Id, Set, World};

use super::Unsatisfiable;

pub use alone::candidate;
pub use catalogue::UniverseBuilder;
pub use request::{Installed, Request, Wanted};
pub use solution::{ChoiceReason, Chosen, DependencyKind, Solution};
pub use universe::{Universe, UniverseError, UniversePart};

/// Most rounds in which recommended packages may recommend further ones.
const MOST_ROUNDS: usize = 16;

/// Finds the packages that `request` needs beyond what is installed: each once, in versions that fit together, apt's
/// choice where there is one. The same request gives the same answer, in whatever order it was written.
///
/// # Errors
/// When no set of packages is what was asked for, with the reason in words.
pub fn resolve<'u>(universe: &'u Universe, request: &Request) -> Result<Solution<'u>, Box<Unsatisfiable>> {
    let world = World::new(universe, request);
    let roots = roots::find(&world, request)?;
    let asked: Vec<Vec<Id>> = roots.iter().map(|root| root.ids().collect()).collect();
    let preference = Preference::find(&world, &asked);
    let mut soft = preference.wishes.clone();
    let mut tried: HashSet<Id> = soft.iter().copied().collect();
    let mut chosen = solve(&world, &preference, request, &roots, &soft)?;
    for _ in 0..MOST_ROUNDS {
        let more = collect::unmet_recommendations(&world, &chosen, &tried);
        if more.is_empty() {
            break;
        }
        tried.extend(&more);
        soft.extend(more);
        chosen = solve(&world, &preference, request, &roots, &soft)?;
    }
    Ok(collect::solution(&world, &roots, &chosen))
}

fn solve(
    world: &World<'_>,
    preference: &Preference,
    request: &Request,
    roots: &[Root],
    soft: &[Id],
) -> Result<HashSet<Id>, Box<Unsatisfiable>> {
    let provider = Provider::new(world, preference);
    let installed = world.installed().map(|id| vec![Set { key: world.key(id), ids: [id].into() }]);
    let mut requirements: Vec<_> = installed.map(|sets| provider.requirement(&sets)).collect();
    requirements.extend(roots.iter().map(|root| provider.requirement(&root.sets)));
    let soft: Vec<SolvableId> = soft.iter().map(|&id| SolvableId::from_raw(id)).collect();
    let mut solver = Solver::new(provider);
    match solver.solve(Problem::new().requirements(requirements).soft_requirements(soft)) {
        Ok(solvables) => Ok(solvables.into_iter().map(provider::id).collect()),
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => {
            Err(Box::new(explain::explain(&solver, &conflict, request, roots)))
        }
        Err(UnsolvableOrCancelled::Cancelled(_)) => Ok(HashSet::new()), // nobody cancels: `Provider` never asks for it
    }
}

#[cfg(test)]
mod tests;
