//! `debian`, of the suite that its recipe names for both platforms, and of the one before for one: its files are those that
//! mmdebstrap makes, and its own programs find nothing wrong with it. Foreign programs run in the oracles alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use orchestrate::model::Platform;

use super::run::Engine;
use super::{copy_project, empty, program};
use crate::fidelity::MINBASE;
use crate::fidelity::compare::compare;
use crate::fidelity::reference::Reference;
use crate::support::emulation::Emulation;
use crate::support::{mirror, text_of, tool};

/// The suite of the recipe.
const SUITE: &str = "trixie";

/// Everybody who signs for Debian.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A project of `debian` alone: the recipe as it is in the repository, with nothing changed but the name of the suite, and
/// with the keys of all suites.
pub(super) fn write_project(folder: &Path, suite: &str) {
    empty(folder);
    copy_project(Path::new(env!("CARGO_MANIFEST_DIR")), folder);
    fs_err::remove_dir_all(folder.join("lock")).expect("removed");
    fs_err::write(folder.join("environment.kdl"), mirror::steady_environment()).expect("written");
    let images = folder.join("images");
    for entry in fs_err::read_dir(&images).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kept = ["debian", "keys", "lib", "project.kdl"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !kept {
            fs_err::remove_dir_all(path).expect("removed");
        }
    }
    for key in ["debian-archive.asc", "debian-security.asc"] {
        fs_err::copy(KEYRING, images.join("keys").join(key)).expect("install the package debian-archive-keyring");
    }
    for file in [images.join("project.kdl"), images.join("debian/recipe.kdl")] {
        let text = fs_err::read_to_string(&file).expect("a recipe");
        fs_err::write(&file, text.replace(&format!("\"{SUITE}"), &format!("\"{suite}"))).expect("written");
    }
}

/// `debian` of a suite on one platform.
struct Minbase {
    suite: &'static str,
    platform: Platform,
    folder: PathBuf,
}

impl Minbase {
    /// Pinned and built once, in a project of its own.
    fn of(suite: &'static str, platform: &'static str) -> Arc<Self> {
        type Known = BTreeMap<(&'static str, &'static str), Arc<OnceLock<Arc<Minbase>>>>;
        static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let one = Arc::clone(known.entry((suite, platform)).or_default());
        drop(known);
        let make = || {
            let platform: Platform = platform.parse().expect("a platform");
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("minbase-{suite}-{}", platform.deb()));
            let minbase = Self { suite, platform, folder };
            write_project(&minbase.folder, suite);
            minbase.build();
            Arc::new(minbase)
        };
        Arc::clone(one.get_or_init(make))
    }

    fn build(&self) {
        let orchestrate = || program(Path::new(env!("CARGO_BIN_EXE_orchestrate")), &self.folder);
        tool("orchestrate", orchestrate().args(["refresh", "debian"]));
        let mut build = orchestrate();
        build.args(["build", "debian", "--platform", &self.platform.to_string()]);
        build.arg(format!("--output=rootfs:{}", self.tar().display()));
        tool("orchestrate", build.arg(format!("--output=docker-archive:{}", self.archive().display())));
    }

    fn tar(&self) -> PathBuf {
        self.folder.join("root.tar")
    }

    fn archive(&self) -> PathBuf {
        self.folder.join("image.tar")
    }

    fn differences(&self, reference: &Reference) -> Vec<String> {
        let ours = fs_err::File::open(self.tar()).expect("the image");
        let theirs = fs_err::File::open(reference.tar()).expect("the reference");
        compare(ours, theirs, MINBASE)
    }

    /// Path, kind, mode, owner, size and content of everything, but for what [`MINBASE`] lists with its reasons.
    fn has_the_files_of_mmdebstrap(&self) {
        let differences = self.differences(&Reference::minimal(self.suite, self.platform));
        assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    }

    /// Run by podman: its main program answers, and apt and dpkg have no complaints.
    fn is_content_with_itself(&self) {
        let _emulation = (self.platform.deb() != "amd64").then(Emulation::start);
        let engine = Engine::new(None);
        engine.ok(&["load", "--quiet", "--input", &self.archive().display().to_string()]);
        let script = "dpkg --print-architecture; dpkg --version | head -n1; dpkg --audit; apt-get --quiet=2 check";
        let limits = ["--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
        let platform = format!("--platform={}", self.platform);
        let run: Vec<&str> = ["run", "--rm", "--pull=never", &platform].into_iter().chain(limits).collect();
        let output = engine.podman(&[&run[..], &["localhost/debian:latest", "/bin/bash", "-c", script]].concat());
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(output.status.success(), "{} {}: {said}", self.suite, self.platform);
        let lines: Vec<&str> = said.lines().collect();
        let [architecture, version] = lines[..] else { panic!("{} {}: {said}", self.suite, self.platform) };
        assert_eq!(architecture, self.platform.deb());
        assert!(version.starts_with("Debian 'dpkg' package management program version 1."), "{said}");
    }
}

#[test]
fn debian_has_the_files_of_mmdebstrap_for_trixie_on_amd64() {
    Minbase::of("trixie", "linux/amd64").has_the_files_of_mmdebstrap();
}

#[test]
fn debian_has_the_files_of_mmdebstrap_for_trixie_on_arm64() {
    Minbase::of("trixie", "linux/arm64").has_the_files_of_mmdebstrap();
}

#[test]
fn debian_has_the_files_of_mmdebstrap_for_bookworm_on_amd64() {
    Minbase::of("bookworm", "linux/amd64").has_the_files_of_mmdebstrap();
}

/// Somebody vouches for every script.
#[test]
fn every_script_of_debian_is_known() {
    for suite in ["trixie", "bookworm"] {
        let minbase = Minbase::of(suite, "linux/amd64");
        let mut audit = program(Path::new(env!("CARGO_BIN_EXE_orchestrate")), &minbase.folder);
        audit.args(["audit", "--scripts", "debian", "--platform", "linux/amd64", "--offline", "--json"]);
        let images: serde_json::Value = serde_json::from_str(&text_of("orchestrate", &mut audit)).expect("JSON");
        let scripts = images[0]["scripts"].as_array().expect("scripts");
        let text = |script: &serde_json::Value, name: &str| script[name].as_str().unwrap_or_default().to_owned();
        let covered = |by: &str| scripts.iter().filter(|script| script["covered"] == by).count();
        assert!(covered("rule") >= 15 && covered("snippets") >= 5, "{suite}: {images}");
        assert_eq!(covered("nothing"), 0, "{suite}: {images}");
        let of_release = |script: &&serde_json::Value| text(script, "package") == "base-files";
        let base = scripts.iter().rfind(of_release).expect("base-files has a script");
        let checked = base["checked"].as_array().expect("versions");
        assert!(!checked.is_empty() && text(base, "script") == "postinst", "{suite}: {base}");
        let apt = scripts.iter().find(|script| text(script, "package") == "apt" && script["script"] == "postinst");
        let snippets = apt.expect("apt has a script")["snippets"].to_string();
        assert!(snippets.contains("dh_installsystemd"), "{suite}: {snippets}");
    }
}

#[test]
fn debian_is_content_with_itself_on_every_platform() {
    for (suite, platform) in [("trixie", "linux/amd64"), ("trixie", "linux/arm64"), ("bookworm", "linux/amd64")] {
        Minbase::of(suite, platform).is_content_with_itself();
    }
}
