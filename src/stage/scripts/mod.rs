//! Packages configured by their own maintainer scripts, in a folder that becomes an image.
//!
//! What happens is what bootstrapping tools do: the packages without which nothing runs lie there unpacked, and the
//! package manager installs them once more over themselves; then it installs the others. Which programs do that is said by
//! [`ScriptPrograms`]. All of it runs in the sandbox, without network; owners are kept beside the folder (see
//! [`super::sandbox::OwnershipMode`]). Who runs the program, and when, leaves no trace: logs, identities of machines, secrets
//! and copies of earlier states are taken out again, see [`leavings`].

mod emulator;
mod error;
mod keystore;
mod leavings;
mod outside;
mod own;

use std::path::Path;
use std::time::Duration;

pub use emulator::Emulation;
pub use error::ScriptsError;
pub use leavings::Removed;
pub use outside::NativeTools;

use super::log::{Log, OutputSink};
use super::sandbox::{
    Access, Console, Ending, File, Mount, Network, Owned, Owners, OwnershipMode, Privilege, ProcessLimits, Root,
    Sandbox, Spec,
};
use crate::beneath::Dir;
use crate::distribution::scripts::{Install, OWN, ScriptPrograms, ScriptRun, ScriptedPackage, TARGET};
use crate::model::{ImagePath, Platform};
use crate::store::Store;

/// Databases of documentation and fonts take their time, and an emulated processor more of it.
const TIMEOUT: Duration = Duration::from_secs(3 * 3600);

/// What is to be configured.
pub struct ScriptsSpec<'a> {
    /// What the scripts run on.
    pub platform: Platform,
    /// The folder: what is there before, and is changed.
    pub root: &'a Path,
    /// Who owns what in it is not root's.
    pub owned: Vec<Owned>,
    /// The packages to be installed.
    pub packages: Vec<ScriptedPackage>,
    /// What installs them.
    pub programs: &'a dyn ScriptPrograms,
    /// Those of the packages that install others.
    pub installers: Vec<&'static str>,
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
    /// Programs of this machine's architecture, in this root, with the folder at [`TARGET`].
    Native(&'a NativeTools<'a>),
}

/// What scripts left.
#[derive(Debug)]
pub struct Scripted {
    /// The owners of what is in the folder.
    pub owners: Owners,
    /// What was taken out because it must not be in an image, for people.
    pub removed: Vec<Removed>,
}

/// Installs the packages of `spec` in its folder. What the scripts print goes to `sink`.
///
/// # Errors
/// When the sandbox cannot be made or a script fails; the folder must not be used then.
pub fn configure(
    store: &Store,
    spec: &ScriptsSpec<'_>,
    sandbox: &Sandbox,
    sink: &dyn OutputSink,
) -> Result<Scripted, ScriptsError> {
    let ScriptsSpec { platform, packages, programs, installers, machinery, .. } = spec;
    if let Machinery::Native(tools) = machinery {
        let scripts = programs.unaware(packages, &tools.inert);
        if !scripts.is_empty() {
            return Err(ScriptsError::Unaware { scripts });
        }
    }
    let outside = matches!(machinery, Machinery::Native(_));
    let run = programs.install(&Install { platform: *platform, packages, installers, outside });
    let scratch = store.tmp_dir()?;
    let own = scratch.path().join("own");
    own::write(store, &run, &own)?;
    let mut log = Log::create(spec.log, sink)?;
    let cell = cell(spec, &run, scratch.path(), &own);
    let ending = sandbox.run(&cell, Some(TIMEOUT), &mut |line| log.line(line))?;
    let (log, tail) = log.finish()?;
    if ending != Ending::Exited(0) {
        return Err(ScriptsError::failed(ending, programs.culprit(&tail), tail, log));
    }
    if outside {
        let strays = outside::strays(&Dir::open(&scratch.path().join("upper"))?, &run.guards)?;
        if !strays.is_empty() {
            return Err(ScriptsError::Strayed { paths: strays });
        }
    }
    let owners = Owners::read(scratch.path())?;
    let removed = leavings::take_out(&Dir::open(spec.root)?, programs.facts().leavings)?;
    Ok(Scripted { owners, removed })
}

fn cell(spec: &ScriptsSpec<'_>, run: &ScriptRun, scratch: &Path, own: &Path) -> Spec {
    let mut script = run.script.clone();
    let mut files = Vec::new();
    let system = match spec.machinery {
        Machinery::Native(tools) => tools.root,
        Machinery::Own | Machinery::Emulated(_) => spec.root,
    };
    for (path, text) in &run.guards {
        let is_there = Dir::open(system).is_ok_and(|system| matches!(system.find(path), Ok(Some(_))));
        if !is_there {
            files.push(file(path, text, 0o755));
            script.push_str(&format!("rm -f /{path}\n"));
        }
    }
    let mut mounts = vec![Mount { source: own.to_owned(), at: inside(OWN), access: Access::Writable }];
    mounts.extend(run.read_only.iter().map(|folder| Mount {
        source: own.join(folder),
        at: inside(&format!("{OWN}/{folder}")),
        access: Access::ReadOnly,
    }));
    let (root, emulator) = match spec.machinery {
        Machinery::Own => (Root::Folder(spec.root.to_owned()), None),
        Machinery::Emulated(emulation) => (Root::Folder(spec.root.to_owned()), Some(emulation.emulator.clone())),
        Machinery::Native(tools) => {
            let at = inside(TARGET);
            mounts.push(Mount { source: spec.root.to_owned(), at, access: Access::Writable });
            (Root::Layers(vec![tools.root.to_owned()]), None)
        }
    };
    files.push(file(&format!("{OWN}/run"), &script, 0o644));
    Spec {
        root,
        ownership: OwnershipMode::Kept { folder: spec.root.to_owned(), owned: spec.owned.clone() },
        scratch: scratch.to_owned(),
        mounts,
        files,
        argv: ["/bin/sh", "-eu", &format!("/{OWN}/run")].map(str::to_owned).into(),
        env: run.env.clone(),
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
