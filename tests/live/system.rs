//! `debian` as dpkg and apt see it.

use std::process::Command;

use super::layout::Unpacked;
use super::{built, live};
use crate::support::{text_of, tool};

#[test]
fn dpkg_lists_audits_and_verifies_debian_without_complaint() {
    let live = live();
    for platform in ["linux/amd64", "linux/arm64"] {
        let unpacked = Unpacked::new(live, "debian", platform);
        let root = unpacked.root();
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
        // what a scanner or an administrator asks: whose file is this?
        let mut query = Command::new("dpkg-query");
        query.arg(format!("--admindir={}", root.join("var/lib/dpkg").display()));
        let owner = text_of("dpkg", query.args(["--search", "/usr/bin/dpkg"]));
        // this machine's dpkg-query names the architecture of a foreign package
        let foreign = if platform == "linux/arm64" { ":arm64" } else { "" };
        assert_eq!(owner.trim(), format!("dpkg{foreign}: /usr/bin/dpkg"), "{platform}");
    }
}

/// What nobody vouches for, the recipes of toolchains excuse with a reason; nothing else may hold such a thing.
#[test]
fn somebody_vouches_for_the_scripts_of_every_image() {
    let tables = text_of("orchestrate", live().program().args(["audit", "--scripts", "--offline"]).args(built()));
    for (image, platform) in live().manifests() {
        assert!(tables.lines().any(|line| line.starts_with(&format!("{image} {platform}"))), "{image}: {tables}");
    }
    assert!(tables.lines().all(|line| line.chars().count() <= 80), "{tables}");
}
