//! What is published, read by skopeo, umoci, podman and GNU tar.

use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::beneath::{Beneath, Emerging};
use crate::image::tests::bench::{Bench, amd64, chain, entry, plain, read, run};
use crate::image::{self, BuiltImage};
use crate::recipe::{Compression, Image, ImageEntryKind};

fn file(at: &str, text: &str) -> ImageEntryKind {
    ImageEntryKind::File { path: at.parse().expect("a path"), text: text.into() }
}

fn named(name: &str, entries: Vec<ImageEntryKind>) -> Image {
    let mut image = plain(name);
    image.entries = entries.into_iter().map(entry).collect();
    image.entries.iter_mut().for_each(|entry| entry.mode = Some("0755".parse().expect("a mode")));
    image.config.entrypoint = Some(vec!["/usr/bin/tool".into()]);
    image
}

/// Two layers: a package, and over it an image that changes, hides and adds.
fn two_layers(bench: &Bench, compression: Compression) -> BuiltImage {
    let deb =
        bench.deb("one").file_with("usr/bin/tool", b"a program\n", 0o4755).hardlink("usr/bin/same", "usr/bin/tool");
    let deb = deb.file("etc/changed", "old").hardlink("etc/link", "etc/changed").file("usr/share/gone/x", "x");
    let mut lower = plain("lower");
    lower.compression = compression;
    let lower = bench.image(&lower, None, &[bench.build(&deb)]);
    let remove = ImageEntryKind::Remove { path: "usr/share/gone".parse().expect("a path") };
    let mut upper = named("tool", vec![file("etc/changed", "new"), remove, file("opt/x", "x")]);
    upper.compression = compression;
    bench.image(&upper, Some(&lower), &[])
}

/// A folder of the bench, which is made.
fn place(bench: &Bench, folder: &str) -> Beneath {
    fs_err::create_dir_all(bench.path(folder)).expect("made");
    Beneath::open(&bench.path(folder)).expect("opens")
}

/// A file of the bench.
fn file_at(bench: &Bench, name: &str) -> Beneath {
    Beneath::open(&bench.path("")).expect("opens").join(name)
}

fn publish(bench: &Bench, folder: &str, images: &[(&str, &[BuiltImage])]) -> Written {
    let indexes: Vec<_> =
        images.iter().map(|(_, images)| image::index(&bench.store, images, [].into()).expect("an index")).collect();
    let published: Vec<_> = images
        .iter()
        .zip(&indexes)
        .map(|((name, images), index)| PublishedImage { references: vec![(*name).to_owned()], index, images })
        .collect();
    layout(&bench.store, &place(bench, folder), &published).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

#[test]
fn a_layout_is_read_by_skopeo_and_umoci() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let bench = Bench::new();
        let image = two_layers(&bench, compression);
        publish(&bench, "dist", &[("tool", std::slice::from_ref(&image))]);
        let reference = format!("oci:{}:tool", bench.text("dist"));
        let seen = run("skopeo", "skopeo", &["inspect", &reference]);
        assert!(seen.contains(&image.layers[1].descriptor.digest.to_string()), "{seen}");
        run("skopeo", "skopeo", &["copy", "--quiet", &reference, &format!("dir:{}", bench.text("copy"))]);
        if compression == Compression::Zstd {
            continue; // umoci 0.4.7 reads gzip alone
        }
        let bundle = bench.text("bundle");
        run("umoci", "umoci", &["unpack", "--image", &format!("{}:tool", bench.text("dist")), &bundle]);
        let root = bench.path("bundle/rootfs");
        assert_eq!((read(&root.join("etc/changed")), read(&root.join("etc/link"))), ("new".into(), "old".into()));
        let tool = fs_err::metadata(root.join("usr/bin/tool")).expect("a file");
        assert_eq!((tool.mode() & 0o7777, tool.nlink(), tool.mtime()), (0o4755, 2, 1_700_000_000));
        assert!(!root.join("usr/share/gone").exists());
        run(
            "umoci",
            "umoci",
            &["unpack", "--rootless", "--image", &format!("{}:tool", bench.text("dist")), &bench.text("rootless")],
        );
    }
}

#[test]
fn a_layout_keeps_other_images_and_writes_nothing_twice() {
    let bench = Bench::new();
    let one = bench.image(&named("one", vec![file("usr/bin/tool", "1")]), None, &[]);
    let two = bench.image(&named("two", vec![file("usr/bin/tool", "2")]), None, &[]);
    let arm = BuiltImage { platform: "linux/arm64".parse().expect("a platform"), ..one.clone() };
    let first = publish(&bench, "dist", &[("one", &[one.clone(), arm])]);
    assert_eq!((first.blobs, first.index), (4, true));
    publish(&bench, "dist", &[("two", std::slice::from_ref(&two))]);
    let again = publish(&bench, "dist", &[("two", &[two])]);
    assert_eq!(again, Written::default());
    publish(&bench, "dist", &[("one", &[one])]);
    let index: image::oci::Index = serde_json::from_str(&read(&bench.path("dist/index.json"))).expect("an index");
    let names: Vec<&String> =
        index.manifests.iter().map(|manifest| &manifest.annotations[image::oci::REF_NAME]).collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn published_blobs_share_nothing_with_the_store() {
    let bench = Bench::new();
    let one = bench.image(&named("one", vec![file("usr/bin/tool", "1")]), None, &[]);
    publish(&bench, "dist", &[("one", std::slice::from_ref(&one))]);
    let copy = bench.path("dist/blobs/sha256").join(one.config.digest.hex());
    assert_eq!(fs_err::metadata(&copy).expect("a file").nlink(), 1);
    fs_err::write(&copy, "broken").expect("it is the user's");
    assert_eq!(
        crate::model::Digest::of(&fs_err::read(bench.store.blob_path(&one.config.digest)).expect("a blob")),
        one.config.digest
    );
    assert_eq!(publish(&bench, "dist", &[("one", &[one])]).blobs, 1, "a blob of another size is written again");
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let bench = Bench::new();
    let one = bench.image(&named("one", vec![file("usr/bin/tool", "1")]), None, &[]);
    fs_err::create_dir(bench.path("home")).expect("a folder");
    fs_err::write(bench.path("home/thesis.tex"), "").expect("a file");
    let index = image::index(&bench.store, std::slice::from_ref(&one), [].into()).expect("an index");
    let published = PublishedImage { references: vec!["one".into()], index: &index, images: &[one] };
    let error = layout(&bench.store, &place(&bench, "home"), &[published]).expect_err("no layout");
    assert!(error.to_string().ends_with("/home` holds files but is not an OCI layout"), "{error}");
    assert_eq!(fs_err::read_dir(bench.path("home")).expect("a folder").count(), 1);
}

#[test]
fn a_docker_archive_is_loaded_by_podman() {
    let bench = Bench::new();
    let image = two_layers(&bench, Compression::Gzip);
    let other = bench.image(&named("other", vec![file("usr/bin/tool", "2")]), None, &[]);
    let archive = bench.path("images.tar");
    let images = [(vec!["tool".to_owned(), "tool:1".to_owned()], &image), (vec!["other".to_owned()], &other)];
    docker_archive(&bench.store, &file_at(&bench, "images.tar"), &images).expect("an archive");
    let root = ["--root", &bench.text("podman"), "--runroot", &bench.text("podman-run"), "--storage-driver", "vfs"];
    let podman = |arguments: &[&str]| run("podman", "podman", &[&root[..], arguments].concat());
    let loaded = podman(&["load", "--quiet", "--input", archive.to_str().expect("UTF-8")]);
    for name in ["localhost/tool:latest", "localhost/tool:1", "localhost/other:latest"] {
        assert!(loaded.contains(name), "{loaded}");
    }
    let config = podman(&["image", "inspect", "--format", "{{.Config.Entrypoint}} {{.Architecture}}", "tool:1"]);
    assert_eq!(config.trim(), "[/usr/bin/tool] amd64");
    let first = fs_err::read(&archive).expect("the archive");
    docker_archive(&bench.store, &file_at(&bench, "images.tar"), &images).expect("the same again");
    assert!(first == fs_err::read(&archive).expect("the archive"));
}

#[test]
fn a_docker_archive_is_for_one_platform() {
    let bench = Bench::new();
    let one = bench.image(&named("one", vec![file("usr/bin/tool", "1")]), None, &[]);
    let arm = BuiltImage { platform: "linux/arm64".parse().expect("a platform"), ..one.clone() };
    let error = docker_archive(&bench.store, &file_at(&bench, "x.tar"), &[(vec![], &one), (vec![], &arm)])
        .expect_err("two platforms");
    assert_eq!(
        error.to_string(),
        "a docker archive holds images of one platform, and these are for linux/amd64, linux/arm64"
    );
    assert_eq!(one.platform, amd64());
    assert!(!bench.path("x.tar").exists());
}

#[test]
fn a_root_file_system_is_its_layers_flattened() {
    let bench = Bench::new();
    let image = two_layers(&bench, Compression::Gzip);
    let tar = bench.path("root.tar");
    rootfs(&bench.store, &file_at(&bench, "root.tar"), &image).expect("an archive");
    let tar = tar.to_str().expect("UTF-8");
    let listing = run("tar", "tar", &["--numeric-owner", "--utc", "--full-time", "-tvf", tar]);
    let listing: Vec<String> = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.contains("dpkg"))
        .collect();
    let expected = [
        "drwxr-xr-x 0/0 0 2023-11-14 22:13:20 etc/",
        "drwxr-xr-x 0/0 0 1980-01-01 00:00:00 opt/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13:20 usr/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13:20 usr/bin/",
        "drwxr-xr-x 0/0 0 2023-11-14 22:13:20 usr/share/",
        "drwxr-xr-x 0/0 0 1980-01-01 00:00:00 var/",
        "drwxr-xr-x 0/0 0 1980-01-01 00:00:00 var/lib/",
        "-rw-r--r-- 0/0 3 2023-11-14 22:13:20 etc/link",
        "-rwsr-xr-x 0/0 10 2023-11-14 22:13:20 usr/bin/same",
        "hrwsr-xr-x 0/0 0 2023-11-14 22:13:20 usr/bin/tool link to usr/bin/same",
        "lrwxrwxrwx 0/0 0 1980-01-01 00:00:00 bin -> usr/bin",
        "-rwxr-xr-x 0/0 3 1980-01-01 00:00:00 etc/changed",
        "-rwxr-xr-x 0/0 1 1980-01-01 00:00:00 opt/x",
    ];
    assert_eq!(listing, expected);
    run(
        "sh",
        "dash",
        &["-c", &format!("mkdir {0}; tar -C {0} -xf {tar} && test $(cat {0}/etc/link) = old", bench.text("out"))],
    );
}

#[test]
fn what_killed_processes_had_begun_is_removed_and_does_not_stand_in_the_way() {
    let bench = Bench::new();
    let one = two_layers(&bench, Compression::Gzip);
    // 4194305 is one more than the highest number of a process
    let left =
        ["layout/.orchestrate-4194305-0", "layout/blobs/sha256/.orchestrate-4194305-1", "files/.orchestrate-4194305-2"];
    for name in left {
        fs_err::create_dir_all(bench.path(name).parent().expect("a folder")).expect("made");
        fs_err::write(bench.path(name), "half").expect("written");
    }
    let other = bench.path("files/.orchestrate-notes");
    fs_err::write(&other, "of the user").expect("written");
    let begun = Emerging::at(&file_at(&bench, "files/other.tar"), 0o644).expect("begun");
    publish(&bench, "layout", &[("one", std::slice::from_ref(&one))]);
    rootfs(&bench.store, &file_at(&bench, "files/one.tar"), &one).expect("written");
    for name in left {
        assert!(!bench.path(name).exists(), "{name}");
    }
    assert!(other.exists(), "it is not one of ours");
    begun.commit().expect("one that is being written by a living process stays");
    assert!(bench.path("files/other.tar").exists());
}
