//! Promises 1, 2 and 7: the same digests whatever the place, nothing but what the lock names, nothing twice.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::{copy_project, digests, live, program};
use crate::support::{text_of, tool};

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
    as_somebody_else(&own, &folder, &[], &["fetch"]);
    let unplugged = ["unshare", "--user", "--map-current-user", "--net"];
    let stdout = as_somebody_else(&own, &folder, &unplugged, &["build", "--offline", "--jobs", "3"]);
    let (ours, theirs) = (&live.digests, digests(&stdout));
    for (of, digest) in ours {
        assert_eq!(Some(digest), theirs.get(of), "{of:?} differs");
    }
    assert_eq!(ours.len(), theirs.len());
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
    let output = tool("orchestrate", live.program().args(["build"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("nothing to do: all "), "{said}");
    assert_eq!(digests(&String::from_utf8_lossy(&output.stdout)), live.digests);
    let plan = tool("orchestrate", live.program().args(["plan"]));
    assert_eq!(String::from_utf8_lossy(&plan.stdout), "");
}
