//! Makes the graph: walks from the wanted images to everything they need, each thing once.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::error::PlanError;
use super::fit::{Misfit, MisfitKind};
use super::format::{ImageFormat, RootFormat};
use super::request::{held_packages, image_request};
use super::selection::{Selection, select};
use super::sources::vendor_subject;
use super::step::{
    BaseWork, ImageWork, LocalInput, Location, Need, PackageInput, Part, Plan, RemoteFile, Role, RootWork, Step,
    StepId, Subject, VendorWork, Work,
};
use crate::lock::{FilePin, Lock, PackagePin, RecipeLock, SetId};
use crate::model::{
    ArchiveName, Digest, EPOCH, ImageName, ImageReference, Place, Platform, RecipeName, SourceName, Spanned, formats,
};
use crate::recipe::{Base, Configure, CopyFrom, Emulate, Image, ImageEntryKind, Origin, Project, Recipe, RecipeSet};

/// Hashes of files beside recipes, which the graph needs and this room does not read.
pub trait LocalFiles {
    /// The hash of a file or folder, given relative to the project.
    ///
    /// # Errors
    /// When it cannot be read.
    fn digest(&self, path: &Utf8Path) -> Result<Digest, std::io::Error>;
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
    let work = Work::Vendor(VendorWork { step: work, expected: None });
    let id = builder.add(vendor_subject(set, name), work, needs);
    builder.plan.wanted.push(id);
    Ok(Some((builder.finish()?, request)))
}

pub(super) struct Builder<'a, 'l> {
    pub(super) project: &'a Project,
    pub(super) lock: &'a Lock,
    local: &'l dyn LocalFiles,
    pub(super) build: Platform,
    pub(super) plan: Plan<'a>,
    known: BTreeMap<(Digest, Digest), StepId>,
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
    pub(super) fn add(&mut self, subject: Subject, work: Work<'a>, needs: Vec<Need>) -> StepId {
        let keys: Vec<_> = needs.iter().map(|need| (need.role.clone(), self.plan.steps[need.step.0].key)).collect();
        let (key, inputs) = (Step::key_of(&work, &keys), Step::inputs_of(&work, &keys));
        let id = StepId(self.plan.steps.len());
        // two that are known by the same output are not the same: each has to give it
        let known = *self.known.entry((key, inputs)).or_insert(id);
        if known == id {
            let mut needed = needs.iter().map(|need| &self.plan.steps[need.step.0]);
            let impure = work.is_impure() || needed.any(|step| step.impure && !step.is_known_beforehand());
            self.plan.steps.push(Step { key, inputs, impure, subject, work, needs });
        }
        known
    }

    pub(super) fn misfit(&mut self, recipe: &RecipeName, what: String, kind: MisfitKind, place: Place) {
        self.misfits.push(Misfit { recipe: recipe.clone(), what, kind, place });
    }

    pub(super) fn recipe_lock(&self, recipe: &RecipeName) -> Option<&'a RecipeLock> {
        self.lock.recipes.get(recipe)
    }

    pub(super) fn file(&mut self, label: String, archive: &ArchiveName, pin: &FilePin) {
        let location = Location::Archive(archive.clone(), pin.path.clone());
        self.plan.files.entry(pin.digest).or_insert(RemoteFile { label, size: pin.size, location });
    }

    pub(super) fn packages(&mut self, pins: &[&PackagePin]) -> Vec<PackageInput> {
        let mut packages = Vec::with_capacity(pins.len());
        for pin in pins {
            self.file(pin.id.to_string(), &pin.archive, &pin.file);
            packages.push(PackageInput { id: pin.id.clone(), why: pin.why, digest: pin.file.digest });
        }
        packages.sort();
        packages.dedup();
        packages
    }

    /// The packages that the lock holds for `id`, when it answers `request`.
    pub(super) fn locked_set(
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
            let id = SetId::Image { name: name.clone(), platform };
            pins = self.locked_set(&set.name, &id, request, image.name.place);
        }
        let packages = self.packages(&pins);
        needs.extend(self.script_tools(image, platform).map(|step| Need { step, role: Role::Root }));
        let local = self.entries(set, recipe, image, platform, &mut needs)?;
        let created = self.recipe_lock(&set.name).map_or(EPOCH, |lock| lock.created);
        let labels = labels(self.project, recipe, image);
        let work = ImageWork { format: ImageFormat::of(&packages), platform, image, labels, created, packages, local };
        let subject =
            Subject { recipe: Some(set.name.clone()), part: Part::Image(name.clone()), platform: Some(platform) };
        Ok(self.add(subject, Work::Image(Box::new(work)), needs))
    }

    /// A root with the same packages for the build machine, where an image wants its packages' scripts run for another
    /// platform and nothing emulates it. Without one the step says what is missing.
    fn script_tools(&mut self, image: &Image, platform: Platform) -> Option<StepId> {
        let wanted = image.configure == Configure::Scripts && image.emulate == Emulate::Never;
        if !wanted || platform == self.build {
            return None;
        }
        let name = &image.name.value;
        let pins = held_packages(self.project, self.lock, name, self.build).filter(|pins| !pins.is_empty())?;
        let packages = self.packages(&pins);
        let subject = Subject { recipe: None, part: Part::Root(name.clone()), platform: Some(self.build) };
        let format = RootFormat::of(packages.iter().map(|package| &package.id));
        let work = RootWork { format, platform: self.build, packages, entries: Vec::new() };
        Some(self.add(subject, Work::Root(work), Vec::new()))
    }

    /// The image of a registry that an image is built on, when the lock knows it.
    fn registry_base(
        &mut self,
        set: &'a RecipeSet,
        image: &'a Image,
        reference: &'a Spanned<ImageReference>,
        platform: Platform,
    ) -> Option<StepId> {
        let name = &image.name.value;
        let pin = self.recipe_lock(&set.name).and_then(|lock| lock.bases.get(&(name.clone(), platform)));
        let Some(pin) = pin.filter(|pin| pin.reference == reference.value) else {
            let kind = if pin.is_some() { MisfitKind::Changed } else { MisfitKind::Missing };
            self.misfit(&set.name, format!("the base of image {name} {platform}"), kind, reference.place);
            return None;
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
        let work =
            BaseWork { format: formats::BASE, platform, name: called, config: pin.config.digest, layers, reference };
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
            let ImageEntryKind::Copy { from, .. } = &entry.kind else { continue };
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

    pub(super) fn digest(&self, path: &Utf8Path, place: Place) -> Result<Digest, PlanError> {
        self.local.digest(path).map_err(|source| PlanError::Local { path: path.to_owned(), place, source })
    }
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
