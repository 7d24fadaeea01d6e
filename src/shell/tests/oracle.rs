//! Runs a script in a real shell and in the interpreter, and compares what they print, their status, and the files that
//! they leave.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::{Dialect, FileKind, Files as _, Memory, Outcome, Quota, Script, Unsupported, run};

/// What is in the folder at first: path and content; a path that ends in `/` is a folder, a content `-> X` a link.
pub(super) type Tree<'a> = &'a [(&'a str, &'a str)];

/// What the interpreter makes of a script.
pub(super) fn interpreted(
    text: &str,
    dialect: Dialect,
    tree: Tree<'_>,
    limits: Quota,
) -> (Result<Outcome, Unsupported>, Memory) {
    let mut memory = Memory::default();
    for (path, content) in tree {
        let path = format!("/{path}");
        match content.strip_prefix("-> ") {
            _ if path.ends_with('/') => memory.put(path.trim_end_matches('/'), FileKind::Folder, 0o755, Vec::new()),
            Some(target) => memory.put(&path, FileKind::Link(target.to_owned()), 0o777, Vec::new()),
            None => memory.put(&path, FileKind::File, 0o644, content.as_bytes().to_vec()),
        }
    }
    let environment = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
    let script =
        Script { text, dialect, name: "script", arguments: &["first", "the second"], environment: &environment };
    let outcome = run(&script, limits, &mut memory);
    (outcome, memory)
}

/// What a real shell makes of it: status, output, files.
fn real(text: &str, shell: &str, tree: Tree<'_>) -> (i32, String, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, content) in tree {
        let place = folder.path().join(path);
        match content.strip_prefix("-> ") {
            _ if path.ends_with('/') => fs_err::create_dir_all(&place).expect("made"),
            Some(target) => fs_err::os::unix::fs::symlink(target, &place).expect("linked"),
            None => fs_err::write(&place, content).expect("written"),
        }
        if content.strip_prefix("-> ").is_none() {
            let mode = if path.ends_with('/') { 0o755 } else { 0o644 };
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).expect("changed");
        }
    }
    let mut command = Command::new(shell);
    command.args(["-c", &format!("umask 022\n{text}"), "script", "first", "the second"]);
    command.current_dir(folder.path()).env_clear().env("HOME", "/root").env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("install the package `{shell}`: {error}"));
    let mut files = Vec::new();
    list(folder.path(), "", &mut files);
    files.sort();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned(), files)
}

fn list(folder: &Path, below: &str, files: &mut Vec<String>) {
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let place = entry.expect("an entry").path();
        let path = format!("{below}/{}", place.file_name().expect("a name").to_string_lossy());
        let data = fs_err::symlink_metadata(&place).expect("there");
        let mode = data.permissions().mode() & 0o7777;
        if data.is_symlink() {
            files.push(format!("{path} -> {}", fs_err::read_link(&place).expect("a link").display()));
        } else if data.is_dir() {
            files.push(format!("{path} folder {mode:o}"));
            list(&place, &path, files);
        } else {
            let content = fs_err::read(&place).expect("a file");
            files.push(format!("{path} file {mode:o} {:?}", String::from_utf8_lossy(&content)));
        }
    }
}

/// What differs between the interpreter and a real shell; nothing where all is the same.
pub(super) fn difference(text: &str, shell: &str, tree: Tree<'_>) -> Option<String> {
    let dialect = if shell == "bash" { Dialect::Bash } else { Dialect::Posix };
    let (status, output, files) = real(text, shell, tree);
    let (ours, memory) = interpreted(text, dialect, tree, Quota::default());
    let ours = match ours {
        Ok(ours) => ours,
        Err(refusal) => return Some(format!("{text}\nrefused: {refusal}\n{shell}: {status} {output:?}")),
    };
    let ours_output = String::from_utf8_lossy(&ours.output).into_owned();
    let mut ours_files = memory.listed();
    ours_files.sort();
    let mut said = String::new();
    if (ours.status, &ours_output) != (status, &output) {
        said = format!("ours: {} {ours_output:?}\n{shell}: {status} {output:?}\n", ours.status);
    }
    if ours_files != files {
        let missing = files.iter().filter(|line| !ours_files.contains(line));
        let added = ours_files.iter().filter(|line| !files.contains(line));
        said += &missing
            .map(|line| format!("{shell} alone: {line}\n"))
            .chain(added.map(|line| format!("ours alone: {line}\n")))
            .collect::<String>();
    }
    let errors = String::from_utf8_lossy(&ours.errors).into_owned();
    (!said.is_empty()).then(|| format!("--- {text}\n{said}{errors}"))
}

/// Fails where one of the scripts differs.
pub(super) fn same(shell: &str, tree: Tree<'_>, scripts: &[&str]) {
    let differences: Vec<String> = scripts.iter().filter_map(|text| difference(text, shell, tree)).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), scripts.len(), differences.join("\n"));
}

#[test]
fn the_oracle_sees_a_difference() {
    assert!(difference("echo $PPID", "dash", &[]).is_some());
    let mut memory = Memory::default();
    memory.put("/a", FileKind::File, 0o600, b"x".to_vec());
    assert_eq!(memory.listed(), ["/a file 600 \"x\""]);
    assert_eq!(memory.read("/b"), Err(super::super::Trouble::Missing));
}
