//! The images for this machine run by podman, as root and as an ordinary user, under the contract that their labels
//! state: read-only, as their own user, without capabilities, without a network. Their health checks pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Live, built, live};
use crate::support::{text_of, tool};

/// Images that serve: they start by themselves and tell of their health.
const SERVICES: &[&str] = &["dns", "fileserver", "hello", "registry", "router"];
/// Images in which one works, with a command that says what it found.
const TOOLCHAINS: &[(&str, &[&str], &str)] = &[
    ("debian", &["/bin/sh", "-c", "id -u; touch /file 2>&1; apt-get --version | head -n1"], "apt 3"),
    ("debian-buildd", &["/bin/sh", "-c", "id -u; touch /file 2>&1; g++ --version"], "g++ (Debian 1"),
    (
        "debian-no-apt",
        &["/bin/sh", "-c", "id -u; touch /file 2>&1; dpkg --version; apt-get 2>&1"],
        "apt-get: not found",
    ),
    ("builder", &["/bin/sh", "-c", "id -u; touch /file 2>&1; cmake --version"], "cmake version 3"),
    ("builder-go", &["/bin/sh", "-c", "id -u; touch /file 2>&1; /usr/lib/go-1.24/bin/go version"], "go1.24"),
    ("builder-rust", &["/bin/sh", "-c", "id -u; touch /file 2>&1; rustc --version"], "rustc 1.85"),
];
/// Bases without a program of their own, and who runs in them; a static program is put in to try them.
const BASES: &[(&str, &str)] = &[("static", "nonroot"), ("runtime", "nonroot")];

/// podman as a user of this machine, with storage of its own.
pub(super) struct Engine {
    user: Option<&'static str>,
    folder: tempfile::TempDir,
}

impl Engine {
    pub(super) fn new(user: Option<&'static str>) -> Self {
        let folder = tempfile::Builder::new().prefix("podman").tempdir_in("/var/tmp").expect("a folder");
        let engine = Self { user, folder };
        for name in ["home", "run", "storage"] {
            fs_err::create_dir(engine.folder.path().join(name)).expect("made");
        }
        if let Some(user) = user {
            tool("coreutils", Command::new("chown").arg("-R").arg(user).arg(engine.folder.path()));
        }
        engine
    }

    pub(super) fn podman(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("podman: install the package `podman`")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.user {
            None => Command::new("podman"),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups", "podman"]);
                command
            }
        };
        let at = |name: &str| self.folder.path().join(name);
        // what works in containers without systemd and with old control groups as well
        command.args(["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none", "--log-level=fatal"]);
        command.arg("--root").arg(at("storage")).arg("--runroot").arg(at("run"));
        command.env("HOME", at("home")).env("XDG_RUNTIME_DIR", at("run")).env_remove("XDG_DATA_HOME");
        command.current_dir(at("home")).args(arguments);
        command
    }

    pub(super) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.podman(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "podman {arguments:?} as {:?}:\n{out}{err}", self.user);
        out
    }

    /// What `podman run` takes so that an image runs as its labels say that it can.
    fn contract(&self, image: &str) -> Vec<String> {
        let labels = self.ok(&["image", "inspect", "--format", "{{json .Config.Labels}}", image]);
        let labels: serde_json::Value = serde_json::from_str(&labels).expect("JSON");
        let label = |name: &str| labels[format!("orchestrate.runtime.{name}")].as_str().map(str::to_owned);
        let mut options = ["--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--read-only"]
            .map(str::to_owned)
            .to_vec();
        options.push("--cap-drop=all".to_owned());
        let listed = |name: &str| label(name).unwrap_or_default();
        let parts =
            |text: String| text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        options.extend(parts(listed("capabilities")).iter().map(|name| format!("--cap-add={name}")));
        options.extend(parts(listed("tmpfs")).iter().map(|path| format!("--tmpfs={path}")));
        options
    }

    fn run(&self, image: &str, more: &[&str], command: &[&str]) -> Output {
        let contract = self.contract(image);
        let mut arguments = vec!["run", "--rm"];
        arguments.extend(contract.iter().map(String::as_str));
        arguments.extend(more);
        arguments.push(image);
        arguments.extend(command);
        self.podman(&arguments)
    }

    fn service(&self, name: &str) {
        let image = format!("localhost/{name}:latest");
        let contract = self.contract(&image);
        let mut arguments = vec!["run", "--detach"];
        arguments.extend(contract.iter().map(String::as_str));
        arguments.push(&image);
        let container = self.ok(&arguments);
        let container = container.lines().last().expect("an identifier").trim().to_owned();
        let begun = Instant::now();
        let healthy = loop {
            if self.podman(&["healthcheck", "run", &container]).status.success() {
                break true;
            }
            if begun.elapsed() > Duration::from_secs(30) {
                break false;
            }
            std::thread::sleep(Duration::from_millis(300));
        };
        let logs = self.podman(&["logs", &container]);
        let said = [logs.stdout, logs.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(healthy, "{name} is not well, as {:?}:\n{said}", self.user);
        let user = self.ok(&["inspect", "--format", "{{.Config.User}}", &container]);
        let running = self.ok(&["top", &container, "user"]);
        let nobody = ["", "root", "0"];
        assert!(!nobody.contains(&user.trim()), "{name} runs as `{user}`");
        assert!(
            running.lines().count() > 1 && running.lines().skip(1).all(|user| !nobody.contains(&user.trim())),
            "{running}"
        );
        self.ok(&["rm", "--force", "--time=0", &container]);
    }

    fn toolchain(&self, name: &str, command: &[&str], expected: &str) {
        let output = self.run(&format!("localhost/{name}:latest"), &[], command);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let known = said.starts_with("0\n") && said.contains("Read-only file system") && said.contains(expected);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(known, "{name}, as {:?}: {said}{errors}", self.user);
    }

    fn base(&self, name: &str, user: &str, probe: &Path) {
        let image = format!("localhost/{name}:latest");
        let configured = self.ok(&["image", "inspect", "--format", "{{.Config.User}}", &image]);
        assert_eq!(configured.trim(), user);
        let mount = format!("--volume={}:/probe:ro", probe.display());
        let output = self.run(&image, &[&mount, "--entrypoint=/probe"], &["-version"]);
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1.0.0"), "{name}, as {:?}: {said}{errors}", self.user);
    }

    fn everything(&self, archive: &Path, probe: &Path) {
        self.ok(&["load", "--quiet", "--input", &archive.display().to_string()]);
        let live = live();
        for name in SERVICES.iter().filter(|name| live.has(name)) {
            self.service(name);
        }
        for (name, command, expected) in TOOLCHAINS.iter().filter(|(name, ..)| live.has(name)) {
            self.toolchain(name, command, expected);
        }
        for (name, user) in BASES {
            self.base(name, user, probe);
        }
        let output = self.run("localhost/health:latest", &[], &["-version"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.command(&["rm", "--all", "--force"]).output();
        // of an ordinary user it leaves a process behind that holds the namespaces for the next command
        let _ = self.command(&["system", "migrate"]).output();
        // the storage driver of root mounts its own folder; the folder itself goes with the value
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path().join("storage/overlay")).output();
    }
}

/// All images for this machine in one archive that every engine loads, and a static program; made once.
fn archive(live: &Live) -> &'static (PathBuf, PathBuf) {
    static MADE: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    MADE.get_or_init(|| {
        let file = live.path("all.tar");
        let output = format!("docker-archive:{}", file.display());
        let mut build = live.program();
        tool("orchestrate", build.arg("build").args(built()).args(["--platform", "linux/amd64", "--output", &output]));
        let probe = live.path("http-health");
        let unpacked = super::layout::Unpacked::new(live, "health", "linux/amd64");
        fs_err::copy(unpacked.root().join("usr/bin/http-health"), &probe).expect("copied");
        (file, probe)
    })
}

/// Every image is either one of the lists above or forgotten.
#[test]
fn every_image_is_run() {
    let mut listed: Vec<&str> = SERVICES.to_vec();
    listed.extend(TOOLCHAINS.iter().map(|(name, ..)| *name));
    listed.extend(BASES.iter().map(|(name, _)| *name));
    listed.push("health");
    listed.sort_unstable();
    let mut images = live().images();
    images.sort_unstable();
    assert_eq!(images, listed);
}

#[test]
fn podman_runs_every_image_as_root() {
    assert!(rustix::process::geteuid().is_root(), "run hack/test.sh as root");
    let (archive, probe) = archive(live());
    Engine::new(None).everything(archive, probe);
}

#[test]
fn podman_runs_every_image_as_an_ordinary_user() {
    assert!(rustix::process::geteuid().is_root(), "only root can become another user: run hack/test.sh as root");
    const USER: &str = "orchestrate-test";
    let known = Command::new("id").arg(USER).output().expect("id").status.success();
    if !known {
        // with a range of ids of its own, as every user of Debian has
        tool("passwd", Command::new("useradd").args(["--create-home", "--shell", "/usr/sbin/nologin", USER]));
    }
    let (archive, probe) = archive(live());
    let shared = tempfile::Builder::new().prefix("shared").tempdir_in("/var/tmp").expect("a folder");
    tool("coreutils", Command::new("cp").arg(archive).arg(probe).arg(shared.path()));
    tool("coreutils", Command::new("chmod").args(["-R", "a+rX"]).arg(shared.path()));
    let at = |path: &Path| shared.path().join(path.file_name().expect("a name"));
    let uid = text_of("coreutils", Command::new("id").args(["-u", USER]));
    assert_ne!(uid.trim(), "0");
    Engine::new(Some(USER)).everything(&at(archive), &at(probe));
}
