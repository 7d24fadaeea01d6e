//! The programs that archives are compared with, and how they are called.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::super::{Entry, EntryKind, TarWriter};
use crate::model::Mode;

/// Runs a program with `input` on its standard input and gives its standard output; it must succeed.
pub(super) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let (success, stdout, stderr) = attempt(program, arguments, input);
    assert!(success, "{program} {arguments:?} failed: {stderr}");
    stdout
}

/// As [`run`], but failing is an answer.
pub(super) fn attempt(program: &str, arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
    let package = match program {
        "ar" | "readelf" => "binutils",
        "xz" => "xz-utils",
        "dpkg-deb" => "dpkg",
        "ldconfig" => "libc-bin",
        other => other,
    };
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; install the package {package}"));
    let mut stdin = child.stdin.take().expect("was asked for");
    let input = input.to_vec();
    // a program may write before it has read all, or stop reading early
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("can be waited for");
    feeder.join().expect("does not panic");
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An entry owned by root, of 1980.
pub(super) fn entry(path: &str, kind: EntryKind) -> Entry {
    let mode = if kind == EntryKind::Dir { 0o755 } else { 0o644 };
    let path = path.parse().expect("a path");
    Entry { path, kind, mode: Mode::from_bits(mode), uid: 0, gid: 0, mtime: 315_532_800, xattrs: Vec::new() }
}

/// A file and its content.
pub(super) fn file<'a>(path: &str, content: &'a [u8]) -> (Entry, &'a [u8]) {
    (entry(path, EntryKind::File { size: content.len() as u64 }), content)
}

/// An archive with these entries.
pub(super) fn tar(entries: &[(Entry, &[u8])]) -> Vec<u8> {
    let mut writer = TarWriter::new(Vec::new());
    for (entry, content) in entries {
        writer.append(entry, *content).expect("can be written");
    }
    writer.finish().expect("a vector takes all")
}
