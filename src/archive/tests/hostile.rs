//! Archives made to do harm: each is refused, and says why.

use std::io::{Read as _, Write as _};

use super::super::{ArchiveError, EntryKind, GzipMembers, Limited, Limits, PathGuard, TarReader, decompress};
use super::oracle::{entry, file, run, tar};
use super::raw::{archive, pax, raw, read_all, refused};

#[test]
fn a_name_that_leads_out_is_refused() {
    let cases = [
        ("../etc/passwd", "`../etc/passwd` contains `..`, which could lead out of the image"),
        ("a/../../b", "`a/../../b` contains `..`, which could lead out of the image"),
        ("/etc/passwd", "`/etc/passwd` is absolute, but names in an archive are relative"),
        ("", "an entry or the target of a hard link has no name"),
        ("./", "`./` is the root, but as a symbolic link"),
    ];
    for (name, problem) in cases {
        let message = format!("the archive holds an unsafe name: {problem}");
        refused(&archive(&[raw(b'2', name).link("x").bytes()]), &message);
    }
    let unsafe_link = |link| archive(&[raw(b'0', "x").bytes(), raw(b'1', "y").link(link).bytes()]);
    refused(
        &unsafe_link("../x"),
        "the archive holds an unsafe name: `../x` contains `..`, which could lead out of the image",
    );
    refused(
        &unsafe_link("/x"),
        "the archive holds an unsafe name: `/x` is absolute, but names in an archive are relative",
    );
    // the long forms of the same
    let hidden = [pax(&[("path", "a/../../b")]), raw(b'0', "fine").bytes()];
    refused(
        &archive(&hidden),
        "the archive holds an unsafe name: `a/../../b` contains `..`, which could lead out of the image",
    );
    let hidden = [raw(b'L', "././@LongLink").content("/etc/passwd\0").bytes(), raw(b'0', "fine").bytes()];
    refused(
        &archive(&hidden),
        "the archive holds an unsafe name: `/etc/passwd` is absolute, but names in an archive are relative",
    );
}

#[test]
fn gnu_tar_writes_such_names_and_they_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::write(folder.path().join("f"), "x").expect("can be written");
    let at = folder.path().to_str().expect("UTF-8");
    for name in ["../f", "/f"] {
        let transform = format!("s,^f,{name},");
        let bytes = run("tar", &["-C", at, "-cP", "--transform", &transform, "f"], b"");
        let error = read_all(&bytes, Limits::default()).expect_err("is refused");
        assert!(matches!(error, ArchiveError::UnsafeName { .. }), "{error}");
    }
}

#[test]
fn a_file_written_through_a_symbolic_link_is_refused() {
    let link = entry("a/l", EntryKind::Symlink { target: b"/etc".to_vec() });
    refused(
        &tar(&[(link.clone(), b""), file("a/l/passwd", b"x")]),
        "`/a/l/passwd` is inside `/a/l`, which the archive made a symbolic link",
    );
    refused(
        &tar(&[(link.clone(), b""), (entry("x", EntryKind::Dir), b""), file("a/l/b/c", b"x")]),
        "`/a/l/b/c` is inside `/a/l`, which the archive made a symbolic link",
    );
    refused(
        &tar(&[file("a/l/b", b"x"), (link.clone(), b"")]),
        "`/a/l` comes twice: as a folder and as a symbolic link",
    );
    refused(&tar(&[file("f", b""), file("f/g", b"")]), "`/f/g` is inside `/f`, which the archive made a file");
    refused(
        &tar(&[(link, b""), (entry("h", EntryKind::Hardlink { target: "a/l/passwd".parse().expect("a path") }), b"")]),
        "`/h` is a hard link to `/a/l/passwd`, which does not come before it",
    );
}

#[test]
fn a_hard_link_must_be_to_an_earlier_file() {
    let link = |target: &str| (entry("h", EntryKind::Hardlink { target: target.parse().expect("a path") }), &b""[..]);
    let symlink = (entry("l", EntryKind::Symlink { target: b"f".to_vec() }), &b""[..]);
    refused(&tar(&[link("etc/shadow")]), "`/h` is a hard link to `/etc/shadow`, which does not come before it");
    refused(&tar(&[link("h")]), "`/h` is a hard link to `/h`, which does not come before it");
    refused(
        &tar(&[symlink, link("l")]),
        "`/h` is a hard link to `/l`, which is a symbolic link and not a regular file",
    );
    refused(
        &tar(&[(entry("d", EntryKind::Dir), b""), link("d")]),
        "`/h` is a hard link to `/d`, which is a folder and not a regular file",
    );
    assert_eq!(read_all(&tar(&[file("f", b"x"), link("f")]), Limits::default()).expect("is fine"), 2);
}

#[test]
fn a_name_may_come_again_only_as_what_it_was() {
    let symlink = |target: &[u8]| (entry("f", EntryKind::Symlink { target: target.to_vec() }), &b""[..]);
    let hardlink = (entry("h", EntryKind::Hardlink { target: "f".parse().expect("a path") }), &b""[..]);
    let folder = (entry("f", EntryKind::Dir), &b""[..]);
    let message = |before, after| format!("`/f` comes twice: as {before} and as {after}");
    refused(&tar(&[file("f", b""), symlink(b"x")]), &message("a file", "a symbolic link"));
    refused(&tar(&[symlink(b"x"), file("f", b"")]), &message("a symbolic link", "a file"));
    refused(&tar(&[folder.clone(), symlink(b"x")]), &message("a folder", "a symbolic link"));
    refused(&tar(&[file("f", b"x"), hardlink, file("f", b"y")]), "`/f` comes again after a hard link was made to it");
    for twice in [[folder.clone(), folder], [file("f", b"x"), file("f", b"y")], [symlink(b"x"), symlink(b"y")]] {
        assert_eq!(read_all(&tar(&twice), Limits::default()).expect("replaces the first"), 2);
    }
}

#[test]
fn stripping_does_not_open_a_way_around_the_guard() {
    let read = |entries: &[_], strip| -> Result<Vec<String>, String> {
        let bytes = tar(entries);
        let mut reader = TarReader::new(&bytes[..], Limits::default()).stripping(strip);
        let mut paths = Vec::new();
        while let Some((entry, mut content)) = reader.next().map_err(|error| error.to_string())? {
            let mut read = Vec::new();
            content.read_to_end(&mut read).map_err(|error| error.to_string())?;
            paths.push(format!("{} {}", entry.path, String::from_utf8_lossy(&read)));
        }
        Ok(paths)
    };
    let hardlink = |target: &str| EntryKind::Hardlink { target: target.parse().expect("a path") };
    let link = |path: &str| (entry(path, EntryKind::Symlink { target: b"/etc".to_vec() }), &b""[..]);
    let entries = [file("top", b"x"), (entry("a", EntryKind::Dir), b""), file("a/b/c", b"y"), file("b", b"z")];
    assert_eq!(read(&entries, 1), Ok(vec!["/b/c y".to_owned()]));
    assert_eq!(read(&entries, 2), Ok(vec!["/c y".to_owned()]));
    assert_eq!(read(&entries, u32::MAX), Ok(Vec::new()));
    let trick = [link("a/l"), file("b/l/passwd", b"x")];
    assert_eq!(read(&trick, 0).map(|paths| paths.len()), Ok(2), "harmless as they are");
    let message = "`/l/passwd` is inside `/l`, which the archive made a symbolic link";
    assert_eq!(read(&trick, 1), Err(message.to_owned()));
    let trick = [file("b/l", b""), link("a/l"), (entry("c/h", hardlink("b/l")), &b""[..])];
    assert_eq!(read(&trick, 1), Err("`/l` comes twice: as a file and as a symbolic link".to_owned()));
    let trick = [file("b", b""), (entry("c/h", hardlink("b")), &b""[..])];
    assert_eq!(
        read(&trick, 1),
        Err("`/c/h` is a hard link to `/b`, of which no name is left after stripping".to_owned())
    );
    let fine = [file("a/f", b"x"), (entry("a/h", hardlink("a/f")), &b""[..])];
    assert_eq!(read(&fine, 1), Ok(vec!["/f x".to_owned(), "/h ".to_owned()]));
}

#[test]
fn the_guard_is_as_before_after_it_refused() {
    let mut guard = PathGuard::new();
    let link = entry("l", EntryKind::Symlink { target: b"/".to_vec() });
    guard.admit(&link).expect("the first");
    for _ in 0..2 {
        assert!(guard.admit(&entry("l/x", EntryKind::Dir)).is_err());
    }
    guard.admit(&entry("x", EntryKind::Dir)).expect("was not touched");
}

#[test]
fn devices_and_pipes_are_refused() {
    for (flag, kind) in [(b'3', "a character device"), (b'4', "a block device"), (b'6', "a named pipe")] {
        let message =
            format!("`./dev/x` is {kind}, which is not allowed in an archive: only files, folders and links are");
        refused(&archive(&[raw(flag, "./dev/x").bytes()]), &message);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_str().expect("UTF-8");
    run("mkfifo", &[&format!("{at}/pipe")], b"");
    let bytes = run("tar", &["-C", at, "-c", "."], b"");
    let error = read_all(&bytes, Limits::default()).expect_err("is refused");
    assert!(error.to_string().contains("is a named pipe"), "{error}");
}

#[test]
fn huge_sizes_are_refused_before_anything_is_read() {
    let file = raw(b'0', "x");
    let message = "the size of `/x` exceeds the limit of 8589934592 bytes";
    refused(&file.patched(124, &[0x80, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), message);
    refused(&file.patched(124, &[0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), message);
    refused(&[pax(&[("size", "18446744073709551615")]), file.bytes()].concat(), message);
    refused(
        &[pax(&[("size", "18446744073709551616")]), file.bytes()].concat(),
        "bad tar header at byte 0: the extended header's `size` is not a number that fits into 64 bits",
    );
    // no limit at all must not lead to an overflow
    let all = Limits { entries: u64::MAX, entry_size: u64::MAX, total_size: u64::MAX, extended: 1 << 20 };
    for size in [u64::MAX, u64::MAX - 511] {
        let bytes = [pax(&[("size", &size.to_string())]), file.bytes()].concat();
        assert!(matches!(read_all(&bytes, all), Err(ArchiveError::Truncated { .. })));
    }
    refused(&raw(b'x', "pax").patched(124, b"77777777777\0"), "an extended header exceeds the limit of 1048576 bytes");
}

#[test]
fn each_limit_is_kept() {
    let bytes = tar(&[file("a", &[0; 600]), file("b", b"x")]);
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        read_all(&bytes, limits).map_err(|error| error.to_string())
    };
    assert_eq!(limits(|limits| limits.total_size = 512 * 7), Ok(2));
    assert_eq!(
        limits(|limits| limits.total_size = 512 * 7 - 1),
        Err("the size of the archive exceeds the limit of 3583 bytes".to_owned())
    );
    assert_eq!(
        limits(|limits| limits.entries = 1),
        Err("the number of entries in the archive exceeds the limit of 1 entries".to_owned())
    );
    assert_eq!(
        limits(|limits| limits.entry_size = 599),
        Err("the size of `/a` exceeds the limit of 599 bytes".to_owned())
    );
}

/// The same bytes again and again.
struct Repeat<'a> {
    bytes: &'a [u8],
    at: usize,
    times: usize,
}

impl std::io::Read for Repeat<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.bytes.len() {
            self.at = 0;
            self.times -= 1;
        }
        if self.times == 0 {
            return Ok(0);
        }
        let read = (&self.bytes[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    // 10 GB of zeros in 10 MB, which tar takes for an archive that has ended
    let mut compressor = GzipMembers::new(Vec::new());
    compressor.write_all(&vec![0; 1 << 20]).expect("a vector takes all");
    let (member, _) = compressor.finish().expect("a vector takes all");
    let zeros = || Repeat { bytes: &member, at: 0, times: 10 << 10 };
    let started = std::time::Instant::now();
    let limits = Limits { total_size: 64 << 20, ..Limits::default() };
    let mut reader = TarReader::new(decompress(zeros()).expect("is gzip"), limits);
    let error = reader.next_entry().expect_err("goes on and on");
    assert_eq!(error.to_string(), "the size of the archive exceeds the limit of 67108864 bytes");

    let mut index = Limited::new(decompress(zeros()).expect("is gzip"), 64 << 20, "the package index");
    let error = std::io::copy(&mut index, &mut std::io::sink()).expect_err("goes on and on");
    let message = "the size of the package index exceeds the limit of 67108864 bytes";
    assert_eq!(ArchiveError::from_read(error).to_string(), message);
    assert!(started.elapsed().as_secs() < 20, "10 GB would have taken minutes, this took {:?}", started.elapsed());
}

#[test]
fn a_limit_is_not_exceeded_by_what_has_just_its_size() {
    let mut read = Vec::new();
    Limited::new(&b"abc"[..], 3, "it").read_to_end(&mut read).expect("three are allowed");
    assert_eq!(read, b"abc");
    let error = Limited::new(&b"abcd"[..], 3, "it").read_to_end(&mut read).expect_err("four are not");
    assert_eq!(ArchiveError::from_read(error).to_string(), "the size of it exceeds the limit of 3 bytes");
}
