//! Build steps and the roots that they run in.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Builder;
use super::error::PlanError;
use super::fit::MisfitKind;
use super::format::RootFormat;
use super::request::{held_packages, recipe_of, stage_request};
use super::spec::{Network, StepSpec};
use super::step::{LocalInput, Need, Part, Role, RootEntry, RootWork, StageWork, StepId, Subject, Work};
use crate::lock::{SetId, StepOwner};
use crate::model::{ImageName, ImagePath, Place, Platform, StageName, formats};
use crate::recipe::{Base, CopyFrom, Image, ImageEntryKind, Per, Project, Recipe, RecipeSet, Stage};

impl<'a> Builder<'a, '_> {
    pub(super) fn stage(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &StageName,
        platform: Platform,
        place: Place,
    ) -> Result<StepId, PlanError> {
        let stage =
            recipe.stages.get(name).ok_or_else(|| PlanError::Dangling { what: format!("stage `{name}`"), place })?;
        let target = match stage.per {
            Per::Target => platform,
            Per::Build => self.build,
        };
        let owner = StepOwner::Stage(name.clone());
        let (work, needs) = self.stage_work(set, recipe, stage, owner, target, Network::None)?;
        let shown = (stage.per == Per::Target).then_some(target);
        let subject = Subject { recipe: Some(set.name.clone()), part: Part::Stage(name.clone()), platform: shown };
        Ok(self.add(subject, Work::Stage(work), needs))
    }

    /// What stages and vendor sources have in common.
    pub(super) fn stage_work(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        stage: &'a Stage,
        owner: StepOwner,
        target: Platform,
        network: Network,
    ) -> Result<(StageWork<'a>, Vec<Need>), PlanError> {
        let granted = (!stage.secrets.is_empty()).then(|| (&set.name, owner.clone()));
        let mut needs = vec![Need { step: self.root(set, stage, owner, target)?, role: Role::Root }];
        for used in &stage.uses {
            let step = self.source(set, recipe, &used.source, target, used.source.place)?;
            needs.push(Need { step, role: Role::Mount { at: used.at.clone() } });
        }
        for copy in &stage.copies {
            let step = self.stage(set, recipe, &copy.from, target, copy.from.place)?;
            needs.push(Need { step, role: Role::Part { path: copy.path.value.clone(), to: copy.to.clone() } });
        }
        let mut env = toolchain_env(self.project, &stage.from, self.build);
        env.extend(stage.env.clone());
        check_search_paths(stage, &env)?;
        let mut spec = StepSpec::new(self.build, target, network);
        spec.env.extend(recipe.values.clone());
        spec.env.extend(env);
        spec.scripts = stage.run.iter().map(|script| script.value.clone()).collect();
        if let Some(output) = &stage.output {
            spec.output = output.clone();
        }
        spec.secrets = stage.secrets.iter().map(|secret| secret.value.clone()).collect();
        spec.caches = stage.caches.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        spec.limits = stage.limits;
        Ok((StageWork { format: formats::STAGE, spec, owner: granted, stage }, needs))
    }

    /// The root that a stage runs in: the packages of its toolchain image for the build machine, and its own.
    fn root(
        &mut self,
        set: &'a RecipeSet,
        stage: &'a Stage,
        owner: StepOwner,
        target: Platform,
    ) -> Result<StepId, PlanError> {
        let (project, lock, build) = (self.project, self.lock, self.build);
        let place = stage.from.place;
        let Some((toolchain_set, toolchain)) = project.image(&stage.from, build) else {
            return Err(PlanError::NoToolchain { toolchain: stage.from.value.clone(), build, place });
        };
        let (mut entries, mut needs) = (Vec::new(), Vec::new());
        self.root_entries(toolchain_set, toolchain, &mut entries, &mut needs)?;
        let mut subject = Subject { recipe: None, part: Part::Root(stage.from.value.clone()), platform: Some(build) };
        let mut pins = held_packages(project, lock, &stage.from, build).unwrap_or_default();
        if pins.is_empty() {
            let recipe = recipe_of(project, &stage.from, build).unwrap_or(&toolchain_set.name).clone();
            self.misfit(&recipe, format!("the packages of image {} {build}", *stage.from), MisfitKind::Missing, place);
        }
        if !stage.packages.is_empty() || !stage.target_packages.is_empty() {
            let request = stage_request(project, lock, stage, target, build).map(|request| request.digest());
            let part = match &owner {
                StepOwner::Vendor(name) => Part::VendorRoot(name.clone()),
                StepOwner::Stage(name) => Part::StageRoot(name.clone()),
            };
            subject = Subject { recipe: Some(set.name.clone()), part, platform: Some(target) };
            let id = SetId::Step { owner, target, build };
            pins.extend(self.locked_set(&set.name, &id, request, stage.place));
        }
        let packages = self.packages(&pins);
        Ok(self.add(
            subject,
            Work::Root(RootWork {
                format: RootFormat::of(packages.iter().map(|package| &package.id)),
                platform: build,
                packages,
                entries,
            }),
            needs,
        ))
    }

    /// What a toolchain's image, and the images it is built on, add to their packages.
    fn root_entries(
        &mut self,
        set: &'a RecipeSet,
        image: &'a Image,
        entries: &mut Vec<RootEntry>,
        needs: &mut Vec<Need>,
    ) -> Result<(), PlanError> {
        let (project, build) = (self.project, self.build);
        if let Base::Image(base) = &image.from
            && let Some((set, base)) = project.image(base, build)
        {
            self.root_entries(set, base, entries, needs)?;
        }
        let Some(recipe) = set.on.get(&build) else { return Ok(()) };
        for entry in &image.entries {
            let executable = entry.mode.is_some_and(|mode| mode.bits() & 0o100 != 0);
            entries.push(match &entry.kind {
                ImageEntryKind::File { path, text } => {
                    RootEntry::File { path: path.clone(), text: text.clone(), executable }
                }
                ImageEntryKind::Symlink { path, target } => {
                    RootEntry::Symlink { path: path.clone(), target: target.clone() }
                }
                ImageEntryKind::Copy { from, to } => self.root_copy(set, recipe, (from, to), entry.place, needs)?,
                ImageEntryKind::Dir { .. } | ImageEntryKind::Remove { .. } | ImageEntryKind::FileCapability { .. } => {
                    continue;
                }
            });
        }
        Ok(())
    }

    fn root_copy(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        (from, to): (&'a CopyFrom, &ImagePath),
        place: Place,
        needs: &mut Vec<Need>,
    ) -> Result<RootEntry, PlanError> {
        let (step, path) = match from {
            CopyFrom::Stage(name, path) => (self.stage(set, recipe, name, self.build, name.place)?, path),
            CopyFrom::Source(name, path) => (self.source(set, recipe, name, self.build, name.place)?, path),
            CopyFrom::Local(path) => {
                let path = set.folder.join(&path.value);
                let input = LocalInput { digest: self.digest(&path, place)?, path };
                return Ok(RootEntry::Local { input, to: to.clone() });
            }
            CopyFrom::Image(name, _) => {
                return Err(PlanError::ToolchainFromImage { image: name.value.clone(), place });
            }
        };
        needs.push(Need { step, role: Role::Tree });
        Ok(RootEntry::Tree { need: needs.len() - 1, path: path.value.clone(), to: to.clone() })
    }
}

/// Refuses a cache in a folder where the shell or the dynamic linker looks things up. The recipe alone cannot say: a
/// toolchain's image may set the variable.
fn check_search_paths(stage: &Stage, env: &BTreeMap<String, String>) -> Result<(), PlanError> {
    for variable in ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"] {
        let folders = env.get(variable).into_iter().flat_map(|value| value.split([':', ' ']));
        for folder in folders.filter_map(|folder| ImagePath::absolute(folder).ok()) {
            if let Some(cache) = stage.caches.iter().find(|cache| cache.is_within(&folder) || folder.is_within(cache)) {
                let (cache, place) = (cache.clone(), stage.place);
                return Err(PlanError::CacheInSearchPath { cache, variable, folder, place });
            }
        }
    }
    Ok(())
}

/// The environment that a toolchain's image declares, its bases' first.
fn toolchain_env(project: &Project, name: &ImageName, build: Platform) -> BTreeMap<String, String> {
    let Some((_, image)) = project.image(name, build) else {
        return BTreeMap::new();
    };
    let mut env = match &image.from {
        Base::Image(base) => toolchain_env(project, base, build),
        Base::Scratch | Base::Oci(_) => BTreeMap::new(),
    };
    env.extend(image.config.env.iter().map(|variable| (variable.name.clone(), variable.value.clone())));
    env
}
