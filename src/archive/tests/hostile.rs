//! Archives made to do harm, or broken: each is refused, and says why.

use std::io::{Read as _, Write as _};

use proptest::prelude::*;

use super::super::ustar::{BLOCK, NewHeader};
use super::super::{
    ArReader, ArchiveError, DebReader, END_BLOCKS, EntryKind, GzipMembers, Limited, Limits, PathGuard, TarReader,
    decompress,
};
use super::oracle::{entry, file, run, tar};

/// A header block with content, padded.
struct Raw {
    flag: u8,
    name: &'static [u8],
    link: &'static [u8],
    content: Vec<u8>,
}

fn raw(flag: u8, name: &'static str) -> Raw {
    Raw { flag, name: name.as_bytes(), link: b"", content: Vec::new() }
}

impl Raw {
    fn link(self, link: &'static str) -> Self {
        Self { link: link.as_bytes(), ..self }
    }

    fn content(self, content: impl Into<Vec<u8>>) -> Self {
        Self { content: content.into(), ..self }
    }

    fn bytes(&self) -> Vec<u8> {
        let block = NewHeader {
            flag: self.flag,
            prefix: b"",
            name: self.name,
            link: self.link,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: self.content.len() as u64,
            mtime: 0,
        };
        let padding = self.content.len().wrapping_neg() % BLOCK;
        [&block.block()[..], &self.content, &END_BLOCKS[..padding]].concat()
    }

    /// With some bytes of the header replaced and the checksum put right.
    fn patched(&self, at: usize, field: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes[at..at + field.len()].copy_from_slice(field);
        sum_up(&mut bytes[..BLOCK]);
        bytes
    }
}

/// Puts the checksum of a header right.
fn sum_up(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn archive(pieces: &[Vec<u8>]) -> Vec<u8> {
    [&pieces.concat()[..], &END_BLOCKS].concat()
}

/// Reads an archive with all its content; the number of entries.
fn read_all(bytes: &[u8], limits: Limits) -> Result<usize, ArchiveError> {
    let mut reader = TarReader::new(bytes, limits);
    let mut entries = 0;
    while let Some((entry, mut content)) = reader.next()? {
        entries += 1;
        let mut read = Vec::new();
        content.read_to_end(&mut read).map_err(ArchiveError::from_read)?;
        assert_eq!(read.len() as u64, entry.kind.size());
    }
    assert!(reader.next()?.is_none(), "the end stays the end");
    Ok(entries)
}

#[track_caller]
fn refused(bytes: &[u8], message: &str) {
    let error = read_all(bytes, Limits::default()).expect_err("is refused");
    assert_eq!(error.to_string(), message);
    assert!(!matches!(error, ArchiveError::Read { .. }), "the input is not to blame");
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let records = records.iter().map(|&(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
    raw(b'x', "pax").content(super::super::pax::render(&records)).bytes()
}

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
fn other_kinds_are_refused() {
    for flag in [b'D', b'M', b'N', b'V', b'Q', 0xff] {
        let error = read_all(&archive(&[raw(flag, "x").bytes()]), Limits::default()).expect_err("is refused");
        let shown = if flag == 0xff { "%FF".to_owned() } else { char::from(flag).to_string() };
        assert_eq!(error.to_string(), format!("bad tar header at byte 0: `x`: its type `{shown}` is not known"));
    }
    refused(&archive(&[raw(b'S', "x").bytes()]), "bad tar header at byte 0: `x`: sparse files are not supported");
    for records in [[("GNU.sparse.map", "0,1")], [("GNU.sparse.realsize", "9")]] {
        refused(
            &archive(&[pax(&records), raw(b'0', "x").bytes()]),
            "bad tar header at byte 0: sparse files are not supported",
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sparse = fs_err::File::create(folder.path().join("sparse")).expect("can be made");
    sparse.set_len(1 << 20).expect("can be set");
    let at = folder.path().to_str().expect("UTF-8");
    for format in ["gnu", "posix"] {
        let bytes = run("tar", &["-C", at, "-cS", "--format", format, "sparse"], b"");
        let error = read_all(&bytes, Limits::default()).expect_err("is refused");
        assert!(error.to_string().ends_with("sparse files are not supported"), "{error}");
    }
}

#[test]
fn numbers_must_be_numbers() {
    let file = raw(b'0', "x");
    let cases: &[(usize, &[u8], &str)] = &[
        (124, b"0000000001z\0", "`x`: its size is not an octal number: `0000000001z%00`"),
        (124, b"-0000000001\0", "`x`: its size is not an octal number: `-0000000001%00`"),
        (124, b"00000000008\0", "`x`: its size is not an octal number: `00000000008%00`"),
        (124, b"0000 000001\0", "`x`: its size is not an octal number: `0000 000001%00`"),
        (124, &[0xff; 12], "`x`: its size is negative"),
        (124, &[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "`x`: its size does not fit into 64 bits"),
        (108, &[0x80, 0, 0, 1, 0, 0, 0, 0], "`x`: its owner's number is larger than 4294967294"),
        (116, &[0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], "`x`: its owner's number is larger than 4294967294"),
        (100, b"rwxr-xr-", "`x`: its mode is not an octal number: `rwxr-xr-`"),
        (136, &[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "`x`: its time does not fit into 64 bits"),
        (257, b"tsar", "its magic is tsarr%0000"),
    ];
    for &(at, field, problem) in cases {
        refused(&archive(&[file.patched(at, field)]), &format!("bad tar header at byte 0: {problem}"));
    }
    let mut wrong = archive(&[file.bytes()]);
    wrong[0] = b'y';
    refused(&wrong, "bad tar header at byte 0: its checksum is wrong");
    refused(&[b'x'; 2048], "bad tar header at byte 0: its checksum is not an octal number: `xxxxxxxx`");
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

#[test]
fn two_answers_to_one_question_are_refused() {
    let file = raw(b'0', "x").content("12345");
    let at_0 = |problem: &str| format!("bad tar header at byte 0: {problem}");
    let at_1024 = |problem: &str| format!("bad tar header at byte 1024: {problem}");
    refused(
        &archive(&[pax(&[("size", "512")]), file.bytes()]),
        &at_1024("`x`: it has two sizes, 5 bytes in its header and 512 bytes in its extended header"),
    );
    refused(
        &archive(&[pax(&[]), pax(&[]), file.bytes()]),
        "bad tar header at byte 512: two extended headers follow each other",
    );
    let twice = raw(b'x', "p").content("9 path=a\n9 path=b\n").bytes();
    refused(&archive(&[twice, file.bytes()]), &at_0("the extended header says `path` twice"));
    let long = raw(b'L', "L").content("long\0").bytes();
    refused(&archive(&[long.clone(), long.clone(), file.bytes()]), &at_1024("an entry has two long names"));
    refused(&archive(&[pax(&[("path", "y")]), long.clone(), file.bytes()]), &at_1024("an entry has two long names"));
    refused(
        &archive(&[pax(&[("size", "5")]), long, file.bytes()]),
        &at_1024("a long name follows an extended header with a size"),
    );
    let zero = raw(b'L', "L").content("a\0b\0").bytes();
    refused(&archive(&[zero, file.bytes()]), &at_0("a long name is empty or holds a zero byte"));
    for (flag, kind) in [(b'1', "a hard link"), (b'2', "a symbolic link"), (b'5', "a folder")] {
        let problem = format!("`x`: {kind} cannot have 5 bytes of content");
        refused(&archive(&[raw(flag, "x").link("l").content("12345").bytes()]), &at_0(&problem));
    }
    let global = raw(b'g', "g").content("16 path=/etc/pw\n").bytes();
    refused(&archive(&[global, file.bytes()]), &at_0("a global extended header sets `path`"));
    refused(&archive(&[pax(&[("path", "y")])]), &at_1024("extended headers are not followed by an entry"));
}

#[test]
fn extended_header_records_must_be_well_formed() {
    let length = "an extended header record has a wrong length";
    let cases: &[(&[u8], &str)] = &[
        (b"9 path=a", length),
        (b"99 path=a\n", length),
        (b"0 path=a\n", length),
        (b"+9 path=a\n", length),
        (b"path=a\n", length),
        (b"8 path=a\n", length),
        (b"18446744073709551615 path=a\n", length),
        (b"9 path a\n", "an extended header record has no `=`"),
        (b"5 =a\n", "an extended header record has no readable key"),
        (b"6 \xff=a\n", "an extended header record has no readable key"),
        (b"13 mtime=1e9\n", "the extended header's `mtime` is not a time"),
        (b"9 uid=-1\n", "the extended header's `uid` is not a number that fits into 64 bits"),
        (b"19 SCHILY.xattr.=a\n", "an extended attribute has no name"),
        (b"8 path=\n", "a long name is empty or holds a zero byte"),
    ];
    for &(records, problem) in cases {
        let bytes = archive(&[raw(b'x', "p").content(records).bytes(), raw(b'0', "x").bytes()]);
        refused(&bytes, &format!("bad tar header at byte 0: {problem}"));
    }
}

#[test]
fn an_archive_cut_off_anywhere_is_an_error() {
    let long = "long/".repeat(60);
    let whole = tar(&[
        (entry("d", EntryKind::Dir), b""),
        file("d/empty", b""),
        file("d/f", &[7; 1300]),
        file(&long, b"x"),
        (entry("l", EntryKind::Symlink { target: b"d/f".to_vec() }), b""),
    ]);
    assert_eq!(read_all(&whole, Limits::default()).expect("is whole"), 5);
    let around = |at: usize| [at.saturating_sub(1), at, at + 1, at + 100];
    for length in (0..whole.len()).step_by(BLOCK).flat_map(around).filter(|&length| length < whole.len()) {
        let error = read_all(&whole[..length], Limits::default()).expect_err("is cut off");
        assert!(error.to_string().starts_with("the archive is cut off: it ends in the middle of"), "{length}: {error}");
    }
    let message = "the archive is cut off: it ends in the middle of ";
    refused(&whole[..1024], &format!("{message}its entries, without end blocks"));
    refused(&whole[..700], &format!("{message}a header"));
    refused(&whole[..2000], &format!("{message}`/d/f`"));
    refused(&whole[..3700], &format!("{message}an extended header"));
    refused(&whole[..whole.len() - BLOCK], &format!("{message}its end blocks"));
}

#[test]
fn nothing_may_hide_behind_the_end() {
    let bytes = [tar(&[file("a", b"x")]), tar(&[file("b", b"x")])].concat();
    refused(&bytes, "bad tar header at byte 1536: data follows the end of the archive");
    let padded = [tar(&[file("a", b"x")]), vec![0; 10_000]].concat();
    assert_eq!(read_all(&padded, Limits::default()).expect("zeros are padding"), 1);
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

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in any_archive()) {
        let limits = Limits { total_size: 1 << 20, ..Limits::default() };
        let _ = read_all(&bytes, limits);
        let _ = read_all(&[&bytes[..], &END_BLOCKS].concat(), limits);
        let _ = ArReader::new(&bytes[..]).map(|mut ar| while let Ok(Some(_)) = ar.next_member() {});
        let _ = DebReader::open(&bytes[..], limits).map(|mut deb| deb.data().map(|mut tar| tar.next_entry().is_ok()));
        if let Ok(mut reader) = decompress(&bytes[..]) {
            let _ = std::io::copy(&mut Limited::new(&mut reader, 1 << 20, "it"), &mut std::io::sink());
        }
    }
}

/// Random bytes get past no checksum, so most of these are a good archive with few bytes changed, and checksums that
/// are right again.
fn any_archive() -> impl Strategy<Value = Vec<u8>> {
    let good = archive(&[
        pax(&[("path", "long"), ("size", "5"), ("mtime", "-1.5"), ("SCHILY.xattr.user.x", "y")]),
        raw(b'0', "x").content("12345").bytes(),
        raw(b'L', "L").content("another\0").bytes(),
        raw(b'2', "y").link("x").bytes(),
        raw(b'1', "z").link("long").bytes(),
        raw(b'5', "d/").bytes(),
    ]);
    let length = good.len();
    let changes = proptest::collection::vec((0..length, any::<u8>()), 0..8);
    let changed = (changes, 0..=length).prop_map(move |(changes, end)| {
        let mut bytes = good.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        for block in bytes.chunks_exact_mut(BLOCK).filter(|block| block[257..262] == *b"ustar") {
            sum_up(block);
        }
        bytes.truncate(end.max(BLOCK));
        bytes
    });
    let prefix = prop_oneof![
        Just(&b"!<arch>\n"[..]),
        Just(&b"\x1f\x8b\x08"[..]),
        Just(&b"\xfd7zXZ\0"[..]),
        Just(&b"\x28\xb5\x2f\xfd"[..]),
        Just(&b""[..])
    ];
    let random = (prefix, proptest::collection::vec(any::<u8>(), 0..2000))
        .prop_map(|(prefix, bytes)| [prefix, &bytes[..]].concat());
    prop_oneof![3 => changed, 1 => random]
}
