//! `configure "scripts"`: the packages' own scripts, run in the sandbox, on packages of the real archive.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::fidelity::compare::compare;
use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::{text_of, tool};

const MACHINE: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };

const OTHER: &str = if cfg!(target_arch = "aarch64") { "linux/amd64" } else { "linux/arm64" };

/// A Debian system with accounts of its own, host keys, and a database that another user writes.
fn recipe(name: &str, packages: &str) -> String {
    format!(
        "title \"{name}\"\nimage \"{name}\" {{\n    from \"scratch\"\n    distribution \"debian\" suite=\"trixie\"\n    \
         package-set \"required\"\n    packages \"apt\" {packages}\n    configure \"scripts\"\n    \
         user \"root\" reason=\"a system to look into\"\n    command \"/bin/sh\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
    )
}

/// A project with the words of this repository and an archive beside Debian's.
fn project(local: &Archive, recipes: &[(&str, &str)]) -> Project {
    let project = Project::new(Some(local), recipes);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    tool("coreutils", Command::new("cp").arg("-r").arg(source.join("keys")).arg(project.path("images")));
    let words = fs_err::read_to_string(source.join("project.kdl")).expect("the words of this repository");
    let words: String =
        words.lines().filter(|line| !line.starts_with("include ")).map(|line| format!("{line}\n")).collect();
    let local_words = "archive \"local\" kind=\"deb\" { component \"main\"; keyring \"keys/debian.asc\"; }\n";
    let uses = "    use \"local\" suite=\"stable\"\n    use \"debian\" suite=\"trixie\"\n";
    project.write("images/keys/debian.asc", &local.key());
    project.write(
        "images/project.kdl",
        &format!("{local_words}{}", words.replacen("    use \"debian\" suite=\"trixie\"\n", uses, 1)),
    );
    project
}

fn local() -> Archive {
    let package = |name, files| Package { name, version: "1.0", architecture: "all", fields: "", files };
    Archive::new(&[
        package("failing", &[("/DEBIAN/postinst", "#!/bin/sh\necho about to fail\nexit 3\n")]),
        package("plain", &[("/usr/share/plain/text", "text\n")]),
        package("talks", &[("/DEBIAN/postinst", "#!/bin/sh\nset -e\nid -u > /etc/who\nhostname > /etc/where\n")]),
    ])
}

/// An image of services, built once for all tests.
struct Built {
    project: Project,
    /// The archives keep their files while this lives.
    _local: Archive,
    stdout: String,
    took: Duration,
}

fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let local = local();
        let recipe = recipe("services", "\"openssh-server\" \"man-db\" \"talks\"");
        let project = project(&local, &[("services", &recipe)]);
        project.run(&["refresh"]).done();
        let since = Instant::now();
        let stdout = project.run(&build(&project)).done();
        Built { project, _local: local, stdout, took: since.elapsed() }
    })
}

fn build(project: &Project) -> [&'static str; 4] {
    let _ = project;
    ["build", "services", "--platform", MACHINE]
}

/// The image as a folder listing: `tar --list --verbose --numeric-owner`.
fn listing(project: &Project, image: &str) -> String {
    let tar = project.path("listing.tar");
    let output = format!("rootfs:{}", tar.display());
    project.run(&["build", image, "--platform", MACHINE, "--output", &output]).done();
    text_of("tar", Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(&tar))
}

fn file(project: &Project, path: &str) -> String {
    text_of("tar", Command::new("tar").arg("-xOf").arg(project.path("listing.tar")).arg(path))
}

#[test]
fn scripts_give_accounts_owners_and_databases_and_no_secrets() {
    let built = built();
    let listing = listing(&built.project, "services");
    let has = |owner: &str, path: &str| {
        let found =
            listing.lines().any(|line| line.contains(&format!(" {owner} ")) && line.ends_with(&format!(" {path}")));
        assert!(found, "no {path} of {owner} in\n{listing}");
    };
    // what mandb wrote as the user that it became, and what a script gave to a group
    has("6/12", "var/cache/man/index.db");
    has("0/42", "etc/shadow");
    assert!(!listing.contains("ssh_host_"), "host keys are in the image:\n{listing}");
    assert!(!listing.contains(" usr/sbin/policy-rc.d") && !listing.contains(" orchestrate/"), "{listing}");
    assert_eq!(file(&built.project, "etc/who"), "0\n");
    assert_eq!(file(&built.project, "etc/where"), "orchestrate\n");
    let passwd = file(&built.project, "etc/passwd");
    assert!(passwd.contains("\nsshd:x:"), "{passwd}");
}

/// Root maps every user, an ordinary user one, one with subordinate ids a range of them, and one in a namespace of another
/// user's not even a number that is known outside: none of it shows.
#[test]
fn scripts_give_the_same_whoever_runs_them() {
    assert!(rustix::process::geteuid().is_root(), "only root can become another user: run hack/test.sh as root");
    let built = built();
    let folder = tempfile::Builder::new().prefix("else where").tempdir_in("/var/tmp").expect("a folder");
    fs_err::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("changed");
    let program = folder.path().join("program");
    fs_err::copy(env!("CARGO_BIN_EXE_orchestrate"), &program).expect("copied");
    for name in ["images", "lock", "environment.kdl"] {
        tool("coreutils", Command::new("cp").arg("-r").arg(built.project.path(name)).arg(folder.path()));
    }
    let blobs = folder.path().join("blobs");
    tool("coreutils", Command::new("cp").arg("-r").arg(built.project.path("store/blobs")).arg(&blobs));
    tool("coreutils", Command::new("chmod").args(["-R", "a+rwX"]).arg(folder.path()));
    let run = |store: PathBuf, words: &[&str]| {
        let _ = fs_err::remove_dir_all(folder.path().join("dist")); // another user's
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["sh", "-c", "umask 077; exec \"$0\" \"$@\""]).arg(&program);
        command.arg("--project").arg(folder.path()).arg("--quiet").arg("--store").arg(&store);
        command.arg("--environment").arg(folder.path().join("environment.kdl")).args(build(&built.project));
        command.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env("SOURCE_DATE_EPOCH", "7");
        text_of("util-linux", command.current_dir("/"))
    };
    let ordinary = ["setpriv", "--reuid=54325", "--regid=54326", "--clear-groups"];
    assert_eq!(run(folder.path().join("one"), &ordinary), built.stdout);
    let within = [&ordinary[..], &["unshare", "--user", "--map-root-user"]].concat();
    assert_eq!(run(folder.path().join("two"), &within), built.stdout);
    assert_eq!(run(folder.path().join("three"), &["sh", "-c", WITH_RANGE, "sh"]), built.stdout);
    tool("coreutils", Command::new("chmod").args(["-R", "u+w"]).arg(folder.path()));
}

/// Runs its arguments where a user has a range of subordinate ids, all of them mapped (subuid(5)).
const WITH_RANGE: &str = "
    set -e
    unshare --user sleep 600 &
    until [ \"$(readlink /proc/$!/ns/user)\" != \"$(readlink /proc/self/ns/user)\" ]; do sleep 0.01; done
    echo '0 100000 65536' > /proc/$!/uid_map
    echo '0 100000 65536' > /proc/$!/gid_map
    trap \"kill $!\" EXIT
    nsenter --user=/proc/$!/ns/user --setuid=0 --setgid=0 -- \"$@\"";

/// The scripts' folder is thrown away with all that is in it, and nothing of it is known to a later run.
#[test]
fn scripts_that_are_killed_at_any_moment_change_no_later_digest() {
    let built = built();
    let store = built.project.path("killed");
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
        command.arg("--project").arg(built.project.path("")).arg("--store").arg(&store).arg("--quiet");
        command.arg("--environment").arg(built.project.path("environment.kdl"));
        command
    };
    tool("orchestrate", command().args(["fetch", "services", "--platform", MACHINE]));
    const MOMENTS: u32 = 7;
    let mut took = built.took; // beside other tests: alone, a run ends sooner
    for moment in 1..=MOMENTS {
        let killed = (0..10).any(|_| {
            let mut child = command().args(build(&built.project)).stdout(Stdio::null()).spawn().expect("starts");
            std::thread::sleep(took * moment / (MOMENTS + 1));
            let running = child.try_wait().expect("a status").is_none();
            let _ = child.kill(); // it may have ended by itself
            child.wait().expect("ended");
            tool("orchestrate", command().args(["cache", "verify"]));
            if !running {
                took = took * 3 / 4;
                fs_err::remove_dir_all(store.join("steps")).expect("removed: the next run has all to do again");
            }
            running
        });
        assert!(killed, "no run was still there after {moment} of {} parts of {took:?}", MOMENTS + 1);
    }
    assert_eq!(text_of("orchestrate", command().args(build(&built.project))), built.stdout);
}

/// Native programs configure a system for another processor, and it is what that processor's own would have made of it:
/// the emulator, a declared exception, is the oracle.
#[test]
fn scripts_of_another_architecture_run_natively_and_as_if_emulated() {
    let local = local();
    let native = recipe("native", "");
    let emulated =
        recipe("emulated", "").replace("configure \"scripts\"\n", "configure \"scripts\"\n    emulate \"qemu\"\n");
    let project = project(&local, &[("native", &native), ("emulated", &emulated)]);
    project.run(&["refresh"]).done();
    let build = |image: &str| {
        let tar = project.path(&format!("{image}.tar"));
        let output = format!("rootfs:{}", tar.display());
        let oci = format!("oci:{}", project.path(image).display());
        let said = project.run(&["build", image, "--platform", OTHER, "--output", &output, "--output", &oci]);
        let notes = said.stderr.clone();
        said.done();
        (fs_err::File::open(tar).expect("the image"), notes)
    };
    let (native, _) = build("native");
    let (emulated, notes) = build("emulated");
    assert!(notes.contains("its scripts were run by /") && notes.contains("qemu"), "{notes}");
    // the machine's own account says so as well, and again when the image is there already
    let json: serde_json::Value =
        serde_json::from_str(&project.run(&["build", "emulated", "--platform", OTHER, "--json"]).done()).expect("JSON");
    let notes = json["images"][0]["platforms"][0]["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("qemu"))), "{notes:?}");
    let differences = compare(native, emulated, &[]);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    let mut manifests = Command::new("grep");
    manifests.args(["-rl", "\"orchestrate.emulate\":\"qemu\""]).arg(project.path("emulated/blobs"));
    assert!(!text_of("grep", &mut manifests).is_empty());
}

/// It would change the system that it runs in, so it is not run at all.
#[test]
fn a_script_that_does_not_heed_dpkg_root_is_refused_for_another_architecture() {
    let local = local();
    let project = project(&local, &[("careless", &recipe("careless", "\"talks\""))]);
    project.run(&["refresh"]).done();
    let careless = ["are not made to run outside of the image", "talks postinst: id -u > /etc/who", "emulate \"qemu\""];
    project.run(&["build", "--platform", OTHER]).failed(&careless);
    // and where the packages for this machine are not there, nothing could run them
    let words = project.read("images/project.kdl");
    let alone = words.replace("platforms \"linux/amd64\" \"linux/arm64\"", &format!("platforms \"{OTHER}\""));
    assert_ne!(words, alone);
    project.write("images/project.kdl", &alone);
    project.run(&["refresh"]).done();
    project.run(&["build"]).failed(&["cannot be run on", "add the platform to the recipe"]);
}

#[test]
fn a_script_that_fails_is_named_with_what_it_said() {
    let local = local();
    let project = project(&local, &[("broken", &recipe("broken", "\"failing\""))]);
    project.run(&["refresh"]).done();
    project.run(&["build", "--platform", MACHINE]).failed(&[
        "the script postinst of the package failing",
        "about to fail",
        "the whole output is in",
    ]);
}

#[test]
fn without_dpkg_nothing_runs_scripts() {
    let local = local();
    let text = recipe("bare", "").replace("    package-set \"required\"\n", "").replace("\"apt\"", "\"plain\"");
    let project = project(&local, &[("bare", &text)]);
    project.run(&["refresh"]).done();
    project.run(&["build", "--platform", MACHINE]).failed(&["has no `dpkg`", "add `package"]);
}
