//! The oracle: a system made by `mmdebstrap`, and the packages it was made from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestrate::model::Platform;

/// A folder with `root.tar`, what mmdebstrap made, and the packages it used in `packages/`; removed when dropped.
pub(crate) struct Reference {
    folder: tempfile::TempDir,
}

impl Reference {
    /// Makes a minimal system of `suite` with `include` on top.
    pub(crate) fn make(suite: &str, include: &[&str], platform: Platform) -> Self {
        // packages are unpacked twice: in memory, where there is room
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("fidelity").tempdir_in(parent).expect("a folder");
        let reference = Self { folder };
        fs_err::create_dir(reference.path("packages")).expect("a folder");
        let keep = format!("cp \"$1\"/var/cache/apt/archives/*.deb {}", reference.path("packages").display());
        let states = format!("cp \"$1\"/var/lib/apt/extended_states {} || true", reference.path("states").display());
        let mut command = Command::new("mmdebstrap");
        command.env("SOURCE_DATE_EPOCH", "315532800").env("TMPDIR", reference.folder.path());
        command.args(["--quiet", "--variant=minbase", "--skip=essential/unlink"]);
        command.arg(format!("--architectures={}", platform.deb()));
        command.arg(format!("--customize-hook={keep}")).arg(format!("--customize-hook={states}"));
        if !include.is_empty() {
            command.arg(format!("--include={}", include.join(",")));
        }
        command.arg(suite).arg(reference.tar()).args(sources(suite));
        let output = command.output().expect("mmdebstrap runs: install the packages mmdebstrap and qemu-user-static");
        assert!(output.status.success(), "mmdebstrap: {}", String::from_utf8_lossy(&output.stderr));
        reference
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
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

/// The sources of `suite`, on the mirrors that this machine uses for Debian.
fn sources(suite: &str) -> Vec<String> {
    let mirrors = mirrors();
    let of = |ending: &str| mirrors.iter().find(|uri| uri.trim_end_matches('/').ends_with(ending));
    let base = of("/debian").expect("the apt sources of this machine name a mirror of Debian");
    let mut sources = vec![format!("deb {base} {suite} main"), format!("deb {base} {suite}-updates main")];
    sources.extend(of("/debian-security").map(|uri| format!("deb {uri} {suite}-security main")));
    sources
}

fn mirrors() -> Vec<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let folder = fs_err::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let more = folder.map(|entry| entry.path());
    files.extend(more.filter(|path| path.extension().is_some_and(|end| end == "sources" || end == "list")));
    files.sort();
    let text: String = files.iter().filter_map(|path| fs_err::read_to_string(path).ok()).collect();
    let lines = text.lines().filter(|line| line.starts_with("URIs:") || line.starts_with("deb "));
    lines.flat_map(str::split_whitespace).filter(|word| word.contains("://")).map(str::to_owned).collect()
}
