//! Resolves the packages of images and stages, base images first.

use std::collections::{BTreeMap, BTreeSet};

use super::suites::SignedSuite;
use crate::distribution::debian::index::Priority;
use crate::distribution::debian::relation::Constraint;
use crate::lock::{FilePin, Lock, PackagePin, PackageSet, SetId};
use crate::model::{Format, PackageId, PackageName, Platform, RecipeName};
use crate::ops::error::OpsError;
use crate::plan::{SetRequest, WantedPackage};
use crate::recipe::{Dependencies, DistributionRef, PackageSelection};
use crate::resolve::debian::{Chosen, Installed, Part, Request, Universe, Wanted, candidate, resolve};

/// The packages of each distribution that recipes use.
pub(super) struct Universes(BTreeMap<DistributionRef, Universe>);

impl Universes {
    /// Sorts indexes into distributions, each with its suites in the order in which it names them.
    pub(super) fn new(
        project: &crate::recipe::Project,
        distributions: &BTreeSet<DistributionRef>,
        suites: &[SignedSuite],
        indexes: &mut dyn FnMut(usize) -> Vec<(String, crate::distribution::debian::index::Index)>,
    ) -> Result<Self, OpsError> {
        let mut universes = BTreeMap::new();
        for wanted in distributions {
            let Some(distribution) = project.distribution(wanted) else { continue };
            let mut parts = Vec::new();
            for suite_use in &distribution.uses {
                let same = |suite: &&SignedSuite| suite.archive == suite_use.archive && suite.suite == suite_use.suite;
                let Some((position, suite)) = suites.iter().enumerate().find(|(_, suite)| same(suite)) else {
                    continue;
                };
                for (architecture, index) in indexes(position) {
                    let (archive, name) = (suite.archive.clone(), suite.suite.clone());
                    parts.push(Part { archive, suite: name, architecture, priority: suite.release.priority, index });
                }
            }
            universes.insert(wanted.clone(), Universe::new(parts)?);
        }
        Ok(Self(universes))
    }

    /// Finds the set that answers `request`.
    pub(super) fn solve(
        &self,
        id: &SetId,
        recipe: &RecipeName,
        request: &SetRequest<'_>,
    ) -> Result<PackageSet, OpsError> {
        let key = DistributionRef {
            name: request.distribution.name.value.clone(),
            suite: request.distribution.suite.clone(),
        };
        let Some(universe) = self.0.get(&key) else {
            return Ok(PackageSet { request: request.digest(), packages: Vec::new() });
        };
        let unsatisfiable = |source| OpsError::Unsatisfiable { what: format!("{id} of recipe {recipe}"), source };
        let mut installed: Vec<Installed> = request.installed.iter().map(|pin| installed_pin(pin)).collect();
        let mut packages = Vec::new();
        let native = request.native.deb();
        for wanted in &request.wanted {
            if wanted.request.dependencies == Dependencies::Ignore {
                let alone = candidate(universe, &asked(wanted), native).map_err(unsatisfiable)?;
                let pin = pin(&alone);
                installed.push(installed_pin(&pin));
                packages.push(pin);
            }
        }
        let follows = |wanted: &&WantedPackage| wanted.request.dependencies == Dependencies::Follow;
        let mut wanted: Vec<Wanted> = request.wanted.iter().filter(follows).map(asked).collect();
        let required: BTreeSet<&str> = match request.selections.contains(&PackageSelection::Required) {
            true => universe.with_priority(native, Priority::Required).into_iter().collect(),
            false => BTreeSet::new(),
        };
        wanted.extend(required.iter().copied().map(Wanted::any));
        let asked = Request {
            native: native.to_owned(),
            wanted,
            installed,
            recommends: request.recommends,
            essential: !request.selections.is_empty(),
        };
        let solution = resolve(universe, &asked).map_err(unsatisfiable)?;
        packages.extend(solution.packages.iter().map(|chosen| {
            let selected = required.contains(chosen.package.name());
            PackagePin { selected, ..pin(chosen) }
        }));
        packages.sort();
        packages.dedup();
        Ok(PackageSet { request: request.digest(), packages })
    }
}

fn asked(wanted: &WantedPackage) -> Wanted {
    // the recipe's reader refused what is no constraint
    let constraint: Option<Constraint<'static>> = wanted.request.version.as_deref().and_then(|text| text.parse().ok());
    Wanted {
        name: wanted.request.name.to_string(),
        architecture: Some(wanted.platform.deb().to_owned()),
        constraint,
        place: Some(wanted.place),
    }
}

fn installed_pin(pin: &PackagePin) -> Installed {
    let PackageId { name, architecture, version, .. } = &pin.id;
    Installed { name: name.to_string(), version: version.clone(), architecture: architecture.clone() }
}

fn pin(chosen: &Chosen<'_>) -> PackagePin {
    let package = chosen.package;
    #[expect(clippy::expect_used, reason = "the index was read with the same rule for names")]
    let name = PackageName::new(package.name()).expect("a name that the index accepted");
    PackagePin {
        id: PackageId {
            name,
            architecture: package.architecture().to_owned(),
            version: package.version().to_owned(),
            format: Format::Deb,
        },
        selected: false,
        archive: chosen.archive.clone(),
        file: FilePin { path: package.filename().to_owned(), size: package.size(), digest: package.digest() },
    }
}

/// Where a set is to be kept.
pub(super) fn keep(lock: &mut Lock, recipe: &RecipeName, id: SetId, set: PackageSet) {
    lock.recipes.entry(recipe.clone()).or_default().packages.insert(id, set);
}

/// Debian's names of the architectures of `platforms`.
pub(super) fn architectures(platforms: impl Iterator<Item = Platform>) -> BTreeSet<&'static str> {
    platforms.map(Platform::deb).collect()
}
