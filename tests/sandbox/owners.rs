//! Owners in a sandbox with one user: what `chown` says is what `stat` tells, and what the program gets to know.

use std::os::unix::fs::MetadataExt as _;

use orchestrate::stage::sandbox::{Owned, Owner, Owners};

use super::*;

/// A sandbox whose root is a folder with busybox that is written to.
fn owned_cell(script: &str) -> Cell {
    let mut cell = cell(script);
    let root = cell.folder.path().join("root");
    run(Command::new("cp").arg("-r").arg("--no-preserve=ownership").arg(busybox_root()).arg(&root), "coreutils");
    let owned = vec![Owned { path: path("etc/motd"), owner: Owner { uid: 3, gid: 4 } }];
    cell.spec.root = Root::Folder(root.clone());
    cell.spec.ownership = OwnershipMode::Kept { folder: root, owned };
    cell.spec.privilege = Privilege::RootLike;
    cell
}

/// The owner that is kept for a file of the root.
fn kept(outcome: &Outcome, name: &str) -> (u32, u32) {
    let owners = Owners::read(&outcome.cell.spec.scratch).expect("the owners");
    let meta = fs_err::symlink_metadata(outcome.cell.folder.path().join("root").join(name)).expect("the file");
    assert_eq!(meta.uid(), rustix::process::geteuid().as_raw(), "on disk all is the user's own");
    let Owner { uid, gid } = owners.of(meta.dev(), meta.ino());
    (uid, gid)
}

#[test]
fn what_is_given_away_is_told_and_kept() {
    let outcome = owned_cell(
        "touch /a /b; ln -s a /link; mkdir /d; chown 7:8 /a; chown -h 9:9 /link; chown -R :5 /d
        stat -c '%n %u:%g' /a /b /link /d /etc/motd /bin/busybox; stat -L -c '%u:%g' /link
        cd /d; chown 1 .; stat -c '%u:%g' .",
    )
    .run();
    let expected = ["/a 7:8", "/b 0:0", "/link 9:9", "/d 0:5", "/etc/motd 3:4", "/bin/busybox 0:0", "7:8", "1:5"]
        .map(str::to_owned);
    assert_eq!(outcome.lines(), expected);
    let all = ["a", "b", "link", "d", "etc/motd"].map(|name| kept(&outcome, name));
    assert_eq!(all, [(7, 8), (0, 0), (9, 9), (1, 5), (3, 4)]);
}

#[test]
fn a_new_file_does_not_inherit_the_owner_of_one_that_is_gone() {
    let script = "i=0; while [ $i -lt 200 ]; do touch /f; chown 7:7 /f; rm /f; touch /g; stat -c '%u:%g' /g; rm /g
        i=$((i+1)); done; touch /last";
    let outcome = owned_cell(script).run();
    assert!(outcome.lines().iter().all(|line| line == "0:0"), "{:#?}", outcome.lines);
    assert_eq!(kept(&outcome, "last"), (0, 0));
}

#[test]
fn a_change_of_owner_takes_set_id_bits_as_the_kernel_does() {
    let script = "touch /x /y; chmod 6755 /x; chmod 2644 /y; chown 7:7 /x; chown 7:7 /y; mkdir /d; chmod 2755 /d
        chown 7:7 /d; stat -c '%a' /x /y /d; chmod 4755 /x; stat -c '%a %u' /x";
    assert_eq!(owned_cell(script).run().lines(), ["755", "2644", "2755", "4755 7"]);
}

#[test]
fn who_becomes_another_user_creates_files_for_that_one() {
    let script = "echo seven:x:7:5::/:/bin/sh > /etc/passwd
        start-stop-daemon -S -p /none -c 7:5 -x /bin/sh -- -c 'id -u; id -g; touch /tmp/t; mkdir /mine /mine/d
        echo x > /mine/f; mv /mine/f /mine/g; ln -s g /mine/l'
        id -u; touch /mine/roots; mkdir /shared; chown 0:6 /shared; chmod 2775 /shared; touch /shared/f
        stat -c '%n %u:%g' /mine /mine/d /mine/g /mine/l /mine/roots /shared/f";
    let outcome = owned_cell(script).run();
    let mine = ["/mine 7:5", "/mine/d 7:5", "/mine/g 7:5", "/mine/l 7:5", "/mine/roots 0:0", "/shared/f 0:6"];
    assert_eq!(outcome.lines()[..3], ["7", "5", "0"]);
    assert_eq!(outcome.lines()[3..], mine);
    assert_eq!(["mine/d", "mine/g", "shared/f"].map(|name| kept(&outcome, name)), [(7, 5), (7, 5), (0, 6)]);
}

#[test]
fn what_is_missing_is_missed_as_always() {
    let script = "chown 1 /nowhere && exit 1; chown 1 /etc/motd/x && exit 1; stat /nowhere && exit 1; echo all";
    let outcome = owned_cell(script).run();
    assert!(outcome.lines()[0].contains("No such file"), "{:#?}", outcome.lines);
    assert!(outcome.lines()[1].contains("Not a directory"), "{:#?}", outcome.lines);
    assert_eq!(outcome.lines().last().map(String::as_str), Some("all"));
}

#[test]
fn a_sandbox_that_fails_to_start_says_why() {
    let error = owned_cell("").with(|spec| spec.argv = vec!["/no/such".to_owned()]).try_run();
    let error = error.map(|outcome| outcome.ending).expect_err("there is no such program");
    assert!(error.to_string().contains("start /no/such"), "{error}");
}
