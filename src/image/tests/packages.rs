//! Packages together: what they share, dispute and leave out.

use super::bench::{Bench, chain, plain};
use crate::image::ImageError;
use crate::model::{Glob, PathPolicy};
use crate::packages::PackagesError;

/// The paths and kinds that GNU tar lists, without owners and times.
fn paths(listing: &str) -> Vec<String> {
    listing.lines().map(|line| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_layer_is_folders_then_packages_and_gnu_tar_reads_it() {
    let bench = Bench::new();
    let one = bench.build(
        &bench
            .deb("one")
            .file_with("usr/bin/one", b"1", 0o4755)
            .hardlink("usr/bin/uno", "usr/bin/one")
            .symlink("usr/bin/eins", "one"),
    );
    let two = bench.build(&bench.deb("two").file("usr/share/two/two", "2").dir("var/cache/two", 0o2775));
    let image = bench.image(&plain("both"), None, &[two, one]);
    let listing = bench.list(&image, 0);
    let expected = ["usr/", "usr/bin/", "usr/share/", "usr/share/two/", "var/", "var/cache/", "var/cache/two/"];
    assert_eq!(
        paths(&listing).iter().filter(|path| path.ends_with('/') && !path.contains("lib")).collect::<Vec<_>>(),
        expected
    );
    let files: Vec<String> =
        paths(&listing).into_iter().filter(|path| !path.ends_with('/') && !path.contains("dpkg")).collect();
    assert_eq!(
        files,
        [
            "usr/bin/one",
            "usr/bin/uno link to usr/bin/one",
            "usr/bin/eins -> one",
            "usr/share/two/two",
            "bin -> usr/bin"
        ]
    );
    assert!(listing.contains("-rwsr-xr-x 0/0 1 2023-11-14 22:13:20 usr/bin/one\n"), "{listing}");
    assert!(listing.contains("drwxrwsr-x 0/0 0 2023-11-14 22:13:20 var/cache/two/\n"), "{listing}");
}

#[test]
fn both_digests_are_what_the_tools_of_others_compute() {
    let bench = Bench::new();
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let one = bench.build(&bench.deb("one").file_with("usr/lib/noise", &noise, 0o644).file("etc/one", "1"));
    let image = bench.image(&plain("one"), None, &[one]);
    let layer = &image.layers[0];
    let blob = bench.store.blob_path(&layer.descriptor.digest);
    let blob = blob.to_str().expect("UTF-8");
    let sum = super::bench::run("sha256sum", "coreutils", &[blob]);
    assert!(sum.starts_with(&layer.descriptor.digest.hex()));
    let sum = super::bench::run("sh", "dash", &["-c", &format!("gzip -dc {blob} | sha256sum")]);
    assert!(sum.starts_with(&layer.diff_id.hex()));
    let length = super::bench::run("sh", "dash", &["-c", &format!("gzip -dc {blob} | wc -c")]);
    assert_eq!(length.trim(), layer.length.to_string());
}

#[test]
fn the_same_file_of_two_architectures_is_kept_once() {
    let bench = Bench::new();
    let native = bench.build(
        &bench
            .deb("lib")
            .field("Multi-Arch: same")
            .file("usr/share/doc/lib/copyright", "free")
            .file("usr/lib/a/x", "a"),
    );
    let foreign = bench.deb("lib").field("Multi-Arch: same").architecture("arm64");
    let foreign = foreign.file("usr/share/doc/lib/copyright", "free").file("usr/lib/b/x", "b");
    fs_err::remove_file(bench.path("deb-lib/usr/lib/a/x")).expect("one package's file alone");
    let foreign = bench.build(&foreign);
    let image = bench.image(&plain("both"), None, &[native, foreign]);
    let listing = bench.list(&image, 0);
    assert_eq!(listing.matches("usr/share/doc/lib/copyright\n").count(), 1, "{listing}");
    assert!(listing.contains("usr/lib/a/x") && listing.contains("usr/lib/b/x"), "{listing}");
}

#[test]
fn a_dispute_names_both_packages_and_the_path() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file("usr/bin/tool", "1"));
    let two = bench.build(&bench.deb("two").file("bin/tool", "2"));
    let error = bench.try_image(&plain("both"), None, &[one, two], &[]).expect_err("they claim one path");
    assert_eq!(
        error.to_string(),
        "the packages cannot be installed together: `/usr/bin/tool` is a file of one:amd64 and a file of two:amd64"
    );
    assert!(error.help().is_some());
}

#[test]
fn a_package_that_is_replaced_loses_the_file() {
    let bench = Bench::new();
    let old = bench.deb("old").version("1.5").file("usr/bin/tool", "old").hardlink("usr/bin/tool2", "usr/bin/tool");
    let old = bench.build(&old);
    let new = bench.deb("new").field("Replaces: other, old (<< 2)").file("usr/bin/tool", "new");
    let new = bench.build(&new);
    let image = bench.image(&plain("both"), None, &[old.clone(), new]);
    let listing = bench.list(&image, 0);
    assert_eq!(listing.matches("usr/bin/tool\n").count(), 1, "{listing}");
    assert!(listing.contains("usr/bin/tool2\n"), "the hard link keeps the bytes: {listing}");
    let owned = |package: &str| read_file(&bench, &image, &format!("var/lib/dpkg/info/{package}.list"));
    assert!(owned("new").contains("/usr/bin/tool\n"));
    assert_eq!(owned("old"), "/.\n/usr\n/usr/bin\n/usr/bin/tool2\n");

    let wrong = bench.deb("new").field("Replaces: old (<< 1)");
    let wrong = bench.build(&wrong);
    assert!(matches!(
        bench.try_image(&plain("both"), None, &[old, wrong], &[]),
        Err(ImageError::Packages { source: PackagesError::Conflict { .. } })
    ));
}

fn read_file(bench: &Bench, image: &crate::image::BuiltImage, path: &str) -> String {
    let tree = image.tree(&bench.store).expect("its tree");
    let shelf = crate::packages::Shelf::new(&bench.store);
    let bytes = shelf.read(&tree, &path.parse().expect("a path")).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_diverted_file_moves_aside() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file("usr/bin/tool", "1"));
    let two = bench.deb("two").file("usr/bin/tool", "2");
    let two = two.script(
        "preinst",
        "#!/bin/sh\ndpkg-divert --package two --rename --divert /usr/bin/tool.one --add /usr/bin/tool\n",
    );
    let image = bench.image(&plain("both"), None, &[one, bench.build(&two)]);
    assert_eq!(read_file(&bench, &image, "usr/bin/tool"), "2");
    assert_eq!(read_file(&bench, &image, "usr/bin/tool.one"), "1");
    assert!(bench.list(&image, 0).contains("usr/bin/tool.one\n"));
}

#[test]
fn folders_take_the_mode_of_base_files_and_the_latest_time() {
    let bench = Bench::new();
    let basic = bench.build(&bench.deb("base-files").dir("tmp", 0o1777));
    let other = bench.build(&bench.deb("a-tool").dir("tmp", 0o755).file("tmp/x", ""));
    let listing = bench.list(&bench.image(&plain("both"), None, &[other, basic]), 0);
    assert!(listing.contains("drwxrwxrwt 0/0 0 2023-11-14 22:13:20 tmp/\n"), "{listing}");
}

#[test]
fn files_go_where_another_packages_link_leads() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").dir("opt/new", 0o755).symlink("opt/old", "new"));
    let two = bench.build(&bench.deb("two").file("opt/old/x", "2"));
    let image = bench.image(&plain("both"), None, &[one, two]);
    let listing = bench.list(&image, 0);
    assert!(listing.contains("opt/new/x\n") && listing.contains("opt/old -> new\n"), "{listing}");
    assert!(!listing.contains("opt/old/"), "{listing}");
}

#[test]
fn a_policy_leaves_out_and_a_hard_link_inherits() {
    let bench = Bench::new();
    let deb = bench.deb("one").file("usr/share/doc/one/changelog", "long").file("usr/share/doc/one/copyright", "free");
    let deb = deb
        .hardlink("usr/share/one/notes", "usr/share/doc/one/changelog")
        .hardlink("usr/share/one/again", "usr/share/doc/one/changelog");
    let deb = deb.dir("usr/share/doc/empty", 0o700);
    let one = bench.build(&deb);
    let glob = |text| Glob::new(text).expect("a pattern");
    let mut image = plain("one");
    image.policy = PathPolicy::new(
        vec![glob("/usr/share/doc/**"), glob("/var/lib/dpkg/**")],
        vec![glob("/usr/share/doc/*/copyright")],
    );
    let built = bench.image(&image, None, &[one]);
    let listing = bench.list(&built, 0);
    assert!(!listing.contains("changelog") && !listing.contains("doc/empty"), "{listing}");
    assert!(listing.contains("usr/share/doc/one/copyright\n"), "{listing}");
    assert!(listing.contains("usr/share/one/notes link to usr/share/one/again\n"), "{listing}");
    assert_eq!(read_file(&bench, &built, "usr/share/one/again"), "long");
    assert!(read_file(&bench, &built, "var/lib/dpkg/info/one.list").contains("/usr/share/doc/one/changelog\n"));
}

#[test]
fn a_package_that_is_not_what_was_pinned_is_refused() {
    let bench = Bench::new();
    let mut one = bench.build(&bench.deb("one"));
    one.id.version = "2".parse().expect("a version");
    let error = bench.try_image(&plain("one"), None, &[one], &[]).expect_err("another version");
    assert_eq!(error.to_string(), "the package pinned as one 2 (amd64) says that it is one 1.0-1 (amd64)");
}

#[test]
fn hostile_packages_are_errors_that_name_them() {
    let bench = Bench::new();
    let good = bench.build(&bench.deb("one").file("etc/x", &"x".repeat(100_000)));
    let bytes = fs_err::read(bench.store.blob_path(&good.digest)).expect("the package");
    let cut = bench.package("cut", "1", "amd64", &bytes[..bytes.len() / 2]);
    let junk = bench.package("junk", "1", "amd64", b"no package");
    for (package, name) in [(cut, "cut"), (junk, "junk")] {
        let error = bench.try_image(&plain("bad"), None, &[package], &[]).expect_err("not a package");
        assert!(chain(&error).starts_with(&format!("package {name}:amd64 cannot be unpacked: ")), "{}", chain(&error));
    }
    let missing = crate::packages::PackageBlob { digest: crate::model::Digest::of(b"nothing"), ..good };
    assert!(matches!(
        bench.try_image(&plain("bad"), None, &[missing], &[]),
        Err(ImageError::Packages { source: PackagesError::Store { .. } })
    ));
}

#[test]
fn one_path_twice_in_a_package_is_an_error() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file("bin/x", "1").file("usr/bin/x", "2"));
    let error = bench.try_image(&plain("one"), None, &[one], &[]).expect_err("twice");
    assert!(error.to_string().contains("as `/bin/x` and as `/usr/bin/x`"), "{error}");
}
