//! What the recipes mean: concrete values only, once per platform, each with the place it was written at where a later
//! error may have to point at it.
//!
//! A [`Project`] holds no defaults to fill in, no `on` block and no `${…}`: those were resolved on the way. Its parts
//! serialise without their places, so that what they mean can be hashed into the key of a step.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::model::{
    ArchiveName, ByteSize, Digest, ImageName, ImagePath, ImageReference, Mode, Ownership, PackageName, PathPolicy,
    Place, Platform, Principal, RecipeName, Seconds, SourceMap, SourceName, Spanned, StageName,
};

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
    pub kind: ArchiveKind,
    /// `main`, …
    pub components: Vec<String>,
    /// File with the public keys, relative to `images/`.
    pub keyring: Spanned<Utf8PathBuf>,
    /// Primary fingerprints that may sign, upper-case hexadecimal; all keys of the keyring when empty.
    pub fingerprints: Vec<String>,
    /// Base URL of the dated record of last resort.
    pub snapshot: Option<Spanned<String>>,
}

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchiveKind {
    /// Debian.
    Deb,
    /// Alpine's, version 2.
    Apk,
}

/// A named set of suites.
#[derive(Debug, Serialize)]
pub struct Distribution {
    /// `debian`.
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
    pub tags: Vec<String>,
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

/// Something from outside that `refresh` pins.
#[derive(Debug, Serialize)]
pub struct Source {
    /// Where the source node stands.
    #[serde(skip)]
    pub place: Place,
    /// What it is.
    pub origin: Origin,
    /// Changes to the tree, in the order written.
    pub edits: Vec<Edit>,
}

/// Where a source comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A git repository.
    Git {
        /// Its URL.
        url: Spanned<String>,
        /// What to check out.
        reference: GitReference,
        /// What `refresh` may move it to.
        track: Option<Spanned<String>>,
    },
    /// A file, unpacked where it says so.
    Download(Download),
    /// A source package of the locked suite.
    DebianSource {
        /// The source package.
        package: Spanned<PackageName>,
        /// Name and suite of the distribution.
        distribution: DistributionRef,
    },
    /// Files beside the recipe, relative to its folder.
    Local {
        /// A file or folder.
        path: Spanned<Utf8PathBuf>,
    },
    /// The output of a stage with a network; pinned by the hash of its tree.
    Vendor(Box<Stage>),
}

/// A distribution that a recipe names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DistributionRef {
    /// `debian`.
    pub name: String,
    /// `trixie`.
    pub suite: String,
}

/// What of a git repository is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GitReference {
    /// `refs/tags/…`, peeled to its commit.
    Tag(Spanned<String>),
    /// `refs/heads/…`.
    Branch(Spanned<String>),
    /// A full commit id: 40 (or 64) hexadecimal digits.
    Commit(Spanned<String>),
}

/// A file to download.
#[derive(Debug, Serialize)]
pub struct Download {
    /// Its URL.
    pub url: Spanned<String>,
    /// Whether to unpack it.
    pub unpack: Unpack,
    /// Leading path components to drop on unpacking.
    pub strip: u32,
    /// A detached OpenPGP signature that `refresh` checks.
    pub signature: Option<Signature>,
}

/// Whether a download is an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpack {
    /// Used as one file under its own name.
    No,
    /// A tar archive, compressed or not, told by its first bytes.
    Tar,
}

/// A detached signature of a download.
#[derive(Debug, Serialize)]
pub struct Signature {
    /// URL of the signature.
    pub url: Spanned<String>,
    /// Keyring, relative to `images/`.
    pub keyring: Spanned<Utf8PathBuf>,
}

/// A change to a source's tree.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// A unified diff beside the recipe; it must apply without fuzz.
    Patch {
        /// Relative to the recipe's folder.
        file: Spanned<Utf8PathBuf>,
        /// Leading components to drop from the names in it.
        strip: u32,
    },
    /// A text to replace; it must occur.
    Replace {
        /// The file, relative to the source.
        file: Spanned<String>,
        /// What must stand there.
        old: String,
        /// What stands there afterwards.
        new: String,
    },
}

/// A build step: what runs, in which root, with what around it.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// Where the stage node stands.
    #[serde(skip)]
    pub place: Place,
    /// The image that has the toolchain; the build machine's platform of it is used.
    pub from: Spanned<ImageName>,
    /// Packages on top of it, of the build machine's architecture.
    pub packages: Vec<Spanned<PackageRequest>>,
    /// Packages on top of it, of the target's architecture.
    pub target_packages: Vec<Spanned<PackageRequest>>,
    /// Sources that the step sees.
    pub uses: Vec<Use>,
    /// Outputs of other stages that the step sees.
    pub copies: Vec<StageCopy>,
    /// Environment beside the fixed one.
    pub env: BTreeMap<String, String>,
    /// Shell scripts, run in order by `/bin/sh -eu`.
    pub run: Vec<Spanned<String>>,
    /// The folder that becomes the output and that `$OUT` names; one of the sandbox's choice when the recipe does not say.
    pub output: Option<ImagePath>,
    /// Folders kept between runs, never part of the key.
    pub caches: Vec<ImagePath>,
    /// Identifiers of secrets of the environment file, mounted at `/run/secrets/ID`.
    pub secrets: Vec<Spanned<String>>,
    /// Whether it runs once per target platform.
    pub per: Per,
    /// Limits.
    pub limits: Limits,
}

/// How often a stage runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Once per target platform.
    #[default]
    Target,
    /// Once: its output does not depend on the target.
    Build,
}

/// What a step may consume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Wall-clock time.
    pub timeout: Seconds,
    /// Data segment of each process.
    pub memory: Option<ByteSize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Seconds(3600), memory: None }
    }
}

/// A source mounted into a step.
#[derive(Debug, Serialize)]
pub struct Use {
    /// The source.
    pub source: Spanned<SourceName>,
    /// Where it appears; writable, changes are thrown away.
    pub at: ImagePath,
}

/// Another stage's output mounted into a step.
#[derive(Debug, Serialize)]
pub struct StageCopy {
    /// The stage.
    pub from: Spanned<StageName>,
    /// A file or folder of its output.
    pub path: Spanned<ImagePath>,
    /// Where it appears.
    pub to: ImagePath,
}

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageRequest {
    /// Its name.
    pub name: PackageName,
    /// A constraint in the distribution's own notation: an operator (`=`, `>=`, `<<`, …) and a version.
    pub version: Option<String>,
    /// Whether what it depends on comes along.
    pub dependencies: Dependencies,
}

/// What becomes of the dependencies of a package that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dependencies {
    /// They come along.
    #[default]
    Follow,
    /// They stay away (`packages "ca-certificates" alone=#true`): for packages of data whose dependencies serve only
    /// their maintainer scripts.
    Ignore,
}

/// A selection of packages that a distribution itself defines, written `package-set "essential"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageSelection {
    /// Debian: every package that is `Essential: yes`.
    Essential,
    /// Debian: those and every package of priority `required`; what debootstrap calls minbase has apt on top.
    Required,
}

/// An image.
#[derive(Debug, Serialize)]
pub struct Image {
    /// Its name.
    pub name: Spanned<ImageName>,
    /// What it is built on.
    pub from: Base,
    /// Where its packages come from; taken from its base when the recipe does not say.
    pub distribution: Option<Spanned<DistributionRef>>,
    /// Packages on top of the base.
    pub packages: Vec<Spanned<PackageRequest>>,
    /// Whole selections of packages (`package-set "required"`).
    pub selections: Vec<Spanned<PackageSelection>>,
    /// Whether packages that others recommend are installed as well.
    pub recommends: bool,
    /// Who configures the packages.
    pub configure: Configure,
    /// What of the packages is left out.
    pub policy: PathPolicy,
    /// What is added, in the order written.
    pub entries: Vec<Entry>,
    /// Accounts that are added.
    pub accounts: Vec<Account>,
    /// Groups that are added.
    pub groups: Vec<Group>,
    /// What the container runtime is told.
    pub config: Config,
    /// The contract it is meant to run under.
    pub runtime: Runtime,
    /// Labels beyond those of the recipe and the project.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// How many layers it may add to those of its base; at least one.
    pub layers: u8,
    /// How its layers are compressed.
    pub compression: Compression,
    /// Checks that it is excused from.
    pub waivers: Vec<Waiver>,
}

/// What an image is built on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An image of this project, whose layers are reused as they are.
    Image(Spanned<ImageName>),
    /// An image of a registry.
    Oci(Spanned<ImageReference>),
}

/// Who configures the packages of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Configure {
    /// The effects of maintainer scripts, as data; nothing is executed.
    #[default]
    Model,
    /// The real scripts, in the sandbox.
    Scripts,
    /// Nobody: files and package database only.
    None,
}

/// How layers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// What every runtime reads.
    #[default]
    Gzip,
    /// Smaller and faster.
    Zstd,
}

/// Something that an image adds to its packages.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// What is added.
    pub kind: EntryKind,
    /// The owner; root when the recipe does not say.
    pub owner: Option<Ownership>,
    /// The mode; what the source has, or 0644 and 0755, when the recipe does not say.
    pub mode: Option<Mode>,
}

/// The kinds of things that an image adds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Files from a stage, a source, or beside the recipe.
    Copy {
        /// Where from.
        from: CopyFrom,
        /// Where to; into this folder when it ends in `/` in the recipe.
        to: ImagePath,
    },
    /// A file with this text.
    File {
        /// Where.
        path: ImagePath,
        /// What is in it.
        text: String,
    },
    /// A folder.
    Dir {
        /// Where.
        path: ImagePath,
    },
    /// A symbolic link.
    Symlink {
        /// Where.
        path: ImagePath,
        /// What it points at, as written.
        target: String,
    },
    /// Something of this image's own packages or entries that is taken out again.
    Remove {
        /// What; everything in it, when a folder.
        path: ImagePath,
    },
    /// File capabilities (`security.capability`).
    FileCapability {
        /// The file.
        path: ImagePath,
        /// Names as in capabilities(7), lower case, without `cap_`.
        capabilities: Vec<String>,
    },
}

/// Where copied files come from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyFrom {
    /// The output of a stage of this recipe.
    Stage(Spanned<StageName>, Spanned<ImagePath>),
    /// The tree of a source of this recipe.
    Source(Spanned<SourceName>, Spanned<ImagePath>),
    /// Another image's root file system.
    Image(Spanned<ImageName>, Spanned<ImagePath>),
    /// A file or folder beside the recipe.
    Local(Spanned<Utf8PathBuf>),
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// The name of its group.
    pub group: String,
    /// Its home, made when it is not `/nonexistent` and not there.
    pub home: String,
    /// Its shell.
    pub shell: String,
    /// The comment field.
    pub comment: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
    /// Who is in it beside those whose first group it is.
    pub members: Vec<String>,
}

/// What the container runtime is told (OCI image specification, configuration).
#[derive(Debug, Default, Serialize)]
pub struct Config {
    /// Who it runs as.
    pub user: Option<Spanned<User>>,
    /// Environment, in the order written.
    pub env: Vec<EnvVar>,
    /// Working directory.
    pub workdir: Option<ImagePath>,
    /// What is run.
    pub entrypoint: Option<Vec<String>>,
    /// Its default arguments.
    pub command: Option<Vec<String>>,
    /// Ports.
    pub expose: Vec<Port>,
    /// Folders that hold data.
    pub volumes: Vec<ImagePath>,
    /// How its health is told.
    pub healthcheck: Option<Healthcheck>,
    /// The signal that ends it.
    pub stop_signal: Option<String>,
}

/// Who an image runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The account or number.
    pub user: Principal,
    /// The group; the account's own when missing.
    pub group: Option<Principal>,
    /// Why root, which must be said.
    pub reason: Option<String>,
}

/// An environment variable and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they say it themselves")]
pub struct EnvVar {
    pub name: String,
    pub value: String,
    pub doc: Option<String>,
}

/// A port, or a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Port {
    /// First port.
    pub first: u16,
    /// Last port, the same as the first for one port.
    pub last: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// How an image's health is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Healthcheck {
    /// There is none, and why.
    None {
        /// Why.
        reason: String,
    },
    /// A command that exits 0.
    Command {
        /// Its arguments, run without a shell.
        argv: Vec<String>,
        /// Time between two runs.
        interval: Option<Seconds>,
        /// Time allowed for one.
        timeout: Option<Seconds>,
        /// Time in which failures do not count.
        start_period: Option<Seconds>,
        /// Failures in a row that count.
        retries: Option<u32>,
    },
}

/// The contract an image is meant to run under; becomes labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Runtime {
    /// With a read-only root file system.
    pub read_only: bool,
    /// Capabilities that are kept, without `CAP_`.
    pub capabilities: Vec<String>,
    /// Folders in memory.
    pub tmpfs: Vec<ImagePath>,
    /// Devices that are passed in.
    pub devices: Vec<String>,
    /// Extra groups of the process.
    pub groups: Vec<Principal>,
    /// Where metrics are served.
    pub metrics: Option<String>,
}

/// An excuse from a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// Which check.
    pub check: String,
    /// Which path or package; all when missing.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
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
        self.recipes.values().find_map(|set| Some((set, set.on.get(&platform)?.images.get(name)?)))
    }

    /// The recipe that declares an image of this name on any platform.
    #[must_use]
    pub fn recipe_of(&self, name: &ImageName) -> Option<&RecipeSet> {
        self.recipes.values().find(|set| set.on.values().any(|recipe| recipe.images.contains_key(name)))
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

/// A digest of what `value` means: its JSON, whose field order is fixed.
#[must_use]
pub fn meaning<T: Serialize>(value: &T) -> Digest {
    Digest::of(&serde_json::to_vec(value).unwrap_or_default()) // plain data: maps have string keys
}
