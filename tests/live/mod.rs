//! The images of this repository from the real archive: refreshed into a lock of their own, built for both platforms from
//! an empty store, and then looked at with the programs that other people wrote. `TEST_LIVE=all` builds all of them.
//!
//! The committed lock is not used as it is: mirrors drop superseded packages, and a test must not fail for that.

mod layered;
mod layout;
mod look;
mod minbase;
mod run;
mod same;
mod system;
mod variants;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::tool;

/// Digests by image and platform (`index` for the image as a whole), as `build` prints them.
type Digests = BTreeMap<(String, String), String>;

/// What is built where not everything is: packages alone, packages with what a recipe adds, and programs that are compiled
/// for both platforms within a minute. The others compile for ten minutes, or hold a compiler.
const QUICK: &[&str] =
    &["debian", "debian-buildd", "debian-no-apt", "health", "hello", "registry", "runtime", "static"];

/// The project as it was built.
struct Live {
    folder: PathBuf,
    digests: Digests,
}

/// The images to build; all of them where none is named.
fn built() -> &'static [&'static str] {
    if std::env::var("TEST_LIVE").is_ok_and(|word| word == "all") { &[] } else { QUICK }
}

/// Built once, by whichever test comes first. Where that fails it is not tried again by each of the others.
fn live() -> &'static Live {
    static LIVE: OnceLock<Option<Live>> = OnceLock::new();
    let live = LIVE.get_or_init(|| std::panic::catch_unwind(Live::build).ok());
    live.as_ref().expect("the project, whose build failed in the test that came first")
}

impl Live {
    fn build() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live");
        empty(&folder);
        copy_project(Path::new(env!("CARGO_MANIFEST_DIR")), &folder);
        let mut live = Self { folder, digests: Digests::new() };
        live.run(&["refresh"]);
        live.digests = digests(&live.run(&[&["build"], built()].concat()));
        live
    }

    /// Whether an image was built.
    fn has(&self, image: &str) -> bool {
        self.digests.keys().any(|(built, _)| built == image)
    }

    /// What a verb prints. Where it fails, so do all tests that wait for it: its errors are shown once, right away.
    fn run(&self, words: &[&str]) -> String {
        let output = self.program().args(words).output().expect("it starts");
        if !output.status.success() {
            let _ = std::io::stderr().write_all(&output.stderr);
            panic!("{words:?} failed with {}", output.status);
        }
        String::from_utf8(output.stdout).expect("text")
    }

    /// The program, given this project and its store.
    fn program(&self) -> Command {
        program(Path::new(env!("CARGO_BIN_EXE_orchestrate")), &self.folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// All images of the project, whether they were built or not.
    fn images(&self) -> Vec<String> {
        let listed = self.run(&["list", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let name = |image: &serde_json::Value| image["name"].as_str().expect("a name").to_owned();
        listed.as_array().expect("a list").iter().map(name).collect()
    }

    /// The images that were built, and their platforms.
    fn manifests(&self) -> Vec<(String, String)> {
        self.digests.keys().filter(|(_, platform)| platform != "index").cloned().collect()
    }
}

/// `program` for the project in `folder`, with a store and an environment beside it.
fn program(program: &Path, folder: &Path) -> Command {
    let environment = folder.join("environment.kdl");
    if !environment.exists() {
        fs_err::write(&environment, "").expect("written");
    }
    let mut command = Command::new(program);
    command.arg("--project").arg(folder).arg("--store").arg(folder.join("store"));
    command.arg("--environment").arg(environment);
    command
}

/// Removes what the last run left.
fn empty(folder: &Path) {
    let _ = Command::new("chmod").args(["-R", "u+w"]).arg(folder).output(); // there is none at first
    let _ = fs_err::remove_dir_all(folder);
}

/// Recipes and lock of a project, elsewhere.
fn copy_project(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("made");
    for name in ["images", "lock"] {
        tool("coreutils", Command::new("cp").arg("-r").arg(from.join(name)).arg(to));
    }
}

fn digests(stdout: &str) -> Digests {
    let line = |line: &str| {
        let mut words = line.split('\t').map(str::to_owned);
        let mut next = || words.next().expect("three words a line");
        ((next(), next()), next())
    };
    let digests: Digests = stdout.lines().map(line).collect();
    assert!(!digests.is_empty(), "`build` printed nothing");
    digests
}

/// The part of a platform after `linux/`, which is what other programs call its architecture.
fn architecture(platform: &str) -> &str {
    platform.strip_prefix("linux/").expect("a platform of Linux")
}
