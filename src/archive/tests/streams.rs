//! Compressed streams as the programs of the field write them, and as nobody should.

use std::io::Read as _;

use super::super::{ArchiveError, CompressionFormat, TarReader, decompress};
use super::oracle::{attempt, file, run, tar};

fn sample() -> Vec<u8> {
    (0..200_000_u32).flat_map(|number| (number.wrapping_mul(number) / 7).to_le_bytes()).collect()
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut out = Vec::new();
    decompress(bytes)?.read_to_end(&mut out).map_err(ArchiveError::from_read)?;
    Ok(out)
}

const PROGRAMS: &[(&str, &[&str])] = &[
    ("gzip", &["-c"]),
    ("xz", &["-c", "-9"]),
    ("xz", &["-c", "--block-size=100000", "-T2", "--check=sha256"]),
    ("zstd", &["-c", "-q", "-19"]),
    ("zstd", &["-c", "-q", "--long=27"]),
];

#[test]
fn every_supported_format_is_told_by_its_first_bytes() {
    let sample = sample();
    for (program, options) in PROGRAMS {
        let packed = run(program, options, &sample);
        assert!(unpack(&packed).expect("is fine") == sample, "{program} {options:?}");
        let twice = [&packed[..], &packed].concat();
        assert!(unpack(&twice).expect("pieces concatenate") == [&sample[..], &sample].concat(), "{program}");
    }
    assert_eq!(unpack(&sample).expect("is not compressed"), sample);
    assert_eq!(unpack(b"").expect("is empty"), b"");
    assert_eq!(unpack(b"x").expect("is short"), b"x");
}

#[test]
fn a_cut_or_damaged_stream_is_an_error() {
    let sample = sample();
    for (program, options) in PROGRAMS {
        let packed = run(program, options, &sample);
        let message =
            format!("cannot decompress the {program} data: it is damaged, cut off or asks for too much memory");
        for length in [10, 30, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
            let error = unpack(&packed[..length]).expect_err("is cut off");
            assert_eq!(error.to_string(), message, "{length} of {}", packed.len());
        }
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0x40;
        assert_eq!(unpack(&damaged).expect_err("is damaged").to_string(), message);
        let trailing = [&packed[..], b"more"].concat();
        assert_eq!(unpack(&trailing).expect_err("is not of the format throughout").to_string(), message);
    }
}

#[test]
fn the_end_of_an_archive_verifies_the_checksum_behind_it() {
    let bytes = tar(&[file("a", b"x")]);
    for (program, options) in PROGRAMS.iter().filter(|(_, options)| !options.contains(&"-T2")) {
        let mut packed = run(program, options, &bytes);
        // the checksum, or the footer with its own
        let at = packed.len() - 6;
        packed[at] ^= 1;
        let mut reader = TarReader::new(decompress(&packed[..]).expect("its beginning is right"), Default::default());
        assert!(reader.next_entry().and_then(|_| reader.next_entry()).is_err(), "{program} {options:?}");
    }
}

#[test]
fn formats_that_are_not_read_are_named() {
    const PYTHON: &str = "import sys,bz2,lzma;d=sys.stdin.buffer.read();sys.stdout.buffer.write(\
                          bz2.compress(d) if sys.argv[1]=='bzip2' else lzma.compress(d,format=lzma.FORMAT_ALONE))";
    for format in ["bzip2", "lzma"] {
        let packed = run("python3", &["-c", PYTHON, format], &sample());
        let expected = format!("{format} compression is not supported: recompress the file with xz, zstd or gzip");
        assert_eq!(unpack(&packed).expect_err("is refused").to_string(), expected);
    }
    for (head, format) in [(&b"PK\x03\x04"[..], "zip"), (b"LZIP\x01", "lzip"), (b"7z\xbc\xaf\x27\x1c", "7z")] {
        let error = CompressionFormat::detect(head).expect_err("is refused").to_string();
        assert!(error.starts_with(&format!("{format} compression")), "{error}");
    }
    // the name of a file is no magic
    assert_eq!(CompressionFormat::detect(&tar(&[file("BZh9", b"x")])).ok(), Some(CompressionFormat::None));
}

#[test]
fn demands_for_memory_are_limited() {
    let sample = sample();
    let (able, packed, _) = attempt("xz", &["-c", "--lzma2=dict=1GiB,mf=hc3,mode=fast,nice=4"], &sample);
    assert!(able, "xz has memory for this");
    let error = unpack(&packed).expect_err("1 GiB is too much");
    assert_eq!(error.to_string(), "cannot decompress the xz data: it is damaged, cut off or asks for too much memory");
    // a window of 2^28 bytes, in a frame of unknown size: as `zstd --long=28` writes it
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 0x01, 0x00, 0x00];
    let error = unpack(&frame).expect_err("256 MiB is too much");
    assert!(error.to_string().contains("too much memory"), "{error}");
}

#[test]
fn an_error_of_the_input_is_not_taken_for_one_of_the_format() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
    }
    for (program, options) in PROGRAMS {
        let packed = run(program, options, &sample());
        let broken = std::io::Read::chain(&packed[..packed.len() / 2], Broken);
        let mut out = Vec::new();
        let result =
            decompress(broken).and_then(|mut reader| reader.read_to_end(&mut out).map_err(ArchiveError::from_read));
        let Err(ArchiveError::Read { source }) = result else { panic!("{program}: {result:?}") };
        assert_eq!(source.to_string(), "the disk is on fire");
    }
}
