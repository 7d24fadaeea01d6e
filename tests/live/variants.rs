//! The variants of Debian for every platform that Debian has, from the recipe of this repository; looked at with skopeo,
//! dpkg and readelf. No program of a foreign platform runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::minbase::write_project;
use super::{empty, program};
use crate::fidelity::MINBASE;
use crate::fidelity::compare::compare;
use crate::fidelity::reference::Reference;
use crate::support::{text_of, tool};

const VARIANTS: &[&str] = &["debian", "debian-buildd", "debian-no-apt"];

/// Those that the model knows all scripts of: what builds packages, of Debian 13 alone.
fn variants(suite: &str) -> &'static [&'static str] {
    if suite == "trixie" { VARIANTS } else { &["debian", "debian-no-apt"] }
}

/// A platform, what Debian calls it, what readelf calls its machine, and the suite of the test: Debian 12 has no riscv64,
/// and is the one that mirrors keep whole for the others.
const PLATFORMS: [(&str, &str, &str, &str); 7] = [
    ("linux/amd64", "amd64", "X86-64", "bookworm"),
    ("linux/arm64", "arm64", "AArch64", "bookworm"),
    ("linux/arm/v7", "armhf", "ARM", "bookworm"),
    ("linux/386", "i386", "Intel 80386", "bookworm"),
    ("linux/ppc64le", "ppc64el", "PowerPC64", "bookworm"),
    ("linux/s390x", "s390x", "IBM S/390", "bookworm"),
    ("linux/riscv64", "riscv64", "RISC-V", "trixie"),
];

/// The variants of a suite for its platforms above, built once.
fn built(suite: &'static str) -> &'static Path {
    static BUILT: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    BUILT[usize::from(suite == "trixie")].get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("variants-{suite}"));
        write_project(&folder, suite);
        let file = folder.join("images/project.kdl");
        let text = fs_err::read_to_string(&file).expect("a project");
        // the release as it is: of rarer platforms, mirrors may lag behind with what is added to it
        let added = |line: &str| line.contains("-updates\"") || line.contains("use \"debian-security\"");
        let kept = text.lines().filter(|line| !added(line));
        let platforms: Vec<String> = of(suite).map(|(platform, ..)| format!("\"{platform}\"")).collect();
        let platforms = format!("platforms {}", platforms.join(" "));
        let line = |line: &str| if line.starts_with("platforms ") { platforms.clone() } else { line.to_owned() };
        let lines: Vec<String> = kept.map(line).collect();
        fs_err::write(&file, lines.join("\n") + "\n").expect("written");
        tool("orchestrate", orchestrate(&folder).args(["refresh", "debian"]));
        tool("orchestrate", orchestrate(&folder).arg("build").args(variants(suite)));
        folder
    })
}

/// The variants as the recipe has them, pinned and built for this platform once.
pub(super) fn current() -> &'static Path {
    static CURRENT: OnceLock<PathBuf> = OnceLock::new();
    CURRENT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("variants-current");
        write_project(&folder, "trixie");
        tool("orchestrate", orchestrate(&folder).args(["refresh", "debian"]));
        tool("orchestrate", orchestrate(&folder).arg("build").args(VARIANTS).args(["--platform", "linux/amd64"]));
        folder
    })
}

fn of(suite: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PLATFORMS
        .into_iter()
        .filter(move |platform| platform.3 == suite)
        .map(|(name, deb, machine, _)| (name, deb, machine))
}

pub(super) fn orchestrate(folder: &Path) -> Command {
    program(Path::new(env!("CARGO_BIN_EXE_orchestrate")), folder)
}

/// Package database and shell of an image, unpacked by tar.
fn unpacked(project: &Path, image: &str, platform: &str) -> PathBuf {
    let root = project.join("unpacked").join(format!("{image}-{}", platform.replace('/', "-")));
    empty(&root);
    fs_err::create_dir_all(&root).expect("made");
    let tar = root.with_extension("tar");
    let output = format!("--output=rootfs:{}", tar.display());
    tool("orchestrate", orchestrate(project).args(["build", image, "--platform", platform, &output]));
    let mut unpack = Command::new("tar");
    unpack.arg("-xf").arg(&tar).arg("-C").arg(&root);
    tool("tar", unpack.args(["--wildcards", "*var/lib/dpkg/*", "*bin/dash", "bin"]));
    fs_err::remove_file(&tar).expect("removed");
    root
}

fn every_variant_is_whole(suite: &'static str) {
    let project = built(suite);
    for &image in variants(suite) {
        let mut inspect = Command::new("skopeo");
        inspect.args(["inspect", "--raw", &format!("oci:{}:{image}", project.join("dist").display())]);
        let index: serde_json::Value = serde_json::from_str(&text_of("skopeo", &mut inspect)).expect("JSON");
        let name = |one: &serde_json::Value| {
            let words =
                ["os", "architecture", "variant"].map(|word| one["platform"][word].as_str().unwrap_or_default());
            words.join("/").trim_end_matches('/').to_owned()
        };
        let manifests = index["manifests"].as_array().expect("an index");
        let listed: Vec<String> = manifests.iter().map(name).filter(|name| !name.starts_with("unknown")).collect();
        for (platform, deb, machine) in of(suite) {
            assert!(listed.iter().any(|listed| listed.starts_with(platform)), "{image}: {platform} of {listed:?}");
            let root = unpacked(project, image, platform);
            let header = text_of("binutils", Command::new("readelf").arg("-h").arg(root.join("bin/dash")));
            assert!(header.contains(machine), "{image} {platform}: {header}");
            packages_are_whole(&root, image, deb);
        }
    }
}

fn packages_are_whole(root: &Path, image: &str, deb: &str) {
    let dpkg = |arguments: &[&str]| {
        let mut command = Command::new("dpkg");
        text_of("dpkg", command.arg(format!("--root={}", root.display())).args(arguments))
    };
    // this machine's dpkg takes packages of its own kind alone for native
    if dpkg(&["--print-architecture"]).trim() != deb {
        dpkg(&["--add-architecture", deb]);
    }
    assert_eq!(dpkg(&["--audit"]), "", "{image} {deb}");
    let mut query = Command::new("dpkg-query");
    query.arg(format!("--admindir={}", root.join("var/lib/dpkg").display()));
    let listed = text_of("dpkg", query.args(["-W", "-f", "${Package} ${Architecture} ${db:Status-Abbrev}\n"]));
    let has = |name: &str| listed.lines().any(|line| line.split(' ').next() == Some(name));
    assert!(listed.lines().all(|line| line.ends_with(" ii ")), "{image} {deb}: {listed}");
    let foreign = |line: &&str| !line.contains(&format!(" {deb} ")) && !line.contains(" all ");
    assert_eq!(listed.lines().filter(foreign).count(), 0, "{image} {deb}: {listed}");
    let expected = [("dpkg", true), ("apt", image != "debian-no-apt"), ("build-essential", image == "debian-buildd")];
    for (name, expected) in expected {
        assert_eq!(has(name), expected, "{image} {deb}: {name}\n{listed}");
    }
}

#[test]
fn every_variant_of_debian_is_whole_for_every_platform_of_bookworm() {
    every_variant_is_whole("bookworm");
}

#[test]
fn every_variant_of_debian_is_whole_for_riscv64() {
    every_variant_is_whole("trixie");
}

/// mmdebstrap's own variant of this name is minbase and build-essential as well.
#[test]
fn debian_buildd_has_the_files_of_mmdebstrap() {
    let folder = current();
    let tar = folder.join("root.tar");
    let output = format!("--output=rootfs:{}", tar.display());
    tool("orchestrate", orchestrate(folder).args(["build", "debian-buildd", "--platform", "linux/amd64", &output]));
    let reference = Reference::make("trixie", &["build-essential"], "linux/amd64".parse().expect("a platform"));
    let open = |path: &Path| fs_err::File::open(path).expect("a root file system");
    let differences = compare(open(&tar), open(&reference.tar()), MINBASE);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
