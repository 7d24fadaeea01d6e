//! One set of the campaign: pinned, built by the model or, where that refuses, by the packages' scripts; compared with what
//! mmdebstrap makes of the same packages; and run.

use std::path::{Path, PathBuf};
use std::process::Command;

use orchestrate::model::Platform;

use super::MINBASE;
use super::compare::{Allowed, Comparison};
use super::reference::Reference;
use super::sets::{EVERYWHERE, MODEL, Set};
use crate::support::{mirror, tool};

/// The platform whose programs run here: the references are made natively.
pub(crate) const PLATFORM: &str = "linux/amd64";
pub(crate) const SUITE: &str = "trixie";

/// Who configured an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The model.
    Model,
    /// The packages' scripts; those that the model refused.
    Scripts(Vec<String>),
}

/// How a set fared.
pub(crate) struct Outcome {
    pub(crate) mode: Mode,
    /// Packages in all.
    pub(crate) packages: usize,
    pub(crate) comparison: Comparison,
    /// Allowances of the set that excused nothing.
    pub(crate) idle: Vec<String>,
    /// What the main program, `apt-get check` and `dpkg --audit` had to complain; nothing when all is well.
    pub(crate) complaints: [Option<String>; 3],
}

/// A project with one image.
struct Project {
    folder: tempfile::TempDir,
    store: PathBuf,
}

impl Project {
    /// Keeps its store in `store`, which sets share.
    fn new(set: &Set, store: &Path) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a folder"), store: store.to_owned() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
        let images = project.path("images");
        fs_err::create_dir_all(images.join("set")).expect("made");
        tool("coreutils", Command::new("cp").arg("-r").arg(source.join("keys")).arg(&images));
        let words = fs_err::read_to_string(source.join("project.kdl")).expect("the words of this repository");
        let kept = words.lines().filter(|line| !line.starts_with("include ") && !line.starts_with("platforms "));
        let words: String = kept.map(|line| format!("{line}\n")).collect();
        fs_err::write(images.join("project.kdl"), format!("platforms \"{PLATFORM}\"\n{words}")).expect("written");
        fs_err::write(project.path("environment.kdl"), mirror::steady_environment()).expect("written");
        project.write_recipe(set, "model");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_recipe(&self, set: &Set, configure: &str) {
        let waivers: String = set.waivers.iter().map(|waiver| format!("    {waiver}\n")).collect();
        let packages: String = ["apt"].iter().chain(set.packages).map(|name| format!(" \"{name}\"")).collect();
        let text = format!(
            "title \"{}\"\nimage \"set\" {{\n    from \"scratch\"\n    distribution \"debian\" suite=\"{SUITE}\"\n    \
             package-set \"required\"\n    packages{packages}\n{waivers}    configure \"{configure}\"\n    \
             user \"root\" reason=\"a system to look into\"\n    command \"/bin/sh\"\n    \
             env PATH \"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n    \
             healthcheck \"none\" reason=\"a test\"\n}}\n",
            set.name
        );
        fs_err::write(self.path("images/set/recipe.kdl"), text).expect("written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
        command.arg("--project").arg(self.folder.path()).arg("--store").arg(&self.store);
        command.arg("--environment").arg(self.path("environment.kdl")).arg("--quiet").args(arguments);
        command
    }

    /// The scripts that the model does not know, as `PACKAGE SCRIPT`, and how many packages there are.
    fn unknown_scripts(&self) -> (Vec<String>, usize) {
        let output = self.command(&["audit", "--scripts", "--json"]).output().expect("the program starts");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let image = &report[0];
        let scripts = image["scripts"].as_array().expect("a list").iter();
        let unknown = scripts.filter(|script| script["covered"] == "nothing").map(|script| {
            let text = |name: &str| script[name].as_str().expect("a text").to_owned();
            format!("{} {}", text("package"), text("script"))
        });
        (unknown.collect(), usize::try_from(image["packages"].as_u64().expect("a number")).expect("a few"))
    }

    fn build(&self) {
        tool("orchestrate", &mut self.build_command());
    }

    /// Builds by the model, or says which scripts it does not understand.
    fn build_by_model(&self) -> Result<(), Vec<String>> {
        let output = self.build_command().output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = |line: &str| {
            let line = line.trim_start_matches([' ', '│']);
            let (script, of) =
                line.split_once(" of ").filter(|(script, _)| matches!(*script, "preinst" | "postinst"))?;
            Some(format!("{} {script}", of.split(' ').next()?))
        };
        let scripts: Vec<String> = said.lines().filter_map(refused).collect();
        assert!(output.status.success() || !scripts.is_empty(), "{said}");
        if output.status.success() { Ok(()) } else { Err(scripts) }
    }

    fn build_command(&self) -> Command {
        let [tar, archive] = ["root.tar", "image.tar"].map(|name| self.path(name).display().to_string());
        let outputs = [format!("--output=rootfs:{tar}"), format!("--output=docker-archive:{archive}")];
        self.command(&["build", &outputs[0], &outputs[1]])
    }
}

/// Runs a set; `store` is shared by those that run one after the other.
pub(crate) fn run(set: &Set, store: &Path) -> Outcome {
    let platform: Platform = PLATFORM.parse().expect("a platform");
    let project = Project::new(set, store);
    tool("orchestrate", &mut project.command(&["refresh"]));
    let reference = Reference::make(SUITE, set.packages, platform);
    let (unknown, packages) = project.unknown_scripts();
    let refused = if unknown.is_empty() { project.build_by_model().err() } else { Some(unknown) };
    let mode = refused.map_or(Mode::Model, Mode::Scripts);
    if mode != Mode::Model {
        project.write_recipe(set, "scripts");
        project.build();
    }
    let comparison = compared(set, &mode, &project.path("root.tar"), &reference.tar());
    let complaints = complaints(set, &project.path("image.tar"));
    let idle = idle(set, &mode, &comparison);
    Outcome { mode, packages, comparison, idle, complaints }
}

fn compared(set: &Set, mode: &Mode, ours: &Path, theirs: &Path) -> Comparison {
    let allowed: Vec<&Allowed> = shared(mode).chain(set.allowed).collect();
    let open = |path: &Path| fs_err::File::open(path).expect("a file system");
    Comparison::of(open(ours), open(theirs), &allowed)
}

/// What holds for every set.
fn shared(mode: &Mode) -> impl Iterator<Item = &'static Allowed> {
    let of_model: &[Allowed] = if *mode == Mode::Model { MODEL } else { &[] };
    [MINBASE, EVERYWHERE, of_model].into_iter().flatten()
}

/// The set's own allowances that excused nothing: they would hide what goes wrong later.
fn idle(set: &Set, mode: &Mode, comparison: &Comparison) -> Vec<String> {
    comparison.idle(shared(mode).count(), set.allowed)
}

/// Runs the image by podman: its main program, apt and dpkg.
fn complaints(set: &Set, archive: &Path) -> [Option<String>; 3] {
    let storage = tempfile::Builder::new().prefix("podman").tempdir_in("/var/tmp").expect("a folder");
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        // what works in containers without systemd and with old control groups as well
        command.args(["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none", "--log-level=fatal"]);
        command.arg("--root").arg(storage.path().join("storage")).arg("--runroot").arg(storage.path().join("run"));
        command.args(arguments).output().expect("podman: install the package `podman`")
    };
    let load = podman(&["load", "--quiet", "--input", &archive.display().to_string()]);
    assert!(load.status.success(), "{}", String::from_utf8_lossy(&load.stderr));
    let limits = ["--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
    let run = |script: &str| {
        let image = ["localhost/set:latest", "/bin/sh", "-c", script];
        let output = podman(&[&["run", "--rm", "--pull=never"], &limits[..], &image].concat());
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.success(), said)
    };
    let answers =
        |(ended_well, said): (bool, String), fragment: &str| (!ended_well || !said.contains(fragment)).then_some(said);
    let silent = |(ended_well, said): (bool, String)| (!ended_well || !said.is_empty()).then_some(said);
    let complaints =
        [answers(run(set.probe.0), set.probe.1), silent(run("apt-get --quiet=2 check")), silent(run("dpkg --audit"))];
    podman(&["rmi", "--all", "--force"]);
    complaints
}

impl Outcome {
    /// All that is wrong, in lines for people.
    pub(crate) fn faults(&self) -> Vec<String> {
        let who = ["the main program", "apt-get check", "dpkg --audit"];
        let complaints = who.iter().zip(&self.complaints);
        let complaints = complaints.filter_map(|(who, said)| Some(format!("{who}: {:?}", said.as_ref()?)));
        self.comparison.unexplained.iter().chain(&self.idle).cloned().chain(complaints).collect()
    }
}

/// Runs one of the sets as a test.
fn holds(name: &str) {
    let set = super::sets::SETS.iter().find(|set| set.name == name).expect("a set of the campaign");
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sets");
    let outcome = run(set, &store);
    let (faults, Outcome { mode, packages, .. }) = (outcome.faults(), &outcome);
    let all = faults.join("\n");
    assert!(faults.is_empty(), "{name}, {packages} packages, {mode:?}: {} faults\n{all}", faults.len());
}

/// What a base has is known to what comes on top of it: accounts, overridden modes, questions of debconf, diversions.
#[test]
fn a_layer_on_a_configured_base_is_what_one_image_of_all_packages_is() {
    let set = super::sets::SETS.iter().find(|set| set.name == "debian").expect("a set of the campaign");
    let project = Project::new(set, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("sets"));
    let image = |name: &str, from: &str, packages: &str| {
        let set = if from == "scratch" {
            "package-set \"required\"\n    distribution \"debian\" suite=\"trixie\""
        } else {
            ""
        };
        format!(
            "image \"{name}\" {{\n    from \"{from}\"\n    {set}\n    packages {packages}\n    user \"root\" reason=\"a test\"\n    \
             command \"/bin/sh\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
        )
    };
    let (base, more) = ("\"apt\" \"chrony\" \"locales\" \"vim\"", "\"redis-server\" \"sudo\"");
    let images = [
        image("base", "scratch", base),
        image("layer", "base", more),
        image("whole", "scratch", &format!("{base} {more}")),
    ];
    fs_err::write(project.path("images/set/recipe.kdl"), format!("title \"layers\"\n{}", images.concat()))
        .expect("written");
    tool("orchestrate", &mut project.command(&["refresh"]));
    let [layer, whole] = ["layer", "whole"].map(|name| {
        let tar = project.path(&format!("{name}.tar"));
        tool("orchestrate", &mut project.command(&["build", name, "--output", &format!("rootfs:{}", tar.display())]));
        fs_err::File::open(tar).expect("a file system")
    });
    let differences = super::compare::compare(layer, whole, &[]);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_set_services_is_what_mmdebstrap_makes() {
    holds("services");
}

#[test]
fn the_set_php_fpm_is_what_mmdebstrap_makes() {
    holds("php-fpm");
}
