//! Everything that a step says of itself is in its key. Each test takes a value apart field by field, so that a new field
//! does not compile until it is listed here: as written into the key, or as left out on purpose.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::Serialize;
use serde_json::Value;

use super::cross::cross_environment;
use super::format::{ImageFormat, RootFormat};
use super::spec::{Input, Network, StepSpec};
use super::step::{
    BaseWork, EditInput, ImageWork, LocalInput, PackageInput, Role, RootEntry, RootWork, SourceInput, SourceWork,
    StageWork, Step, VendorWork, Work,
};
use crate::distribution::world::world;
use crate::lock::StepOwner;
use crate::model::{Architecture, Digest, EPOCH, Format, ImageName, ImagePath, PackageId, Platform, RecipeName, Why};
use crate::recipe::{Image, Loaded, Stage, StepLimits, Unpack, parse};

const AMD64: Platform = Platform::new(Architecture::Amd64);
const ARM64: Platform = Platform::new(Architecture::Arm64);

const RECIPES: &str = r#"
title "Key"
license "MIT"
stage "make" from="builder" { run "true" }
image "builder" { from "scratch"; user "root" reason="it builds"; healthcheck "none" reason="a test" }
image "whole" {
    oci "registry.example.org/a:1@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    user "65532"
    healthcheck "none" reason="a test"
}
"#;

/// A value as it is written into a key must have these fields and no others.
fn assert_written(value: &impl Serialize, of: &str, fields: &[&str]) {
    let Ok(Value::Object(written)) = serde_json::to_value(value) else { panic!("{of} is written as an object") };
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let mut found: Vec<&str> = written.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, fields, "{of}: what is written into the key");
}

/// Takes a value apart, and says which of its fields are in the key and which are not.
macro_rules! in_key {
    ($value:expr, $type:ident { $($field:ident),+ $(; without $($left_out:ident),+)? }) => {{
        let value = $value;
        let $type { $($field: _,)+ $($($left_out: _,)+)? } = value;
        assert_written(value, stringify!($type), &[$(stringify!($field)),+]);
    }};
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

fn package(name: &str) -> PackageInput {
    PackageInput {
        id: PackageId::new(Format::Deb, name, "1", "amd64").expect("a package"),
        why: Why::Selected,
        digest: digest(name),
    }
}

fn spec() -> StepSpec {
    let mut spec = StepSpec::new(AMD64, ARM64, Network::None);
    spec.root = vec![digest("root")];
    spec.inputs = vec![Input { tree: digest("tree"), path: path("/a"), at: path("/b") }];
    spec
}

fn project() -> Loaded {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = vec![file("images/project.kdl", "platforms \"linux/amd64\"\n"), file("images/key/recipe.kdl", RECIPES)];
    parse(files, Utf8Path::new("/nowhere")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn with_project(test: impl FnOnce(&RecipeName, &Stage, &Image)) {
    let loaded = project();
    let (name, set) = loaded.project.recipes.first_key_value().expect("a recipe");
    let recipe = &set.on[&AMD64];
    let image = recipe.images.values().find(|image| image.name.as_str() == "whole").expect("the image");
    test(name, recipe.stages.values().next().expect("the stage"), image);
}

#[test]
fn each_field_of_a_build_step_is_in_its_key() {
    in_key!(&spec(), StepSpec { root, inputs, files, env, scripts, secrets, network, output, caches, limits });
    in_key!(&spec().inputs[0], Input { tree, path, at });
    in_key!(&StepLimits::default(), StepLimits { timeout, memory });
    with_project(|recipe, stage, _| {
        let owner = Some((recipe, StepOwner::Stage("make".parse().expect("a name"))));
        let work = StageWork { format: 1, spec: spec(), owner, stage };
        in_key!(&work, StageWork { format, spec, owner; without stage });
        let vendor = VendorWork { step: work, expected: Some(digest("tree")) };
        // the fields of `step` are written beside the others
        let VendorWork { step: _, expected: _ } = &vendor;
        assert_written(&vendor, "VendorWork", &["format", "spec", "owner", "expected"]);
    });
}

#[test]
fn what_a_step_sees_of_its_platforms_is_in_its_key() {
    let key = |build, target, network| Digest::of_value(&StepSpec::new(build, target, network));
    let keys = [
        key(AMD64, AMD64, Network::None),
        key(AMD64, ARM64, Network::None),
        key(ARM64, ARM64, Network::None),
        key(ARM64, AMD64, Network::None),
        key(AMD64, AMD64, Network::Host),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    let (spec, cross) = (StepSpec::new(AMD64, ARM64, Network::None), cross_environment(AMD64, ARM64, Network::None));
    assert_eq!((&spec.env, &spec.files), (&cross.variables, &cross.files));
}

#[test]
fn each_field_of_a_root_is_in_its_key() {
    let work =
        RootWork { format: RootFormat::of([]), platform: AMD64, packages: vec![package("a")], entries: Vec::new() };
    in_key!(&work, RootWork { format, platform, packages, entries });
    let package = package("a");
    in_key!(&package.id, PackageId { name, architecture, version, format });
    // what says which package it is stands beside the rest
    let PackageInput { id: _, why: _, digest: _ } = &package;
    assert_written(&package, "PackageInput", &["name", "architecture", "version", "format", "why", "digest"]);
    let local = LocalInput { path: "a".into(), digest: digest("a") };
    in_key!(&local, LocalInput { digest; without path });
    let variant = |entry: &RootEntry| match serde_json::to_value(entry) {
        Ok(Value::Object(written)) => written.into_iter().next().map(|(_, value)| value).expect("a variant"),
        other => panic!("{other:?}"),
    };
    let file = RootEntry::File { path: path("/a"), text: String::new(), executable: true };
    assert_written(&variant(&file), "RootEntry::File", &["path", "text", "executable"]);
    let link = RootEntry::Symlink { path: path("/a"), target: "b".to_owned() };
    assert_written(&variant(&link), "RootEntry::Symlink", &["path", "target"]);
    let tree = RootEntry::Tree { need: 0, path: path("/a"), to: path("/b") };
    assert_written(&variant(&tree), "RootEntry::Tree", &["need", "path", "to"]);
    let local = RootEntry::Local { input: local, to: path("/b") };
    assert_written(&variant(&local), "RootEntry::Local", &["input", "to"]);
}

#[test]
fn each_field_of_a_source_is_in_its_key() {
    let input = SourceInput::Vendor;
    let work = SourceWork { format: 1, input, edits: Vec::new() };
    in_key!(&work, SourceWork { format, input, edits });
    let variant = |input: &SourceInput| serde_json::to_value(input).expect("JSON");
    let git = SourceInput::Git { url: "u".to_owned(), commit: "c".to_owned(), tree: digest("t") };
    assert_written(&variant(&git)["git"], "SourceInput::Git, whose address is not what it is", &["commit", "tree"]);
    let download = SourceInput::Download { name: "n".to_owned(), digest: digest("d"), unpack: Unpack::Tar, strip: 1 };
    let written = ["name", "digest", "unpack", "strip"];
    assert_written(&variant(&download)["download"], "SourceInput::Download", &written);
    let package = SourceInput::Package { format: Format::Deb, files: vec![("f".to_owned(), digest("f"))] };
    assert_written(&variant(&package)["package"], "SourceInput::Package", &["format", "files"]);
    let local = SourceInput::Local { path: "p".into(), tree: digest("t") };
    assert_written(&variant(&local)["local"], "SourceInput::Local, whose place is not what it is", &["tree"]);
    let edit = |edit: EditInput, name: &str| serde_json::to_value(&edit).expect("JSON")[name].clone();
    let patch = edit(EditInput::Patch { path: "p".into(), digest: digest("p"), strip: 1 }, "patch");
    assert_written(&patch, "EditInput::Patch, whose place is not what it is", &["digest", "strip"]);
    let (file, old, new) = ("f".to_owned(), "o".to_owned(), "n".to_owned());
    let replace = edit(EditInput::Replace { file, old, new }, "replace");
    assert_written(&replace, "EditInput::Replace", &["file", "old", "new"]);
}

#[test]
fn each_field_of_an_image_is_in_its_key() {
    with_project(|_, _, image| {
        let packages = vec![package("a")];
        let work = ImageWork {
            format: ImageFormat::of(&packages),
            platform: AMD64,
            image,
            labels: BTreeMap::new(),
            created: EPOCH,
            packages,
            local: BTreeMap::new(),
        };
        in_key!(&work, ImageWork { format, platform, image, labels, created, packages, local });
        let crate::recipe::Base::Oci(reference) = &image.from else { panic!("{:?}", image.from) };
        let base = BaseWork {
            format: 1,
            platform: AMD64,
            name: ImageName::new("whole").expect("a name"),
            config: digest("config"),
            layers: vec![digest("layer")],
            reference,
        };
        in_key!(&base, BaseWork { format, platform, name, config, layers; without reference });
    });
}

#[test]
fn each_part_of_an_image_is_in_its_key() {
    with_project(|_, _, image| {
        let mut written = serde_json::to_value(image).expect("JSON");
        // written where it is not the usual value alone, so that older keys hold
        written["emulate"] = Value::Null;
        let Image {
            name: _,
            from: _,
            distribution: _,
            packages: _,
            selections: _,
            recommends: _,
            configure: _,
            emulate: _,
            policy: _,
            entries: _,
            accounts: _,
            groups: _,
            config: _,
            runtime: _,
            labels: _,
            annotations: _,
            layers: _,
            compression: _,
            waivers: _,
        } = image;
        let fields = [
            "name",
            "from",
            "distribution",
            "packages",
            "selections",
            "recommends",
            "configure",
            "emulate",
            "policy",
            "entries",
            "accounts",
            "groups",
            "config",
            "runtime",
            "labels",
            "annotations",
            "layers",
            "compression",
            "waivers",
        ];
        assert_written(&written, "Image", &fields);
    });
}

#[test]
fn the_rules_are_in_the_key_of_an_image_that_they_shape() {
    let rules = world(Format::Deb).expect("a world").model().fingerprint();
    assert!(rules.len() == 32 && rules.bytes().all(|digit| digit.is_ascii_hexdigit()), "{rules}");
    let written = |packages: &[PackageInput]| serde_json::to_value(ImageFormat::of(packages)).expect("JSON");
    assert_eq!(written(&[package("a")])["rules"], rules);
    assert_eq!(written(&[])["rules"], Value::Null);
}

#[test]
fn what_a_step_needs_and_what_for_is_in_its_key() {
    let work = || Work::Source(SourceWork { format: 1, input: SourceInput::Vendor, edits: Vec::new() });
    let key = |role: Role, needed: &str| Step::key_of(&work(), &[(role, digest(needed))]);
    let keys = [
        Step::key_of(&work(), &[]),
        key(Role::Root, "a"),
        key(Role::Root, "b"),
        key(Role::Tree, "a"),
        key(Role::Base, "a"),
        key(Role::Mount { at: path("/a") }, "a"),
        key(Role::Mount { at: path("/b") }, "a"),
        key(Role::Part { path: path("/a"), to: path("/b") }, "a"),
        key(Role::Part { path: path("/b"), to: path("/b") }, "a"),
        key(Role::Part { path: path("/a"), to: path("/a") }, "a"),
        key(Role::Entry { index: 0 }, "a"),
        key(Role::Entry { index: 1 }, "a"),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
}
