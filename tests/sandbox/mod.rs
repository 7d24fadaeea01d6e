//! The sandbox, from inside. Every test of the modules below runs twice: as the user that runs the tests, and, when that
//! is root, as an ordinary user.

pub(crate) mod escape;
mod inside;
mod owners;
mod step;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use orchestrate::model::ImagePath;
use orchestrate::stage::sandbox::{
    Access, Console, Ending, File, Mount, Network, OwnershipMode, Privilege, ProcessLimits, Root, Sandbox,
    SandboxError, Spec,
};

/// The program that makes sandboxes; elsewhere when an ordinary user runs the tests again.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("SANDBOX_TEST_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_orchestrate").into(), PathBuf::from)
}

/// A root with busybox and nothing else, made once for all tests and users.
pub(crate) fn busybox_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        if let Some(root) = std::env::var_os("SANDBOX_TEST_ROOT") {
            return root.into();
        }
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("busybox-root-2");
        if !kept.exists() {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
            fs_err::rename(make_busybox_root(folder.path()), &kept).expect("nobody else makes it");
        }
        kept
    })
}

fn make_busybox_root(folder: &Path) -> PathBuf {
    open_to_all(folder);
    run(Command::new("apt-get").args(["-q", "download", "busybox-static"]).current_dir(folder), "apt");
    let deb = fs_err::read_dir(folder).expect("the folder").next().expect("a package").expect("an entry").path();
    run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(folder.join("package")), "dpkg");
    let bin = folder.join("root/bin");
    fs_err::create_dir_all(&bin).expect("a folder");
    fs_err::copy(folder.join("package/bin/busybox"), bin.join("busybox")).expect("busybox");
    for applet in [
        "sh",
        "cat",
        "ls",
        "id",
        "mount",
        "nc",
        "wget",
        "sleep",
        "kill",
        "env",
        "touch",
        "chroot",
        "dd",
        "chown",
        "hostname",
        "ps",
        "readlink",
        "rm",
        "mkdir",
        "stat",
        "test",
        "true",
        "grep",
        "unshare",
        "mknod",
        "ip",
        "umount",
        "awk",
        "setsid",
        "ln",
        "head",
        "wc",
        "tr",
        "date",
        "start-stop-daemon",
        "mv",
        "chmod",
    ] {
        fs_err::os::unix::fs::symlink("busybox", bin.join(applet)).expect("a link");
    }
    fs_err::create_dir_all(folder.join("root/etc")).expect("a folder");
    fs_err::write(folder.join("root/etc/motd"), "of the root\n").expect("a file");
    folder.join("root")
}

fn run(command: &mut Command, package: &str) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("{name}: {error}; `apt-get install {package}` and try again"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn open_to_all(folder: &Path) {
    fs_err::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("own folder");
}

fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

/// A sandbox with a busybox root, and a folder of the machine as `/out`.
pub(crate) struct Cell {
    pub(crate) spec: Spec,
    folder: tempfile::TempDir,
    pub(crate) timeout: Duration,
}

pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) lines: Vec<String>,
    cell: Cell,
}

pub(crate) fn cell(script: &str) -> Cell {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    fs_err::create_dir(&out).expect("a folder");
    let spec = Spec {
        root: Root::Layers(vec![busybox_root().to_owned()]),
        ownership: OwnershipMode::Ignored,
        scratch: folder.path().join("scratch"),
        mounts: vec![Mount { source: out, at: path("out"), access: Access::Writable }],
        files: vec![File { path: path("orchestrate/run"), content: script.into(), mode: 0o644 }],
        argv: ["/bin/sh", "-eu", "/orchestrate/run"].map(str::to_owned).into(),
        env: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
        cwd: path("build"),
        emulator: None,
        network: Network::None,
        privilege: Privilege::Build,
        limits: ProcessLimits::default(),
        console: Console::Log,
    };
    Cell { spec, folder, timeout: Duration::from_secs(60) }
}

impl Cell {
    /// The folder that holds all of it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Spec)) -> Self {
        change(&mut self.spec);
        self
    }

    fn try_run(self) -> Result<Outcome, SandboxError> {
        let mut lines = Vec::new();
        let mut keep = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        let ending = Sandbox::of_program(&program()).run(&self.spec, Some(self.timeout), &mut keep)?;
        Ok(Outcome { ending, lines, cell: self })
    }

    pub(crate) fn run(self) -> Outcome {
        self.try_run().unwrap_or_else(|error| panic!("{error} {:?}", error.help()))
    }
}

impl Outcome {
    /// The folder of the machine that holds what was written.
    pub(crate) fn folder(&self) -> &Path {
        self.cell.folder()
    }

    /// The output of a script that must have worked.
    pub(crate) fn lines(&self) -> &[String] {
        assert_eq!(self.ending, Ending::Exited(0), "{:#?}", self.lines);
        &self.lines
    }
}

pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("waited for half a minute");
}

/// How many processes of this machine have `marker` as an argument.
fn processes_with(marker: &str) -> usize {
    let processes = fs_err::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let commands = processes.filter_map(|process| fs_err::read(process.path().join("cmdline")).ok());
    commands.filter(|command| command.split(|&byte| byte == 0).any(|argument| argument == marker.as_bytes())).count()
}

/// Root, in a namespace that root made, is another matter than a user in one of their own.
#[test]
fn all_of_it_as_an_ordinary_user() {
    let prepare = |folder: &Path| {
        let root = folder.join("root");
        run(Command::new("cp").arg("-a").arg(busybox_root()).arg(&root), "coreutils");
        run(Command::new("chown").args(["-R", "54321:54321"]).arg(&root), "coreutils");
        vec![("SANDBOX_TEST_ROOT", root), ("SANDBOX_TEST_WAYS", escape::ways().to_owned())]
    };
    let filters =
        ["sandbox::inside::", "sandbox::escape::", "sandbox::step::", "sandbox::owners::", "hostile::sandbox::"];
    as_an_ordinary_user(&filters, prepare);
}

/// Runs other tests of this program again as a user without any privileges, with variables that `prepare` makes from
/// a folder that this user can read. Does nothing when the tests are not run by root: they are run so already.
pub(crate) fn as_an_ordinary_user(filters: &[&str], prepare: impl FnOnce(&Path) -> Vec<(&'static str, PathBuf)>) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    open_to_all(folder.path());
    let (tests, own) = (folder.path().join("tests"), folder.path().join("orchestrate"));
    fs_err::copy(std::env::current_exe().expect("this program"), &tests).expect("a copy");
    fs_err::copy(program(), &own).expect("a copy");
    let temporary = folder.path().join("tmp");
    fs_err::create_dir(&temporary).expect("a folder");
    fs_err::set_permissions(&temporary, std::os::unix::fs::PermissionsExt::from_mode(0o1777)).expect("own folder");
    let output = Command::new("setpriv")
        .args(["--reuid=54321", "--regid=54321", "--clear-groups"])
        .arg(&tests)
        .args(filters)
        .arg("--test-threads=2")
        .envs(prepare(folder.path()))
        .env("SANDBOX_TEST_PROGRAM", &own)
        .env("TMPDIR", &temporary)
        .current_dir(folder.path())
        .output()
        .expect("setpriv; `apt-get install util-linux` and try again");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !said.contains("running 0 tests"), "{said}");
}
