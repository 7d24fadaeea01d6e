//! Resolves the packages of images and stages, base images first.

use std::collections::{BTreeMap, BTreeSet};

use super::suites::{SignedSuite, read_index};
use crate::lock::{Lock, PackageSet, SetId};
use crate::model::{Platform, RecipeName};
use crate::ops::error::OpsError;
use crate::ops::services::Services;
use crate::plan::SetRequest;
use crate::recipe::{DistributionRef, Project};
use crate::resolve::{Catalogue, IndexPart, Query, catalogue};
use rayon::prelude::*;

/// The packages of each distribution that recipes use.
pub(super) struct Catalogues(BTreeMap<DistributionRef, Box<dyn Catalogue>>);

impl Catalogues {
    /// Reads the indexes of each distribution, with its suites in the order in which it names them. They are in the
    /// store.
    pub(super) fn read(
        project: &Project,
        services: &Services<'_>,
        distributions: &BTreeSet<DistributionRef>,
        suites: &[SignedSuite],
        platforms: &BTreeSet<Platform>,
    ) -> Result<Self, OpsError> {
        let mut catalogues = BTreeMap::new();
        for wanted in distributions {
            if let Some(catalogue) = read(project, services, wanted, suites, platforms)? {
                catalogues.insert(wanted.clone(), catalogue);
            }
        }
        Ok(Self(catalogues))
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
        let query = Query {
            native: request.native,
            wanted: &request.wanted,
            selections: &request.selections,
            recommends: request.recommends,
            installed: &request.installed,
        };
        let packages = match self.0.get(&key) {
            Some(catalogue) => catalogue.solve(&query).map_err(|source| {
                let what = format!("{id} of recipe {recipe}");
                OpsError::Unsatisfiable { what, source }
            })?,
            None => Vec::new(),
        };
        Ok(PackageSet { request: request.digest(), packages })
    }
}

fn read(
    project: &Project,
    services: &Services<'_>,
    wanted: &DistributionRef,
    suites: &[SignedSuite],
    platforms: &BTreeSet<Platform>,
) -> Result<Option<Box<dyn Catalogue>>, OpsError> {
    let Some(distribution) = project.distribution(wanted) else { return Ok(None) };
    let uses = distribution.uses.iter().filter_map(|suite_use| {
        suites.iter().find(|suite| suite.archive == suite_use.archive && suite.suite == suite_use.suite)
    });
    let uses: Vec<&SignedSuite> = uses.collect();
    let Some(first) = uses.first() else { return Ok(None) };
    let builder = catalogue(project.archives[&first.archive].kind)?;
    let mut parts = Vec::new();
    for suite in uses {
        for &platform in platforms {
            for component in &project.archives[&suite.archive].components {
                let Some(index) = suite.contents.packages(component, platform) else { continue };
                let (archive, name) = (suite.archive.clone(), suite.suite.clone());
                let (position, priority) = (parts.len(), suite.contents.priority());
                parts.push((suite, index, IndexPart { position, archive, suite: name, platform, priority }));
            }
        }
    }
    parts.into_par_iter().try_for_each(|(suite, index, part)| {
        read_index(project, services, suite, &index, |reader| builder.add(part, reader))
    })?;
    Ok(Some(builder.finish().map_err(|source| OpsError::Catalogue { source })?))
}

/// Where a set is to be kept.
pub(super) fn keep(lock: &mut Lock, recipe: &RecipeName, id: SetId, set: PackageSet) {
    lock.recipes.entry(recipe.clone()).or_default().packages.insert(id, set);
}
