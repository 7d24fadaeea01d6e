//! One build step: a root, sources, a script, and the tree that the script leaves in `$OUT`.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::failure::{Failure, StageError};
use super::log::{Log, OutputSink};
use super::network::HostNetwork;
use super::output::StepOutput;
use super::sandbox::{
    Access, Console, Ending, File, Mount, OwnershipMode, Privilege, ProcessLimits, Root, Sandbox, Spec,
};
use crate::beneath::{Dir, follow};
use crate::model::{Digest, ImagePath};
use crate::plan::{Input, Network, StepSpec};
use crate::store::Store;

const SCRIPT: &str = "orchestrate/run";
const BUILD: &str = "build";

/// Where the trees of a step are on this machine.
#[derive(Clone, Debug, Default)]
pub struct ResolvedPaths {
    /// Root and input trees by their digests.
    pub trees: BTreeMap<Digest, PathBuf>,
}

/// How to run a step; none of it shapes the output.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What scripts see as `JOBS`.
    pub jobs: usize,
    /// Where the log is written.
    pub log: PathBuf,
    /// What follows a failure.
    pub on_failure: ShellOnFailure,
    /// The folder of the machine behind each cache of the step.
    pub caches: BTreeMap<ImagePath, PathBuf>,
    /// The secrets of the step by identifier.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// How the network is reached, for steps that have one.
    pub network: HostNetwork,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShellOnFailure {
    /// The error.
    #[default]
    Stop,
    /// A shell in the sandbox as the script left it, on the terminal that the program was started from; then the error.
    Shell,
}

/// Runs build steps, in a sandbox of this machine or anywhere else: the same step gives the same tree.
pub trait Runner: Sync {
    /// Runs the step, with its output lines to `sink` and into the log, and stores what it leaves.
    ///
    /// # Errors
    /// When the step cannot be run, a script fails or takes too long, or what it leaves cannot be kept. Nothing of a
    /// failed step stays but its log.
    fn run_step(
        &self,
        store: &Store,
        spec: &StepSpec,
        paths: &ResolvedPaths,
        options: &RunOptions,
        sink: &dyn OutputSink,
    ) -> Result<StepOutput, StageError>;
}

impl Runner for Sandbox {
    fn run_step(
        &self,
        store: &Store,
        spec: &StepSpec,
        paths: &ResolvedPaths,
        options: &RunOptions,
        sink: &dyn OutputSink,
    ) -> Result<StepOutput, StageError> {
        let scratch = store.tmp_dir()?;
        // what is below has the modes that the step wants; other users of the machine come no further than this
        fs_err::set_permissions(scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(StageError::prepare)?;
        let out = scratch.path().join("out");
        let prepared = prepare(spec, paths, options, scratch.path(), &out)?;
        let log = Log::create(&options.log, sink).map_err(StageError::prepare)?;
        let mut log = log.without(options.secrets.values().map(Vec::as_slice));
        let begun = Instant::now();
        for script in &spec.scripts {
            let mut sandbox = prepared.clone();
            let path = SCRIPT.parse().unwrap_or_default();
            sandbox.files.push(File { path, content: script.clone().into_bytes(), mode: 0o644 });
            let left = Duration::from_secs(spec.limits.timeout.0).saturating_sub(begun.elapsed());
            let ending = self.run(&sandbox, Some(left), &mut |line| log.line(line))?;
            if ending != Ending::Exited(0) {
                let (log, tail) = log.finish().map_err(StageError::prepare)?;
                if options.on_failure == ShellOnFailure::Shell {
                    shell(self, sandbox)?;
                }
                let limits = spec.limits;
                return Err(StageError::Failed(Box::new(Failure {
                    ending,
                    script: script.clone(),
                    tail,
                    log,
                    limits,
                })));
            }
        }
        log.finish().map_err(StageError::prepare)?;
        Ok(StepOutput::take(store, &out)?)
    }
}

/// The sandbox of the step, without a script.
fn prepare(
    spec: &StepSpec,
    paths: &ResolvedPaths,
    options: &RunOptions,
    scratch: &Path,
    out: &Path,
) -> Result<Spec, StageError> {
    let place = |tree: &Digest| paths.trees.get(tree).cloned().ok_or(StageError::NoTree { tree: *tree });
    let layers = spec.root.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    fs_err::create_dir_all(out).map_err(StageError::prepare)?;
    fs_err::create_dir_all(scratch.join("sandbox/tmp/home")).map_err(StageError::prepare)?;
    let mut mounts = vec![Mount { source: out.to_owned(), at: spec.output.clone(), access: Access::Writable }];
    for (number, input) in spec.inputs.iter().enumerate() {
        let copy = scratch.join(format!("input-{number}"));
        mounts.push(mount_input(input, &place(&input.tree)?, &copy)?);
    }
    for cache in &spec.caches {
        let source = options.caches.get(cache).ok_or_else(|| StageError::NoCache { path: cache.clone() })?;
        check_vacant(&layers, cache)?;
        fs_err::create_dir_all(source).map_err(StageError::prepare)?;
        mounts.push(Mount { source: source.clone(), at: cache.clone(), access: Access::Writable });
    }
    let mut env = spec.env.clone();
    env.insert("OUT".to_owned(), spec.output.to_string());
    env.insert("JOBS".to_owned(), options.jobs.max(1).to_string());
    let mut files: Vec<File> = spec
        .files
        .iter()
        .map(|(path, text)| File { path: path.clone(), content: text.clone().into_bytes(), mode: 0o644 })
        .collect();
    for id in &spec.secrets {
        files.push(secret(id, options)?);
    }
    if spec.network == Network::Host {
        options.network.add_to(&layers, &mut env, &mut files);
    }
    Ok(Spec {
        root: Root::Layers(layers),
        ownership: OwnershipMode::Ignored,
        scratch: scratch.join("sandbox"),
        mounts,
        files,
        argv: ["/bin/sh", "-eu", &format!("/{SCRIPT}")].map(str::to_owned).into(),
        env,
        cwd: BUILD.parse().unwrap_or_default(),
        emulator: None,
        network: spec.network,
        privilege: Privilege::Build,
        limits: ProcessLimits { data: spec.limits.memory.map(|size| size.0), ..ProcessLimits::default() },
        console: Console::Log,
    })
}

/// A cache must lie over nothing: neither over files of the root, which it would replace, nor behind one of its links,
/// which would put it somewhere else.
fn check_vacant(layers: &[PathBuf], cache: &ImagePath) -> Result<(), StageError> {
    let taken = |at: &ImagePath, what| StageError::CacheTaken { path: cache.clone(), at: at.clone(), what };
    for layer in layers {
        for folder in cache.ancestors().chain([cache.clone()]) {
            let path = layer.join(folder.as_relative());
            match fs_err::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => return Err(taken(&folder, "a link")),
                Ok(metadata) if !metadata.is_dir() => return Err(taken(&folder, "a file")),
                Ok(_) if folder == *cache && fs_err::read_dir(&path).map_err(StageError::prepare)?.next().is_some() => {
                    return Err(taken(&folder, "a folder with files in it"));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(StageError::prepare(error)),
            }
        }
    }
    Ok(())
}

/// A folder appears as it is, under an overlay; a file cannot have one and is copied.
fn mount_input(input: &Input, tree: &Path, copy: &Path) -> Result<Mount, StageError> {
    let failed = |source| StageError::NoInput { path: input.path.clone(), source };
    let folder = Dir::open(tree).map_err(failed)?;
    // links are followed as they would be if the tree were the root, so they lead nowhere else
    let path = follow(&[&folder], input.path.as_relative()).map_err(failed)?;
    let metadata = folder.metadata(&path).map_err(failed)?;
    let at = input.at.clone();
    if metadata.is_dir() {
        return Ok(Mount { source: tree.join(path), at, access: Access::Discard });
    }
    let copied = || -> io::Result<u64> {
        let mut file = fs_err::File::create_new(copy)?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(metadata.mode & 0o777))?;
        io::copy(&mut folder.open_file(&path)?, file.file_mut())
    };
    copied().map_err(failed)?;
    Ok(Mount { source: copy.to_owned(), at, access: Access::Writable })
}

fn secret(id: &str, options: &RunOptions) -> Result<File, StageError> {
    let missing = || StageError::NoSecret { id: id.to_owned() };
    let content = options.secrets.get(id).ok_or_else(missing)?.clone();
    let path = ImagePath::new(format!("run/secrets/{id}").as_bytes()).map_err(|_| missing())?;
    Ok(File { path, content, mode: 0o400 })
}

/// A shell where the script was. A Ctrl-C is for what runs in there.
fn shell(machine: &Sandbox, mut sandbox: Spec) -> Result<(), StageError> {
    let ignored = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let interrupt = signal_hook::flag::register(signal_hook::consts::SIGINT, ignored).map_err(StageError::prepare)?;
    sandbox.argv = ["/bin/sh", "-i"].map(str::to_owned).into();
    sandbox.console = Console::Terminal;
    sandbox.env.insert("PS1".to_owned(), "sandbox:$PWD# ".to_owned());
    let ending = machine.run(&sandbox, None, &mut |_| ());
    signal_hook::low_level::unregister(interrupt);
    ending.map(drop).map_err(StageError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_lies_over_nothing_of_any_layer() {
        let layers = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let below = layers[1].path();
        fs_err::create_dir_all(below.join("opt/tool")).expect("a folder");
        fs_err::create_dir_all(below.join("empty/folder")).expect("a folder");
        fs_err::write(below.join("opt/tool/program"), "").expect("a file");
        fs_err::os::unix::fs::symlink("/usr", below.join("link")).expect("a link");
        let layers: Vec<PathBuf> = layers.iter().map(|layer| layer.path().to_owned()).collect();
        let check =
            |path: &str| check_vacant(&layers, &path.parse().expect("a path")).map_err(|error| error.to_string());
        for (path, at, what) in [
            ("opt", "/opt", "a folder with files in it"),
            ("opt/tool", "/opt/tool", "a folder with files in it"),
            ("opt/tool/program", "/opt/tool/program", "a file"),
            ("opt/tool/program/below", "/opt/tool/program", "a file"),
            ("link", "/link", "a link"),
            ("link/local/bin", "/link", "a link"),
            ("empty", "/empty", "a folder with files in it"),
        ] {
            let error = check(path).expect_err(path);
            assert!(error.contains(&format!("has {what} at `{at}`")), "{path}: {error}");
        }
        for path in ["empty/folder", "opt/other", "cache/deep/down"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn links_in_a_tree_stay_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = folder.path().join("tree");
        fs_err::create_dir_all(tree.join("etc")).expect("a folder");
        fs_err::write(tree.join("etc/own"), "own").expect("a file");
        fs_err::os::unix::fs::symlink("/etc", tree.join("out")).expect("a link");
        fs_err::os::unix::fs::symlink("../../../../../etc/passwd", tree.join("up")).expect("a link");
        let copy = folder.path().join("copy");
        let mount = |path: &str| {
            let input = Input { tree: Digest::of(b""), path: path.parse().expect("a path"), at: ImagePath::root() };
            mount_input(&input, &tree, &copy)
        };
        assert_eq!(fs_err::read_to_string(mount("out/own").expect("inside").source).expect("a file"), "own");
        assert!(mount("out/passwd").is_err());
        assert!(mount("up").is_err());
        assert_eq!(mount("out").expect("a folder").source, tree.join("etc"));
    }
}
