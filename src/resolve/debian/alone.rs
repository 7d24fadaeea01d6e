//! A package for itself, without anything that it needs.

use super::{ChoiceReason, Chosen, Request, Universe, Unsatisfiable, Wanted, resolve};
use crate::distribution::debian::index::Package;

/// The version of a package that apt would take, whatever it depends on.
///
/// # Errors
/// When there is none, explained as [`resolve`] does it.
pub fn candidate<'u>(universe: &'u Universe, wanted: &Wanted, native: &str) -> Result<Chosen<'u>, Box<Unsatisfiable>> {
    let architecture = wanted.architecture.as_deref().unwrap_or(native);
    let usable = |package: &Package<'u>| {
        let constraint = wanted.constraint.as_ref().is_none_or(|constraint| constraint.allows(package.version()));
        constraint && (package.architecture() == "all" || package.architecture() == architecture)
    };
    let named = universe.name(&wanted.name).map_or(0..0, |name| universe.named(name));
    let best = named.filter(|&entry| usable(&universe.package(entry))).min_by(|&a, &b| universe.preference(a, b));
    match best {
        Some(entry) => {
            let part = universe.part(entry);
            let (archive, suite) = (&part.archive, part.suite.as_str());
            Ok(Chosen { package: universe.package(entry), archive, suite, reason: ChoiceReason::Wanted(0) })
        }
        None => {
            let asked = Request { native: native.to_owned(), wanted: vec![wanted.clone()], ..Request::default() };
            let virtual_only = |_| {
                let explanation = vec![format!("there is no package `{}` for {architecture}", wanted.name)];
                let places = wanted.place.map(|place| (place, "asked for here".to_owned())).into_iter().collect();
                Box::new(Unsatisfiable { explanation, places, help: None })
            };
            Err(resolve(universe, &asked).map_or_else(|error| error, virtual_only))
        }
    }
}
