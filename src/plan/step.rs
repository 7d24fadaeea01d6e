//! The graph and its steps.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;
use serde::Serialize;

use super::format::{ImageFormat, RootFormat};
use super::spec::StepSpec;
use crate::lock::StepOwner;
use crate::model::{
    ArchiveName, Digest, Format, ImageName, ImagePath, ImageReference, PackageId, Place, Platform, RecipeName,
    SourceName, Spanned, StageName, Timestamp, Why, formats,
};
use crate::recipe::{Image, Stage, Unpack};

/// Everything that has to be there for the wanted images, each thing once.
#[derive(Debug)]
pub struct Plan<'a> {
    /// A step comes after all that it needs.
    pub steps: Vec<Step<'a>>,
    /// The images that were asked for, in the order of the recipes.
    pub wanted: Vec<StepId>,
    /// Every file that any step may have to fetch, by its hash.
    pub files: BTreeMap<Digest, RemoteFile>,
}

/// Index of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct StepId(pub usize);

/// A file somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// What people call it.
    pub label: String,
    /// Bytes.
    pub size: u64,
    /// Where.
    pub location: Location,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In an archive, below any of its mirrors.
    Archive(ArchiveName, String),
    /// At one URL.
    Url(String),
}

/// One thing to do.
#[derive(Debug)]
pub struct Step<'a> {
    /// Hash of `work` and of the keys of `needs`; for a vendor step whose output the lock names, the hash of that output.
    /// Steps that need this one are known by it.
    pub key: Digest,
    /// Hash of everything that goes into it, the origins of what is pinned included: what its own result is written down
    /// under.
    pub inputs: Digest,
    /// Whether its result may depend on something that no key covers: see [`Work::is_impure`]. It does when that of a
    /// step that it needs does, unless the lock names the output of that one.
    pub impure: bool,
    /// Which part of which recipe it is.
    pub subject: Subject,
    /// What it is.
    pub work: Work<'a>,
    /// The steps whose outputs it uses, and what for.
    pub needs: Vec<Need>,
}

/// A step's use of another.
#[derive(Clone, Debug)]
pub struct Need {
    /// The other.
    pub step: StepId,
    /// What for.
    pub role: Role,
}

/// What a step uses another for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The root that it runs in.
    Root,
    /// A tree that appears in it.
    Mount {
        /// Where.
        at: ImagePath,
    },
    /// A part of a tree that appears in it.
    Part {
        /// Which part.
        path: ImagePath,
        /// Where.
        to: ImagePath,
    },
    /// The image that it is built on.
    Base,
    /// Where the `copy` of this index takes its files from.
    Entry {
        /// Index among the image's entries.
        index: usize,
    },
    /// The tree that is edited, or put into a root.
    Tree,
}

/// Which part of which recipe a step is; how people and the log of earlier runs know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// The recipe; none for a root, which belongs to all that use it.
    pub recipe: Option<RecipeName>,
    /// Its part.
    pub part: Part,
    /// What it is for; none where that makes no difference.
    pub platform: Option<Platform>,
}

/// A part of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is called like the node or the step that it is of")]
pub enum Part {
    Root(ImageName),
    /// A root with packages that this stage alone asks for.
    StageRoot(StageName),
    /// The image of a registry that this image is built on.
    Base(ImageName),
    /// A root with packages that this vendor source alone asks for.
    VendorRoot(SourceName),
    Vendor(SourceName),
    Source(SourceName),
    Stage(StageName),
    Image(ImageName),
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipe = self.recipe.as_ref().map(|name| format!("{name}/")).unwrap_or_default();
        match &self.part {
            Part::Root(name) => write!(out, "root {name}")?,
            Part::StageRoot(name) => write!(out, "root of {recipe}{name}")?,
            Part::Base(name) => write!(out, "base of image {name}")?,
            Part::VendorRoot(name) => write!(out, "root of vendor {recipe}{name}")?,
            Part::Vendor(name) => write!(out, "vendor {recipe}{name}")?,
            Part::Source(name) => write!(out, "source {recipe}{name}")?,
            Part::Stage(name) => write!(out, "stage {recipe}{name}")?,
            Part::Image(name) => write!(out, "image {name}")?,
        }
        self.platform.map_or(Ok(()), |platform| write!(out, " {platform}"))
    }
}

/// What a step does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work<'a> {
    /// Packages made into a root for build steps.
    Root(RootWork),
    /// A stage with a network, whose output is known beforehand.
    Vendor(VendorWork<'a>),
    /// A pinned tree, edited.
    Source(SourceWork),
    /// A build step.
    Stage(StageWork<'a>),
    /// An image of a registry, to build on.
    Base(BaseWork<'a>),
    /// An image for one platform.
    Image(Box<ImageWork<'a>>),
}

/// A package as a step sees it: where it came from is not its business.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageInput {
    /// Which it is.
    #[serde(flatten)]
    pub id: PackageId,
    /// Why it is there, as the lock says it; left out for [`Why::Needed`].
    #[serde(skip_serializing_if = "Why::is_needed")]
    pub why: Why,
    /// Hash of the `.deb`.
    pub digest: Digest,
}

/// A root for build steps.
#[derive(Debug, Serialize)]
pub struct RootWork {
    /// Moves when the way of making roots does.
    pub format: RootFormat,
    /// The architecture that runs.
    pub platform: Platform,
    /// Sorted; those of other architectures are there for their headers and libraries.
    pub packages: Vec<PackageInput>,
    /// What the toolchain's image adds to its packages, in order.
    pub entries: Vec<RootEntry>,
}

/// Something that a toolchain's image adds to its packages.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RootEntry {
    /// A file.
    File {
        /// Where.
        path: ImagePath,
        /// What is in it.
        text: String,
        /// Whether it can be run.
        executable: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Where.
        path: ImagePath,
        /// What it points at.
        target: String,
    },
    /// A part of what another step gave.
    Tree {
        /// Index among the step's needs.
        need: usize,
        /// Which part.
        path: ImagePath,
        /// Where to.
        to: ImagePath,
    },
    /// Files beside the recipe.
    Local {
        /// Which.
        input: LocalInput,
        /// Where to.
        to: ImagePath,
    },
}

/// A pinned tree, edited.
#[derive(Debug, Serialize)]
pub struct SourceWork {
    /// Moves when the way of unpacking does.
    pub format: u32,
    /// What is pinned.
    pub input: SourceInput,
    /// Changes, in order.
    pub edits: Vec<EditInput>,
}

/// What is pinned of a source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceInput {
    /// A tree of a repository.
    Git {
        /// Where; not what it is, so not in the key.
        #[serde(skip)]
        url: String,
        /// Which commit.
        commit: String,
        /// Hash of the tree with its submodules.
        tree: Digest,
    },
    /// A file.
    Download {
        /// Its own name.
        name: String,
        /// Its hash.
        digest: Digest,
        /// Whether to unpack it.
        unpack: Unpack,
        /// Leading components to drop.
        strip: u32,
    },
    /// The files of a source package, with its own patches applied.
    Package {
        /// Its format.
        format: Format,
        /// Name of each file and its hash.
        files: Vec<(String, Digest)>,
    },
    /// Files beside the recipe.
    Local {
        /// Where, relative to the project; not what it is, so not in the key.
        #[serde(skip)]
        path: Utf8PathBuf,
        /// Hash of the tree.
        tree: Digest,
    },
    /// The tree that the vendor step gave.
    Vendor,
}

/// A change to a tree.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as in `recipe::Edit`, with the patch known by its hash")]
pub enum EditInput {
    Patch {
        #[serde(skip)]
        path: Utf8PathBuf,
        digest: Digest,
        strip: u32,
    },
    Replace {
        file: String,
        old: String,
        new: String,
    },
}

/// A build step.
#[derive(Debug, Serialize)]
pub struct StageWork<'a> {
    /// Moves when the way of running steps does.
    pub format: u32,
    /// What runs; its trees follow from what the step needs.
    pub spec: StepSpec,
    /// Whose step it is, where it has secrets: they are granted to that one, and so is its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<(&'a RecipeName, StepOwner)>,
    /// The node, for errors that point at it.
    #[serde(skip)]
    pub stage: &'a Stage,
}

/// A build step with a network.
#[derive(Debug, Serialize)]
pub struct VendorWork<'a> {
    /// What runs.
    #[serde(flatten)]
    pub step: StageWork<'a>,
    /// What the lock says of its output; none when it runs to find out.
    pub expected: Option<Digest>,
}

/// An image of a registry, to build on.
#[derive(Debug, Serialize)]
pub struct BaseWork<'a> {
    /// Moves when the way of reading such images does.
    pub format: u32,
    /// What it is for.
    pub platform: Platform,
    /// What it is called here.
    pub name: ImageName,
    /// Its configuration.
    pub config: Digest,
    /// Its layers, lowest first.
    pub layers: Vec<Digest>,
    /// What the recipe asks for; not what it is, so not in the key.
    #[serde(skip)]
    pub reference: &'a Spanned<ImageReference>,
}

/// An image for one platform.
#[derive(Debug, Serialize)]
pub struct ImageWork<'a> {
    /// Moves when the way of assembling does.
    pub format: ImageFormat,
    /// What it is for.
    pub platform: Platform,
    /// The recipe's node.
    pub image: &'a Image,
    /// Labels of project, recipe and image.
    pub labels: BTreeMap<String, String>,
    /// When its pins moved last.
    pub created: Timestamp,
    /// Its own packages, beyond those of its base.
    pub packages: Vec<PackageInput>,
    /// Hash of what each `copy` from beside the recipe takes, by index.
    pub local: BTreeMap<usize, LocalInput>,
}

/// Files beside a recipe.
#[derive(Clone, Debug, Serialize)]
pub struct LocalInput {
    /// Where, relative to the project; not what it is, so not in the key.
    #[serde(skip)]
    pub path: Utf8PathBuf,
    /// Hash of the file or folder.
    pub digest: Digest,
}

impl Step<'_> {
    /// The canonical form of everything that shapes its output, given the keys of the steps it needs.
    pub(super) fn preimage(work: &Work<'_>, needs: &[(Role, Digest)]) -> serde_json::Value {
        serde_json::json!({ "work": work, "needs": needs })
    }

    /// The key of a step with this work and these needs. A step whose output is known beforehand is known by it.
    pub(super) fn key_of(work: &Work<'_>, needs: &[(Role, Digest)]) -> Digest {
        match work {
            Work::Vendor(VendorWork { expected: Some(tree), .. }) => {
                Digest::of_value(&("vendor", formats::VENDORED, tree))
            }
            _ => Digest::of_value(&Self::preimage(work, needs)),
        }
    }

    /// The hash of everything that goes into a step with this work and these needs.
    pub(super) fn inputs_of(work: &Work<'_>, needs: &[(Role, Digest)]) -> Digest {
        let key = Self::key_of(work, needs);
        match work {
            Work::Vendor(vendor) => Digest::of_value(&("vendor", &vendor.step, needs)),
            Work::Source(SourceWork { input: SourceInput::Git { url, .. }, .. }) => {
                Digest::of_value(&("git", url, key))
            }
            Work::Base(base) => Digest::of_value(&("base", &base.reference.value, key)),
            _ => key,
        }
    }

    /// Whether others know what it gives from the lock.
    pub(super) fn is_known_beforehand(&self) -> bool {
        matches!(self.work, Work::Vendor(VendorWork { expected: Some(_), .. }))
    }
}

impl Plan<'_> {
    /// A step.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step<'_> {
        &self.steps[id.0]
    }

    /// What the key of a step is the hash of.
    #[must_use]
    pub fn preimage(&self, id: StepId) -> serde_json::Value {
        let step = &self.steps[id.0];
        let needs: Vec<_> = step.needs.iter().map(|need| (need.role.clone(), self.steps[need.step.0].key)).collect();
        Step::preimage(&step.work, &needs)
    }
}

impl Work<'_> {
    /// Whether something that no key covers may shape its result: what is in a cache, or in a secret.
    #[must_use]
    pub fn is_impure(&self) -> bool {
        match self {
            Self::Stage(step) | Self::Vendor(VendorWork { step, .. }) => {
                !step.spec.caches.is_empty() || !step.spec.secrets.is_empty()
            }
            Self::Root(_) | Self::Source(_) | Self::Base(_) | Self::Image(_) => false,
        }
    }

    /// Where a recipe asks for it, when one node does.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Stage(step) | Self::Vendor(VendorWork { step, .. }) => Some(step.stage.place),
            Self::Base(work) => Some(work.reference.place),
            Self::Image(work) => Some(work.image.name.place),
            Self::Root(_) | Self::Source(_) => None,
        }
    }

    /// The files that it reads from the store.
    #[must_use]
    pub fn files(&self) -> Vec<Digest> {
        let packages = |packages: &[PackageInput]| packages.iter().map(|package| package.digest).collect();
        match self {
            Self::Root(root) => packages(&root.packages),
            Self::Image(image) => packages(&image.packages),
            Self::Base(base) => base.layers.iter().chain([&base.config]).copied().collect(),
            Self::Source(source) => match &source.input {
                SourceInput::Download { digest, .. } => vec![*digest],
                SourceInput::Package { files, .. } => files.iter().map(|&(_, digest)| digest).collect(),
                SourceInput::Git { .. } | SourceInput::Local { .. } | SourceInput::Vendor => Vec::new(),
            },
            Self::Vendor(_) | Self::Stage(_) => Vec::new(),
        }
    }
}
