//! The promises of the design, by name, on a small archive. What needs the real one is in `live`, what concerns build steps
//! alone in `sandbox`, and the eighth, of crashes, in `hostile/faults.rs`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::{text_of, tool};

/// A package whose content takes a moment to compress and to hash.
fn archive() -> Archive {
    let text: String = (0..300_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let package = |name| Package {
        name,
        version: "1.0",
        architecture: "all",
        fields: "",
        files: &[("/usr/share/", ""), ("/usr/bin/program", "#!/bin/sh\n")],
    };
    let files = [("/usr/share/large", text.as_str()), ("/usr/share/doc/large/copyright", "free")];
    let large = Package { name: "large", files: &files, ..package("large") };
    Archive::new(&[package("small"), large])
}

const RECIPE: &str = "title \"One\"\nimage \"one\" {\n    from \"scratch\"\n    distribution \"debian\" suite=\"stable\"\n    packages \"small\" \"large\"\n    \
                      account \"one\" uid=2000\n    user \"one\"\n    file \"/etc/one\" \"text\"\n    healthcheck \"none\" reason=\"a test\"\n}\n";

fn project(archive: &Archive) -> Project {
    let project = Project::new(Some(archive), &[("one", RECIPE)]);
    project.run(&["refresh"]).done();
    project
}

/// What `build` prints of another machine-like place: a copy of the project in another folder, an empty store.
fn elsewhere(project: &Project, prepare: &str, wrapped: &[&str]) -> String {
    let folder = tempfile::Builder::new().prefix("else where ü").tempdir_in("/var/tmp").expect("a folder");
    fs_err::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("changed");
    let program = folder.path().join("program");
    fs_err::copy(env!("CARGO_BIN_EXE_orchestrate"), &program).expect("copied");
    for name in ["images", "lock", "environment.kdl"] {
        tool("coreutils", Command::new("cp").arg("-r").arg(project.path(name)).arg(folder.path()));
    }
    tool("coreutils", Command::new("chmod").args(["-R", "a+rwX"]).arg(folder.path()));
    let script = format!("{prepare}; exec \"$@\"");
    let words = [wrapped, &["sh", "-c", &script, "sh"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(&program).arg("--project").arg(folder.path()).arg("--quiet");
    command.arg("--store").arg(folder.path().join("s")).arg("--environment").arg(folder.path().join("environment.kdl"));
    text_of("util-linux", command.arg("build").current_dir("/"))
}

#[test]
fn promise_1_pure_the_same_digests_whatever_the_place() {
    let archive = archive();
    let project = project(&archive);
    let here = project.run(&["build"]).done();
    let surroundings =
        "umask 077; export TZ=Pacific/Chatham LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 HOME=/nowhere SOURCE_DATE_EPOCH=7";
    assert_eq!(elsewhere(&project, surroundings, &["env"]), here);
    assert_eq!(
        project.run(&["build", "--jobs", "1", "--store", &project.path("one").display().to_string()]).done(),
        here
    );
}

/// The clock is another one: a time namespace shifts the monotonic clock only, so the whole library is asked instead.
#[test]
fn promise_1_pure_nothing_in_an_image_is_later_than_its_lock() {
    let archive = archive();
    let project = project(&archive);
    let tar = project.path("root.tar");
    let output = format!("rootfs:{}", tar.display());
    project.run(&["build", "--platform", "linux/amd64", "--output", &output]).done();
    let listed =
        text_of("tar", Command::new("tar").args(["--utc", "--full-time", "-tvf"]).arg(&tar).env("LC_ALL", "C"));
    let years: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().nth(3)?.split('-').next()).collect();
    assert!(years.len() > 5, "{listed}");
    // the packages are of 2023 at the latest, the archive of 2026-01-01, everything else of 1980
    assert!(years.iter().all(|year| ["1980", "2023", "2026"].contains(year)), "{listed}");
    assert!(!listed.contains("2026-0") || listed.contains("2026-01-01"), "{listed}");
}

#[test]
fn promise_2_pinned_a_build_asks_no_index() {
    let archive = archive();
    let project = project(&archive);
    fs_err::remove_dir_all(archive.root().join("dists")).expect("removed");
    project.run(&["build"]).done();
}

#[test]
fn promise_2_pinned_the_lock_is_the_same_whichever_recipes_are_refreshed() {
    let archive = archive();
    let source = "source \"demo\" { debian-source \"demo\" distribution=\"debian\" suite=\"stable\" }\n";
    let other = RECIPE.replace("\"one\"", "\"two\"").replace("/etc/one", "/etc/two");
    let with_source = other.replacen("image ", &format!("{source}image "), 1);
    let project = Project::new(Some(&archive), &[("one", RECIPE), ("two", &with_source)]);
    project.run(&["refresh"]).done();
    let whole = project.read("lock/archives.kdl");
    assert!(whole.contains("main/source/Sources.xz"), "{whole}");
    project.run(&["refresh", "one"]).done();
    assert_eq!(project.read("lock/archives.kdl"), whole);
}

#[test]
fn promise_2_pinned_nothing_is_fetched_once_it_is_there() {
    let archive = archive();
    let project = project(&archive);
    project.run(&["fetch"]).done();
    fs_err::remove_dir_all(archive.root()).expect("removed");
    project.run(&["build", "--offline"]).done();
}

#[test]
fn promise_3_verified_bytes_that_are_not_the_pinned_ones_never_reach_the_store() {
    let archive = archive();
    let project = project(&archive);
    let pool = archive.root().join("pool");
    for file in fs_err::read_dir(&pool).expect("a folder") {
        let path = file.expect("a file").path();
        let mut bytes = fs_err::read(&path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&path, bytes).expect("written");
    }
    project.run(&["build"]).failed(&["sha256:"]);
    // what `refresh` left there, the index, is what its name says; the packages are not there
    let mut hash = Command::new("find");
    hash.arg(project.path("store/blobs")).args(["-type", "f", "-exec", "sha256sum", "{}", "+"]);
    let lock = project.read("lock/one.kdl");
    for line in text_of("findutils", &mut hash).lines() {
        let (hash, path) = line.split_once("  ").expect("a hash and a path");
        assert!(path.ends_with(&format!("/{hash}")) && !lock.contains(hash), "{line}");
    }
    assert!(!project.path("dist").exists());
}

#[test]
fn promise_4_rootless_an_ordinary_user_makes_the_same_image() {
    assert!(rustix::process::geteuid().is_root(), "only root can become another user: run hack/test.sh as root");
    let archive = archive();
    tool("coreutils", Command::new("chmod").args(["-R", "a+rX"]).arg(archive.root().parent().expect("a parent")));
    let project = project(&archive);
    let here = project.run(&["build"]).done();
    let user = ["setpriv", "--reuid=54323", "--regid=54323", "--clear-groups"];
    assert_eq!(elsewhere(&project, "true", &user), here);
}

#[test]
fn promise_7_nothing_done_twice_by_one_process_or_by_two() {
    let archive = archive();
    let project = project(&archive);
    let start = || {
        let mut command = project.command(&["build", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    let both = [start(), start()].map(|child| child.wait_with_output().expect("ends"));
    let reports = both.map(|output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    });
    assert_eq!(reports[0]["images"], reports[1]["images"]);
    let again = project.run(&["build"]);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    again.done();
    assert_eq!(project.run(&["plan"]).done(), "");
}

#[test]
fn promise_9_it_explains_itself_every_step_that_would_run_has_a_reason() {
    let archive = archive();
    let project = project(&archive);
    let first = project.run(&["plan"]).done();
    assert!(first.contains("image one linux/amd64") && first.contains("never"), "{first}");
    project.run(&["build"]).done();
    project.write("images/one/recipe.kdl", &RECIPE.replace("\"text\"", "\"other text\""));
    let changed = project.run(&["plan"]).done();
    assert!(changed.contains("text") && changed.contains("other text"), "{changed}");
    let json = project.run(&["plan", "--json"]).done();
    let steps: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let steps = steps.as_array().expect("steps");
    assert!(steps.iter().all(|step| step["run"].as_array().is_some_and(|reasons| !reasons.is_empty())), "{json}");
}

#[test]
fn promise_10_quiet_data_standard_output_holds_data_alone() {
    let archive = archive();
    let project = project(&archive);
    let said = project.run(&["--quiet", "build"]);
    assert_eq!(said.stderr, "");
    let stdout = said.done();
    let words: Vec<Vec<&str>> = stdout.lines().map(|line| line.split('\t').collect()).collect();
    let parts: Vec<&[&str]> = words.iter().map(|words| &words[..2]).collect();
    assert_eq!(parts, [["one", "linux/amd64"], ["one", "linux/arm64"], ["one", "index"]]);
    assert!(words.iter().all(|words| words.len() == 3 && words[2].starts_with("sha256:")), "{stdout}");
    for verb in [
        &["build", "--json"][..],
        &["plan", "--json"],
        &["list", "--json"],
        &["check", "--json"],
        &["cache", "status", "--json"],
    ] {
        let text = project.run(verb).done();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{verb:?}: {error}: {text}"));
    }
    // a reader that goes away is no failure
    let mut command = project.command(&["list"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
