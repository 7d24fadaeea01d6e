//! Images: what they are built on, what is in them, and how they run.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::Serialize;

use super::{DistributionRef, PackageRequest, PackageSelection};
use crate::model::{
    Capability, Check, ImageName, ImagePath, ImageReference, Mode, Ownership, PathPolicy, Place, Principal, Seconds,
    SourceName, Spanned, StageName,
};

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
    /// What runs their scripts on another architecture.
    #[serde(skip_serializing_if = "is_never")]
    pub emulate: Emulate,
    /// What of the packages is left out.
    pub policy: PathPolicy,
    /// What is added, in the order written.
    pub entries: Vec<ImageEntry>,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_never(emulate: &Emulate) -> bool {
    matches!(emulate, Emulate::Never)
}

impl Image {
    /// Whether it is excused from `check`, as a whole or for `subject`.
    #[must_use]
    pub fn is_excused(&self, check: Check, subject: &str) -> bool {
        self.excuse(check, subject).is_some()
    }

    /// The waiver that excuses it from a check of a path or a package.
    #[must_use]
    pub fn excuse(&self, check: Check, subject: &str) -> Option<&Waiver> {
        let excuses =
            |waiver: &&Waiver| waiver.check == check && waiver.subject.as_deref().is_none_or(|of| of == subject);
        self.waivers.iter().find(excuses)
    }
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

/// Whether scripts of another architecture may be run by an emulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Emulate {
    /// Nothing is emulated.
    #[default]
    Never,
    /// QEMU of the machine that builds: slow, and a part of it that no lock pins.
    Qemu,
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
pub struct ImageEntry {
    /// Where the node stands.
    #[serde(skip)]
    pub place: Place,
    /// What is added.
    pub kind: ImageEntryKind,
    /// The owner; root when the recipe does not say.
    pub owner: Option<Ownership>,
    /// The mode; what the source has, or 0644 and 0755, when the recipe does not say.
    pub mode: Option<Mode>,
}

/// The kinds of things that an image adds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageEntryKind {
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
        /// Which.
        capabilities: Vec<Capability>,
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
    pub capabilities: Vec<Capability>,
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
    pub check: Check,
    /// Which path or package; all when missing.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
}
