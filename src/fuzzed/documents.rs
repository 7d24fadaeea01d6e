//! Documents of registries, layouts, git repositories and hosts, and our own records, which a disk may have damaged.

use std::collections::BTreeMap;

use super::{parts, text};
use crate::beneath::Dir;
use crate::fetch::fuzzed as fetch;
use crate::image::fuzzed as image;
use crate::image::oci::{ImageConfig, Index, Manifest};
use crate::shell::{Dialect, FileKind, Memory, Quota, Script, run};
use crate::stage::source::apply_patch;

/// Any bytes as a manifest, an index and a configuration of an image: what is accepted is written as the same.
pub fn oci(bytes: &[u8]) {
    again::<Manifest>(bytes);
    again::<Index>(bytes);
    again::<ImageConfig>(bytes);
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(document) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_vec(&document).expect("serialises");
        assert_eq!(serde_json::from_slice::<T>(&written).expect("was just written"), document);
    }
}

/// Any bytes as records of the store: of packages, of trees of images, of results.
pub fn record(bytes: &[u8]) {
    crate::packages::fuzzed::record(bytes);
    image::record(bytes);
}

/// Any bytes as the cache of the dynamic loader.
pub fn ldcache(bytes: &[u8]) {
    image::ldcache(bytes);
}

/// Any bytes as the four account files.
pub fn accounts(bytes: &[u8]) {
    image::accounts(parts(bytes));
}

/// Any text as the list of a git repository's submodules.
pub fn gitmodules(bytes: &[u8]) {
    fetch::gitmodules(&text(bytes));
}

/// Any text as the header by which a registry asks for a token.
pub fn registry(bytes: &[u8]) {
    fetch::challenge(&text(bytes));
}

/// Any bytes as a file of logins.
pub fn netrc(bytes: &[u8]) {
    fetch::netrc(&text(bytes));
}

/// Any bytes as a patch for a folder of two files: nothing outside of the folder changes.
pub fn patch(bytes: &[u8]) {
    let around = tempfile::tempdir().expect("a folder");
    let inside = around.path().join("tree");
    fs_err::create_dir(&inside).expect("made");
    fs_err::write(inside.join("one"), "first\nsecond\nthird\nfourth\nfifth\n").expect("written");
    fs_err::write(inside.join("two"), "").expect("written");
    fs_err::write(around.path().join("beside"), "first\n").expect("written");
    let tree = Dir::open(&inside).expect("a folder");
    for strip in [0, 1] {
        let _ = apply_patch("fuzz.patch", bytes, &tree, strip);
    }
    assert_eq!(fs_err::read_to_string(around.path().join("beside")).expect("there"), "first\n");
    assert_eq!(fs_err::read_dir(around.path()).expect("a folder").count(), 2);
}

/// Any text as a script of each kind of shell, on a machine with a few files: it ends, within what it may use.
pub fn shell(bytes: &[u8]) {
    let text = text(bytes);
    let allowance = Quota { steps: 5_000, bytes: 1 << 20, depth: 60 };
    for dialect in [Dialect::Posix, Dialect::Bash] {
        let mut machine = Memory::default();
        machine.put("/etc", FileKind::Folder, 0o755, Vec::new());
        machine.put("/etc/passwd", FileKind::File, 0o644, b"root:x:0:0:root:/root:/bin/bash\n".to_vec());
        machine.put("/etc/link", FileKind::Link("passwd".to_owned()), 0o777, Vec::new());
        let environment = BTreeMap::new();
        let (name, arguments) = ("fuzz", &["configure", ""][..]);
        let script = Script { text: &text, dialect, name, arguments, environment: &environment };
        if let Ok(outcome) = run(&script, allowance, &mut machine) {
            assert!(outcome.steps <= allowance.steps && outcome.output.len() as u64 <= allowance.bytes);
        }
    }
}
