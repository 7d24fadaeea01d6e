//! An image that cannot work is not written, and the message says what would mend it.

use std::process::Command;

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::tool;

fn archive() -> Archive {
    let package = |name, architecture, files| Package { name, version: "1.0", architecture, fields: "", files };
    Archive::new(&[
        package("base", "all", &[("/usr/share/base/text", "text\n")]),
        package("libgone2", "amd64", &[("/usr/lib/x86_64-linux-gnu/libgone.so.2", "its bytes are never looked at")]),
        package("frob", "all", &[("/usr/bin/frob", "a program\n")]),
    ])
}

fn recipe(more: &str) -> String {
    format!(
        "title \"x\"\nimage \"x\" {{\n    from \"scratch\"\n    distribution \"debian\" suite=\"stable\"\n    \
         packages \"base\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n{more}}}\n"
    )
}

const SCRIPT: &str =
    "    file \"/opt/run\" \"#!/usr/bin/frob\\n\" mode=\"0755\"\n    copy \"plugin.so\" to=\"/opt/plugin.so\"\n";

/// A project whose recipe brings a script, and a library that needs another.
fn project(archive: &Archive, more: &str) -> Project {
    let project = Project::new(Some(archive), &[("x", &recipe(&format!("{SCRIPT}{more}")))]);
    let folder = project.path("images/x");
    let make = "echo 'int gone;' | gcc -x c -shared -nostdlib -Wl,-soname,libgone.so.2 -o libgone.so - &&
                echo 'int plugin;' | gcc -x c -shared -nostdlib -Wl,--no-as-needed -o plugin.so - -x none ./libgone.so";
    tool("gcc", Command::new("sh").args(["-c", make]).current_dir(folder));
    project.run(&["refresh"]).done();
    project
}

const BUILD: [&str; 3] = ["build", "--platform", "linux/amd64"];

#[test]
fn a_missing_library_and_interpreter_name_the_command_that_finds_their_packages() {
    let archive = archive();
    let project = project(&archive, "");
    project.run(&["fetch"]).done();
    // a build reads no index, so it needs no mirror to fail
    let environment = project.read("environment.kdl");
    project.write("environment.kdl", "mirror \"local\" \"http://127.0.0.1:9/\"\n");
    project.run(&BUILD).failed(&[
        "`/opt/plugin.so` needs the library `libgone.so.2`, which is not in it",
        "`/opt/run` is run by `/usr/bin/frob`, which is not in it",
        "`orchestrate find libgone.so.2 /usr/bin/frob` names the packages",
        "waive \"elf-needed\"",
        "waive \"interpreter\"",
    ]);
    let find = ["find", "--platform", "linux/amd64", "libgone.so.2", "/usr/bin/frob", "frob"];
    project.run(&[&find[..], &["--offline"]].concat()).failed(&["local", "the network is off"]);
    project.write("environment.kdl", &environment);
    let found = project.run(&find).done();
    assert_eq!(found, "libgone.so.2\tlibgone2\n/usr/bin/frob\tfrob\nfrob\tfrob\n");
}

#[test]
fn a_file_that_no_package_has_is_said_so() {
    let archive = archive();
    let project = Project::new(Some(&archive), &[("x", &recipe(""))]);
    project.run(&["find", "frob"]).failed(&["the lock records no suite", "orchestrate refresh"]);
    project.run(&["refresh"]).done();
    let said = project.run(&["find", "--json", "--platform", "linux/arm64", "frob", "libgone.so.2"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let found: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let packages = |index: usize| found[index]["packages"].as_array().expect("a list").len();
    assert_eq!((packages(0), packages(1)), (1, 0), "{found}");
    assert!(said.stderr.contains("no package for linux/arm64 has `libgone.so.2`"), "{}", said.stderr);
}

#[test]
fn a_waiver_excuses_one_file() {
    let archive = archive();
    let waivers = "    waive \"elf-needed\" path=\"/opt/plugin.so\" reason=\"it is never loaded\"\n    \
                   waive \"interpreter\" path=\"/opt\" reason=\"it is mounted\"\n";
    let project = project(&archive, waivers);
    project.run(&BUILD).done();
}
