//! Packages on top of packages: the database in each layer tells of all that is there, to readers from outside and to the
//! system's own dpkg and apt.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::empty;
use super::run::Engine;
use super::variants::{current, orchestrate};

use crate::support::archive::{Archive, Package};
use crate::support::{text_of, tool};

const PLATFORM: &str = "linux/amd64";

/// Names and states of the packages below a root, as dpkg-query reads them.
fn listed(root: &Path) -> BTreeSet<String> {
    let mut query = Command::new("dpkg-query");
    query.arg(format!("--admindir={}", root.join("var/lib/dpkg").display()));
    let text = text_of("dpkg", query.args(["-W", "-f", "${Package} ${db:Status-Abbrev}\n"]));
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A scanner that reads the layers one after another finds a database in each that holds everything up to there.
#[test]
fn each_layer_tells_of_all_packages_up_to_it() {
    let project = current();
    let copy = project.join("layers");
    empty(&copy);
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", "--override-os=linux", "--override-arch=amd64", "copy", "-q"]);
    let from = format!("oci:{}:debian-buildd", project.join("dist").display());
    tool("skopeo", skopeo.arg(from).arg(format!("dir:{}", copy.display())));
    let read = |name: &str| fs_err::read(copy.join(name)).expect("a file");
    let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).expect("JSON");
    let root = project.join("layers-root");
    empty(&root);
    fs_err::create_dir(&root).expect("made");
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut grown = 0;
    for layer in manifest["layers"].as_array().expect("layers") {
        let digest = layer["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
        let mut unpack = Command::new("tar");
        // nothing of the package database is ever taken away, so that whiteouts need not be applied
        unpack.arg("-xf").arg(copy.join(digest)).arg("-C").arg(&root).args(["--exclude=dev/*", "--exclude=./dev/*"]);
        tool("tar", &mut unpack);
        if !root.join("var/lib/dpkg/status").exists() {
            continue;
        }
        let now = listed(&root);
        assert!(now.is_superset(&seen), "lost: {:?}", seen.difference(&now));
        assert!(now.iter().all(|package| package.ends_with(" ii")), "{now:?}");
        for package in &now {
            let name = package.trim_end_matches(" ii");
            let mut files = Command::new("dpkg-query");
            files.arg(format!("--admindir={}", root.join("var/lib/dpkg").display())).args(["--listfiles", name]);
            let files = text_of("dpkg", &mut files);
            let documents = format!("/usr/share/doc/{name}");
            let there = !files.lines().any(|line| line == documents)
                || fs_err::symlink_metadata(root.join(&documents[1..])).is_ok();
            assert!(there, "{name} is listed before its files are there");
        }
        grown += usize::from(now.len() > seen.len());
        seen = now;
    }
    let has = |name: &str| seen.contains(&format!("{name} ii"));
    assert!(grown >= 2 && has("apt") && has("build-essential") && has("dpkg"), "{grown}: {seen:?}");
}

/// What an administrator does in a container: asks for the state, and for what an installation would do.
#[test]
fn dpkg_and_apt_work_on_packages_in_several_layers() {
    let project = current();
    let extra = Package {
        name: "extra",
        version: "1.0",
        architecture: "all",
        fields: "Depends: build-essential, apt (>= 3)\n",
        files: &[("usr/share/extra/file", "content\n")],
    };
    let archive = Archive::new(&[extra]);
    // without dists: packages in a folder, and a list of them
    let mut scan = Command::new("dpkg-scanpackages");
    let list = text_of("dpkg-dev", scan.arg("pool").current_dir(archive.root()));
    fs_err::write(archive.root().join("Packages"), list).expect("written");
    let image = project.join("layered.tar");
    let output = format!("--output=docker-archive:{}", image.display());
    tool("orchestrate", orchestrate(project).args(["build", "debian-buildd", "--platform", PLATFORM, &output]));
    let engine = Engine::new(None);
    engine.ok(&["load", "--quiet", "--input", &image.display().to_string()]);
    let script = "set -e; apt-get --quiet=2 check; dpkg --audit; dpkg --verify; \
                  echo 'deb [trusted=yes] file:/archive ./' >/etc/apt/sources.list.d/extra.list; \
                  apt-get --quiet=2 -o APT::Sandbox::User=root update; apt-get -s --quiet=2 install extra; \
                  apt-get --quiet=2 --yes install extra >/dev/null 2>&1; cat /usr/share/extra/file; dpkg --audit; \
                  apt-get -s --quiet=2 autoremove; apt-get --quiet=2 check";
    let volume = format!("--volume={}:/archive:ro", archive.root().display());
    let mut arguments = vec!["run", "--rm", "--pull=never", "--network=none", &volume];
    arguments.extend(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]);
    arguments.extend(["localhost/debian-buildd:latest", "/bin/bash", "-c", script]);
    let output = engine.podman(&arguments);
    let [said, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{said}{errors}");
    let lines: Vec<&str> = said.lines().collect();
    let [installs, configures, content] = lines[..] else { panic!("{said}{errors}") };
    assert!(installs.starts_with("Inst extra (1.0 ") && configures.starts_with("Conf extra (1.0 "), "{said}");
    assert_eq!(content, "content");
}
