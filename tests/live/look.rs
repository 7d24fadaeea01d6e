//! Binaries that were compiled, or taken, for another processor: what they are, and that they run on it.

use std::path::Path;
use std::process::Command;

use super::layout::Unpacked;
use super::live;
use crate::support::text_of;

/// A program of each image, an argument that makes it tell its version, and a word that must be in what it says.
const PROGRAMS: &[(&str, &str, &[&str], &str)] = &[
    ("hello", "/hello", &["-version"], "1.0.0"),
    ("health", "/usr/bin/http-health", &["-version"], "1.0.0"),
    ("dns", "/usr/sbin/unbound", &["-V"], "libevent"),
    ("router", "/usr/bin/caddy", &["list-modules"], "http.handlers.reverse_proxy"),
    ("fileserver", "/usr/bin/dufs", &["--version"], "dufs 0.43.0"),
    ("registry", "/usr/bin/docker-registry", &["--version"], "docker-registry"),
    ("debian", "/bin/bash", &["--version"], "GNU bash"),
    ("builder", "/usr/bin/cmake", &["--version"], "cmake version"),
    ("builder-go", "/usr/lib/go-1.24/bin/go", &["version"], "go1.24"),
    ("builder-rust", "/usr/bin/rustc", &["--version"], "rustc 1.85"),
];

/// `e_machine` of an ELF file, and whether it is of 64 bits in little-endian order.
fn machine(file: &Path) -> Option<(u16, bool)> {
    let bytes = fs_err::read(file).ok()?;
    let header = bytes.strip_prefix(b"\x7fELF")?;
    Some((u16::from_le_bytes([*header.get(14)?, *header.get(15)?]), header.first()? == &2 && header.get(1)? == &1))
}

/// A path of an unpacked root, with links followed within it.
fn inside(root: &Path, path: &str) -> std::path::PathBuf {
    let mut target = root.join(path.trim_start_matches('/'));
    for _ in 0..8 {
        // top folders such as `/bin` are links as well
        let mut walked = root.to_owned();
        let mut again = None;
        for part in target.strip_prefix(root).expect("within").components() {
            walked.push(part);
            if let Ok(link) = fs_err::read_link(&walked) {
                let rest = target.strip_prefix(&walked).expect("a prefix").to_owned();
                let base = match link.is_absolute() {
                    true => root.join(link.strip_prefix("/").expect("absolute")),
                    false => walked.parent().expect("a parent").join(link),
                };
                again = Some(if rest.as_os_str().is_empty() { base } else { base.join(rest) });
                break;
            }
        }
        match again {
            Some(next) => target = next,
            None => return target,
        }
    }
    target
}

/// Each image is unpacked by umoci once for all of this. Toolchains hold files of other processors on purpose.
#[test]
fn promise_5_no_foreign_execution_but_each_binary_is_for_its_platform_and_answers() {
    let live = live();
    let mut silent = PROGRAMS.iter().filter(|(of, ..)| live.has(of)).count();
    for (image, platform) in live.manifests() {
        let (toolchain, foreign) = (image.starts_with("builder"), platform == "linux/arm64");
        let unpacked = Unpacked::new(live, &image, &platform);
        let root = unpacked.root();
        let entries = fs_err::read_dir(&root).expect("a root").count();
        assert!(entries > 0, "{image} {platform} is empty");
        if !toolchain {
            every_binary_is_for(&root, &image, &platform);
        }
        for (_, program, arguments, expected) in PROGRAMS.iter().filter(|(of, ..)| foreign && *of == image) {
            answers(&root, &image, program, arguments, expected);
            silent -= 1;
        }
    }
    assert_eq!(silent, 0, "so many programs did not answer");
}

/// The number of a platform's processor in the header of an ELF file.
fn number(platform: &str) -> u16 {
    match platform {
        "linux/amd64" => 62,
        "linux/arm64" => 183,
        other => panic!("{other}: add its number"),
    }
}

/// A program of an image for arm64, run by an emulator.
fn answers(root: &Path, image: &str, program: &str, arguments: &[&str], expected: &str) {
    let file = inside(root, program);
    assert_eq!(machine(&file), Some((number("linux/arm64"), true)), "{image}: {program}");
    let mut emulator = Command::new("qemu-aarch64-static");
    emulator.arg("-L").arg(root).arg(&file).args(arguments).env("LD_LIBRARY_PATH", "");
    let output = emulator.output().expect("qemu-aarch64-static: install the package `qemu-user-static`");
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains(expected), "{image}: {program} says: {said}");
}

fn every_binary_is_for(root: &Path, image: &str, platform: &str) {
    let listed = text_of("findutils", Command::new("find").arg(root).args(["-xdev", "-type", "f"]));
    let mut count = 0;
    for file in listed.lines() {
        if let Some((machine, _)) = machine(Path::new(file)) {
            assert_eq!(machine, number(platform), "{image} {platform}: {file}");
            count += 1;
        }
    }
    assert!(count > 0 || image == "static", "{image} {platform} holds no program");
}
