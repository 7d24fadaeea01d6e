//! Digests that are written down: a small project gives the same bytes as it did when each was written. When one moves,
//! the number in `model::formats` that says so has to move as well, for stores keep what was made before.
//!
//! `tests/golden.txt` has a line for each image: its name, its digest, and the versions that it was made with. After a
//! version was raised on purpose, `BLESS=1` writes the file anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use orchestrate::distribution::world::world;
use orchestrate::model::{Format, formats};

use crate::support::archive::{Archive, Package};
use crate::support::toolbox;

const RECIPE: &str = r#"
title "Golden"
platforms "linux/amd64"

source "text" {
    local "src"
    replace "greeting" old="hello" new="good day"
}
source "brought" {
    vendor from="box" { run "mkdir $OUT/brought && echo brought > $OUT/brought/file && ln -s file $OUT/brought/link"; }
}
stage "root" from="box" {
    packages "plain" "tool"
    run """
        cd / && find etc opt usr var -name 'box*' -prune -o -type f -print | sort > /tmp/list
        { grep -v -e box -e /status /tmp/list | xargs ls -ln | sed 's/ [A-Z][a-z][a-z] .*[0-9:] / /' && grep -v -e box -e /status /tmp/list | xargs sha256sum; } > $OUT/root
        """
}
stage "made" from="box" {
    use "text" at="/src"
    use "brought" at="/brought"
    env ANSWER "42"
    run """
        cp -a /src $OUT/src && cp -a /brought $OUT/brought
        mkdir $OUT/empty && chmod 700 $OUT/empty && chmod 755 $OUT/src/greeting
        env | grep -v ^JOBS= | sort > $OUT/environment
        """
}

image "packages-alone" { from "scratch"; distribution "debian" suite="stable"; packages "plain"; configure "none"; user "10001"; healthcheck "none" reason="a test"; }
image "configured" { from "scratch"; distribution "debian" suite="stable"; packages "plain" "tool"; user "10001"; healthcheck "none" reason="a test"; }
image "entries" {
    from "packages-alone"
    file "/etc/answer" "42"
    dir "/data" mode="0750" owner="app"
    symlink "/data/here" to="/etc/answer"
    account "app" uid=2000 home="/data"
    env PATH "/usr/bin"
    user "app"
    entrypoint "/usr/lib/plain/tool"
    waive "entrypoint" reason="nothing here runs"
    healthcheck "none" reason="a test"
    layers 3
}
image "of-a-root" { from "scratch"; copy "/" from="root" to="/root"; user "10001"; healthcheck "none" reason="a test"; }
image "of-a-stage" { from "scratch"; copy "/environment" from="made" to="/environment"; copy "/empty" from="made" to="/empty"; user "10001"; healthcheck "none" reason="a test"; }
image "of-a-source" { from "scratch"; copy "/src" from="made" to="/src"; user "10001"; healthcheck "none" reason="a test"; }
image "of-a-vendor" { from "scratch"; copy "/brought" from="made" to="/brought"; user "10001"; healthcheck "none" reason="a test"; }
"#;

/// The versions that shape an image, beside those that shape every image; the first is the likeliest to have to move.
fn versions(image: &str) -> Vec<(&'static str, String)> {
    let number = |name, number: u32| (name, number.to_string());
    let own = match image {
        "of-a-root" => vec![number("ROOT", formats::ROOT), number("UNPACKED", formats::UNPACKED)],
        "of-a-stage" => vec![number("STAGE", formats::STAGE)],
        "of-a-source" => vec![number("SOURCE", formats::SOURCE)],
        "of-a-vendor" => vec![number("STAGE", formats::STAGE), number("VENDORED", formats::VENDORED)],
        _ => Vec::new(),
    };
    // the fingerprint moves by itself with the rules
    let rules = if ["configured", "of-a-root"].contains(&image) { vec![("rules", fingerprint())] } else { Vec::new() };
    [own, vec![number("IMAGE", formats::IMAGE), number("SEGMENT", formats::SEGMENT)], rules].concat()
}

fn fingerprint() -> String {
    world(Format::Deb).expect("a world").model().fingerprint().to_owned()
}

fn line(image: &str, digest: &str) -> String {
    let versions: Vec<String> = versions(image).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{image}\t{digest}\t{}", versions.join(", "))
}

fn packages() -> Vec<Package<'static>> {
    let package = |name, fields, files| Package { name, version: "1.0-1", architecture: "all", fields, files };
    vec![
        package(
            "plain",
            "Section: misc\n",
            &[
                ("/usr/lib/plain/tool", "no program\n"),
                ("/usr/share/plain/data", "data\n"),
                ("/usr/share/plain/link", "-> data"),
                ("/var/lib/plain/", ""),
                ("/lib/plain/old", "below an alias\n"),
            ],
        ),
        package(
            "tool",
            "Depends: plain\nReplaces: plain\n",
            &[
                ("/etc/tool.conf", "setting = 1\n"),
                ("/DEBIAN/conffiles", "/etc/tool.conf\n"),
                ("/DEBIAN/triggers", "interest-noawait /usr/share/tool\n"),
                ("/usr/share/plain/data", "data of tool\n"),
            ],
        ),
    ]
}

/// The digests of the project's images.
fn built() -> BTreeMap<String, String> {
    let archive = Archive::with_box(&packages());
    let project = toolbox::project(&archive, &[("golden", RECIPE)]);
    project.write("images/golden/src/greeting", "hello, world\n");
    project.run(&["refresh"]).done();
    let printed = project.run(&["build", "--platform", "linux/amd64"]).done();
    let lines = printed.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let images = lines.filter_map(|words| match words[..] {
        [name, "linux/amd64", digest] if name != "box" => Some((name.to_owned(), digest.to_owned())),
        _ => None,
    });
    images.collect()
}

#[test]
fn bytes_move_only_with_a_version_of_the_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.txt");
    let written = fs_err::read_to_string(&file).unwrap_or_default();
    let built = built();
    assert_eq!(built.len(), 7, "{built:?}");
    let (mut wrong, mut text) = (String::new(), String::new());
    for (image, digest) in &built {
        let now = line(image, digest);
        let _ = writeln!(text, "{now}");
        let before = written.lines().map(|line| line.split('\t').collect::<Vec<_>>()).find(|words| words[0] == image);
        let Some([_, old, versions]) = before.as_deref() else {
            let _ = writeln!(wrong, "{image} is not in tests/golden.txt");
            continue;
        };
        if old == digest {
            continue;
        }
        let _ = write!(wrong, "{image} was {old} and is {digest} now: ");
        let _ = if now.ends_with(versions) {
            let (raise, _) = self::versions(image).swap_remove(0);
            writeln!(wrong, "raise {raise} in src/model/formats.rs, or what else of {versions} changed")
        } else {
            writeln!(wrong, "its versions were {versions} before, so BLESS=1 accepts it")
        };
    }
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(&file, text).expect("written");
    } else {
        assert!(wrong.is_empty(), "{wrong}");
    }
}
