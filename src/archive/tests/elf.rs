//! Real programs and libraries, with `readelf` as the oracle, and damaged ones.

use proptest::prelude::*;

use super::super::elf::{ElfFacts, facts, facts_of};
use super::oracle::run;

/// What `readelf` says, as far as it says it in one line.
fn readelf(path: &str) -> ElfFacts {
    let text = String::from_utf8_lossy(&run("readelf", &["-hldnW", path], b"")).into_owned();
    let bracket = |line: &str| Some(line.rsplit_once('[')?.1.trim_end().trim_end_matches(']').to_owned());
    let all =
        |tag: &str| -> Vec<String> { text.lines().filter(|line| line.contains(tag)).filter_map(bracket).collect() };
    let header = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a line").trim();
    let after =
        |mark: &str| text.split_once(mark).and_then(|(_, rest)| rest.split(['\n', ']']).next()).map(str::to_owned);
    ElfFacts {
        machine: if header("Machine:").contains("X86-64") { 62 } else { 183 },
        flags: u32::from_str_radix(header("Flags:").trim_start_matches("0x"), 16).expect("hexadecimal"),
        class64: header("Class:") == "ELF64",
        little_endian: header("Data:").contains("little"),
        file_type: if header("Type:").starts_with("DYN") { 3 } else { 2 },
        interpreter: after("[Requesting program interpreter: "),
        soname: all("(SONAME)").pop(),
        needed: all("(NEEDED)"),
        runpath: all("(RUNPATH)").pop(),
        rpath: all("(RPATH)").pop(),
        dynamic: text.contains("Dynamic section at offset"),
        pie: text.lines().any(|line| line.contains("(FLAGS_1)") && line.contains("PIE")),
        osversion: after("OS: Linux, ABI: ").map(|version| {
            version.split('.').fold(0, |number, part| number << 8 | part.parse::<u32>().expect("a number"))
        }),
        isa_needed: after("x86 ISA needed: ").map(|text| text.matches("x86-64-").fold(0, |bits, _| bits << 1 | 1)),
    }
}

/// Files of the machine that runs the tests.
fn samples() -> Vec<String> {
    let libraries = run("sh", &["-c", "ls /usr/lib/*-linux-gnu*/lib[a-m]*.so.? | head -n 60"], b"");
    let libraries = String::from_utf8(libraries).expect("UTF-8");
    ["/bin/ls", "/bin/sh"].into_iter().chain(libraries.lines()).map(str::to_owned).collect()
}

#[test]
fn real_files_are_read_as_readelf_reads_them() {
    let samples = samples();
    assert!(samples.len() > 10, "a machine with libraries");
    for path in samples {
        let bytes = fs_err::read(&path).expect("can be read");
        assert_eq!(facts(&bytes), Some(readelf(&path)), "{path}");
    }
}

#[test]
fn bytes_need_not_be_aligned() {
    let bytes = fs_err::read("/bin/ls").expect("can be read");
    let shifted = [&[0], &bytes[..]].concat();
    assert_eq!(facts(&shifted[1..]), facts(&bytes));
    assert!(facts(&bytes).is_some_and(|facts| facts.needed.contains(&"libc.so.6".to_owned()) && facts.pie));
}

/// A library for a 32-bit big endian machine, which this machine cannot have: headers, then strings at 0x100, then the
/// dynamic section at 0x180, all loaded to 0x1000.
fn powerpc() -> Vec<u8> {
    const STRINGS: &[u8] = b"\0libx.so.1\0liby.so.2\0/opt/lib\0";
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let ident = [&b"\x7fELF"[..], &[1, 2, 1, 0], &[0; 8]].concat();
    // type 3 and machine 20; version, entry, program headers, sections, flags; sizes and counts of headers
    let header = [words(&[3 << 16 | 20, 1, 0, 52, 0, 0x8000]), words(&[52 << 16 | 32, 2 << 16, 0])].concat();
    let (load, dynamic) = ([1, 0, 0x1000, 0x1000, 0x1c0, 0x1c0, 5, 4], [2, 0x180, 0x1180, 0x1180, 64, 64, 4, 4]);
    let mut bytes = [ident, header, words(&load), words(&dynamic)].concat();
    bytes.resize(0x100, 0);
    bytes.extend(STRINGS);
    bytes.resize(0x180, 0);
    bytes.extend(words(&[14, 1, 1, 11, 15, 21, 5, 0x1100, 10, STRINGS.len() as u32, 0, 0, 1, 1, 0, 0]));
    bytes
}

#[test]
fn other_classes_and_byte_orders_are_read() {
    let expected = ElfFacts {
        machine: 20,
        flags: 0x8000,
        class64: false,
        little_endian: false,
        file_type: 3,
        soname: Some("libx.so.1".to_owned()),
        needed: vec!["liby.so.2".to_owned()],
        rpath: Some("/opt/lib".to_owned()),
        dynamic: true,
        ..ElfFacts::default()
    };
    let bytes = powerpc();
    assert_eq!(facts(&bytes), Some(expected));
    // cut off anywhere, it has fewer facts and does no harm
    for length in 0..bytes.len() {
        assert_eq!(facts(&bytes[..length]).is_some(), length >= 52, "{length}");
    }
}

#[test]
fn a_file_that_is_not_held_has_the_same_facts() {
    for path in samples() {
        let bytes = fs_err::read(&path).expect("can be read");
        assert_eq!(facts_of(fs_err::File::open(&path).expect("can be read")), facts(&bytes), "{path}");
    }
    assert_eq!(facts_of(std::io::Cursor::new(b"\x7fELF")), None);
}

#[test]
fn what_is_not_elf_has_no_facts() {
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0; 100]] {
        assert_eq!(facts(bytes), None);
    }
    let empty = ElfFacts::default();
    let json = serde_json::to_string(&empty).expect("serialises");
    assert_eq!(serde_json::from_str::<ElfFacts>(&json).expect("reads back"), empty);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_files_do_not_panic(
        changes in proptest::collection::vec((prop_oneof![4 => 0..1500_usize, 1 => any::<usize>()], any::<u8>()), 0..12),
        length in prop_oneof![Just(usize::MAX), 0..200_000_usize],
    ) {
        use std::sync::LazyLock;
        static LS: LazyLock<Vec<u8>> = LazyLock::new(|| fs_err::read("/bin/ls").expect("can be read"));
        let mut bytes = LS.clone();
        for (at, byte) in changes {
            bytes[at % LS.len()] = byte;
        }
        bytes.truncate(length);
        let _ = facts(&bytes);
    }

    #[test]
    fn random_files_do_not_panic(ident in [0_u8..4, 0_u8..4], bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = facts(&[&b"\x7fELF"[..], &ident, &[1], &bytes].concat());
    }
}
