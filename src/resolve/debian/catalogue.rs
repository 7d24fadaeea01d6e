//! A universe as the catalogue that `refresh` asks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::{Mutex, PoisonError};

use super::{Chosen, Installed, Request, Universe, UniversePart, Wanted, candidate, resolve};
use crate::distribution::debian::index::{self, Priority};
use crate::distribution::debian::relation::Constraint;
use crate::distribution::suite::WorldFault;
use crate::lock::{FilePin, PackagePin};
use crate::model::{PackageId, Why};
use crate::recipe::{Dependencies, PackageSelection};
use crate::resolve::{Catalogue, CatalogueBuilder, IndexPart, Query, Unsatisfiable, WantedPackage};

/// The indexes that were read so far, by position.
#[derive(Default)]
pub struct UniverseBuilder(Mutex<BTreeMap<(usize, &'static str), UniversePart>>);

impl CatalogueBuilder for UniverseBuilder {
    fn add(&self, part: IndexPart, index: &mut dyn BufRead) -> Result<(), WorldFault> {
        let IndexPart { position, archive, suite, platform, priority } = part;
        let index = index::parse(index)?;
        let part = UniversePart { archive, suite, architecture: platform.deb().to_owned(), priority, index };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((position, platform.deb()), part);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Catalogue>, WorldFault> {
        let parts = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Universe::new(parts.into_values().collect())?))
    }
}

impl Catalogue for Universe {
    fn solve(&self, query: &Query<'_>) -> Result<Vec<PackagePin>, Box<Unsatisfiable>> {
        let mut installed: Vec<Installed> = query.installed.iter().map(|pin| installed_pin(pin)).collect();
        let mut packages = Vec::new();
        let native = query.native.deb();
        for wanted in query.wanted {
            if wanted.request.dependencies == Dependencies::Ignore {
                let pin = pin(&candidate(self, &asked(wanted), native)?);
                installed.push(installed_pin(&pin));
                packages.push(pin);
            }
        }
        let follows = |wanted: &&WantedPackage| wanted.request.dependencies == Dependencies::Follow;
        let mut wanted: Vec<Wanted> = query.wanted.iter().filter(follows).map(asked).collect();
        let required: BTreeSet<&str> = match query.selections.contains(&PackageSelection::Required) {
            true => self.with_priority(native, Priority::Required).into_iter().collect(),
            false => BTreeSet::new(),
        };
        wanted.extend(required.iter().copied().map(Wanted::any));
        let request = Request {
            native: native.to_owned(),
            wanted,
            installed,
            recommends: query.recommends,
            essential: !query.selections.is_empty(),
        };
        let solution = resolve(self, &request)?;
        packages.extend(solution.packages.iter().map(|chosen| {
            let why = if required.contains(chosen.package.name()) { Why::Selected } else { Why::Needed };
            PackagePin { why, ..pin(chosen) }
        }));
        packages.sort();
        packages.dedup();
        Ok(packages)
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
    Installed { name: name.to_string(), version: version.to_string(), architecture: architecture.to_string() }
}

fn pin(chosen: &Chosen<'_>) -> PackagePin {
    let package = chosen.package;
    PackagePin {
        id: package.id(),
        why: Why::Needed,
        archive: chosen.archive.clone(),
        file: FilePin { path: package.filename().to_owned(), size: package.size(), digest: package.digest() },
    }
}
