//! Images built on images.

use super::bench::{Bench, entry, plain};
use crate::image::{BuiltImage, CopyContent, oci};
use crate::model::{ImagePath, Spanned};
use crate::packages::Shelf;
use crate::recipe::{CopyFrom, EnvVar, Image, ImageEntryKind};

fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

fn with(entries: Vec<ImageEntryKind>) -> Image {
    let mut image = plain("upper");
    image.entries = entries.into_iter().map(entry).collect();
    image
}

fn files(bench: &Bench, image: &BuiltImage, layer: usize) -> Vec<String> {
    let listing = bench.list(image, layer);
    let names = listing.lines().map(|line| line.split_whitespace().nth(5).unwrap_or_default().to_owned());
    names.filter(|name| !name.ends_with('/') && !name.contains("dpkg")).collect()
}

#[test]
fn the_layers_of_a_base_are_reused_as_they_are() {
    let bench = Bench::new();
    let (one, two) = (
        bench.build(&bench.deb("one").file("usr/bin/one", "1")),
        bench.build(&bench.deb("two").file("usr/bin/two", "2")),
    );
    let mut lower = plain("lower");
    lower.config.env = vec![EnvVar { name: "A".into(), value: "1".into(), doc: None }];
    let lower = bench.image(&lower, None, &[one]);
    let upper = bench.image(&plain("upper"), Some(&lower), &[two]);
    assert_eq!(upper.layers[0], lower.layers[0]);
    assert_eq!(files(&bench, &upper, 1), ["usr/bin/two"]);
    let packages: Vec<String> = upper.packages.iter().map(|package| package.id.qualified_name()).collect();
    assert_eq!(packages, ["one:amd64", "two:amd64"]);
    let tree = upper.tree(&bench.store).expect("its tree");
    let status = Shelf::new(&bench.store).read(&tree, &path("var/lib/dpkg/status")).expect("a database");
    let status = String::from_utf8(status).expect("text");
    assert!(status.contains("Package: one\n") && status.contains("Package: two\n"), "{status}");
    let config = fs_err::read(bench.store.blob_path(&upper.config.digest)).expect("a configuration");
    let config: oci::ImageConfig = serde_json::from_slice(&config).expect("of ours");
    assert_eq!(
        (config.config.env.as_slice(), config.rootfs.diff_ids.len(), config.history.len()),
        (&["A=1".to_owned()][..], 2, 2)
    );
}

#[test]
fn what_is_removed_of_a_base_is_hidden() {
    let bench = Bench::new();
    let deb = bench
        .deb("one")
        .file("usr/share/one/a", "a")
        .file("usr/share/one/b", "b")
        .file("etc/c", "c")
        .file("etc/d", "d");
    let lower = bench.image(&plain("lower"), None, &[bench.build(&deb)]);
    let remove = |at: &str| ImageEntryKind::Remove { path: path(at) };
    let again = ImageEntryKind::File { path: path("/usr/share/one/b"), text: "new".into() };
    let same = ImageEntryKind::File { path: path("/etc/d"), text: "new".into() };
    let upper = with(vec![remove("/etc/c"), remove("/usr/share/one"), again, remove("/etc/d"), same]);
    let upper = bench.image(&upper, Some(&lower), &[]);
    assert_eq!(files(&bench, &upper, 1), ["etc/.wh.c", "usr/share/one/.wh..wh..opq", "etc/d", "usr/share/one/b"]);
    let tree = upper.tree(&bench.store).expect("its tree");
    assert!(tree.get(&path("etc/c")).is_none() && tree.get(&path("usr/share/one/a")).is_none());
}

#[test]
fn a_package_may_replace_a_file_of_the_base() {
    let bench = Bench::new();
    let old = bench.build(&bench.deb("old").file("usr/bin/tool", "old"));
    let lower = bench.image(&plain("lower"), None, &[old]);
    let rude = bench.build(&bench.deb("rude").file("usr/bin/tool", "new"));
    let error = bench.try_image(&plain("upper"), Some(&lower), &[rude], &[]).expect_err("it does not say so");
    assert!(
        error
            .to_string()
            .ends_with("`/usr/bin/tool` is a file of old:amd64 in the base image and a file of rude:amd64")
    );
    let polite = bench.build(&bench.deb("polite").field("Replaces: old").file("usr/bin/tool", "new"));
    let upper = bench.image(&plain("upper"), Some(&lower), &[polite]);
    let tree = upper.tree(&bench.store).expect("its tree");
    let read =
        |at: &str| String::from_utf8(Shelf::new(&bench.store).read(&tree, &path(at)).expect("a file")).expect("text");
    assert_eq!(read("usr/bin/tool"), "new");
    assert_eq!(read("var/lib/dpkg/info/old.list"), "/.\n/usr\n/usr/bin\n");
}

#[test]
fn files_of_another_image_keep_their_owners_and_links() {
    let bench = Bench::new();
    let deb = bench
        .deb("one")
        .file_with("opt/x/tool", b"x", 0o4755)
        .hardlink("opt/x/same", "opt/x/tool")
        .symlink("opt/x/link", "tool");
    let other = bench.image(&plain("other"), None, &[bench.build(&deb)]);
    let copy = ImageEntryKind::Copy {
        from: CopyFrom::Image(
            Spanned::new("other".parse().expect("a name"), super::bench::nowhere()),
            Spanned::new(path("opt/x"), super::bench::nowhere()),
        ),
        to: path("/srv/y"),
    };
    let content = CopyContent::Image(Box::new(other), path("opt/x"));
    let image = bench.try_image(&with(vec![copy]), None, &[], &[content]).expect("an image");
    let listing = bench.list(&image, 0);
    assert!(listing.contains("-rwsr-xr-x 0/0 1 2023-11-14 22:13:20 srv/y/tool\n"), "{listing}");
    assert!(listing.contains("srv/y/link -> tool\n") && listing.contains("srv/y/same\n"), "{listing}");
}

#[test]
fn an_image_is_whole_until_the_store_loses_a_part() {
    let bench = Bench::new();
    let lower = bench.image(&plain("lower"), None, &[bench.build(&bench.deb("one").file("etc/x", "x"))]);
    assert!(lower.is_whole(&bench.store));
    let state = bench.store.blob_path(&lower.state);
    fs_err::remove_file(state).expect("it was there");
    assert!(!lower.is_whole(&bench.store));
    let error = bench.try_image(&plain("upper"), Some(&lower), &[], &[]).expect_err("it cannot be built on");
    assert!(error.to_string().starts_with("the state of an image (sha256:"), "{error}");
}
