//! The maintainer scripts of a root, run by the real `dpkg` of the root in the sandbox.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use super::RootSpec;
use super::delta;
use super::error::RootError;
use crate::beneath::Dir;
use crate::distribution::debian::configure::{DpkgDatabase, PackageState, UnpackedPackage};
use crate::model::{ImagePath, PackageId};
use crate::stage::log::{Log, OutputSink};
use crate::stage::sandbox::{Console, Ending, File, Network, Ownership, Privilege, ProcessLimits, Root, Sandbox, Spec};
use crate::stage::scripts::environment::{self, NO_SERVICES, POLICY};
use crate::store::Store;

/// The folder of dpkg's database.
const DPKG: &str = "var/lib/dpkg";
const TIMEOUT: Duration = Duration::from_secs(3600);
/// Begins the names of folders and files that are the sandbox's, not the root's.
const FOREIGN: &[&str] = &["build", "dev", "orchestrate", "proc", "run", "sys", "tmp", "var/tmp"];
/// What differs from run to run, or is of no use after it.
const LEFT_BEHIND: &[&str] = &[
    "etc/.pwd.lock",
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/passwords.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/dpkg/available-old",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/statoverride-old",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/dpkg/triggers/Unincorp",
];

/// Configures the packages of the tree `root`, whose database says that they are unpacked, and writes what their
/// scripts did into the tree.
pub(super) fn configure(
    store: &Store,
    spec: &RootSpec,
    packages: &[UnpackedPackage],
    root: &Path,
    sandbox: &Sandbox,
    sink: &dyn OutputSink,
) -> Result<(), RootError> {
    let native: Vec<_> = packages.iter().filter(|package| package.state == PackageState::Unpacked).collect();
    let scratch = store.tmp_dir()?;
    let upper = scratch.path().join("upper");
    let path = scratch.path().join("log");
    let mut log = Log::create(&path, sink)?;
    let ending = sandbox.run(&cell(root, scratch.path(), &native), Some(TIMEOUT), &mut |line| log.line(line))?;
    let (_, tail) = log.finish()?;
    if ending != Ending::Exited(0) {
        let kept = keep_log(store, spec, &path)?;
        return Err(RootError::scripts(ending, tail, kept));
    }
    let root = Dir::open(root)?;
    delta::apply(&Dir::open(&upper)?, &root, &|path| {
        !FOREIGN.iter().any(|name| path.starts_with(name)) && path != Path::new(POLICY)
    })?;
    clean(&root)
}

fn cell(root: &Path, scratch: &Path, packages: &[&UnpackedPackage]) -> Spec {
    let file = |path: &str, content: &str| File {
        path: path.parse().unwrap_or_default(),
        content: content.as_bytes().to_vec(),
        mode: 0o755,
    };
    Spec {
        root: Root::Layers(vec![root.to_owned()]),
        ownership: Ownership::Ignored,
        scratch: scratch.to_owned(),
        mounts: Vec::new(),
        files: vec![file("orchestrate/configure", &script(packages)), file(POLICY, NO_SERVICES)],
        argv: ["/bin/sh", "-eu", "/orchestrate/configure"].map(str::to_owned).into(),
        env: environment::variables(),
        cwd: ImagePath::root(),
        emulator: None,
        network: Network::None,
        privilege: Privilege::RootLike,
        limits: ProcessLimits::default(),
        console: Console::Log,
    }
}

/// What happens in the sandbox. `dpkg --configure` runs no `preinst`, which is of the time before files are unpacked;
/// so they run here, that of `base-passwd` first, because others look up users.
fn script(packages: &[&UnpackedPackage]) -> String {
    let mut text = "export DPKG_RUNNING_VERSION=\"$(dpkg-query -f '${Version}' -W dpkg)\"\n".to_owned();
    text.push_str("export DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= DPKG_FORCE=unsafe-io DPKG_MAINTSCRIPT_NAME=preinst\n");
    let mut with_preinst: Vec<&UnpackedPackage> =
        packages.iter().copied().filter(|package| package.control.file("preinst").is_some()).collect();
    with_preinst.sort_by_key(|package| package.id.name != "base-passwd");
    for package in with_preinst {
        let PackageId { name, architecture, .. } = &package.id;
        let file = format!("/{DPKG}/info/{}.preinst", DpkgDatabase::info_name(package));
        let _ = writeln!(
            text,
            "echo 'Preparing {name} ...'\nDPKG_MAINTSCRIPT_PACKAGE={name} DPKG_MAINTSCRIPT_ARCH={architecture} \
             DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 {file} install"
        );
    }
    text.push_str("unset DPKG_MAINTSCRIPT_NAME DPKG_RUNNING_VERSION DPKG_ADMINDIR DPKG_ROOT DPKG_FORCE\n");
    text.push_str("dpkg --force-unsafe-io --force-confold --configure -a\n");
    // libraries of the other architectures have no scripts that ask for it
    text.push_str("if command -v ldconfig > /dev/null; then ldconfig; fi\n");
    text
}

/// Takes out what differs between two runs. Scripts may have put links anywhere: a path that leads through one is left
/// alone, since the files behind it are not where these names say.
fn clean(root: &Dir) -> Result<(), RootError> {
    for path in LEFT_BEHIND {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::archive::Control;
    use crate::distribution::debian::configure::PackageRequest;

    #[test]
    fn accounts_are_there_before_other_scripts_run() {
        let package = |name: &str| UnpackedPackage {
            id: PackageId {
                name: name.parse().expect("a name"),
                version: "1".to_owned(),
                architecture: "amd64".to_owned(),
            },
            control: Control {
                control: String::new(),
                files: BTreeMap::from([("preinst".to_owned(), (crate::model::Mode::from_bits(0o755), Vec::new()))]),
            },
            entries: Vec::new(),
            state: PackageState::Unpacked,
            request: PackageRequest::Manual,
        };
        let (a, b) = (package("adduser"), package("base-passwd"));
        let text = script(&[&a, &b]);
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} in {text}"));
        assert!(at("base-passwd.preinst install") < at("adduser.preinst install"));
        assert!(at("adduser.preinst install") < at("--configure -a"));
    }
}
