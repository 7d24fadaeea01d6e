//! What is asked for, as sets of versions; and what is wrong with it before anything is solved.

use super::universe::ALL;
use super::world::{Id, Key, Set, World};
use super::{ChoiceReason, Request, Unsatisfiable, Wanted};
use crate::distribution::debian::relation::{Qualifier, Relation};
use crate::model::Place;

/// Something that must be in the solution.
pub(super) struct Root {
    pub(super) reason: ChoiceReason,
    /// Any version of any of these.
    pub(super) sets: Vec<Set>,
}

impl Root {
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        self.sets.iter().flat_map(|set| set.ids.iter().copied())
    }
}

/// What a request names, in an order that does not depend on how it was written.
///
/// # Errors
/// When a name, an architecture or a version does not exist; all of them at once.
pub(super) fn find(world: &World<'_>, request: &Request) -> Result<Vec<Root>, Box<Unsatisfiable>> {
    if world.native == ALL {
        return Err(no_index(world, &request.native));
    }
    let mut order: Vec<usize> = (0..request.wanted.len()).collect();
    let key = |&position: &usize| {
        let wanted = &request.wanted[position];
        (&wanted.name, &wanted.architecture, &wanted.constraint, position)
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let (mut roots, mut explanation, mut places, mut help) = (Vec::new(), Vec::new(), Vec::new(), None);
    for position in order {
        let wanted = &request.wanted[position];
        match find_one(world, wanted) {
            Ok(sets) => roots.push(Root { reason: ChoiceReason::Wanted(position), sets }),
            Err(fault) => {
                places.extend(wanted.place.map(|place: Place| (place, fault.short)));
                explanation.push(fault.line);
                help = help.or(fault.help);
            }
        }
    }
    if !explanation.is_empty() {
        return Err(Box::new(Unsatisfiable { explanation, places, help }));
    }
    if request.essential {
        roots.extend(essential(world));
    }
    Ok(roots)
}

fn no_index(world: &World<'_>, native: &str) -> Box<Unsatisfiable> {
    let known = world.universe.architectures().join(", ");
    Box::new(Unsatisfiable {
        explanation: vec![format!("there is no index of packages for the architecture `{native}`, only for {known}")],
        places: Vec::new(),
        help: Some("ask for a platform that the distribution's suites are made for".to_owned()),
    })
}

fn essential<'w>(world: &'w World<'_>) -> impl Iterator<Item = Root> + 'w {
    (0..world.universe.name_count()).filter_map(|name| {
        let key = Key { name, architecture: world.native };
        let newest = *world.available(key).first()?;
        let essential = world.universe.package(newest).essential();
        essential.then(|| Root {
            reason: ChoiceReason::Essential,
            sets: vec![Set { key, ids: world.candidates(key).into() }],
        })
    })
}

/// What is wrong with something wanted.
struct Fault {
    line: String,
    short: String,
    help: Option<String>,
}

fn find_one(world: &World<'_>, wanted: &Wanted) -> Result<Vec<Set>, Fault> {
    let architecture = match &wanted.architecture {
        None => world.native,
        Some(name) => world.universe.arch(name).ok_or_else(|| Fault {
            line: format!(
                "`{}` is wanted for the architecture `{name}`, but no index has packages for that",
                wanted.name
            ),
            short: format!("no index for `{name}`"),
            help: None,
        })?,
    };
    let sets = match world.name_number(&wanted.name) {
        Some(name) => {
            let own = Key { name, architecture };
            let mut ids = world.candidates(own);
            if architecture != world.native {
                // what is for all architectures serves this one as well
                let native = world.candidates(Key { name, architecture: world.native });
                ids.extend(native.into_iter().filter(|&id| world.is_for_all(id)));
            }
            sets(world, ids.into_iter().filter(|&id| allows(wanted, world.version(id))))
        }
        None => provider(world, wanted, architecture)?,
    };
    if sets.is_empty() { Err(unavailable(world, wanted)) } else { Ok(sets) }
}

fn allows(wanted: &Wanted, version: &str) -> bool {
    wanted.constraint.as_ref().is_none_or(|constraint| constraint.allows(version))
}

fn sets(world: &World<'_>, ids: impl Iterator<Item = Id>) -> Vec<Set> {
    let mut sets: Vec<(Key, Vec<Id>)> = Vec::new();
    for id in ids {
        match sets.last_mut() {
            Some((key, ids)) if *key == world.key(id) => ids.push(id),
            _ => sets.push((world.key(id), vec![id])),
        }
    }
    sets.into_iter().map(|(key, ids)| Set { key, ids: ids.into() }).collect()
}

/// A virtual package will do when one package alone stands for it.
fn provider(world: &World<'_>, wanted: &Wanted, architecture: u8) -> Result<Vec<Set>, Fault> {
    let relation = Relation {
        name: &wanted.name,
        qualifier: Qualifier::Own,
        constraint: wanted.constraint.clone(),
        architectures: Vec::new(),
        profiles: Vec::new(),
    };
    let sets = world.satisfying(&relation, architecture);
    let mut names: Vec<&str> = sets.iter().map(|set| world.name(set.ids[0])).collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [] => Err(unknown(world, wanted)),
        [_] => Ok(sets),
        _ => Err(Fault {
            line: format!(
                "`{}` is a virtual package that {} packages provide: {}",
                wanted.name,
                names.len(),
                list(&names)
            ),
            short: "a virtual package".to_owned(),
            help: Some("ask for one of the packages that provide it".to_owned()),
        }),
    }
}

fn unknown(world: &World<'_>, wanted: &Wanted) -> Fault {
    let nearest = nearest(world, &wanted.name);
    let hint = if nearest.is_empty() { String::new() } else { format!("; nearest: {}", nearest.join(", ")) };
    Fault {
        line: format!("there is no package `{}`{hint}", wanted.name),
        short: format!("no such package{hint}"),
        help: None,
    }
}

/// The name exists, but not like this.
fn unavailable(world: &World<'_>, wanted: &Wanted) -> Fault {
    let architecture = wanted.architecture.as_deref().unwrap_or_else(|| world.native_name());
    let all: Vec<Id> = world.every_version(&wanted.name);
    let fits = |id: &&Id| {
        world.is_for_all(**id)
            || world
                .universe
                .architectures()
                .get(usize::from(world.key(**id).architecture))
                .is_some_and(|name| name == architecture)
    };
    let here: Vec<String> = all.iter().filter(fits).map(|&id| world.show_origin(id)).collect();
    let name = &wanted.name;
    let installed = world.installed().find(|&id| world.name(id) == name);
    match (installed, &wanted.constraint) {
        (Some(installed), Some(constraint)) => Fault {
            line: format!(
                "`{name}` is wanted in a version {constraint}, but {} is installed already, and stays",
                world.show(installed)
            ),
            short: format!("{} is installed already", world.version(installed)),
            help: Some("ask for a version that fits, or refresh the image that this one is built on".to_owned()),
        },
        (_, Some(constraint)) if !here.is_empty() => Fault {
            line: format!(
                "`{name}` is wanted in a version {constraint}; available for {architecture}: {}",
                here.join(", ")
            ),
            short: format!("available: {}", here.join(", ")),
            help: Some("loosen the version constraint".to_owned()),
        },
        _ => {
            let mut others: Vec<&str> = all.iter().map(|&id| world.architecture_name(id)).collect();
            others.sort_unstable();
            others.dedup();
            let others = others.join(", ");
            Fault {
                line: format!("there is no package `{name}` for the architecture {architecture}, only for {others}"),
                short: format!("not for {architecture}, only for {others}"),
                help: Some(format!("leave it out for that platform: on \"linux/…\" {{ packages \"{name}\" }}")),
            }
        }
    }
}

/// The first few of a list, and how many more there are.
fn list(names: &[&str]) -> String {
    let shown = names[..names.len().min(8)].join(", ");
    if names.len() > 8 { format!("{shown} and {} more", names.len() - 8) } else { shown }
}

/// Up to three names that look like a wrong one: those of another version of the same library first.
pub(super) fn nearest(world: &World<'_>, wrong: &str) -> Vec<String> {
    let base = stem(wrong);
    let mut near: Vec<(usize, usize, &str)> = world
        .universe
        .names()
        .filter(|name| name.len().abs_diff(wrong.len()) <= 6)
        .filter_map(|name| {
            let same = base.len() >= 3 && stem(name) == base;
            let distance = strsim::damerau_levenshtein(name, wrong);
            (same || distance <= wrong.len() / 4 + usize::from(wrong.len() > 2)).then_some((
                usize::from(!same),
                distance,
                name,
            ))
        })
        .collect();
    near.sort_unstable();
    let best = near.first().map(|(other, _, _)| *other);
    near.into_iter().filter(|(other, _, _)| Some(*other) == best).take(3).map(|(_, _, name)| name.to_owned()).collect()
}

/// The name of a library without what its ABI's version adds.
fn stem(name: &str) -> &str {
    name.trim_end_matches("t64").trim_end_matches(|last: char| last.is_ascii_digit() || last == '.' || last == '-')
}
