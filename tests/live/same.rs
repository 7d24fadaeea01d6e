//! Promises 1, 2 and 7: the same digests whatever the place, nothing but what the lock names, nothing twice.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::{built, copy_project, digests, live, program};
use crate::support::{text_of, tool};

/// What is built the second time where not everything is: packages alone, packages with what a
/// recipe adds, and programs that are compiled for both platforms within a minute.
const IMAGES: &[&str] = &["debian", "hello", "registry"];

/// Who builds the second time.
const OTHER_USER: &str = "54322";

/// In another folder, from an empty store, as another user, with another umask, time zone, locale, home and number of
/// threads, and with the network cut off once everything is fetched.
#[test]
fn promise_1_pure_and_2_pinned_elsewhere_without_a_network_the_digests_are_the_same() {
    assert!(rustix::process::geteuid().is_root(), "only root can become another user: run hack/test.sh as root");
    let live = live();
    let elsewhere = tempfile::Builder::new().prefix("elsewhere ü").tempdir_in("/var/tmp").expect("a folder");
    let folder = elsewhere.path().join("project");
    copy_project(&live.folder, &folder);
    let own = elsewhere.path().join("orchestrate");
    fs_err::copy(env!("CARGO_BIN_EXE_orchestrate"), &own).expect("copied");
    fs_err::set_permissions(elsewhere.path(), std::fs::Permissions::from_mode(0o755)).expect("changed");
    tool("coreutils", Command::new("chown").args(["-R", OTHER_USER]).arg(elsewhere.path()));
    let everything = built().is_empty();
    let images = if everything { &[] } else { IMAGES };
    as_somebody_else(&own, &folder, &[], &[&["fetch"], images].concat());
    let unplugged = ["unshare", "--user", "--map-current-user", "--net"];
    let stdout =
        as_somebody_else(&own, &folder, &unplugged, &[&["build", "--offline", "--jobs", "3"], images].concat());
    let (ours, theirs) = (&live.digests, digests(&stdout));
    for (of, digest) in &theirs {
        assert_eq!(Some(digest), ours.get(of), "{of:?} differs");
    }
    let expected = if everything { ours.len() } else { images.len() * 3 };
    assert_eq!(theirs.len(), expected, "each image has two platforms and an index");
    tool("coreutils", Command::new("chmod").args(["-R", "u+w"]).arg(elsewhere.path()));
}

fn as_somebody_else(own: &Path, folder: &Path, wrapped: &[&str], arguments: &[&str]) -> String {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={OTHER_USER}"), &format!("--regid={OTHER_USER}"), "--clear-groups"]);
    command.args(wrapped).args(["sh", "-c", "umask 077; exec \"$0\" \"$@\""]);
    let ours = program(own, folder);
    command.arg(ours.get_program()).args(ours.get_args()).args(arguments);
    command.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env("LANG", "tr_TR.UTF-8").env("HOME", folder);
    command.env("SOURCE_DATE_EPOCH", "1").env_remove("TMPDIR").current_dir("/");
    text_of("util-linux", &mut command)
}

#[test]
fn promise_7_nothing_is_done_twice_and_it_says_so() {
    let live = live();
    let output = tool("orchestrate", live.program().arg("build").args(built()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("nothing to do: all "), "{said}");
    assert_eq!(digests(&String::from_utf8_lossy(&output.stdout)), live.digests);
    let plan = tool("orchestrate", live.program().arg("plan").args(built()));
    assert_eq!(String::from_utf8_lossy(&plan.stdout), "");
}

/// The definitions of `images/lib` keep Go's build cache: what it holds must not be seen in what is built.
#[test]
fn a_cold_and_a_warm_build_cache_give_the_same_bytes() {
    let live = live();
    let folder = tempfile::tempdir().expect("a folder");
    copy_project(&live.folder, folder.path());
    let source = folder.path().join("images/hello/src/main.go");
    let text = fs_err::read_to_string(&source).expect("a program");
    assert!(text.contains("\"hello\""), "{text}");
    fs_err::write(&source, text.replace("\"hello\"", "\"hullo\"")).expect("written");
    let built = |environment: &str| {
        let file = folder.path().join("environment.kdl");
        fs_err::write(&file, environment).expect("written");
        let mut build = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
        build.arg("--project").arg(folder.path()).arg("--store").arg(live.path("store")).arg("--environment").arg(file);
        let output = tool("orchestrate", build.args(["build", "hello", "--platform", "linux/amd64", "--offline"]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("stage hello/hello linux/amd64"), "it was not built: {said}");
        digests(&String::from_utf8_lossy(&output.stdout))
    };
    let warm = built("");
    // caches of another trust domain are empty
    let cold = built("trust-domain \"cold\"\n");
    assert_eq!(warm, cold);
    assert!(warm.iter().all(|(of, digest)| live.digests.get(of) != Some(digest)), "the change is not in the image");
}
