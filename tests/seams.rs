//! The seams with other implementations than the product's: what is behind them can be somewhere else.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use orchestrate::fetch::Fetcher;
use orchestrate::model::{Platform, Timestamp};
use orchestrate::ops::{
    self, BuildReport, BuildRequest, Environment, HostSources, OnFailure, OpsError, Output, Services, Silent,
    Vendoring, Workspace,
};
use orchestrate::plan::StepSpec;
use orchestrate::stage::{
    OutputSink, ResolvedPaths, RunOptions, Runner, Sandbox, StageError, StepOutput, StepOutputError,
};
use orchestrate::store::Store;

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;

/// Runs nothing: it leaves what it was asked to run, and what the step would have seen.
struct Scribe<'t> {
    asked: &'t Mutex<Vec<String>>,
    /// Whether it says that it cannot.
    broken: bool,
}

impl Runner for Scribe<'static> {
    fn run_step(
        &self,
        store: &Store,
        spec: &StepSpec,
        paths: &ResolvedPaths,
        _: &RunOptions,
        sink: &dyn OutputSink,
    ) -> Result<StepOutput, StageError> {
        let failed = |source| StageError::from(StepOutputError::Io { source });
        if self.broken {
            return Err(failed(std::io::Error::other("the machine room is on fire")));
        }
        sink.line("somewhere else");
        self.asked.lock().expect("no panic").extend(spec.scripts.iter().cloned());
        let scratch = store.tmp_dir()?;
        let out = scratch.path().join("out");
        fs_err::create_dir(&out).map_err(failed)?;
        fs_err::write(out.join("asked"), spec.scripts.join("\n")).map_err(failed)?;
        // the step's root is there, whole, wherever the step is run
        let root = spec.root.iter().map(|tree| paths.trees[tree].join("usr/share/tool/data"));
        let seen = root.filter(|file| file.exists()).map(fs_err::read_to_string);
        let seen = seen.collect::<Result<String, _>>().map_err(failed)?;
        fs_err::write(out.join("seen"), seen).map_err(failed)?;
        Ok(StepOutput::take(store, &out)?)
    }
}

const TOOLCHAIN: &str = "title \"Tools\"\nplatforms \"linux/amd64\"\nimage \"tools\" {\n    from \"scratch\"\n    \
     distribution \"debian\" suite=\"stable\"\n    packages \"tool\"\n    user \"10001\"\n    \
     healthcheck \"none\" reason=\"a toolchain\"\n}\n";
const APP: &str = "title \"App\"\nplatforms \"linux/amd64\"\nstage \"app\" from=\"tools\" { run \"make install\" }\n\
     image \"app\" {\n    from \"scratch\"\n    copy \"/\" from=\"app\" to=\"/app\"\n    user \"10001\"\n    \
     healthcheck \"none\" reason=\"a test\"\n}\n";

fn build(project: &Project, runner: Scribe<'static>, output: &Path) -> Result<BuildReport, OpsError> {
    let environment = Environment::load(&project.path("environment.kdl"), true).expect("an environment");
    let fetcher = Fetcher::new(ops::fetch_config(&environment, false)).expect("a client");
    let services = Services {
        store: Store::open(&project.path("store")).expect("a store"),
        fetcher,
        environment,
        host: HostSources::read(&project.path("no-such-folder")),
        now: Timestamp::from_seconds(1_780_000_000),
        build: Platform::of_this_machine().expect("a known machine"),
        jobs: NonZeroUsize::MIN,
        sandbox: Sandbox::of_program(Path::new("/nonexistent/no-sandbox")),
        runner: Box::new(runner),
        observer: &Silent,
    };
    let root = camino::Utf8PathBuf::from_path_buf(project.path("")).expect("UTF-8");
    let workspace = Workspace::load(&root)?;
    let request = BuildRequest {
        images: vec!["app".parse().expect("a name")],
        platforms: Vec::new(),
        outputs: vec![Output::Rootfs(output.to_owned())],
        on_failure: OnFailure::Report,
        vendoring: Vendoring::Allowed,
    };
    ops::build(&workspace, &services, &request)
}

#[test]
fn steps_run_wherever_a_runner_runs_them() {
    let files = [("/usr/share/tool/data", "of the toolchain")];
    let tool = Package { name: "tool", version: "1", architecture: "all", fields: "", files: &files };
    let archive = Archive::new(&[tool]);
    let project = Project::new(Some(&archive), &[("tools", TOOLCHAIN), ("app", APP)]);
    project.run(&["refresh"]).done();

    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let output = project.path("root.tar");
    let error = build(&project, Scribe { asked: &ASKED, broken: true }, &output).expect_err("a failure");
    let mut causes = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    assert!(causes[0].contains("stage app/app"), "{causes:?}");
    assert!(causes.last().is_some_and(|last| last.contains("machine room")), "{causes:?}");

    let first = build(&project, Scribe { asked: &ASKED, broken: false }, &output).expect("built");
    assert_eq!(*ASKED.lock().expect("no panic"), ["make install"]);
    let listed = std::process::Command::new("tar").arg("-xOf").arg(&output).arg("app/seen").output().expect("tar");
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "of the toolchain");

    // what one runner gave is there for all others
    let again = build(&project, Scribe { asked: &ASKED, broken: true }, &output).expect("nothing to run");
    assert_eq!((again.ran, again.images[0].index), (0, first.images[0].index));
}
