//! What a recipe asks of the archives, and the digest by which a lock says which request it answers.

use serde::Serialize;

use crate::lock::{Lock, PackagePin, SetId};
use crate::model::{Digest, ImageName, Platform, RecipeName, Spanned};
use crate::recipe::{Base, Distribution, Image, Origin, PackageRequest, PackageSelection, Project, Stage};
use crate::resolve::WantedPackage;

/// Everything that decides which packages a root gets.
#[derive(Clone, Debug, Serialize)]
pub struct SetRequest<'a> {
    /// The architecture that runs.
    pub native: Platform,
    /// What is asked for.
    pub wanted: Vec<WantedPackage>,
    /// Whole selections that are asked for.
    pub selections: Vec<PackageSelection>,
    /// Where it may come from.
    pub distribution: &'a Distribution,
    /// Whether recommended packages come along.
    pub recommends: bool,
    /// What is there already, and stays as it is.
    pub installed: Vec<&'a PackagePin>,
}

impl SetRequest<'_> {
    /// What the lock holds of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // of packages that are there, what they are counts, not where they were found
        let installed: Vec<_> =
            self.installed.iter().map(|pin| (&pin.id.name, &pin.id.architecture, &pin.id.version)).collect();
        Digest::of_value(&(self.native, &self.wanted, &self.selections, self.distribution, self.recommends, installed))
    }

    /// Whether nothing is asked for at all, so that no set is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.selections.is_empty()
    }
}

/// What a lock holds of a source's request. A vendor source is asked for anew when its recipe text changes.
#[must_use]
pub fn source_request(origin: &Origin) -> Digest {
    Digest::of_value(origin)
}

fn wanted(requests: &[Spanned<PackageRequest>], platform: Platform) -> impl Iterator<Item = WantedPackage> {
    requests.iter().map(move |request| WantedPackage { request: request.value.clone(), platform, place: request.place })
}

/// The packages that an image holds through its bases, base first; none when a lock lacks one of them.
#[must_use]
pub fn base_packages<'a>(
    project: &Project,
    lock: &'a Lock,
    image: &Image,
    platform: Platform,
) -> Option<Vec<&'a PackagePin>> {
    match &image.from {
        Base::Scratch | Base::Oci(_) => Some(Vec::new()),
        Base::Image(base) => held_packages(project, lock, base, platform),
    }
}

/// The packages that an image holds, its own included.
pub(super) fn held_packages<'a>(
    project: &Project,
    lock: &'a Lock,
    name: &ImageName,
    platform: Platform,
) -> Option<Vec<&'a PackagePin>> {
    let (set, image) = project.image(name, platform)?;
    let mut packages = base_packages(project, lock, image, platform)?;
    if !image.packages.is_empty() || !image.selections.is_empty() {
        let id = SetId::Image { name: name.clone(), platform };
        packages.extend(&lock.recipes.get(&set.name)?.packages.get(&id)?.packages);
    }
    Some(packages)
}

/// What an image asks for; none when its base is not locked or no distribution is named.
#[must_use]
pub fn image_request<'a>(
    project: &'a Project,
    lock: &'a Lock,
    image: &Image,
    platform: Platform,
) -> Option<SetRequest<'a>> {
    Some(SetRequest {
        native: platform,
        wanted: wanted(&image.packages, platform).collect(),
        selections: image.selections.iter().map(|selection| selection.value).collect(),
        distribution: project.distribution(&project.distribution_of(image, platform)?)?,
        recommends: image.recommends,
        installed: base_packages(project, lock, image, platform)?,
    })
}

/// What a stage asks for on top of the image that it runs in.
#[must_use]
pub fn stage_request<'a>(
    project: &'a Project,
    lock: &'a Lock,
    stage: &Stage,
    target: Platform,
    build: Platform,
) -> Option<SetRequest<'a>> {
    let (_, toolchain) = project.image(&stage.from, build)?;
    Some(SetRequest {
        native: build,
        wanted: wanted(&stage.packages, build).chain(wanted(&stage.target_packages, target)).collect(),
        selections: Vec::new(),
        distribution: project.distribution(&project.distribution_of(toolchain, build)?)?,
        recommends: false,
        installed: held_packages(project, lock, &stage.from, build)?,
    })
}

/// Which recipe's lock holds what a stage's toolchain image needs.
pub(super) fn recipe_of<'a>(project: &'a Project, image: &ImageName, platform: Platform) -> Option<&'a RecipeName> {
    project.image(image, platform).map(|(set, _)| &set.name)
}
