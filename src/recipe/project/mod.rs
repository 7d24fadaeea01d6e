//! What the recipes mean: concrete values only, once per platform, each with the place it was written at where a later
//! error may have to point at it.
//!
//! A [`Project`] holds no defaults to fill in, no `on` block and no `${…}`: those were resolved on the way. Its parts
//! serialise without their places, so that what they mean can be hashed into the key of a step.

mod image;
mod source;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::model::{
    ArchiveName, ByteSize, Format, ImageName, Place, Platform, Principal, RecipeName, SourceMap, SourceName, Spanned,
    StageName,
};

pub use image::{
    Account, Base, Compression, Config, Configure, CopyFrom, Emulate, EnvVar, Group, Healthcheck, Image, ImageEntry,
    ImageEntryKind, Port, Runtime, User, Waiver,
};
pub use source::{DistributionRef, Download, Edit, GitReference, Origin, Signature, Source, Unpack};
pub use stage::{Dependencies, PackageRequest, PackageSelection, Per, STAGE_OUTPUT, Stage, StageCopy, StepLimits, Use};

/// All recipes of a repository, read and checked.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `images/` and `lock/`.
    pub root: Utf8PathBuf,
    /// The texts that places point into.
    pub sources: SourceMap,
    /// Package archives by name.
    pub archives: BTreeMap<ArchiveName, Archive>,
    /// What `distribution NAME suite=` stands for.
    pub distributions: Vec<Distribution>,
    /// What recipes build for unless they say otherwise.
    pub platforms: Vec<Platform>,
    /// What stages may be built on (`build-platforms`, linux/amd64 when the project does not say): `refresh` pins the
    /// roots of stages for each of them.
    pub build_platforms: Vec<Platform>,
    /// Labels that every image carries.
    pub labels: BTreeMap<String, Spanned<String>>,
    /// What every image must keep to.
    pub policy: Policy,
    /// The recipes by name.
    pub recipes: BTreeMap<RecipeName, RecipeSet>,
    /// The recipe of each image.
    pub(super) homes: BTreeMap<ImageName, RecipeName>,
}

/// What the images that are run must keep to: those that nothing else of the project is built on. An image is excused by
/// `waive`, which names the check.
#[derive(Debug, Default)]
pub struct Policy {
    /// Users that an image may not run as.
    pub user_not: Vec<Spanned<Principal>>,
    /// Whether an image must have a health check; where it stands.
    pub healthcheck: Option<Place>,
    /// Licences (SPDX identifiers) that a recipe may have; any when empty.
    pub licenses: Vec<Spanned<String>>,
    /// Archives that images may take packages from; any when empty.
    pub archives: Vec<Spanned<ArchiveName>>,
    /// Most bytes that the layers of an image may have, as a registry stores them.
    pub size: Option<Spanned<ByteSize>>,
}

/// One recipe, as it reads for each of its platforms.
#[derive(Debug)]
pub struct RecipeSet {
    /// Its name.
    pub name: RecipeName,
    /// Its folder, relative to the project's root.
    pub folder: Utf8PathBuf,
    /// Its first node, for errors about the recipe as such.
    pub place: Place,
    /// In the order written.
    pub platforms: Vec<Platform>,
    /// One reading per platform.
    pub on: BTreeMap<Platform, Recipe>,
}

/// A package archive.
#[derive(Debug, Serialize)]
pub struct Archive {
    /// Its name.
    pub name: Spanned<ArchiveName>,
    /// Which format its indexes and packages have.
    pub kind: Format,
    /// `main`, …
    pub components: Vec<String>,
    /// File with the public keys, relative to `images/`.
    pub keyring: Spanned<Utf8PathBuf>,
    /// Primary fingerprints that may sign, upper-case hexadecimal; all keys of the keyring when empty.
    pub fingerprints: Vec<String>,
    /// Base URL of the dated record of last resort.
    pub snapshot: Option<Spanned<String>>,
}

/// A named set of suites.
#[derive(Debug, Serialize)]
pub struct Distribution {
    /// As recipes name it.
    pub name: Spanned<String>,
    /// `trixie`.
    pub suite: String,
    /// Archives and suites, most basic first.
    pub uses: Vec<SuiteUse>,
}

/// A suite of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SuiteUse {
    /// The archive.
    pub archive: ArchiveName,
    /// The suite (`trixie-updates`).
    pub suite: String,
}

/// A recipe as it reads for one platform.
#[derive(Debug, Serialize)]
pub struct Recipe {
    /// What its images say of themselves.
    pub about: About,
    /// Whether it is still cared for.
    pub status: Status,
    /// Extra tags for its images.
    pub tags: Vec<Spanned<String>>,
    /// `let` values, which `run` sees as environment variables.
    pub values: BTreeMap<String, String>,
    /// Its sources.
    pub sources: BTreeMap<SourceName, Source>,
    /// Its stages.
    pub stages: BTreeMap<StageName, Stage>,
    /// Its images.
    pub images: BTreeMap<ImageName, Image>,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// Becomes the labels `org.opencontainers.image.*`.
#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "each is the label of the same name")]
pub struct About {
    pub title: Option<String>,
    pub description: Option<String>,
    pub license: Option<Spanned<String>>,
    pub url: Option<String>,
    pub authors: Vec<String>,
}

/// Whether a recipe is still cared for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Built and refreshed.
    #[default]
    Maintained,
    /// Built, never refreshed.
    Frozen,
    /// Neither, unless named.
    Retired,
}

/// A test of a built image.
#[derive(Debug, Serialize)]
pub struct Test {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// What it shows.
    pub title: String,
    /// The image.
    pub image: Spanned<ImageName>,
    /// What is run in it.
    pub run: Vec<String>,
    /// Texts that must come out on stdout.
    pub stdout: Vec<String>,
}

impl Project {
    /// The recipe and the image of this name on `platform`, wherever it is.
    #[must_use]
    pub fn image(&self, name: &ImageName, platform: Platform) -> Option<(&RecipeSet, &Image)> {
        let set = self.recipe_of(name)?;
        Some((set, set.on.get(&platform)?.images.get(name)?))
    }

    /// The images that a person means by `name`: that image, or it in all variants of its recipe.
    #[must_use]
    pub fn images_called(&self, name: &ImageName) -> Vec<ImageName> {
        let called = |image: &&ImageName| *image == name || (name.variant().is_none() && image.base() == name.as_str());
        self.homes.keys().filter(called).cloned().collect()
    }

    /// The recipe that declares an image of this name on any platform.
    #[must_use]
    pub fn recipe_of(&self, name: &ImageName) -> Option<&RecipeSet> {
        self.recipes.get(self.homes.get(name)?)
    }

    /// The images that something else of the project is built on, or run in; the policy is for all others.
    #[must_use]
    pub fn bases(&self) -> BTreeSet<&ImageName> {
        fn of_recipe(recipe: &Recipe) -> impl Iterator<Item = &ImageName> {
            let vendors = recipe.sources.values().filter_map(|source| match &source.origin {
                Origin::Vendor(stage) => Some(&**stage),
                _ => None,
            });
            let stages = recipe.stages.values().chain(vendors).map(|stage: &Stage| &stage.from.value);
            let images = recipe.images.values().filter_map(|image| match &image.from {
                Base::Image(name) => Some(&name.value),
                Base::Scratch | Base::Oci(_) => None,
            });
            stages.chain(images)
        }
        self.recipes.values().flat_map(|set| set.on.values()).flat_map(of_recipe).collect()
    }

    /// The image, its base, the base of that, and so on.
    #[must_use]
    pub fn lineage<'p>(&'p self, image: &'p Image, platform: Platform) -> Vec<&'p Image> {
        let mut all = vec![image];
        // `recipe::load` refuses cyclic images; the bound keeps this total all the same
        while let (Base::Image(base), true) = (&all[all.len() - 1].from, all.len() < 64) {
            match self.image(base, platform) {
                Some((_, base)) => all.push(base),
                None => break,
            }
        }
        all
    }

    /// The suites of a distribution.
    #[must_use]
    pub fn distribution(&self, wanted: &DistributionRef) -> Option<&Distribution> {
        self.distributions.iter().find(|known| *known.name == wanted.name && known.suite == wanted.suite)
    }

    /// The distribution of an image: its own, or that of the image it is built on, through any number of bases.
    #[must_use]
    pub fn distribution_of(&self, image: &Image, platform: Platform) -> Option<DistributionRef> {
        let mut image = image;
        // `recipe::load` refuses cyclic images; the bound keeps this total all the same
        for _ in 0..64 {
            match (&image.distribution, &image.from) {
                (Some(distribution), _) => return Some(distribution.value.clone()),
                (None, Base::Image(base)) => image = self.image(base, platform)?.1,
                (None, Base::Scratch | Base::Oci(_)) => return None,
            }
        }
        None
    }
}
