//! Makes the graph: walks from the wanted images to everything they need, each thing once.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::fit::{Misfit, MisfitKind};
use super::request::{held_packages, image_request, recipe_of, source_request, stage_request};
use super::step::{
    BaseWork, EditInput, ImageWork, LocalInput, Location, Need, PackageInput, Part, Plan, RemoteFile, Role, RootEntry,
    RootWork, SourceInput, SourceWork, StageWork, Step, StepId, Subject, Work,
};
use crate::lock::{FilePin, Lock, PackagePin, RecipeLock, SetId, SetOwner, SourcePin};
use crate::model::{
    ArchiveName, Digest, EPOCH, ImageName, ImagePath, ImageReference, Place, Platform, RecipeName, SourceName, Spanned,
    StageName,
};
use crate::recipe::{
    Base, CopyFrom, Edit, EntryKind, Image, Origin, Per, Project, Recipe, RecipeSet, Stage, Status, meaning,
};

/// Moves when the way a kind of step works does, so that results of older versions are not taken for new ones.
const FORMAT: u32 = 1;

/// What of a project is wanted.
#[derive(Clone, Debug)]
pub struct Selection {
    /// These images; all that are not retired when empty.
    pub images: Vec<ImageName>,
    /// These platforms; those of each recipe when empty.
    pub platforms: Vec<Platform>,
    /// What stages run on.
    pub build: Platform,
}

/// Hashes of files beside recipes, which the graph needs and this room does not read.
pub trait LocalFiles {
    /// The hash of a file or folder, given relative to the project.
    ///
    /// # Errors
    /// When it cannot be read.
    fn digest(&self, path: &Utf8Path) -> Result<Digest, std::io::Error>;
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The lock does not answer what the recipes ask.
    #[error("the lock does not fit the recipes")]
    Unfit {
        /// All of it, sorted.
        misfits: Vec<Misfit>,
    },
    /// A name that is no image.
    #[error("there is no image `{name}`")]
    UnknownImage {
        /// The name.
        name: ImageName,
        /// The images that there are.
        known: Vec<ImageName>,
    },
    /// An image that is not for a platform that was asked for.
    #[error("image `{name}` is not for {platform}")]
    NotFor {
        /// The image.
        name: ImageName,
        /// The platform.
        platform: Platform,
        /// What its recipe says.
        known: Vec<Platform>,
    },
    /// A stage needs a toolchain that is not there for the machine that builds.
    #[error("`{toolchain}` cannot be built on {build}: its recipe does not name that platform")]
    NoToolchain {
        /// The image.
        toolchain: ImageName,
        /// The build machine's platform.
        build: Platform,
        /// Where a stage asks for it.
        place: Place,
    },
    /// A file beside a recipe cannot be read.
    #[error("cannot read `{path}`, which is copied into an image or a source")]
    Local {
        /// Relative to the project.
        path: Utf8PathBuf,
        /// Where the recipe says so.
        place: Place,
        /// Why.
        source: std::io::Error,
    },
    /// A toolchain's image takes files out of another image, and roots are made without images.
    #[error("a toolchain's image cannot copy from image `{image}`: copy from the stage that makes the files")]
    ToolchainFromImage {
        /// The other image.
        image: ImageName,
        /// Where.
        place: Place,
    },
    /// A reference that loading the recipes should have refused.
    #[error("{what} is not known")]
    Dangling {
        /// What.
        what: String,
        /// Where.
        place: Place,
    },
}

/// Makes the graph of everything that `selection` needs.
///
/// # Errors
/// When the lock does not fit (with all misfits), or the selection asks for what is not there.
pub fn plan<'a>(
    project: &'a Project,
    lock: &'a Lock,
    selection: &Selection,
    local: &dyn LocalFiles,
) -> Result<Plan<'a>, PlanError> {
    let mut builder = Builder::new(project, lock, selection.build, local);
    for (name, platform) in select(project, selection)? {
        let id = builder.image(&name, platform)?;
        builder.plan.wanted.push(id);
    }
    builder.finish()
}

/// What `refresh` runs to pin a vendor source: the step with its network, whatever its output will be; and the digest
/// of the request that a pin of it answers.
///
/// # Errors
/// As [`plan`].
pub fn vendor_plan<'a>(
    project: &'a Project,
    lock: &'a Lock,
    set: &'a RecipeSet,
    name: &SourceName,
    build: Platform,
    local: &dyn LocalFiles,
) -> Result<Option<(Plan<'a>, Digest)>, PlanError> {
    let mut builder = Builder::new(project, lock, build, local);
    let recipe = set.on.get(&build).or_else(|| set.on.values().next());
    let Some((recipe, source)) = recipe.and_then(|recipe| Some((recipe, recipe.sources.get(name)?))) else {
        return Ok(None);
    };
    let Origin::Vendor(stage) = &source.origin else {
        return Ok(None);
    };
    let (work, needs, request) = builder.vendor_work(set, recipe, name, &source.origin, stage)?;
    let id = builder.add(vendor_subject(set, name), Work::Vendor(work), needs);
    builder.plan.wanted.push(id);
    Ok(Some((builder.finish()?, request)))
}

/// The images and platforms that are wanted, in the order of recipes.
fn select(project: &Project, selection: &Selection) -> Result<Vec<(ImageName, Platform)>, PlanError> {
    let images_of = |set: &RecipeSet, platform: &Platform| -> Vec<ImageName> {
        set.on.get(platform).map(|recipe| recipe.images.keys().cloned().collect()).unwrap_or_default()
    };
    for name in &selection.images {
        let Some(set) = project.recipe_of(name) else {
            let known = project
                .recipes
                .values()
                .flat_map(|set| set.on.values())
                .flat_map(|recipe| recipe.images.keys().cloned());
            let mut known: Vec<_> = known.collect();
            known.sort();
            known.dedup();
            return Err(PlanError::UnknownImage { name: name.clone(), known });
        };
        if let Some(&platform) = selection.platforms.iter().find(|&platform| !images_of(set, platform).contains(name)) {
            return Err(PlanError::NotFor { name: name.clone(), platform, known: set.platforms.clone() });
        }
    }
    let mut wanted = Vec::new();
    for set in project.recipes.values() {
        for platform in &set.platforms {
            let Some(recipe) = set.on.get(platform) else { continue };
            let chosen = |name: &ImageName| match selection.images.as_slice() {
                [] => recipe.status != Status::Retired,
                images => images.contains(name),
            };
            let platform_chosen = selection.platforms.is_empty() || selection.platforms.contains(platform);
            let images = recipe.images.keys().filter(|name| platform_chosen && chosen(name));
            wanted.extend(images.map(|name| (name.clone(), *platform)));
        }
    }
    wanted.sort_by(|one, other| one.0.cmp(&other.0)); // stable: platforms stay in the recipe's order
    Ok(wanted)
}

struct Builder<'a, 'l> {
    project: &'a Project,
    lock: &'a Lock,
    local: &'l dyn LocalFiles,
    build: Platform,
    plan: Plan<'a>,
    known: BTreeMap<Digest, StepId>,
    misfits: Vec<Misfit>,
}

impl<'a, 'l> Builder<'a, 'l> {
    fn new(project: &'a Project, lock: &'a Lock, build: Platform, local: &'l dyn LocalFiles) -> Self {
        let plan = Plan { steps: Vec::new(), wanted: Vec::new(), files: BTreeMap::new() };
        Self { project, lock, local, build, plan, known: BTreeMap::new(), misfits: Vec::new() }
    }

    /// The plan, unless the lock did not fit.
    fn finish(mut self) -> Result<Plan<'a>, PlanError> {
        if self.misfits.is_empty() {
            return Ok(self.plan);
        }
        self.misfits.sort();
        self.misfits.dedup();
        Err(PlanError::Unfit { misfits: self.misfits })
    }

    /// Adds a step, unless the same one is there.
    fn add(&mut self, subject: Subject, work: Work<'a>, needs: Vec<Need>) -> StepId {
        let keys: Vec<_> = needs.iter().map(|need| (need.role.clone(), self.plan.steps[need.step.0].key)).collect();
        let key = Step::key_of(&work, &keys);
        let id = StepId(self.plan.steps.len());
        let known = *self.known.entry(key).or_insert(id);
        if known == id {
            self.plan.steps.push(Step { key, subject, work, needs });
        }
        known
    }

    fn misfit(&mut self, recipe: &RecipeName, what: String, kind: MisfitKind, place: Place) {
        self.misfits.push(Misfit { recipe: recipe.clone(), what, kind, place });
    }

    fn recipe_lock(&self, recipe: &RecipeName) -> Option<&'a RecipeLock> {
        self.lock.recipes.get(recipe)
    }

    fn file(&mut self, label: String, archive: &ArchiveName, pin: &FilePin) {
        let location = Location::Archive(archive.clone(), pin.path.clone());
        self.plan.files.entry(pin.digest).or_insert(RemoteFile { label, size: pin.size, location });
    }

    fn packages(&mut self, pins: &[&PackagePin]) -> Vec<PackageInput> {
        let mut packages = Vec::with_capacity(pins.len());
        for pin in pins {
            self.file(format!("{} {} ({})", pin.name, pin.version, pin.architecture), &pin.archive, &pin.file);
            packages.push(PackageInput {
                name: pin.name.clone(),
                architecture: pin.architecture.clone(),
                version: pin.version.clone(),
                digest: pin.file.digest,
            });
        }
        packages.sort();
        packages.dedup();
        packages
    }

    /// The packages that the lock holds for `id`, when it answers `request`.
    fn locked_set(
        &mut self,
        recipe: &RecipeName,
        id: &SetId,
        request: Option<Digest>,
        place: Place,
    ) -> Vec<&'a PackagePin> {
        let set = self.recipe_lock(recipe).and_then(|lock| lock.packages.get(id));
        match set {
            Some(set) if Some(set.request) == request => return set.packages.iter().collect(),
            Some(_) => self.misfit(recipe, format!("the packages of {id}"), MisfitKind::Changed, place),
            None => self.misfit(recipe, format!("the packages of {id}"), MisfitKind::Missing, place),
        }
        Vec::new()
    }

    fn image(&mut self, name: &ImageName, platform: Platform) -> Result<StepId, PlanError> {
        let (set, image) = self.project.image(name, platform).ok_or_else(|| PlanError::NotFor {
            name: name.clone(),
            platform,
            known: self.project.recipe_of(name).map(|set| set.platforms.clone()).unwrap_or_default(),
        })?;
        let recipe = &set.on[&platform];
        let mut needs = Vec::new();
        match &image.from {
            Base::Image(base) => needs.push(Need { step: self.image(base, platform)?, role: Role::Base }),
            Base::Oci(reference) => {
                let base = self.registry_base(set, image, reference, platform);
                needs.extend(base.map(|step| Need { step, role: Role::Base }));
            }
            Base::Scratch => {}
        }
        let mut pins = Vec::new();
        if !image.packages.is_empty() || !image.selections.is_empty() {
            let request = image_request(self.project, self.lock, image, platform).map(|request| request.digest());
            let id = SetId { owner: SetOwner::Image(name.clone()), platform, build: None };
            pins = self.locked_set(&set.name, &id, request, image.name.place);
        }
        let packages = self.packages(&pins);
        let local = self.entries(set, recipe, image, platform, &mut needs)?;
        let created = self.recipe_lock(&set.name).map_or(EPOCH, |lock| lock.created);
        let labels = labels(self.project, recipe, image);
        let work = ImageWork { format: FORMAT, platform, image, labels, created, packages, local };
        let subject =
            Subject { recipe: Some(set.name.clone()), part: Part::Image(name.clone()), platform: Some(platform) };
        Ok(self.add(subject, Work::Image(Box::new(work)), needs))
    }

    /// The image of a registry that an image is built on, when the lock knows it.
    fn registry_base(
        &mut self,
        set: &'a RecipeSet,
        image: &Image,
        reference: &Spanned<ImageReference>,
        platform: Platform,
    ) -> Option<StepId> {
        let name = &image.name.value;
        let pin = self.recipe_lock(&set.name).and_then(|lock| lock.bases.get(&(name.clone(), platform)));
        let what = || format!("the base of image {name} {platform}");
        let pin = match pin {
            Some(pin) if pin.reference == reference.value => pin,
            Some(_) => {
                self.misfit(&set.name, what(), MisfitKind::Changed, reference.place);
                return None;
            }
            None => {
                self.misfit(&set.name, what(), MisfitKind::Missing, reference.place);
                return None;
            }
        };
        for (number, blob) in std::iter::once(&pin.config).chain(&pin.layers).enumerate() {
            let label = match number {
                0 => format!("configuration of {}", reference.name()),
                layer => format!("layer {layer} of {}", reference.name()),
            };
            let location = Location::Url(reference.blob_url(&blob.digest));
            self.plan.files.entry(blob.digest).or_insert(RemoteFile { label, size: blob.size, location });
        }
        let layers = pin.layers.iter().map(|layer| layer.digest).collect();
        let called = ImageName::new(reference.short_name()).unwrap_or_else(|_| name.clone());
        let work = BaseWork { format: FORMAT, platform, name: called, config: pin.config.digest, layers };
        let subject =
            Subject { recipe: Some(set.name.clone()), part: Part::Base(name.clone()), platform: Some(platform) };
        Some(self.add(subject, Work::Base(work), Vec::new()))
    }

    /// What an image's `copy` nodes need, and the hashes of what they take from beside the recipe.
    fn entries(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        image: &'a Image,
        platform: Platform,
        needs: &mut Vec<Need>,
    ) -> Result<BTreeMap<usize, LocalInput>, PlanError> {
        let mut local = BTreeMap::new();
        for (index, entry) in image.entries.iter().enumerate() {
            let EntryKind::Copy { from, .. } = &entry.kind else { continue };
            let step = match from {
                CopyFrom::Stage(name, _) => self.stage(set, recipe, name, platform, name.place)?,
                CopyFrom::Source(name, _) => self.source(set, recipe, name, platform, name.place)?,
                CopyFrom::Image(name, _) => self.image(name, platform)?,
                CopyFrom::Local(path) => {
                    let path = set.folder.join(&path.value);
                    local.insert(index, LocalInput { digest: self.digest(&path, entry.place)?, path });
                    continue;
                }
            };
            needs.push(Need { step, role: Role::Entry { index } });
        }
        Ok(local)
    }

    fn digest(&self, path: &Utf8Path, place: Place) -> Result<Digest, PlanError> {
        self.local.digest(path).map_err(|source| PlanError::Local { path: path.to_owned(), place, source })
    }

    fn stage(
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
        let owner = SetOwner::Stage(name.clone());
        let (work, needs) = self.stage_work(set, recipe, stage, owner, target)?;
        let shown = (stage.per == Per::Target).then_some(target);
        let subject = Subject { recipe: Some(set.name.clone()), part: Part::Stage(name.clone()), platform: shown };
        Ok(self.add(subject, Work::Stage(work), needs))
    }

    /// What stages and vendor sources have in common.
    fn stage_work(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        stage: &'a Stage,
        owner: SetOwner,
        target: Platform,
    ) -> Result<(StageWork<'a>, Vec<Need>), PlanError> {
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
        let work = StageWork {
            format: FORMAT,
            build: self.build,
            target: (stage.per == Per::Target).then_some(target),
            env,
            values: &recipe.values,
            run: stage.run.iter().map(|script| script.value.as_str()).collect(),
            output: stage.output.as_ref(),
            secrets: stage.secrets.iter().map(|secret| secret.value.as_str()).collect(),
            expected: None,
            caches: &stage.caches,
            limits: stage.limits,
            stage,
        };
        Ok((work, needs))
    }

    /// The root that a stage runs in: the packages of its toolchain image for the build machine, and its own.
    fn root(
        &mut self,
        set: &'a RecipeSet,
        stage: &'a Stage,
        owner: SetOwner,
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
                SetOwner::Vendor(name) => Part::VendorRoot(name.clone()),
                SetOwner::Stage(name) => Part::StageRoot(name.clone()),
                SetOwner::Image(name) => Part::Root(name.clone()),
            };
            subject = Subject { recipe: Some(set.name.clone()), part, platform: Some(target) };
            let id = SetId { owner, platform: target, build: Some(build) };
            pins.extend(self.locked_set(&set.name, &id, request, stage.place));
        }
        let packages = self.packages(&pins);
        Ok(self.add(subject, Work::Root(RootWork { format: FORMAT, platform: build, packages, entries }), needs))
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
                EntryKind::File { path, text } => {
                    RootEntry::File { path: path.clone(), text: text.clone(), executable }
                }
                EntryKind::Symlink { path, target } => {
                    RootEntry::Symlink { path: path.clone(), target: target.clone() }
                }
                EntryKind::Copy { from, to } => self.root_copy(set, recipe, (from, to), entry.place, needs)?,
                EntryKind::Dir { .. } | EntryKind::Remove { .. } | EntryKind::FileCapability { .. } => continue,
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

    fn source(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        platform: Platform,
        place: Place,
    ) -> Result<StepId, PlanError> {
        let dangling = || PlanError::Dangling { what: format!("source `{name}`"), place };
        let source = recipe.sources.get(name).ok_or_else(dangling)?;
        let mut needs = Vec::new();
        let input = match &source.origin {
            Origin::Local { path } => {
                let path = set.folder.join(&path.value);
                SourceInput::Local { tree: self.digest(&path, source.place)?, path }
            }
            Origin::Vendor(stage) => {
                self.vendor(set, recipe, name, &source.origin, stage, &mut needs)?;
                SourceInput::Vendor
            }
            origin => match self.source_pin(set, name, source_request(origin), platform, source.place) {
                Some(pin) => self.pinned(set, name, origin, pin, source.place)?,
                // the plan is refused in the end; an empty source keeps the walk going so that all misfits are found
                None => SourceInput::DebianSource { files: Vec::new() },
            },
        };
        let mut edits = Vec::new();
        for edit in &source.edits {
            edits.push(match edit {
                Edit::Patch { file, strip } => {
                    let path = set.folder.join(&file.value);
                    EditInput::Patch { digest: self.digest(&path, file.place)?, path, strip: *strip }
                }
                Edit::Replace { file, old, new } => {
                    EditInput::Replace { file: file.value.clone(), old: old.clone(), new: new.clone() }
                }
            });
        }
        Ok(self.add(source_subject(set, name), Work::Source(SourceWork { format: FORMAT, input, edits }), needs))
    }

    /// The pin of a source, when it answers what the recipe asks.
    fn source_pin(
        &mut self,
        set: &RecipeSet,
        name: &SourceName,
        request: Digest,
        platform: Platform,
        place: Place,
    ) -> Option<&'a SourcePin> {
        let sources = self.recipe_lock(&set.name).map(|lock| &lock.sources);
        let find = |platform| sources.and_then(|sources| sources.get(&(name.clone(), platform)));
        let pin = find(Some(platform)).or_else(|| find(None));
        match pin {
            Some(pin) if *pin.request() == request => return Some(pin),
            Some(_) => self.misfit(&set.name, format!("source {name}"), MisfitKind::Changed, place),
            None => self.misfit(&set.name, format!("source {name}"), MisfitKind::Missing, place),
        }
        None
    }

    /// A vendor source's step, whose output the lock knows.
    fn vendor(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        origin: &Origin,
        stage: &'a Stage,
        needs: &mut Vec<Need>,
    ) -> Result<(), PlanError> {
        let (mut work, inner, request) = self.vendor_work(set, recipe, name, origin, stage)?;
        if let Some(SourcePin::Vendor { tree, .. }) = self.source_pin(set, name, request, self.build, stage.place) {
            work.expected = Some(*tree);
            needs.push(Need { step: self.add(vendor_subject(set, name), Work::Vendor(work), inner), role: Role::Tree });
        }
        Ok(())
    }

    /// A vendor step and the digest of its request: its text and all that it sees, but not the root it runs in, for a
    /// newer toolchain is no reason to ask the network again.
    fn vendor_work(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        origin: &Origin,
        stage: &'a Stage,
    ) -> Result<(StageWork<'a>, Vec<Need>, Digest), PlanError> {
        let (work, needs) = self.stage_work(set, recipe, stage, SetOwner::Vendor(name.clone()), self.build)?;
        let seen = needs.iter().filter(|need| need.role != Role::Root);
        let seen: Vec<_> = seen.map(|need| (need.role.clone(), self.plan.steps[need.step.0].key)).collect();
        let request = meaning(&(origin, &work.values, seen));
        Ok((work, needs, request))
    }

    fn pinned(
        &mut self,
        set: &RecipeSet,
        name: &SourceName,
        origin: &Origin,
        pin: &SourcePin,
        place: Place,
    ) -> Result<SourceInput, PlanError> {
        Ok(match (origin, pin) {
            (Origin::Git { url, .. }, SourcePin::Git { commit, tree, .. }) => {
                SourceInput::Git { url: url.value.clone(), commit: commit.clone(), tree: *tree }
            }
            (Origin::Download(download), SourcePin::Download { size, digest, .. }) => {
                let location = Location::Url(download.url.value.clone());
                let file = RemoteFile { label: format!("source {}/{name}", set.name), size: *size, location };
                self.plan.files.entry(*digest).or_insert(file);
                let name = file_name(&download.url);
                SourceInput::Download { name, digest: *digest, unpack: download.unpack, strip: download.strip }
            }
            (Origin::DebianSource { .. }, SourcePin::DebianSource { archive, files, .. }) => {
                for pin in files {
                    self.file(file_name(&pin.path), archive, pin);
                }
                SourceInput::DebianSource {
                    files: files.iter().map(|pin| (file_name(&pin.path), pin.digest)).collect(),
                }
            }
            // the digest of the request matched, and that says which kind of source it is
            _ => return Err(PlanError::Dangling { what: format!("the pin of source `{name}`"), place }),
        })
    }
}

fn source_subject(set: &RecipeSet, name: &SourceName) -> Subject {
    Subject { recipe: Some(set.name.clone()), part: Part::Source(name.clone()), platform: None }
}

fn vendor_subject(set: &RecipeSet, name: &SourceName) -> Subject {
    Subject { recipe: Some(set.name.clone()), part: Part::Vendor(name.clone()), platform: None }
}

fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("download").to_owned()
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

/// The labels of an image: the project's, what the recipe says of itself, and the image's own, which win.
fn labels(project: &Project, recipe: &Recipe, image: &Image) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> =
        project.labels.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let about = &recipe.about;
    let described = [
        ("title", about.title.clone()),
        ("description", about.description.clone()),
        ("licenses", about.license.as_ref().map(|license| license.value.clone())),
        ("url", about.url.clone()),
        ("authors", (!about.authors.is_empty()).then(|| about.authors.join(", "))),
        ("version", recipe.values.get("version").cloned()),
    ];
    for (name, value) in described {
        if let Some(value) = value {
            labels.insert(format!("org.opencontainers.image.{name}"), value);
        }
    }
    labels.insert("org.opencontainers.image.ref.name".to_owned(), image.name.value.to_string());
    labels.extend(image.labels.clone());
    labels
}
