//! The oracle: a system made by `mmdebstrap`, and the packages it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use orchestrate::model::Platform;

use crate::support::emulation::Emulation;
use crate::support::mirror;

/// A folder with `root.tar`, what mmdebstrap made, and the packages it used in `packages/`.
pub(crate) struct Reference {
    folder: PathBuf,
    /// Removes the folder where it is not kept for the next test.
    _temporary: Option<tempfile::TempDir>,
}

/// Suites before Debian 13, where nothing but a package's word says that `/usr` is merged: mmdebstrap's hooks do what
/// debootstrap does.
const MERGED_BY_HAND: &[&str] = &["bookworm"];

impl Reference {
    /// The minimal system of `suite`; made once, as emulated ones take more than a minute.
    pub(crate) fn minimal(suite: &str, platform: Platform) -> Arc<Self> {
        type Known = BTreeMap<(String, Platform), Arc<OnceLock<Arc<Reference>>>>;
        static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let one = Arc::clone(known.entry((suite.to_owned(), platform)).or_default());
        drop(known);
        Arc::clone(one.get_or_init(|| {
            let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).join("references");
            let folder = folders.join(format!("{suite}-{}", platform.deb()));
            let _ = fs_err::remove_dir_all(&folder); // of the last run
            fs_err::create_dir_all(&folder).expect("made");
            Arc::new(Self { folder, _temporary: None }.made(suite, &[], platform))
        }))
    }

    /// Makes a minimal system of `suite` with `include` on top; its folder goes with the value.
    pub(crate) fn make(suite: &str, include: &[&str], platform: Platform) -> Self {
        let folder = tempfile::Builder::new().prefix("fidelity").tempdir_in(memory()).expect("a folder");
        Self { folder: folder.path().to_owned(), _temporary: Some(folder) }.made(suite, include, platform)
    }

    fn made(self, suite: &str, include: &[&str], platform: Platform) -> Self {
        fs_err::create_dir(self.path("packages")).expect("a folder");
        let keep = format!("cp \"$1\"/var/cache/apt/archives/*.deb {}", self.path("packages").display());
        let states = format!("cp \"$1\"/var/lib/apt/extended_states {} || true", self.path("states").display());
        let mut command = Command::new("mmdebstrap");
        command.env("SOURCE_DATE_EPOCH", "315532800").env("TMPDIR", memory());
        command.env("no_proxy", "127.0.0.1"); // the mirror on loopback
        // mmdebstrap would ask a program of its own whether foreign ones run
        command.args(["--quiet", "--variant=minbase", "--skip=essential/unlink,check/qemu"]);
        command.arg(format!("--architectures={}", platform.deb()));
        if MERGED_BY_HAND.contains(&suite) {
            command.arg("--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr");
        }
        command.arg(format!("--customize-hook={keep}")).arg(format!("--customize-hook={states}"));
        if !include.is_empty() {
            command.arg(format!("--include={}", include.join(",")));
        }
        command.arg(suite).arg(self.tar()).args(sources(suite));
        let _emulation = (platform.deb() != "amd64").then(Emulation::start);
        let output = command.output().expect("mmdebstrap runs: install the packages mmdebstrap and qemu-user-static");
        assert!(output.status.success(), "mmdebstrap: {}", String::from_utf8_lossy(&output.stderr));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What mmdebstrap made.
    pub(crate) fn tar(&self) -> PathBuf {
        self.path("root.tar")
    }

    /// The packages, sorted by name.
    pub(crate) fn packages(&self) -> Vec<PathBuf> {
        let folder = fs_err::read_dir(self.path("packages")).expect("the packages");
        let mut packages: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        packages.sort();
        packages
    }

    /// The packages that apt chose because others need them.
    pub(crate) fn automatic(&self) -> BTreeSet<String> {
        let states = fs_err::read_to_string(self.path("states")).unwrap_or_default();
        states.lines().filter_map(|line| line.strip_prefix("Package: ")).map(str::to_owned).collect()
    }
}

/// Where packages are unpacked: in memory, where there is room.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The sources of `suite`, on mirrors that give every program of these tests the same releases.
fn sources(suite: &str) -> Vec<String> {
    let [base, security] = ["debian", "debian-security"].map(mirror::steady);
    vec![
        format!("deb {base} {suite} main"),
        format!("deb {base} {suite}-updates main"),
        format!("deb {security} {suite}-security main"),
    ]
}
