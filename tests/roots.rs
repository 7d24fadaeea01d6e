//! Roots made of real packages of Debian 13, and steps that run in them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use orchestrate::model::{Architecture, Digest, Format, PackageId, Platform};
use orchestrate::packages::RootPackage;
use orchestrate::plan::{Network, RootFormat, StepSpec};
use orchestrate::stage::{
    HostNetwork, OutputSink, ResolvedPaths, RootError, RootHandle, RootSpec, RunOptions, Runner as _, Sandbox,
    ShellOnFailure, StageError, compose_root,
};
use orchestrate::store::Store;

use crate::support::trixie::{self, Deb};

const AMD64: Platform = Platform::new(Architecture::Amd64);
const ARM64: Platform = Platform::new(Architecture::Arm64);

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl OutputSink for Lines {
    fn line(&self, text: &str) {
        self.0.lock().expect("nobody panicked").push(text.to_owned());
    }
}

fn sandbox() -> Sandbox {
    Sandbox::of_program(&crate::sandbox::program())
}

fn put(store: &Store, deb: &Deb) -> RootPackage {
    let mut writer = store.blob_writer().expect("a writer");
    io::copy(&mut fs_err::File::open(&deb.path).expect("the package"), &mut writer).expect("copied");
    let (digest, _) = writer.commit().expect("stored");
    let id = PackageId::new(Format::Deb, &deb.name, &deb.version, &deb.architecture).expect("a package");
    RootPackage { id, digest }
}

fn root_of(store: &Store, debs: &[Deb]) -> Result<RootHandle, RootError> {
    let packages: Vec<_> = debs.iter().map(|deb| put(store, deb)).collect();
    let spec =
        RootSpec { format: RootFormat::of(packages.iter().map(|package| &package.id)), platform: AMD64, packages };
    let lines = Lines::default();
    compose_root(store, &spec.key(), &spec, &sandbox(), &lines)
}

fn show(error: &RootError) -> String {
    let tail = if let RootError::Scripts { tail, .. } = error { tail.join("\n") } else { String::new() };
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {source}\n{tail}")
}

/// Runs `script` in `root` for `target`.
fn step(store: &Store, root: &RootHandle, target: Platform, script: &str, log: &Path) -> Result<PathBuf, StageError> {
    let mut spec = StepSpec::new(AMD64, target, Network::None);
    spec.root = vec![root.key()];
    spec.scripts = vec![script.to_owned()];
    let paths = ResolvedPaths { trees: BTreeMap::from([(root.key(), root.path().to_owned())]) };
    let options = RunOptions {
        jobs: 2,
        log: log.to_owned(),
        on_failure: ShellOnFailure::Stop,
        caches: BTreeMap::new(),
        secrets: BTreeMap::new(),
        network: HostNetwork::default(),
    };
    sandbox().run_step(store, &spec, &paths, &options, &Lines::default()).map(|output| output.path)
}

fn try_step(store: &Store, root: &RootHandle, target: Platform, script: &str) -> PathBuf {
    let log = store.root().join("step.log");
    step(store, root, target, script, &log).unwrap_or_else(|error| {
        panic!(
            "{error}: {:?}\n{}",
            std::error::Error::source(&error),
            fs_err::read_to_string(&log).unwrap_or_default()
        );
    })
}

#[test]
fn essential_packages_make_a_root_in_which_dpkg_is_content() {
    let debs = trixie::debs(&[trixie::ESSENTIAL]);
    let digest = |folder: &Path| -> (Digest, Store, RootHandle) {
        let store = Store::open(folder).expect("a store");
        let root = root_of(&store, &debs).unwrap_or_else(|error| panic!("{}", show(&error)));
        (root.digest(), store, root)
    };
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (first, store, root) = digest(one.path());
    let script = "dpkg --audit > \"$OUT/audit\" 2>&1
        dpkg -l > \"$OUT/list\"
        awk 'BEGIN { print \"awk\" }' > \"$OUT/awk\"
        id -un > \"$OUT/user\"
        ls -l /usr/bin/awk /bin/sh >> \"$OUT/awk\"
        [ ! -e /usr/sbin/policy-rc.d ]";
    let out = try_step(&store, &root, AMD64, script);
    let read = |name: &str| fs_err::read_to_string(out.join(name)).expect(name);
    assert_eq!((read("audit").as_str(), read("user").as_str()), ("", "root\n"));
    assert!(read("awk").starts_with("awk\n"), "{}", read("awk"));
    let states: Vec<String> =
        read("list").lines().skip_while(|line| !line.starts_with("ii")).map(|line| line[..2].to_owned()).collect();
    assert_eq!(states.len(), debs.len());
    assert!(states.iter().all(|state| state == "ii"), "{}", read("list"));
    if let Ok(expected) = std::env::var("TEST_ROOT_DIGEST") {
        assert_eq!(first.to_string(), expected, "another user made another root");
        return;
    }
    let (second, ..) = digest(other.path());
    if first != second {
        let diff = std::process::Command::new("diff")
            .args(["-rq", "--no-dereference"])
            .args([one.path(), other.path()].map(|store| store.join("trees/root")))
            .output();
        panic!("{}", String::from_utf8_lossy(&diff.expect("diff").stdout));
    }
}

const ZLIB: &str = "#include <stdio.h>\n#include <zlib.h>\nint main(void) { puts(zlibVersion()); return 0; }\n";

/// Writes the sources that the toolchain test builds.
fn zlib_project(folder: &Path) {
    let write = |name: &str, text: &str| fs_err::write(folder.join(name), text).expect("written");
    write("main.c", ZLIB);
    write("hello.cc", "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }\n");
    write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.21)\nproject(z C)\nfind_package(ZLIB REQUIRED)\nadd_executable(with-cmake main.c)\n\
         target_link_libraries(with-cmake ZLIB::ZLIB)\n",
    );
    write("meson.build", "project('z', 'c')\nexecutable('with-meson', 'main.c', dependencies: dependency('zlib'))\n");
    write("configure.ac", "AC_INIT([z],[1])\nAC_PROG_CC\nAC_CHECK_LIB([z],[zlibVersion])\nAC_OUTPUT\n");
}

#[test]
fn a_toolchain_builds_for_another_platform_with_every_build_system() {
    let wanted = [
        "apt",
        "autoconf",
        "build-essential",
        "cmake",
        "g++-aarch64-linux-gnu",
        "meson",
        "pkgconf",
        "zlib1g-dev:arm64",
    ];
    let debs = trixie::debs(&[&[trixie::ESSENTIAL], &wanted[..]].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let root = root_of(&store, &debs).unwrap_or_else(|error| panic!("{}", show(&error)));
    let source = folder.path().join("source");
    fs_err::create_dir(&source).expect("a folder");
    zlib_project(&source);
    let files: String = ["main.c", "hello.cc", "CMakeLists.txt", "meson.build", "configure.ac"]
        .iter()
        .map(|name| {
            format!("cat > {name} << 'EOF'\n{}EOF\n", fs_err::read_to_string(source.join(name)).expect("written"))
        })
        .collect();
    let script = files
        + "mkdir \"$OUT/bin\"
        $CC $CPPFLAGS $CFLAGS $LDFLAGS main.c $($PKG_CONFIG --cflags --libs zlib) -o \"$OUT/bin/with-pkg-config\"
        $CXX $CPPFLAGS $CXXFLAGS $LDFLAGS hello.cc -o \"$OUT/bin/cxx\"
        $CC_FOR_BUILD main.c -fsyntax-only 2>/dev/null || true
        printf 'int main(void) { return 0; }' > native.c && $CC_FOR_BUILD native.c -o native && ./native
        cmake -S . -B cmake-build && cmake --build cmake-build -j \"$JOBS\" && cp cmake-build/with-cmake \"$OUT/bin\"
        meson setup $MESON_MACHINE meson-build && ninja -C meson-build && cp meson-build/with-meson \"$OUT/bin\"
        autoconf && ./configure $CONFIGURE_HOST > said && grep -q 'cross compiling... yes' said";
    let first = try_step(&store, &root, ARM64, &script);
    for name in ["with-pkg-config", "cxx", "with-cmake", "with-meson"] {
        let header = fs_err::read(first.join("bin").join(name)).expect(name);
        assert_eq!((&header[..4], header[18]), (&b"\x7fELF"[..], 183), "{name} is not for AArch64");
    }
}

#[test]
fn an_ordinary_user_can_make_a_root() {
    let prepare = |folder: &Path| {
        let debs = trixie::debs(&[trixie::ESSENTIAL]);
        let store = Store::open(&folder.join("store")).expect("a store");
        let root = root_of(&store, &debs).unwrap_or_else(|error| panic!("{}", show(&error)));
        vec![(trixie::GIVEN, trixie::copy(&debs, folder)), ("TEST_ROOT_DIGEST", root.digest().to_string().into())]
    };
    crate::sandbox::as_an_ordinary_user(&["roots::essential_packages_make_a_root"], prepare);
}
