//! The maintainer scripts of a root, run by the package manager of the root in the sandbox.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use super::RootSpec;
use super::delta;
use super::error::RootError;
use crate::beneath::Dir;
use crate::distribution::scripts::{ScriptPrograms, ScriptRun};
use crate::distribution::system::{PackageState, UnpackedPackage};
use crate::model::ImagePath;
use crate::stage::log::{Log, OutputSink};
use crate::stage::sandbox::{
    Console, Ending, File, Network, OwnershipMode, Privilege, ProcessLimits, Root, Sandbox, Spec,
};
use crate::store::Store;

const TIMEOUT: Duration = Duration::from_secs(3600);
/// Begins the names of folders and files that are the sandbox's, not the root's.
const FOREIGN: &[&str] = &["build", "dev", "orchestrate", "proc", "run", "sys", "tmp", "var/tmp"];
/// What differs from run to run, or serves only the run.
const LEFT_BEHIND: &[&str] = &[
    "etc/.pwd.lock",
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
    "var/cache/ldconfig/aux-cache",
];

/// The scripts of the packages of a root.
pub(super) struct RootScripts<'a> {
    pub(super) store: &'a Store,
    pub(super) spec: &'a RootSpec,
    pub(super) programs: &'a dyn ScriptPrograms,
    /// The root, whose database says that the packages are unpacked.
    pub(super) root: &'a Path,
}

impl RootScripts<'_> {
    /// Configures the packages, and writes what their scripts did into the root.
    pub(super) fn run(
        &self,
        packages: &[UnpackedPackage],
        sandbox: &Sandbox,
        sink: &dyn OutputSink,
    ) -> Result<(), RootError> {
        let Self { store, spec, programs, root } = *self;
        let native: Vec<_> = packages.iter().filter(|package| package.state == PackageState::Unpacked).collect();
        let run = programs.configure(&native);
        let scratch = store.tmp_dir()?;
        let upper = scratch.path().join("upper");
        let path = scratch.path().join("log");
        let mut log = Log::create(&path, sink)?;
        let ending = sandbox.run(&cell(root, scratch.path(), &run), Some(TIMEOUT), &mut |line| log.line(line))?;
        let (_, tail) = log.finish()?;
        if ending != Ending::Exited(0) {
            let kept = keep_log(store, spec, &path)?;
            return Err(RootError::scripts(ending, tail, kept));
        }
        let root = Dir::open(root)?;
        delta::apply(&Dir::open(&upper)?, &root, &|path| {
            !FOREIGN.iter().any(|name| path.starts_with(name))
                && !run.guards.iter().any(|(guard, _)| path == Path::new(guard))
        })?;
        clean(&root, programs.facts().root_leavings)
    }
}

fn cell(root: &Path, scratch: &Path, run: &ScriptRun) -> Spec {
    let file = |path: &str, content: &str| File {
        path: path.parse().unwrap_or_default(),
        content: content.as_bytes().to_vec(),
        mode: 0o755,
    };
    let mut files = vec![file("orchestrate/configure", &run.script)];
    files.extend(run.guards.iter().map(|(path, text)| file(path, text)));
    Spec {
        root: Root::Layers(vec![root.to_owned()]),
        ownership: OwnershipMode::Ignored,
        scratch: scratch.to_owned(),
        mounts: Vec::new(),
        files,
        argv: ["/bin/sh", "-eu", "/orchestrate/configure"].map(str::to_owned).into(),
        env: run.env.clone(),
        cwd: ImagePath::root(),
        emulator: None,
        network: Network::None,
        privilege: Privilege::RootLike,
        limits: ProcessLimits::default(),
        console: Console::Log,
    }
}

/// Takes out what differs between two runs. Scripts may have put links anywhere: a path that leads through one is left
/// alone, since the files behind it are not where these names say.
fn clean(root: &Dir, leavings: &[&str]) -> Result<(), RootError> {
    for path in LEFT_BEHIND.iter().chain(leavings) {
        if let Some(folder) = Path::new(path).parent().filter(|folder| root.is_dir(folder)) {
            let folder = root.dir(folder)?;
            folder.remove_tree(Path::new(path).file_name().unwrap_or_default())?;
        }
    }
    if root.is_dir("var/log") {
        let log = root.dir("var/log")?;
        for name in log.names("")? {
            if log.metadata(&name)?.is_file() {
                log.remove_file(&name)?;
            }
        }
    }
    Ok(())
}

/// The log of scripts that failed, where it stays.
fn keep_log(store: &Store, spec: &RootSpec, log: &Path) -> Result<PathBuf, RootError> {
    let folder = store.root().join("logs");
    fs::create_dir_all(&folder)?;
    let kept = folder.join(format!("root-{}.log", spec.key().short()));
    fs::copy(log, &kept)?;
    Ok(kept)
}
