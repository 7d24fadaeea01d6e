//! `audit --scripts`: who vouches for the maintainer scripts of an image, on a small archive. The real one is in `live`.

use serde_json::Value;

use crate::support::archive::{Archive, Package};
use crate::support::project::{Project, Said};
use crate::support::text_of;

/// A postinst of nothing but what debhelper adds.
const SNIPPET: &str = "#!/bin/sh\nset -e\n# Automatically added by dh_installinit/13.24\n\
                       if [ -x \"/etc/init.d/known\" ]; then\n\tupdate-rc.d known defaults >/dev/null || exit 1\nfi\n\
                       # End automatically added section\n";
const ODD: &str = "#!/bin/sh\nset -e\nperl -e 1 &\nexit 0\n";
const LONG: &str = "a-package-with-a-name-that-takes-much-room-in-a-table";
const LONG_VERSION: &str = "2:1.2.3~really4.5.6+dfsg-7+deb13u8";

fn archive() -> Archive {
    let package = |name, files| Package { name, version: "1.0", architecture: "all", fields: "", files };
    Archive::new(&[
        package("plain", &[("/usr/share/plain", "")]),
        package("known", &[("/DEBIAN/postinst", SNIPPET), ("/DEBIAN/prerm", ODD)]),
        package("odd", &[("/DEBIAN/postinst", ODD), ("/DEBIAN/preinst", "#!/bin/sh\nset -e\n")]),
        Package { version: LONG_VERSION, ..package(LONG, &[("/DEBIAN/postinst", SNIPPET)]) },
    ])
}

/// An image with these packages and lines.
fn image(name: &str, from: &str, packages: &str, more: &str) -> String {
    format!(
        "image \"{name}\" {{\n    from \"{from}\"\n    distribution \"debian\" suite=\"stable\"\n    packages {packages}\n    \
         {more}\n    user \"1\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
    )
}

fn project(archive: &Archive, recipe: &str) -> Project {
    let project = Project::new(Some(archive), &[("one", recipe)]);
    project.run(&["refresh"]).done();
    project
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).expect("JSON")
}

#[test]
fn a_script_that_nobody_vouches_for_fails_the_audit() {
    let archive = archive();
    let project = project(&archive, &image("one", "scratch", "\"plain\" \"known\" \"odd\"", ""));
    let said = project.run(&["audit", "--scripts", "--platform", "linux/amd64"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines[0], "one linux/amd64");
    let row = |package: &str, script: &str| {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let rows = lines.iter().map(|line| words(line));
        let mut found = rows.filter(|words| words.len() > 3 && words[0] == package && words[2] == script);
        found.next().unwrap_or_else(|| panic!("{package} {script}: {}", said.stdout))[3..].join(" ")
    };
    assert_eq!(row("known", "postinst"), "dh_installinit");
    assert_eq!(row("odd", "preinst"), "nothing to do");
    assert!(row("odd", "postinst").starts_with("nobody: "), "{}", said.stdout);
    assert!(!said.stdout.contains("plain") && !said.stdout.contains("prerm"), "{}", said.stdout);
    assert!(said.stderr.contains("3 scripts of 1 image: nobody vouches for 1"), "{}", said.stderr);

    let said = project.run(&["audit", "--scripts", "--json", "--quiet"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""));
    let images = json(&said);
    assert_eq!(images.as_array().map(Vec::len), Some(2), "one for each platform: {images}");
    let script = &images[1]["scripts"][2];
    assert_eq!(images[1]["platform"], "linux/arm64");
    assert_eq!(images[1]["packages"], 3);
    assert_eq!((&script["package"], &script["script"]), (&"odd".into(), &"postinst".into()), "{script}");
    assert_eq!(script["covered"], "nothing");
    assert_eq!(script["lines"], serde_json::json!(["perl -e 1 &", "# line 3: a command in the background (`&`)"]));
    // the build says the same
    let fingerprint = script["fingerprint"].as_str().expect("a fingerprint");
    let ways_out = ["configure \"scripts\"", "another package", "waive \"maintainer-script\" package="];
    project.run(&["build"]).failed(
        &[&["postinst of odd 1.0", fingerprint, "perl -e 1 &", "# line 3: a command in the background"], &ways_out[..]]
            .concat(),
    );
}

#[test]
fn a_script_that_is_understood_is_interpreted_for_every_architecture() {
    let understood =
        "#!/bin/sh\nset -e\nif [ -z \"$2\" ]; then echo \"$1 $(dpkg --print-architecture)\" >/etc/odd; fi\n";
    let package = |name, files| Package { name, version: "1.0", architecture: "all", fields: "", files };
    let archive = Archive::new(&[package("odd", &[("/DEBIAN/postinst", understood), ("/etc/", "")])]);
    let project = project(&archive, &image("one", "scratch", "\"odd\"", ""));
    let said = project.run(&["audit", "--scripts"]).done();
    assert!(said.contains("interpreted "), "{said}");
    let scripts = json(&project.run(&["audit", "--scripts", "--json"]));
    assert_eq!(scripts[0]["scripts"][0]["covered"], "interpreted");
    for architecture in ["amd64", "arm64"] {
        let tar = project.path(&format!("{architecture}.tar"));
        let (platform, output) = (format!("linux/{architecture}"), format!("rootfs:{}", tar.display()));
        project.run(&["build", "--platform", &platform, "--output", &output]).done();
        let text = text_of("tar", std::process::Command::new("tar").arg("xOf").arg(&tar).arg("etc/odd"));
        assert_eq!(text, format!("configure {architecture}\n"));
    }
}

#[test]
fn a_recipe_that_does_without_a_script_or_runs_it_passes() {
    let archive = archive();
    let waived = "waive \"maintainer-script\" package=\"odd\" reason=\"its file is not needed\"";
    let (one, two) = ("\"known\" \"odd\"", "\"plain\"");
    let recipe = image("one", "scratch", one, waived) + &image("two", "one", two, "");
    let project = project(&archive, &recipe);
    // an image that is built on another shows the scripts of both, each where they have their effect
    let said = project.run(&["audit", "--scripts", "two", "--platform", "linux/arm64", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let images = json(&said);
    assert_eq!(images[0]["image"], "one");
    assert_eq!(images[0]["scripts"][2]["waived"], "its file is not needed");
    assert_eq!((&images[1]["image"], &images[1]["scripts"]), (&"two".into(), &serde_json::json!([])));
    let said = project.run(&["audit", "--scripts", "two", "--platform", "linux/arm64"]).done();
    assert!(said.contains("a waiver: its file"), "{said}");
    assert!(said.contains("\ntwo linux/arm64: no scripts\n"), "{said}");

    project.write("images/one/recipe.kdl", &image("one", "scratch", one, "configure \"scripts\""));
    project.run(&["refresh"]).done();
    let said = project.run(&["audit", "--scripts"]).done();
    assert!(said.starts_with("one linux/amd64: its scripts are run"), "{said}");
}

#[test]
fn tables_fit_into_80_columns_and_need_no_network() {
    let archive = archive();
    let project = project(&archive, &image("one", "scratch", &format!("\"known\" \"{LONG}\""), ""));
    project.run(&["audit", "--scripts", "--offline"]).failed(&["inputs are not in the store", LONG]);
    project.run(&["audit", "--scripts"]).done();
    let said = project.run(&["audit", "--scripts", "--offline"]).done();
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let solid: String = said.split_whitespace().collect();
    assert!(solid.contains("dh_installinit"), "{said}");
    project.run(&["audit", "--scripts", "none"]).failed(&["there is no image `none`"]);
    assert_eq!(project.run(&["audit"]).code, Some(2), "there is nothing else to audit");
}
