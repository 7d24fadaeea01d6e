//! `refresh`: every input that recipes name is looked up anew and pinned by the hash of its bytes.

pub(super) mod contents;
mod packages;
mod scope;
mod sources;
mod suites;

use std::collections::BTreeSet;

use serde::Serialize;

use packages::Catalogues;
use scope::{Scope, asks_for, has_packages, pruned};
use suites::{Before, SignedSuite};

use super::error::{OpsError, PinError};
use super::event::Event;
use super::inputs::bases;
use super::output::InputKind;
use super::services::Services;
use super::workspace::Workspace;
use crate::distribution::suite::SourcePackage;
use crate::lock::{self, Lock, Move, SetId, StepOwner, difference};
use crate::model::{ArchiveName, EPOCH, ImageName, Platform, RecipeName, SourceName, Timestamp};
use crate::plan::{SetRequest, image_request, stage_request};
use crate::recipe::{Base, DistributionRef, Origin, Project, Recipe, RecipeSet};

/// What is to be refreshed.
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// Recipes, or images of them; all that are maintained when empty.
    pub recipes: Vec<RecipeName>,
    /// Kinds of inputs; all when empty.
    pub only: Vec<InputKind>,
    /// Whether the lock is written.
    pub mode: RefreshMode,
    /// Whether a suite's release may be older than the one that the lock records.
    pub allow_older: bool,
}

/// Whether the lock is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// It is.
    Write,
    /// It is only compared.
    Check,
}

/// What a refresh found.
#[derive(Debug, Serialize)]
pub struct RefreshReport {
    /// What moved, or would move.
    pub moves: Vec<Move>,
    /// Whether the text of any lock changes: also when a request changed and its answer did not.
    pub changed: bool,
}

/// Pins inputs anew.
///
/// # Errors
/// When a recipe is not known, an archive cannot be read or trusted, packages cannot be found, or a source cannot be
/// had. The lock is then as it was.
pub fn refresh(
    workspace: &Workspace,
    services: &Services<'_>,
    request: &RefreshRequest,
) -> Result<RefreshReport, OpsError> {
    let project = &workspace.project;
    let scope = Scope::new(project, request)?;
    let mut fresh = Refresh {
        project,
        services,
        scope,
        lock: pruned(project, &workspace.lock),
        allow_older: request.allow_older,
        catalogues: None,
        sources: Vec::new(),
    };
    fresh.bases()?;
    fresh.archives()?;
    fresh.image_packages()?;
    fresh.plain_sources()?;
    fresh.stage_packages()?;
    fresh.vendor_sources()?;
    fresh.date(&workspace.lock);
    let lock = fresh.lock;
    let changed = lock != workspace.lock;
    if changed && request.mode == RefreshMode::Write {
        lock::save(&workspace.lock_folder(), &lock).map_err(|source| OpsError::Lock { source })?;
    }
    Ok(RefreshReport { moves: difference(&workspace.lock, &lock), changed })
}

/// A refresh on its way: the lock as it is so far.
struct Refresh<'r> {
    project: &'r Project,
    services: &'r Services<'r>,
    scope: Scope,
    lock: Lock,
    allow_older: bool,
    catalogues: Option<Catalogues>,
    sources: Vec<(ArchiveName, SourcePackage)>,
}

impl<'r> Refresh<'r> {
    /// Every recipe for every platform.
    fn readings(&self) -> impl Iterator<Item = (&'r RecipeSet, Platform, &'r Recipe)> + use<'r> {
        let project = self.project;
        project.recipes.values().flat_map(|set| {
            set.platforms.iter().filter_map(move |platform| Some((set, *platform, set.on.get(platform)?)))
        })
    }

    /// Pins what images are built on that come out of registries. What a digest stands for never changes: once the
    /// registry said so, it is not asked again.
    fn bases(&mut self) -> Result<(), OpsError> {
        for (set, platform, recipe) in self.readings() {
            for (name, image) in &recipe.images {
                let Base::Oci(reference) = &image.from else { continue };
                let key = (name.clone(), platform);
                let known = self.lock.recipes.get(&set.name).and_then(|lock| lock.bases.get(&key));
                if !self.scope.has(&set.name, InputKind::Bases)
                    || known.is_some_and(|pin| bases::is_confirmed(&self.services.store, pin, reference, platform))
                {
                    continue;
                }
                self.services.observer.event(Event::Doing { what: &format!("looking up {}", reference.name()) });
                let pin = bases::pin_base(self.services, reference, platform).map_err(|source| OpsError::Pin {
                    what: format!("the base of image `{name}` for {platform}"),
                    place: reference.place,
                    source: Box::new(source),
                })?;
                self.lock.recipes.entry(set.name.clone()).or_default().bases.insert(key, pin);
            }
        }
        Ok(())
    }

    /// Reads the archives that anything in scope needs.
    fn archives(&mut self) -> Result<(), OpsError> {
        let distributions = self.distributions();
        let names: BTreeSet<&str> = self.package_sources().map(|(_, _, name)| name).collect();
        if distributions.is_empty() {
            return Ok(());
        }
        let project = self.project;
        let uses =
            distributions.iter().filter_map(|wanted| project.distribution(wanted)).flat_map(|found| found.uses.clone());
        let before = Before { archives: &self.lock.archives, allow_older: self.allow_older };
        let mut suites = suites::read_releases(project, self.services, &uses.collect(), before)?;
        let platforms = self.readings().map(|(_, platform, _)| platform).chain(project.build_platforms.iter().copied());
        let platforms: BTreeSet<Platform> = platforms.collect();
        suites::fetch_package_indexes(project, self.services, &mut suites, &platforms)?;
        if !names.is_empty() {
            self.sources = suites::source_packages(project, self.services, &mut suites, &names)?;
        } else if self.sources_of(|_| true).next().is_some() {
            // recipes out of scope have such sources: the lock is the same whichever recipes are refreshed
            suites.iter_mut().for_each(|suite| _ = suites::source_indexes(project, suite));
        }
        self.catalogues = Some(Catalogues::read(project, self.services, &distributions, &suites, &platforms)?);
        for SignedSuite { archive, suite, pin, .. } in suites {
            self.lock.archives.suites.insert((archive, suite), pin);
        }
        Ok(())
    }

    /// The distributions of everything in scope.
    fn distributions(&self) -> BTreeSet<DistributionRef> {
        if !self.scope.only.is_empty() && !self.scope.only.contains(&InputKind::Packages) {
            return BTreeSet::new();
        }
        let mut found = BTreeSet::new();
        for (set, platform, recipe) in self.readings() {
            if self.scope.recipes.contains(&set.name) {
                found.extend(recipe.images.values().filter_map(|image| self.project.distribution_of(image, platform)));
                let toolchains = recipe.stages.values().map(|stage| &stage.from.value);
                let images = toolchains.filter_map(|name| self.project.image(name, platform));
                found.extend(images.filter_map(|(_, image)| self.project.distribution_of(image, platform)));
            }
        }
        found.extend(self.package_sources().map(|(_, distribution, _)| distribution.clone()));
        found
    }

    fn package_sources(&self) -> impl Iterator<Item = (&'r RecipeSet, &'r DistributionRef, &'r str)> {
        self.sources_of(|set| self.scope.has(&set.name, InputKind::Packages))
    }

    /// The source packages that recipes name, of those that are wanted.
    fn sources_of(
        &self,
        is_wanted: impl Fn(&RecipeSet) -> bool,
    ) -> impl Iterator<Item = (&'r RecipeSet, &'r DistributionRef, &'r str)> {
        self.readings().filter(move |(set, ..)| is_wanted(set)).flat_map(|(set, _, recipe)| {
            recipe.sources.values().filter_map(move |source| match &source.origin {
                Origin::Package { package, distribution } => Some((set, distribution, package.as_str())),
                _ => None,
            })
        })
    }

    /// Resolves the packages of images, each after the image it is built on.
    fn image_packages(&mut self) -> Result<(), OpsError> {
        let mut done = BTreeSet::new();
        let names: Vec<(ImageName, Platform)> = self
            .readings()
            .flat_map(|(_, platform, recipe)| recipe.images.keys().map(move |name| (name.clone(), platform)))
            .collect();
        for (name, platform) in names {
            self.image(&name, platform, &mut done)?;
        }
        Ok(())
    }

    fn image(
        &mut self,
        name: &ImageName,
        platform: Platform,
        done: &mut BTreeSet<(ImageName, Platform)>,
    ) -> Result<(), OpsError> {
        if !done.insert((name.clone(), platform)) {
            return Ok(());
        }
        let project = self.project;
        let Some((set, image)) = project.image(name, platform) else { return Ok(()) };
        if let Base::Image(base) = &image.from {
            self.image(base, platform, done)?;
        }
        if !has_packages(image) {
            return Ok(());
        }
        if project.distribution_of(image, platform).is_none() {
            return Err(OpsError::NoDistribution { image: name.clone(), place: image.name.place });
        }
        let id = SetId::Image { name: name.clone(), platform };
        let request = image_request(project, &self.lock, image, platform);
        let solved = request.map(|request| self.solve(set, &id, &request));
        self.keep(set, id, solved)
    }

    /// The set that answers `request`; none when it is out of scope.
    fn solve(
        &self,
        set: &RecipeSet,
        id: &SetId,
        request: &SetRequest<'_>,
    ) -> Result<Option<lock::PackageSet>, OpsError> {
        match &self.catalogues {
            Some(catalogues) if self.scope.has(&set.name, InputKind::Packages) => {
                catalogues.solve(id, &set.name, request).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn keep(
        &mut self,
        set: &RecipeSet,
        id: SetId,
        solved: Option<Result<Option<lock::PackageSet>, OpsError>>,
    ) -> Result<(), OpsError> {
        if let Some(found) = solved.transpose()?.flatten() {
            packages::keep(&mut self.lock, &set.name, id, found);
        }
        Ok(())
    }

    /// Resolves what stages and vendor sources have on top of their toolchains.
    fn stage_packages(&mut self) -> Result<(), OpsError> {
        let project = self.project;
        for (set, platform, recipe) in self.readings() {
            let stages = recipe.stages.iter().map(|(name, stage)| (StepOwner::Stage(name.clone()), stage));
            let vendors = recipe.sources.iter().filter_map(|(name, source)| match &source.origin {
                Origin::Vendor(stage) => Some((StepOwner::Vendor(name.clone()), stage.as_ref())),
                _ => None,
            });
            for (owner, stage) in stages.chain(vendors) {
                for &build in &project.build_platforms {
                    let id = SetId::Step { owner: owner.clone(), target: platform, build };
                    if asks_for(project, set, &id) {
                        let request = stage_request(project, &self.lock, stage, platform, build);
                        let solved = request.map(|request| self.solve(set, &id, &request));
                        self.keep(set, id, solved)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Pins commits, downloads and source packages: once per recipe where platforms do not differ.
    fn plain_sources(&mut self) -> Result<(), OpsError> {
        let project = self.project;
        for set in project.recipes.values() {
            let names: BTreeSet<&SourceName> = set.on.values().flat_map(|recipe| recipe.sources.keys()).collect();
            for name in names {
                let readings: Vec<_> = set
                    .platforms
                    .iter()
                    .filter_map(|platform| Some((*platform, set.on.get(platform)?.sources.get(name)?)))
                    .collect();
                let requests: BTreeSet<_> =
                    readings.iter().map(|(_, source)| crate::plan::source_request(&source.origin)).collect();
                let shared = requests.len() == 1 && readings.len() == set.platforms.len();
                for (platform, source) in readings.iter().take(if shared { 1 } else { usize::MAX }) {
                    self.source(set, name, (!shared).then_some(*platform), source)?;
                }
            }
        }
        Ok(())
    }

    fn source(
        &mut self,
        set: &RecipeSet,
        name: &SourceName,
        platform: Option<Platform>,
        source: &crate::recipe::Source,
    ) -> Result<(), OpsError> {
        let kind = match &source.origin {
            Origin::Git { .. } => InputKind::Git,
            Origin::Download(_) => InputKind::Download,
            Origin::Package { .. } => InputKind::Packages,
            Origin::Local { .. } | Origin::Vendor(_) => return Ok(()),
        };
        if !self.scope.has(&set.name, kind) {
            return Ok(());
        }
        let what = format!("{}/{name}", set.name);
        self.services.observer.event(Event::Doing { what: &format!("looking up source {what}") });
        let wrong = |source_error: PinError| OpsError::Pin {
            what: format!("source `{what}`"),
            place: source.place,
            source: Box::new(source_error),
        };
        let key = (name.clone(), platform);
        let old = self.lock.recipes.get(&set.name).and_then(|lock| lock.sources.get(&key));
        let pin = match &source.origin {
            Origin::Git { url, reference, .. } => {
                sources::pin_git(self.services, &source.origin, url, reference).map_err(wrong)?
            }
            Origin::Download(download) => {
                sources::pin_download(self.project, self.services, &source.origin, download).map_err(wrong)?
            }
            Origin::Package { package, distribution } => {
                let (project, services) = (self.project, self.services);
                let (origin, name) = (&source.origin, package.as_str());
                let found = sources::pin_source_package(project, services, origin, name, &self.sources, old);
                found.map_err(wrong)?.ok_or_else(|| OpsError::NoSourcePackage {
                    name: package.to_string(),
                    distribution: format!("{} {}", distribution.name, distribution.suite),
                    place: package.place,
                })?
            }
            Origin::Local { .. } | Origin::Vendor(_) => return Ok(()),
        };
        let pins = &mut self.lock.recipes.entry(set.name.clone()).or_default().sources;
        pins.retain(|(known, on), _| known != name || on.is_some() == platform.is_some());
        pins.insert(key, pin);
        Ok(())
    }

    /// Runs vendor steps, whose toolchains and sources are pinned by now.
    fn vendor_sources(&mut self) -> Result<(), OpsError> {
        for set in self.project.recipes.values().filter(|set| self.scope.has(&set.name, InputKind::Vendor)) {
            let recipes = set.on.values();
            let vendors: BTreeSet<&SourceName> = recipes
                .flat_map(|recipe| recipe.sources.iter())
                .filter(|(_, source)| matches!(source.origin, Origin::Vendor(_)))
                .map(|(name, _)| name)
                .collect();
            for name in vendors {
                let pin = sources::pin_vendor(self.project, &self.lock, self.services, set, name)?;
                if let Some(pin) = pin {
                    let recipe = self.lock.recipes.entry(set.name.clone()).or_default();
                    recipe.sources.insert((name.clone(), None), pin);
                }
            }
        }
        Ok(())
    }

    /// Dates the recipes whose pins moved: by the newest release that was read, for there is no other clock in a lock.
    fn date(&mut self, old: &Lock) {
        let newest = self.lock.archives.suites.values().map(|pin| pin.date).max().unwrap_or(EPOCH);
        for name in &self.scope.recipes {
            let fresh = self.lock.recipes.entry(name.clone()).or_default();
            let before = old.recipes.get(name);
            let same = before.is_some_and(|before| {
                (&before.sources, &before.packages, &before.bases) == (&fresh.sources, &fresh.packages, &fresh.bases)
            });
            fresh.created = match before {
                Some(before) if same => before.created,
                Some(before) => later(before.created, newest),
                None => newest,
            };
        }
    }
}

fn later(one: Timestamp, other: Timestamp) -> Timestamp {
    one.max(other)
}
