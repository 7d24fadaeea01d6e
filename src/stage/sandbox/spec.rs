//! What a sandbox is to be, as data: written by the program, read by the two processes that build it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::emulation::Emulator;
use super::owners::Owned;
use crate::model::ImagePath;
pub use crate::plan::Network;

/// A process, and all that it may see and use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// What its root is made of.
    pub root: Root,
    /// What becomes of owners.
    pub ownership: OwnershipMode,
    /// A folder on disk for this sandbox alone: what is written over layers, and `/tmp`. It must be empty at first, or
    /// left over from the same sandbox, which then continues on it.
    pub scratch: PathBuf,
    /// What else appears in the root.
    pub mounts: Vec<Mount>,
    /// Files made in the root before the process starts. Those below `/run` never reach a disk.
    pub files: Vec<File>,
    /// The program, by its absolute path, and its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Folder to start in; made when missing.
    pub cwd: ImagePath,
    /// What runs programs of another processor.
    pub emulator: Option<Emulator>,
    /// Whether the network of the machine is there.
    pub network: Network,
    /// What the process may do.
    pub privilege: Privilege,
    /// What each process may use.
    pub limits: ProcessLimits,
    /// Where it reads and writes.
    pub console: Console,
}

impl Spec {
    /// The mounts in the order in which they are made: a folder before what is in it.
    pub(super) fn mounts_in_order(&self) -> impl Iterator<Item = &Mount> {
        let mut mounts: Vec<&Mount> = self.mounts.iter().collect();
        mounts.sort_by(|one, other| one.at.cmp(&other.at));
        mounts.into_iter()
    }

    /// The folder with what is written over the mount of this number.
    pub(super) fn scratch_of_mount(&self, number: usize) -> PathBuf {
        self.scratch.join(format!("mount-{number}"))
    }
}

/// What the root of a sandbox is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// Folders, uppermost first, which are never written to: what is written goes to `upper` of the scratch folder.
    Layers(Vec<PathBuf>),
    /// A folder that is written to, `/run` included.
    Folder(PathBuf),
}

/// What becomes of owners.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnershipMode {
    /// Changing them seems to work and does nothing.
    #[default]
    Ignored,
    /// They are kept beside the files: [`Owners::read`] has them when the process has ended.
    ///
    /// [`Owners::read`]: super::Owners::read
    Kept {
        /// A folder of the machine, with files that have owners already.
        folder: PathBuf,
        /// Who owns what in it is not root's.
        owned: Vec<Owned>,
    },
}

/// A file or folder of the machine that appears in the root.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// The machine's file or folder.
    pub source: PathBuf,
    /// Where it appears.
    pub at: ImagePath,
    /// What may be done with it.
    pub access: Access,
}

/// What may be done with a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reading.
    ReadOnly,
    /// Reading and writing; what is written is thrown away. Folders only.
    Discard,
    /// Reading and writing.
    Writable,
}

/// A small file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct File {
    /// Where.
    pub path: ImagePath,
    /// What is in it.
    pub content: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// What a process in the sandbox may do. It is user 0 of a user namespace with that one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// No capabilities.
    #[default]
    Build,
    /// The few capabilities that package managers and maintainer scripts need, within its namespaces. Becoming another user seems
    /// to work.
    RootLike,
}

/// Limits of each process (`setrlimit(2)`), and of all of them together.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProcessLimits {
    /// Bytes of data segment, heap and private mappings.
    pub data: Option<u64>,
    /// Bytes of a file.
    pub file_size: u64,
    /// Open files.
    pub open_files: u64,
    /// Processes and threads of a sandbox.
    pub processes: u64,
    /// What all processes may use together.
    pub together: Bounds,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        let together = Bounds::default();
        Self { data: None, file_size: 32 << 30, open_files: 16_384, processes: 16_384, together }
    }
}

/// Bounds of a sandbox as a whole, by what it has when somebody looks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Bounds {
    /// Bytes of memory that belong to no file.
    pub memory: u64,
    /// Bytes on disk in all folders that the sandbox writes to.
    pub disk: u64,
    /// Files, folders and links in them.
    pub files: u64,
}

impl Default for Bounds {
    /// Nine tenths of the machine's memory; as much on disk as a large compiler with its tests takes.
    fn default() -> Self {
        let machine = rustix::system::sysinfo();
        #[expect(clippy::useless_conversion, reason = "the type of this number differs between architectures")]
        let memory = u64::from(machine.totalram).saturating_mul(u64::from(machine.mem_unit));
        Self { memory: memory / 10 * 9, disk: 64 << 30, files: 2_000_000 }
    }
}

/// Where a sandbox reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Console {
    /// Reads nothing; writes lines to the program.
    #[default]
    Log,
    /// The terminal that the program was started from.
    Terminal,
}
