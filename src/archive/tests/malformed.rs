//! Archives that break the rules of their format, or that programs read differently: each is refused, and says why.

use proptest::prelude::*;

use super::super::ustar::BLOCK;
use super::super::{ArReader, DebReader, END_BLOCKS, EntryKind, Limited, Limits, decompress};
use super::oracle::{entry, file, run, tar};
use super::raw::{archive, pax, raw, read_all, refused, sum_up};

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
