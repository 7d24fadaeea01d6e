//! What is written is read back, by this reader and by others; what others write is read as they read it.

use std::io::Read as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{ArchiveError, Entry, EntryKind, Limits, PathGuard, TarReader, TarWriter, escaped};
use super::oracle::{entry, file, run, tar};
use crate::model::{ImagePath, Mode};

type Content = (Entry, Vec<u8>);

fn read(bytes: &[u8]) -> Result<Vec<Content>, ArchiveError> {
    let mut reader = TarReader::new(bytes, Limits::default());
    let mut entries = Vec::new();
    while let Some((entry, mut content)) = reader.next()? {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(ArchiveError::from_read)?;
        entries.push((entry, bytes));
    }
    Ok(entries)
}

fn write(entries: &[Content]) -> Vec<u8> {
    tar(&entries.iter().map(|(entry, content)| (entry.clone(), content.as_slice())).collect::<Vec<_>>())
}

/// Lists an archive as Python's `tarfile` reads it.
const LIST: &str = r#"
import sys, io, json, tarfile
def esc(text):
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if 0x20 <= b < 0x7f and b != 0x25 else "%%%02X" % b for b in raw)
tar = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), mode="r:", encoding="utf-8", errors="surrogateescape")
rows = []
for m in tar:
    x = sorted((k[13:].encode(), v) for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr."))
    x = [(esc(k), esc(v)) for k, v in x]
    kind = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink",
            tarfile.LNKTYPE: "hardlink"}[m.type]
    name = esc(m.name)
    while name.startswith("./"): name = name[2:]
    link = esc(m.linkname)
    if kind == "hardlink":
        while link.startswith("./"): link = link[2:]
    rows.append([name if name != "." else "", kind, m.mode & 0o7777, m.uid, m.gid, int(m.mtime // 1), x, link,
                 esc(tar.extractfile(m).read()) if kind == "file" else ""])
json.dump(rows, sys.stdout)
"#;

/// The same list of what this reader read.
fn list(entries: &[Content]) -> Value {
    let row = |(entry, content): &Content| {
        let (kind, link) = match &entry.kind {
            EntryKind::File { .. } => ("file", &b""[..]),
            EntryKind::Dir => ("dir", &b""[..]),
            EntryKind::Symlink { target } => ("symlink", target.as_slice()),
            EntryKind::Hardlink { target } => ("hardlink", target.as_bytes()),
        };
        let xattrs = entry.xattrs.iter();
        let xattrs: Vec<_> =
            xattrs.map(|(name, value)| (escaped::encode(name.as_bytes()), escaped::encode(value))).collect();
        let path = escaped::encode(entry.path.as_bytes());
        let (mode, content) = (entry.mode.bits(), escaped::encode(content));
        json!([path, kind, mode, entry.uid, entry.gid, entry.mtime, xattrs, escaped::encode(link), content])
    };
    entries.iter().map(row).collect()
}

fn python(bytes: &[u8]) -> Value {
    serde_json::from_slice(&run("python3", &["-c", LIST], bytes)).expect("the script writes JSON")
}

fn component() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("allowed in a name", |byte| !b"/\0".contains(byte));
    let bytes = prop_oneof![
        6 => proptest::collection::vec(97_u8..103, 1..4),
        2 => proptest::collection::vec(byte.clone(), 1..40),
        1 => proptest::collection::vec(byte, 80..=255),
    ];
    bytes.prop_filter("a real name", |name| name != b"." && name != b"..")
}

fn path() -> impl Strategy<Value = ImagePath> {
    let components = proptest::collection::vec(component(), 1..6);
    components.prop_map(|components| ImagePath::new(&components.join(&b'/')).expect("short enough"))
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 0..=0o777_7777_u32, 0..u32::MAX]
}

fn xattrs() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let value = proptest::collection::vec(any::<u8>(), 0..60);
    proptest::collection::btree_map("[a-z.é ]{1,20}", value, 0..3).prop_map(|all| all.into_iter().collect())
}

fn any_content() -> impl Strategy<Value = Content> {
    let kind = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..1500).prop_map(|bytes| (EntryKind::File { size: 0 }, bytes)),
        Just((EntryKind::Dir, Vec::new())),
        proptest::collection::vec(1_u8..=255, 1..300).prop_map(|target| (EntryKind::Symlink { target }, Vec::new())),
        path().prop_map(|target| (EntryKind::Hardlink { target }, Vec::new())),
    ];
    let mtime = prop_oneof![0..2_000_000_000_i64, any::<i64>()];
    (path(), kind, 0..0o10000_u32, id(), id(), mtime, xattrs()).prop_map(
        |(path, (kind, bytes), mode, uid, gid, mtime, xattrs)| {
            let kind =
                if let EntryKind::File { .. } = kind { EntryKind::File { size: bytes.len() as u64 } } else { kind };
            (Entry { path, kind, mode: Mode::from_bits(mode), uid, gid, mtime, xattrs }, bytes)
        },
    )
}

/// Entries that may stand in one archive; hard links are to the file before them.
fn contents() -> impl Strategy<Value = Vec<Content>> {
    proptest::collection::vec(any_content(), 0..12).prop_map(|entries| {
        let mut guard = PathGuard::new();
        let mut last = None;
        let relinked = entries.into_iter().map(|(mut entry, content)| {
            match &entry.kind {
                EntryKind::File { .. } => last = Some(entry.path.clone()),
                EntryKind::Hardlink { .. } => {
                    entry.kind = last.clone().map_or(EntryKind::Dir, |target| EntryKind::Hardlink { target });
                }
                _ => {}
            }
            (entry, content)
        });
        relinked.filter(|(entry, _)| guard.admit(entry).is_ok()).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(entries in contents()) {
        let bytes = write(&entries);
        prop_assert_eq!(bytes.len() % 512, 0);
        prop_assert_eq!(read(&bytes).expect("can be read"), entries);
    }

    #[test]
    fn entries_keep_every_byte_in_json((entry, _) in any_content()) {
        let text = serde_json::to_string(&entry).expect("serialises");
        prop_assert!(text.is_ascii() || !entry.xattrs.is_empty());
        prop_assert_eq!(serde_json::from_str::<Entry>(&text).expect("reads back"), entry);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn python_reads_what_is_written(entries in contents()) {
        let python_dates = |mut entry: Entry| { entry.mtime = entry.mtime.clamp(-1 << 40, 1 << 40); entry };
        let entries: Vec<_> = entries.into_iter().map(|(entry, content)| (python_dates(entry), content)).collect();
        prop_assert_eq!(python(&write(&entries)), list(&entries));
    }
}

#[test]
fn gnu_tar_reads_what_is_written() {
    let mut capable = entry("usr/bin/ping", EntryKind::File { size: 3 });
    capable.xattrs = vec![
        ("security.capability".to_owned(), vec![1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("user.note".to_owned(), b"two\nlines".to_vec()),
    ];
    let mut large = entry("big-ids", EntryKind::File { size: 0 });
    (large.uid, large.gid, large.mtime) = (4_000_000_000, 2_097_152, -86_400);
    let (deep, name) = (format!("{}end", "folder/".repeat(20)), "n".repeat(255));
    let bytes = tar(&[
        (entry("", EntryKind::Dir), b""),
        (entry("usr/bin", EntryKind::Dir), b""),
        (capable, b"abc"),
        (large, b""),
        file(&deep, b"12345"),
        file(&name, b""),
        (entry("s", EntryKind::Symlink { target: "t".repeat(300).into_bytes() }), b""),
        (entry("h", EntryKind::Hardlink { target: name.parse().expect("a path") }), b""),
    ]);
    let listing = run("tar", &["--xattrs-include=*", "--numeric-owner", "--full-time", "-tvvf", "-"], &bytes);
    let listing = String::from_utf8(listing).expect("UTF-8");
    let lines: Vec<_> = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let date = "1980-01-01 00:00:00";
    let expected = [
        format!("drwxr-xr-x 0/0 0 {date} ./"),
        format!("drwxr-xr-x 0/0 0 {date} usr/bin/"),
        format!("-rw-r--r--* 0/0 3 {date} usr/bin/ping"),
        "x: 20 security.capability".to_owned(),
        "x: 9 user.note".to_owned(),
        "-rw-r--r-- 4000000000/2097152 0 1969-12-31 00:00:00 big-ids".to_owned(),
        format!("-rw-r--r-- 0/0 5 {date} {deep}"),
        format!("-rw-r--r-- 0/0 0 {date} {name}"),
        format!("lrw-r--r-- 0/0 0 {date} s -> {}", "t".repeat(300)),
        format!("hrw-r--r-- 0/0 0 {date} h link to {name}"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn names_of_every_length_are_read_by_gnu_tar() {
    let lengths = || (95..=105).chain(150..=160).chain(195..=205).chain(250..=260);
    // once of one component where that may be, once cut in the middle, once with the last slash early and late
    let forms = |length: usize| {
        let whole = "w".repeat(length.min(255));
        let with = |slash: usize| format!("{}/{}", "a".repeat(slash), "b".repeat(length - slash - 1));
        [whole, with(length / 2), with(3), with(length - 2)]
    };
    let mut names: Vec<_> =
        lengths().flat_map(forms).filter(|name| name.split('/').all(|part| part.len() < 256)).collect();
    names.sort();
    names.dedup();
    let entries: Vec<_> = names.iter().map(|name| file(name, b"x")).collect();
    let bytes = tar(&entries);
    let listing = String::from_utf8(run("tar", &["-tf", "-"], &bytes)).expect("ASCII");
    assert_eq!(listing.lines().collect::<Vec<_>>(), names);
    assert_eq!(read(&bytes).expect("can be read").len(), names.len());
}

#[test]
fn an_entry_without_extras_has_a_plain_header_only() {
    let bytes = tar(&[file(&format!("{}/{}", "p".repeat(155), "n".repeat(100)), b"")]);
    assert_eq!(bytes.len(), 512 + 1024);
    assert_eq!(&bytes[257..265], b"ustar\x0000");
    assert_eq!(&bytes[265..345], &[&[0; 64][..], b"0000000\x000000000\0"].concat()[..], "no owner names, no devices");
    let bytes = tar(&[file(&format!("{}/{}", "p".repeat(156), "n".repeat(100)), b"")]);
    assert_eq!(bytes.len(), 3 * 512 + 1024);
}

#[test]
fn segments_follow_each_other_to_one_archive() {
    let mut bytes = Vec::new();
    for name in ["a", "b"] {
        let mut writer = TarWriter::new(Vec::new());
        let (entry, content) = file(name, b"x");
        writer.append(&entry, content).expect("can be written");
        let segment = writer.into_inner();
        let mut reader = TarReader::segment(&segment[..], Limits::default());
        assert_eq!(reader.next_entry().expect("needs no end blocks"), Some(entry));
        assert_eq!(reader.next_entry().expect("ends"), None);
        bytes.extend(segment);
    }
    bytes.extend(super::super::END_BLOCKS);
    assert_eq!(bytes, tar(&[file("a", b"x"), file("b", b"x")]));
    assert_eq!(run("tar", &["-tf", "-"], &bytes), b"a\nb\n");
}

#[test]
fn an_entry_that_cannot_be_written_is_an_error() {
    let message = |entry: &Entry, content: &[u8]| {
        TarWriter::new(Vec::new()).append(entry, content).expect_err("is refused").to_string()
    };
    let three = entry("f", EntryKind::File { size: 3 });
    let cannot = "cannot write `/f` to an archive:";
    assert_eq!(message(&three, b"ab"), format!("{cannot} its content has 2 bytes instead of the 3 announced"));
    assert_eq!(message(&three, b"abcd"), format!("{cannot} its content is longer than the 3 bytes announced"));
    assert_eq!(
        message(&entry("f", EntryKind::Dir), b"a"),
        format!("{cannot} its content is longer than the 0 bytes announced")
    );
    let link = entry("f", EntryKind::Symlink { target: Vec::new() });
    assert_eq!(message(&link, b""), format!("{cannot} it is a symbolic link to nothing"));
    let mut odd = entry("f", EntryKind::Dir);
    odd.xattrs = vec![("a=b".to_owned(), Vec::new())];
    assert_eq!(message(&odd, b""), format!("{cannot} the extended attribute `a=b` has a name that tar cannot hold"));
    odd.xattrs = vec![("a".to_owned(), Vec::new()), ("a".to_owned(), Vec::new())];
    assert_eq!(message(&odd, b""), format!("{cannot} it has the extended attribute `a` twice"));
}

/// A tree with everything that formats treat differently.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, content: &[u8]| fs_err::write(at(name), content).expect("can be written");
    let deep = ["abcdefghij".repeat(10), "klmnopqrst".repeat(11)].join("/");
    fs_err::create_dir_all(at(&deep)).expect("can be made");
    write(&format!("{deep}/file"), &[9; 5000]);
    write("empty", b"");
    write("block", &[1; 512]);
    write(&"n".repeat(200), b"long name");
    write("é", b"not ASCII");
    fs_err::hard_link(at("block"), at("hard")).expect("can be linked");
    fs_err::hard_link(at(&"n".repeat(200)), at("hard-long")).expect("can be linked");
    fs_err::os::unix::fs::symlink("block", at("soft")).expect("can be linked");
    fs_err::os::unix::fs::symlink("../".repeat(60) + "x", at("soft-long")).expect("can be linked");
    folder
}

#[test]
fn what_gnu_tar_writes_is_read_as_python_reads_it() {
    let tree = tree();
    let at = tree.path().to_str().expect("UTF-8");
    let formats: &[&[&str]] = &[
        &["--format=gnu"],
        &["--format=posix"],
        &["--format=posix", "--pax-option=SCHILY.xattr.user.x:=value,comment:=ignored"],
        &["--format=gnu", "--owner=x:3000000", "--group=y:4000000", "--mtime=@-1000"],
        &["--format=posix", "--owner=x:3000000", "--group=y:4000000", "--mtime=@99999999999.25"],
    ];
    for options in formats {
        let bytes = run("tar", &[&["-C", at, "-c"], *options, &["."]].concat(), b"");
        let entries = read(&bytes).unwrap_or_else(|error| panic!("{options:?}: {error}"));
        assert_eq!(entries.len(), 12, "{options:?}");
        assert_eq!(list(&entries), python(&bytes), "{options:?}");
    }
    for format in ["v7", "ustar"] {
        let bytes = run("tar", &["-C", at, "-c", "--format", format, "empty", "block", "hard", "soft"], b"");
        let entries = read(&bytes).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(list(&entries), python(&bytes), "{format}");
    }
}

#[test]
fn what_python_writes_is_read_as_python_reads_it() {
    const WRITE: &str = r#"
import sys, io, tarfile
out = io.BytesIO()
tar = tarfile.open(fileobj=out, mode="w", format=getattr(tarfile, sys.argv[1]))
for name in ["d/", "d/" + "f" * 90, "l" * 250, "é" * 90]:
    m = tarfile.TarInfo(name)
    m.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
    m.uid, m.gid, m.uname = 3000000, 1000, "somebody"
    m.mtime = -5 if sys.argv[1] != "PAX_FORMAT" else 1234567890.75
    if sys.argv[1] == "PAX_FORMAT": m.pax_headers = {"SCHILY.xattr.user.a": "b", "SCHILY.dev": "7"}
    data = b"" if m.isdir() else name.encode()
    m.size = len(data)
    tar.addfile(m, io.BytesIO(data))
m = tarfile.TarInfo("s"); m.type = tarfile.SYMTYPE; m.linkname = "t" * 180; tar.addfile(m)
tar.close()
sys.stdout.buffer.write(out.getvalue())
"#;
    for format in ["GNU_FORMAT", "PAX_FORMAT"] {
        let bytes = run("python3", &["-c", WRITE, format], b"");
        let entries = read(&bytes).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!((entries.len(), entries[1].0.uid), (5, 3_000_000), "{format}");
        assert_eq!(list(&entries), python(&bytes), "{format}");
    }
}

#[test]
fn what_git_writes_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_str().expect("UTF-8");
    fs_err::write(folder.path().join("f"), "x").expect("can be written");
    let git = |arguments: &[&str]| {
        run("git", &[&["-C", at, "-c", "user.name=a", "-c", "user.email=a@b"], arguments].concat(), b"")
    };
    git(&["init", "-q"]);
    git(&["add", "f"]);
    git(&["commit", "-qm", "x"]);
    // it has a global extended header with the commit
    let bytes = git(&["archive", "--prefix=x/", "HEAD"]);
    let entries = read(&bytes).expect("a comment changes nothing");
    assert_eq!(list(&entries), python(&bytes));
    assert_eq!(entries[1].0.path.to_string(), "/x/f");
}
