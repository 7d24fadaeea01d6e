//! `/etc/ld.so.cache` as the model writes it against what the real `ldconfig` makes of the same libraries, byte by byte.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use orchestrate::archive::{Control, Entry, EntryKind};
use orchestrate::distribution::debian::Debian;
use orchestrate::distribution::system::{Extent, PackageState, UnpackedPackage, UnpackedSystem};
use orchestrate::distribution::world::World as _;
use orchestrate::model::{EPOCH, Format, ImagePath, PackageId, Platform, Why};

use crate::fidelity::tree::MemoryTree;
use crate::support::{text_of, tool, write};

const MULTIARCH: &str = "usr/lib/x86_64-linux-gnu";

/// Compiles a library with a name of its own and more options of the linker.
fn library(root: &Path, path: &str, soname: Option<&str>, options: &[&str]) {
    let target = root.join(path);
    fs_err::create_dir_all(target.parent().expect("a parent")).expect("made");
    let mut compile = Command::new("gcc");
    compile.args(["-shared", "-nostdlib", "-fPIC", "-x", "c", "/dev/null", "-o"]).arg(&target);
    compile.args(soname.map(|name| format!("-Wl,-soname,{name}"))).args(options);
    tool("gcc", &mut compile);
}

fn root(libraries: &dyn Fn(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs_err::create_dir_all(root.join(MULTIARCH)).expect("made");
    fs_err::create_dir_all(root.join("usr/local/lib")).expect("made");
    symlink("usr/lib", root.join("lib")).expect("linked");
    write(&root.join("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n");
    write(&root.join("etc/ld.so.conf.d/libc.conf"), "# a remark\n/usr/local/lib\n");
    let multiarch = "/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu\n";
    write(&root.join("etc/ld.so.conf.d/x86_64-linux-gnu.conf"), multiarch);
    libraries(root);
    folder
}

/// The version as the C library's package writes it, from what `ldconfig` says of itself.
fn version() -> String {
    let text = text_of("libc-bin", Command::new("ldconfig").arg("--version"));
    let (_, rest) = text.split_once("GLIBC ").expect("Debian's ldconfig names its version");
    rest.split(')').next().expect("a bracket").to_owned()
}

fn packages(version: &str) -> Vec<UnpackedPackage> {
    let package = |name: &str| UnpackedPackage {
        id: PackageId::new(Format::Deb, name, version, "amd64").expect("a package"),
        control: Control {
            control: format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\n"),
            files: BTreeMap::new(),
        },
        entries: Vec::new(),
        state: PackageState::Unpacked,
        why: Why::Asked,
    };
    vec![package("libc6"), package("libc-bin")]
}

/// Compares cache and links.
fn compare(libraries: &dyn Fn(&Path)) {
    let folder = root(libraries);
    let tree = MemoryTree::read(folder.path());
    let platform: Platform = "linux/amd64".parse().expect("a platform");
    let system = UnpackedSystem { platform, packages: &packages(&version()), tree: &tree, moment: EPOCH };
    let configured = Debian.model().configure(Extent::Configured, &system).expect("configures");
    tool("libc-bin", Command::new("ldconfig").arg("-r").arg(folder.path()).arg("-X"));
    let at = |path: &str| ImagePath::new(path.as_bytes()).expect("a path");
    let ours = configured.files.iter().find(|(entry, _)| entry.path == at("etc/ld.so.cache")).expect("a cache");
    let theirs = fs_err::read(folder.path().join("etc/ld.so.cache")).expect("a cache");
    let shown = |cache: &[u8]| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs_err::write(file.path(), cache).expect("written");
        let text = text_of("libc-bin", Command::new("ldconfig").arg("-p").arg("-C").arg(file.path()));
        // the first line names the file
        text.lines().skip(1).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shown(&ours.1), shown(&theirs));
    assert!(ours.1 == theirs, "the caches say the same and differ in their bytes:\n{ours:x?}\n{theirs:x?}");
    // links that are missing are made by both: without -X now
    tool("libc-bin", Command::new("ldconfig").arg("-r").arg(folder.path()).arg("-N"));
    let made: Vec<&Entry> = configured
        .files
        .iter()
        .map(|(entry, _)| entry)
        .filter(|entry| matches!(entry.kind, EntryKind::Symlink { .. }) && entry.path.to_string().contains("/lib"))
        .collect();
    for entry in made {
        let EntryKind::Symlink { target } = &entry.kind else { continue };
        let link = fs_err::read_link(folder.path().join(entry.path.as_relative())).expect("ldconfig makes it too");
        assert_eq!(link.as_os_str().as_encoded_bytes(), target.as_slice(), "{}", entry.path);
    }
}

#[test]
fn the_cache_of_plain_libraries_is_ldconfigs() {
    compare(&|root| {
        for (name, soname) in [
            ("libz.so.1.3.1", Some("libz.so.1")),
            ("libz.so.1.2.9", Some("libz.so.1")),
            ("libcrypto.so.3", Some("libcrypto.so.3")),
            ("libicudata.so.76.1", Some("libicudata.so.76")),
            ("libicudata.so.9.1", Some("libicudata.so.9")),
            ("libbar-1.2.so", None),
            ("libfoo_a.so.10", Some("libfoo_a.so.10")),
            ("libfoo-a.so.2", Some("libfoo-a.so.2")),
        ] {
            library(root, &format!("{MULTIARCH}/{name}"), soname, &[]);
        }
        symlink("libcrypto.so.3", root.join(MULTIARCH).join("libcrypto.so")).expect("linked");
        library(root, "usr/local/lib/libz.so.1", Some("libz.so.1"), &[]);
        write(&root.join(MULTIARCH).join("libtext.so"), "GROUP ( libz.so.1 )\n");
        write(&root.join(MULTIARCH).join("README"), "no library\n");
        let program = root.join(MULTIARCH).join("libtext.so");
        fs_err::set_permissions(program, std::fs::Permissions::from_mode(0o644)).expect("changed");
    });
}

#[test]
fn the_cache_of_libraries_for_better_processors_is_ldconfigs() {
    compare(&|root| {
        library(root, &format!("{MULTIARCH}/libfoo.so.1"), Some("libfoo.so.1"), &[]);
        library(root, &format!("{MULTIARCH}/libbar.so.2"), Some("libbar.so.2"), &[]);
        for level in ["x86-64-v4", "x86-64-v2", "x86-64-v3"] {
            let need = format!("-Wl,-z,{level}");
            let path = format!("{MULTIARCH}/glibc-hwcaps/{level}/libfoo.so.1");
            library(root, &path, Some("libfoo.so.1"), &[&need]);
        }
        library(root, &format!("{MULTIARCH}/glibc-hwcaps/x86-64-v3/libbar.so.2"), Some("libbar.so.2"), &[]);
        library(root, &format!("{MULTIARCH}/glibc-hwcaps/x86-64-v4/libbaz.so.2"), Some("libbaz.so.2"), &[]);
    });
}
