//! Roots of made packages.

use std::os::unix::fs::MetadataExt as _;

use super::{PackageBlob, PackageRoot, PackagesError, RootPackage};
use crate::beneath::Dir;
use crate::image::tests::bench::{Bench, amd64, chain};
use crate::model::Digest;
use crate::store::{TreeFacts, TreeKind, inspect_tree};

fn root_package(PackageBlob { id, digest, .. }: PackageBlob) -> RootPackage {
    RootPackage { id, digest }
}

/// Lays the root of these packages out as `name` in the bench's folder.
fn lay_out(bench: &Bench, name: &str, packages: &[RootPackage]) -> Result<TreeFacts, PackagesError> {
    let root = PackageRoot::new(&bench.store, amd64(), packages)?;
    let (tree, unmodelled) = root.configured()?;
    assert_eq!(unmodelled, []);
    tree.lay_out(Dir::create(&bench.path(name)).expect("a new folder"))
}

fn read(bench: &Bench, path: &str) -> String {
    fs_err::read_to_string(bench.path(path)).expect("a file")
}

#[test]
fn a_root_is_what_its_digest_says_whatever_the_order_of_its_packages() {
    let bench = Bench::new();
    let one = bench.deb("one").file_with("bin/one", b"1", 0o4755).hardlink("bin/uno", "bin/one");
    let one = root_package(bench.build(&one.symlink("usr/bin/eins", "one").dir("var/lib/one", 0o2775)));
    let two = root_package(bench.build(&bench.deb("two").file("etc/two.conf", "2").file("opt/a/b/c/two", "2")));
    let facts =
        lay_out(&bench, "root", &[one.clone(), two.clone()]).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(facts, inspect_tree(&bench.path("root")).expect("readable"));
    // packages that were unpacked before, in another order and twice
    let again = lay_out(&bench, "again", &[two.clone(), one, two]).expect("a root");
    assert_eq!(facts, again);
    let meta = |path: &str| fs_err::symlink_metadata(bench.path(path)).expect("it is there");
    let bits = |path: &str| meta(path).mode() & 0o7777;
    assert_eq!((bits("root/usr/bin/one"), bits("root/var/lib/one")), (0o755, 0o775));
    let inode = |path: &str| meta(path).ino();
    assert_eq!(inode("root/usr/bin/one"), inode("root/usr/bin/uno"), "two names of one file");
    assert_eq!(inode("root/usr/bin/one"), inode("again/usr/bin/one"), "roots share the files of packages");
    assert_eq!(fs_err::read_link(bench.path("root/bin")).expect("a link").to_str(), Some("usr/bin"));
    for folder in ["usr", "opt/a", "var/lib/one"] {
        assert_eq!(meta(&format!("root/{folder}")).mtime(), meta(&format!("again/{folder}")).mtime(), "{folder}");
    }
    let status = read(&bench, "root/var/lib/dpkg/status");
    assert_eq!(status.matches("Status: install ok installed\n").count(), 2, "{status}");
}

#[test]
fn the_digest_of_an_unpacked_package_is_that_of_its_folder() {
    let bench = Bench::new();
    let deb = bench.deb("one").file("bin/one", "1").hardlink("bin/uno", "bin/one").symlink("usr/lib/x", "y");
    let package = root_package(bench.build(&deb.dir("var/cache/one", 0o700)));
    lay_out(&bench, "root", std::slice::from_ref(&package)).expect("a root");
    let folder = bench.store.root().join("trees").join(TreeKind::Package.name());
    let entry = fs_err::read_dir(folder).expect("packages").next().expect("one").expect("an entry");
    let key: Digest = format!("sha256:{}", entry.file_name().to_string_lossy()).parse().expect("a key");
    let facts = bench.store.tree_facts(TreeKind::Package, &key).expect("readable").expect("there");
    assert_eq!(facts, inspect_tree(&entry.path().join("tree")).expect("readable"));
}

#[test]
fn packages_settle_who_has_a_file() {
    let bench = Bench::new();
    let old = bench.deb("old").file("usr/bin/tool", "old").hardlink("usr/bin/other", "usr/bin/tool");
    let new = bench.deb("new").field("Replaces: old").file("usr/bin/tool", "new");
    let [old, new] = [old, new].map(|deb| root_package(bench.build(&deb)));
    lay_out(&bench, "root", &[old.clone(), new]).expect("a root");
    assert_eq!((read(&bench, "root/usr/bin/tool"), read(&bench, "root/usr/bin/other")), ("new".into(), "old".into()));
    assert!(!read(&bench, "root/var/lib/dpkg/info/old.list").contains("/usr/bin/tool\n"));
    let rude = root_package(bench.build(&bench.deb("rude").file("usr/bin/tool", "rude")));
    let error = lay_out(&bench, "refused", &[old, rude]).expect_err("it does not say so");
    assert!(error.to_string().contains("`/usr/bin/tool` is a file of old:amd64 and a file of rude:amd64"), "{error}");
}

#[test]
fn packages_of_another_architecture_are_there_and_run_nothing() {
    let bench = Bench::new();
    let unknown = "#!/bin/sh\nmake-something /etc/x\n";
    let native = bench.deb("lib").field("Multi-Arch: same").file("usr/share/doc/lib/changelog", "native");
    let native = root_package(bench.build(&native.file("usr/lib/a/x", "a")));
    let foreign = bench.deb("lib").field("Multi-Arch: same").architecture("arm64").file("usr/lib/b/x", "b");
    let foreign =
        root_package(bench.build(&foreign.file("usr/share/doc/lib/changelog", "foreign").script("postinst", unknown)));
    lay_out(&bench, "root", &[foreign.clone(), native]).expect("a root");
    assert_eq!(read(&bench, "root/usr/share/doc/lib/changelog"), "native");
    assert_eq!(read(&bench, "root/var/lib/dpkg/arch"), "amd64\narm64\n");
    assert!(bench.path("root/var/lib/dpkg/info/lib:arm64.postinst").exists());

    let needs_it = root_package(bench.build(&bench.deb("tool").file("usr/bin/tool", "").script("postinst", unknown)));
    let root = PackageRoot::new(&bench.store, amd64(), &[foreign, needs_it]).expect("they fit");
    let (_, unmodelled) = root.configured().expect("configured");
    let scripts: Vec<&str> = unmodelled.iter().map(|script| script.package.as_str()).collect();
    assert_eq!(scripts, ["tool"], "{unmodelled:?}");
    root.unpacked().expect("recorded").lay_out(Dir::create(&bench.path("bare")).expect("new")).expect("laid out");
    let status = read(&bench, "bare/var/lib/dpkg/status");
    let states: Vec<&str> = status.lines().filter_map(|line| line.strip_prefix("Status: install ok ")).collect();
    assert_eq!(states, ["installed", "unpacked"]);
}

#[test]
fn a_package_that_is_another_or_ships_a_path_twice_is_refused() {
    let bench = Bench::new();
    let mut other = root_package(bench.build(&bench.deb("one").file("bin/x", "1")));
    other.id.version = "2".parse().expect("a version");
    let error = lay_out(&bench, "other", &[other]).expect_err("another version");
    assert!(error.to_string().contains("pinned as one 2 (amd64) says that it is one 1.0-1 (amd64)"), "{error}");
    let twice = root_package(bench.build(&bench.deb("two").file("bin/x", "1").file("usr/bin/x", "2")));
    let error = lay_out(&bench, "twice", &[twice]).expect_err("twice");
    assert!(error.to_string().contains("as `/bin/x` and as `/usr/bin/x`"), "{error}");
}
