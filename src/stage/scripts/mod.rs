//! Packages configured by their own maintainer scripts, in a folder that becomes an image.
//!
//! What happens is what bootstrapping tools do: the packages without which nothing runs lie there unpacked, and `dpkg`
//! installs them once more over themselves; then `apt-get`, or `dpkg` where there is none, installs the others. All of
//! it runs in the sandbox, without network; owners are kept beside the folder (see [`super::sandbox::Ownership`]).
//! Who runs the program, and when, leaves no trace: logs, identities of machines, secrets and copies of earlier states
//! are taken out again, see [`leavings`].

mod archive;
mod chrootless;
mod commands;
mod emulator;
pub(super) mod environment;
mod error;
mod keystore;
mod leavings;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub use chrootless::{NativeTools, UnawareScript};
pub use emulator::Emulation;
pub use error::ScriptsError;
pub use leavings::LeftOut;

use super::log::{Log, OutputSink};
use super::sandbox::{
    Access, Console, Ending, File, Mount, Network, Owned, Owners, Ownership, Privilege, ProcessLimits, Root, Sandbox,
    Spec,
};
use crate::archive::Control;
use crate::beneath::Dir;
use crate::model::{Digest, ImagePath, PackageId, Platform};
use crate::store::Store;

/// Any text as a maintainer script, for `crate::fuzzed`.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn fuzzed_script(text: &str) {
    let _ = chrootless::unaware_line(text);
}

/// Databases of documentation and fonts take their time, and an emulated processor more of it.
const TIMEOUT: Duration = Duration::from_secs(3 * 3600);
/// Where the sandbox has what is not the image's.
const OWN: &str = "orchestrate";

/// A package to be installed.
#[derive(Clone, Debug)]
pub struct ScriptedPackage {
    /// Which it is.
    pub id: PackageId,
    /// The `.deb` in the store.
    pub digest: Digest,
    /// The control file (deb-control(5)), and the scripts.
    pub control: Control,
    /// Why it is there.
    pub role: ScriptedRole,
}

/// Why a package is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptedRole {
    /// Nothing runs without it: it lies in the folder unpacked, and is installed first, whatever the order.
    Basic,
    /// It was asked for.
    Requested,
    /// Another needs it.
    Automatic,
}

/// What is to be configured.
#[derive(Debug)]
pub struct ScriptsSpec<'a> {
    /// What the scripts run on.
    pub platform: Platform,
    /// The folder: what is there before, and is changed.
    pub root: &'a Path,
    /// Who owns what in it is not root's.
    pub owned: Vec<Owned>,
    /// The packages to be installed.
    pub packages: Vec<ScriptedPackage>,
    /// Who installs all but the basic ones.
    pub installer: Installer,
    /// What runs the scripts.
    pub machinery: Machinery<'a>,
    /// Where the whole output goes.
    pub log: &'a Path,
}

/// What runs scripts.
#[derive(Clone, Copy, Debug)]
pub enum Machinery<'a> {
    /// The programs of the folder, which are for this machine.
    Own,
    /// The programs of the folder, by an emulator.
    Emulated(&'a Emulation),
    /// Programs of this machine's architecture, in this root, with the folder as `DPKG_ROOT`.
    Native(&'a NativeTools<'a>),
}

/// Who installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installer {
    /// `apt-get` of the folder, in the order that apt finds best; it records who was asked for.
    Apt,
    /// `dpkg` of the folder.
    Dpkg,
}

/// What scripts left.
#[derive(Debug)]
pub struct Scripted {
    /// The owners of what is in the folder.
    pub owners: Owners,
    /// What was taken out because it must not be in an image, for people.
    pub left_out: Vec<LeftOut>,
}

/// Installs the packages of `spec` in its folder. What the scripts print goes to `sink`.
///
/// # Errors
/// When the sandbox cannot be made or a script fails; the folder is then of no use.
pub fn configure(
    store: &Store,
    spec: &ScriptsSpec<'_>,
    sandbox: &Sandbox,
    sink: &dyn OutputSink,
) -> Result<Scripted, ScriptsError> {
    if let Machinery::Native(tools) = spec.machinery {
        chrootless::refuse_unaware(&spec.packages, tools)?;
    }
    let scratch = store.tmp_dir()?;
    let own = scratch.path().join("own");
    archive::write(store, &spec.packages, &own)?;
    let mut log = Log::create(spec.log, sink)?;
    let cell = cell(spec, scratch.path(), &own);
    let ending = sandbox.run(&cell, Some(TIMEOUT), &mut |line| log.line(line))?;
    let (log, tail) = log.finish()?;
    if ending != Ending::Exited(0) {
        return Err(ScriptsError::failed(ending, tail, log));
    }
    if let Machinery::Native(_) = spec.machinery {
        let strays = chrootless::strays(&Dir::open(&scratch.path().join("upper"))?)?;
        if !strays.is_empty() {
            return Err(ScriptsError::Strayed { paths: strays });
        }
    }
    let owners = Owners::read(scratch.path())?;
    let left_out = leavings::take_out(&Dir::open(spec.root)?)?;
    Ok(Scripted { owners, left_out })
}

fn cell(spec: &ScriptsSpec<'_>, scratch: &Path, own: &Path) -> Spec {
    let mut script = commands::script(spec);
    let mut files = Vec::new();
    let system = match spec.machinery {
        Machinery::Native(tools) => tools.root,
        Machinery::Own | Machinery::Emulated(_) => spec.root,
    };
    let has_policy = Dir::open(system).is_ok_and(|system| matches!(system.find(environment::POLICY), Ok(Some(_))));
    if !has_policy {
        files.push(file(environment::POLICY, environment::NO_SERVICES, 0o755));
        script.push_str(&format!("rm -f /{}\n", environment::POLICY));
    }
    let mut env: BTreeMap<String, String> = environment::variables();
    env.insert("APT_CONFIG".to_owned(), format!("/{OWN}/apt.conf"));
    let mut mounts = vec![Mount { source: own.to_owned(), at: inside(OWN), access: Access::Writable }];
    mounts.extend(archive::READ_ONLY.map(|folder| Mount {
        source: own.join(folder),
        at: inside(&format!("{OWN}/{folder}")),
        access: Access::ReadOnly,
    }));
    let (root, emulator) = match spec.machinery {
        Machinery::Own => (Root::Folder(spec.root.to_owned()), None),
        Machinery::Emulated(emulation) => (Root::Folder(spec.root.to_owned()), Some(emulation.emulator.clone())),
        Machinery::Native(tools) => {
            let at = inside(chrootless::TARGET);
            mounts.push(Mount { source: spec.root.to_owned(), at, access: Access::Writable });
            (Root::Layers(vec![tools.root.to_owned()]), None)
        }
    };
    let configuration = commands::apt_configuration(spec, &format!("/{OWN}"));
    files.push(file(&format!("{OWN}/apt.conf"), &configuration, 0o644));
    files.push(file(&format!("{OWN}/run"), &script, 0o644));
    Spec {
        root,
        ownership: Ownership::Kept { folder: spec.root.to_owned(), owned: spec.owned.clone() },
        scratch: scratch.to_owned(),
        mounts,
        files,
        argv: ["/bin/sh", "-eu", &format!("/{OWN}/run")].map(str::to_owned).into(),
        env,
        cwd: ImagePath::root(),
        emulator,
        network: Network::None,
        privilege: Privilege::RootLike,
        limits: ProcessLimits::default(),
        console: Console::Log,
    }
}

fn file(path: &str, content: &str, mode: u32) -> File {
    File { path: inside(path), content: content.as_bytes().to_vec(), mode }
}

/// A path that is written down in this program.
fn inside(path: &str) -> ImagePath {
    path.parse().unwrap_or_default()
}
