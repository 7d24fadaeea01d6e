//! Packages as `dpkg-deb` and `ar` make them.

use std::io::Read as _;
use std::path::Path;

use super::super::{ArchiveError, Control, DebReader, EntryKind, Limits};
use super::oracle::{file, run, tar};

const CONTROL: &str = "Package: sample\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@b>\nDescription: é\n";

/// A package built by `dpkg-deb`.
fn build(folder: &Path, compression: &str) -> Vec<u8> {
    let root = folder.join("root");
    let write = |name: &str, content: &[u8]| {
        fs_err::create_dir_all(root.join(name).parent().expect("is in a folder")).expect("can be made");
        fs_err::write(root.join(name), content).expect("can be written");
    };
    write("DEBIAN/control", CONTROL.as_bytes());
    write("DEBIAN/conffiles", b"/etc/sample.conf\n");
    write("DEBIAN/postinst", b"#!/bin/sh\nexit 0\n");
    run("chmod", &["755", root.join("DEBIAN/postinst").to_str().expect("UTF-8")], b"");
    write("etc/sample.conf", b"x=1\n");
    write(&format!("usr/share/{}/file", "long".repeat(40)), &[5; 100_000]);
    write("usr/bin/odd", b"odd");
    if !root.join("usr/bin/link").is_symlink() {
        fs_err::os::unix::fs::symlink("odd", root.join("usr/bin/link")).expect("can be linked");
        fs_err::hard_link(root.join("usr/bin/odd"), root.join("usr/bin/other")).expect("can be linked");
    }
    let (root, out) = (root.to_str().expect("UTF-8"), folder.join("out.deb"));
    let out = out.to_str().expect("UTF-8");
    run("dpkg-deb", &["--root-owner-group", &format!("-Z{compression}"), "-b", root, out], b"");
    fs_err::read(out).expect("was written")
}

/// Reads a package to its end: the control member and the listing of the data.
fn read(bytes: &[u8]) -> Result<(Control, Vec<String>), ArchiveError> {
    let mut deb = DebReader::open(bytes, Limits::default())?;
    let mut lines = Vec::new();
    let mut data = deb.data()?;
    while let Some((entry, mut content)) = data.next()? {
        let read = std::io::copy(&mut content, &mut std::io::sink()).map_err(ArchiveError::from_read)?;
        assert_eq!(read, entry.kind.size());
        let link = match &entry.kind {
            EntryKind::Symlink { target } => format!(" -> {}", String::from_utf8_lossy(target)),
            EntryKind::Hardlink { target } => format!(" link to .{target}"),
            EntryKind::Dir | EntryKind::File { .. } => String::new(),
        };
        let slash = if entry.kind == EntryKind::Dir && !entry.path.is_root() { "/" } else { "" };
        lines.push(format!("{} {}/{} .{}{slash}{link}", entry.kind.size(), entry.uid, entry.gid, entry.path));
    }
    drop(data);
    deb.finish().map(|control| (control, lines))
}

/// What `dpkg-deb -c` says, in the same form.
fn listing(path: &str) -> Vec<String> {
    let text = String::from_utf8(run("dpkg-deb", &["-c", path], b"")).expect("UTF-8");
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (_mode, owner) = (words.next()?, words.next()?);
        let (size, _date, _time) = (words.next()?, words.next()?, words.next()?);
        let rest: Vec<_> = words.collect();
        Some(format!("{size} {} {}", owner.replace("root", "0"), rest.join(" ")))
    };
    text.lines().map(|text| line(text).expect("a line of dpkg-deb")).collect()
}

#[test]
fn packages_are_read_as_dpkg_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.deb");
    for compression in ["xz", "gzip", "zstd", "none"] {
        let bytes = build(folder.path(), compression);
        let (control, lines) = read(&bytes).unwrap_or_else(|error| panic!("{compression}: {error}"));
        assert_eq!(lines, listing(path.to_str().expect("UTF-8")), "{compression}");
        assert_eq!(control.control, CONTROL);
        assert_eq!(control.file("conffiles"), Some(&b"/etc/sample.conf\n"[..]));
        let names: Vec<_> = control.files.iter().map(|(name, (mode, _))| format!("{name} {mode}")).collect();
        assert_eq!(names, ["conffiles 0644", "postinst 0755"]);
        let json = serde_json::to_string(&control).expect("serialises");
        assert_eq!(serde_json::from_str::<Control>(&json).expect("reads back"), control);
    }
}

#[test]
fn the_data_is_the_one_that_dpkg_extracts() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = build(folder.path(), "xz");
    let path = folder.path().join("out.deb");
    let plain = run("dpkg-deb", &["--fsys-tarfile", path.to_str().expect("UTF-8")], b"");
    let mut deb = DebReader::open(&bytes[..], Limits::default()).expect("is a package");
    let mut data = deb.data().expect("has data");
    let mut expected = super::super::TarReader::new(&plain[..], Limits::default());
    loop {
        let (ours, theirs) = (data.next().expect("can be read"), expected.next().expect("can be read"));
        let Some(((entry, mut content), (other, mut other_content))) = ours.zip(theirs) else { break };
        let (mut bytes, mut other_bytes) = (Vec::new(), Vec::new());
        content.read_to_end(&mut bytes).expect("can be read");
        other_content.read_to_end(&mut other_bytes).expect("can be read");
        assert_eq!((entry, bytes), (other, other_bytes));
    }
    assert_eq!(data.offset(), plain.len() as u64);
}

#[test]
fn a_package_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for compression in ["xz", "gzip", "zstd", "none"] {
        let bytes = build(folder.path(), compression);
        let step = if compression == "none" { 997 } else { 1 };
        // the last byte may be padding
        for length in (0..bytes.len() - 1).step_by(step) {
            let error = read(&bytes[..length]).expect_err("is cut off").to_string();
            let known = ["the archive is cut off", "cannot decompress", "not a valid .deb file: it has no"];
            assert!(known.iter().any(|known| error.starts_with(known)), "{length} of {compression}: {error}");
        }
    }
}

/// An `ar` archive of these members, made by `ar`.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    for (name, content) in members {
        fs_err::write(at(name), content).expect("can be written");
        run("ar", &["qcSD", &at("out.a"), &at(name)], b"");
    }
    fs_err::read(at("out.a")).expect("was written")
}

fn control(files: &[(&str, &[u8])]) -> Vec<u8> {
    tar(&files.iter().map(|&(name, content)| file(name, content)).collect::<Vec<_>>())
}

#[track_caller]
fn refused(bytes: &[u8], message: &str) {
    assert_eq!(read(bytes).expect_err("is refused").to_string(), message);
}

#[test]
fn members_must_be_those_of_the_format_in_its_order() {
    let (version, control, data) = (&b"2.0\n"[..], &control(&[("control", b"x")])[..], &tar(&[file("a", b"x")])[..]);
    let good =
        [("debian-binary", version), ("_extra", b"?"), ("control.tar", control), ("data.tar", data), ("_sig", b"odd")];
    assert_eq!(read(&ar(&good)).expect("additions may be ignored").1, ["1 0/0 ./a"]);
    let not = "not a valid .deb file:";
    refused(
        &ar(&[("control.tar", control)]),
        &format!("{not} it begins with the member `control.tar` instead of `debian-binary`"),
    );
    refused(
        &ar(&[("debian-binary", version), ("data.tar", data)]),
        &format!("{not} the member `data.tar` stands where `control.tar` must be"),
    );
    refused(
        &ar(&[good[0], good[2], good[1], good[3]]),
        &format!("{not} the member `_extra` stands where `data.tar` must be"),
    );
    refused(&ar(&[good[0], good[2], good[3], ("more", b"x")]), &format!("{not} the member `more` follows the data"));
    refused(&ar(&[good[0], good[2]]), &format!("{not} it has no `data.tar`"));
    refused(&ar(&[good[0]]), &format!("{not} it has no `control.tar`"));
    for version in [&b"3.0\n"[..], b"2.0", b"2.\n", b"", b"0.939000\n"] {
        let error = read(&ar(&[("debian-binary", version), good[2], good[3]])).expect_err("is refused").to_string();
        assert!(error.ends_with("and only version 2 is known"), "{error}");
    }
    let bzip2 = ar(&[good[0], good[2], ("data.tar.bz2", b"BZh9")]);
    refused(&bzip2, "bzip2 compression is not supported: recompress the file with xz, zstd or gzip");
    let lying = ar(&[good[0], good[2], ("data.tar.xz", data)]);
    refused(&lying, "cannot decompress the xz data: it is damaged, cut off or asks for too much memory");
}

#[test]
fn headers_of_members_must_be_well_formed() {
    let good = ar(&[("debian-binary", b"2.0\n")]);
    let patched = |at: usize, bytes: &[u8]| {
        let mut patched = good.clone();
        patched[8 + at..8 + at + bytes.len()].copy_from_slice(bytes);
        patched
    };
    let not = "not a valid ar file:";
    refused(b"PK\x03\x04 and so on", &format!("{not} it does not begin with `!<arch>`"));
    refused(b"", "the archive is cut off: it ends in the middle of its first line");
    refused(&patched(0, b"a b"), &format!("{not} a member has an unusual name"));
    refused(&patched(0, b"../../etc/passwd"), &format!("{not} a member has an unusual name"));
    refused(&patched(0, &[b' '; 16]), &format!("{not} a member has an unusual name"));
    refused(&patched(48, b"-1        "), &format!("{not} the size of the member `debian-binary` is not a number"));
    refused(&patched(48, b"+4        "), &format!("{not} the size of the member `debian-binary` is not a number"));
    refused(&patched(48, b"0x4       "), &format!("{not} the size of the member `debian-binary` is not a number"));
    refused(&patched(48, b"9999999999"), "the archive is cut off: it ends in the middle of the member `debian-binary`");
    refused(&patched(58, b"xx"), &format!("{not} a member's header does not end as it must"));
    let mut odd = ar(&[("debian-binary", b"2.0\nx"), ("control.tar", b"")]);
    let padding = 8 + 60 + 5;
    assert_eq!(odd[padding], b'\n');
    odd[padding] = b'x';
    refused(&odd, &format!("{not} the member `debian-binary` is not padded with a line end"));
}

#[test]
fn the_control_member_is_judged_as_well() {
    let deb = |control: &[u8]| ar(&[("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", &tar(&[]))]);
    let not = "not a valid .deb file:";
    refused(&deb(&control(&[("md5sums", b"")])), &format!("{not} it has no `control`"));
    refused(&deb(&control(&[("control", b"\xff")])), &format!("{not} its control file is not UTF-8"));
    refused(
        &deb(&control(&[("control", b"x"), ("control", b"y")])),
        &format!("{not} its control member holds `control` twice"),
    );
    refused(
        &deb(&control(&[("a/b", b"x")])),
        &format!("{not} its control member holds `/a/b`, but only files belong there"),
    );
    let many: Vec<_> = (0..5000).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    refused(&deb(&control(&many)), "the number of entries in the archive exceeds the limit of 4096 entries");
    let large = vec![0; 17 << 20];
    refused(&deb(&control(&[("control", &large)])), "the size of `/control` exceeds the limit of 16777216 bytes");
    assert!(read(&deb(&control(&[("control", b"x")]))).is_ok());
}
