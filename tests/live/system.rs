//! `debian` as dpkg and apt see it.

use std::path::Path;
use std::process::Command;

use orchestrate::model::Platform;

use super::layout::unpacked;
use super::{copy_project, live, program};
use crate::fidelity::MINBASE;
use crate::fidelity::compare::compare;
use crate::fidelity::reference::Reference;
use crate::support::{text_of, tool};

#[test]
fn dpkg_lists_audits_and_verifies_debian_without_complaint() {
    let live = live();
    for platform in ["linux/amd64", "linux/arm64"] {
        let root = unpacked(live, "debian", platform);
        let dpkg = |arguments: &[&str]| {
            // of a foreign system only its own dpkg knows that its packages are native
            let mut command = match platform {
                "linux/arm64" => {
                    let mut emulator = Command::new("qemu-aarch64-static");
                    emulator.arg("-L").arg(&root).arg(root.join("usr/bin/dpkg"));
                    emulator
                }
                _ => Command::new("dpkg"),
            };
            let output = tool("dpkg", command.arg(format!("--root={}", root.display())).args(arguments));
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text")).concat()
        };
        let list = dpkg(&["--list"]);
        let installed = list.lines().filter(|line| line.starts_with("ii  ")).count();
        assert!(installed > 70, "{platform}: {list}");
        assert!(list.lines().all(|line| !line.starts_with("iU") && !line.starts_with("iF")), "{platform}: {list}");
        assert_eq!(dpkg(&["--audit"]), "", "{platform}");
        assert_eq!(dpkg(&["--verify"]), "", "{platform}");
    }
}

/// The image as it is published against what mmdebstrap makes of the same suite: path, kind, mode, owner, size and content
/// of everything, but for what [`MINBASE`] lists with its reasons.
#[test]
fn the_files_of_debian_are_those_of_mmdebstrap() {
    let live = live();
    // a mirror may move while everything else is built: pinned anew, right before the reference is made from it
    let today = live.path("today");
    copy_project(&live.folder, &today);
    fs_err::os::unix::fs::symlink(live.path("store"), today.join("store")).expect("linked");
    let orchestrate = || program(Path::new(env!("CARGO_BIN_EXE_orchestrate")), &today);
    tool("orchestrate", orchestrate().args(["refresh", "debian"]));
    let tar = live.path("debian.tar");
    let output = format!("rootfs:{}", tar.display());
    tool("orchestrate", orchestrate().args(["build", "debian", "--platform", "linux/amd64", "--output", &output]));
    let platform: Platform = "linux/amd64".parse().expect("a platform");
    let reference = Reference::make("trixie", &[], platform);
    let ours = fs_err::File::open(&tar).expect("the image");
    let theirs = fs_err::File::open(reference.tar()).expect("the reference");
    let differences = compare(ours, theirs, MINBASE);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What a scanner or an administrator asks: whose file is this?
#[test]
fn every_file_of_debian_has_an_owner_or_was_generated() {
    let live = live();
    let root = unpacked(live, "debian", "linux/amd64");
    let mut query = Command::new("dpkg-query");
    let owner = text_of("dpkg", query.arg(format!("--root={}", root.display())).args(["--search", "/usr/bin/dpkg"]));
    assert_eq!(owner.trim(), "dpkg: /usr/bin/dpkg");
}
