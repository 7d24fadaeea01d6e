//! Streams of independent pieces: the same for every way of writing, and read by everybody.

use std::io::{Read as _, Write as _};

use proptest::prelude::*;

use super::super::{
    GZIP_CODEC, GzipLevel, GzipMembers, Member, ZSTD_CODEC, ZstdFrames, ZstdLevel, decompress, inflate_frame,
    inflate_member, locate,
};
use super::oracle::run;

/// Compressible, and nowhere the same.
fn sample(length: usize) -> Vec<u8> {
    (0_u64..).flat_map(|number| (number * number % 1_000_003 / 5).to_le_bytes()).take(length).collect()
}

fn gzip(bytes: &[u8], chunk: usize) -> (Vec<u8>, Vec<Member>) {
    let mut writer = GzipMembers::new(Vec::new());
    for chunk in bytes.chunks(chunk) {
        writer.write_all(chunk).expect("a vector takes all");
        writer.flush().expect("cuts nothing");
    }
    writer.finish().expect("a vector takes all")
}

fn zstd(bytes: &[u8], chunk: usize) -> (Vec<u8>, Vec<Member>) {
    let mut writer = ZstdFrames::with_level(Vec::new(), ZstdLevel::new(3).expect("a level"));
    for chunk in bytes.chunks(chunk) {
        writer.write_all(chunk).expect("a vector takes all");
    }
    writer.finish().expect("a vector takes all")
}

/// On a thread that others do not help.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be had").install(work)
}

#[test]
fn pieces_do_not_depend_on_chunks_or_threads() {
    let bytes = sample((9 << 20) + 12_345);
    for compress in [gzip, zstd] {
        let whole = compress(&bytes, usize::MAX);
        for chunk in [1000, 1 << 20, (1 << 20) + 1, 4 << 20] {
            assert!(compress(&bytes, chunk) == whole, "chunks of {chunk}");
        }
        assert!(alone(|| compress(&bytes, 65_536)) == whole, "without other threads");
    }
}

#[test]
fn members_are_cut_every_mebibyte() {
    let lengths = |length: usize| -> Vec<u64> {
        gzip(&sample(length), 777_777).1.iter().map(|member| member.uncompressed_len).collect()
    };
    let mebi = 1 << 20;
    assert!(lengths(0).is_empty());
    assert_eq!(lengths(1), [1]);
    assert_eq!(lengths(mebi), [1 << 20]);
    assert_eq!(lengths(mebi + 1), [1 << 20, 1]);
    assert_eq!(lengths(20 * mebi), [1 << 20; 20]);
}

#[test]
fn every_reader_reads_them() {
    let bytes = sample((3 << 20) + 17);
    let (packed, members) = gzip(&bytes, 1 << 16);
    assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "no time, no name, an unknown system");
    assert_eq!(packed.len() as u64, members.iter().map(|member| member.compressed_len).sum::<u64>());
    run("gzip", &["-t"], &packed);
    assert!(run("gzip", &["-dc"], &packed) == bytes);
    let python = "import sys,gzip;sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    assert!(run("python3", &["-c", python], &packed) == bytes);
    let mut read = Vec::new();
    decompress(&packed[..]).expect("is gzip").read_to_end(&mut read).expect("can be read");
    assert!(read == bytes);

    let (packed, frames) = zstd(&bytes, 1 << 16);
    assert_eq!(frames.len(), 2);
    assert!(run("zstd", &["-dcq"], &packed) == bytes);
    let listing = run("zstd", &["-q", "-t", "-"], &packed);
    assert!(listing.is_empty());
    let mut read = Vec::new();
    decompress(&packed[..]).expect("is zstd").read_to_end(&mut read).expect("can be read");
    assert!(read == bytes);
}

#[test]
fn any_byte_is_found_through_the_table() {
    let bytes = sample((2 << 20) + 500);
    type Inflate = fn(&[u8], u64) -> Result<Vec<u8>, super::super::ArchiveError>;
    let cases = [(gzip(&bytes, 9999), inflate_member as Inflate), (zstd(&bytes, 9999), inflate_frame)];
    for ((packed, members), inflate) in cases {
        for offset in [0, 1, (1 << 20) - 1, 1 << 20, 2 << 20, bytes.len() - 1] {
            let found = locate(&members, offset as u64).expect("is inside");
            let member = members[found.index];
            let start = found.compressed_offset as usize;
            let piece = &packed[start..start + member.compressed_len as usize];
            let inflated = inflate(piece, member.uncompressed_len).expect("is a piece");
            assert_eq!(inflated[offset - found.uncompressed_offset as usize], bytes[offset], "{offset}");
            for wrong in [member.uncompressed_len - 1, member.uncompressed_len + 1, u64::MAX] {
                assert!(inflate(piece, wrong).is_err(), "{wrong}");
            }
            assert!(inflate(&piece[..piece.len() - 1], member.uncompressed_len).is_err());
        }
        assert_eq!(locate(&members, bytes.len() as u64), None);
    }
    assert_eq!(locate(&[], 0), None);
    let huge = Member { compressed_len: u64::MAX, uncompressed_len: u64::MAX };
    assert_eq!(locate(&[huge, huge], u64::MAX).map(|found| found.index), Some(1));
    let odd = Member { compressed_len: u64::MAX, uncompressed_len: 1 };
    assert_eq!(locate(&[odd; 3], 2), None);
}

#[test]
fn the_codec_names_the_libraries_that_are_linked() {
    let lock = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).expect("is there");
    let version = |package: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).expect("is a dependency");
        rest.split('"').next().expect("has a version").to_owned()
    };
    let libdeflate = version("libdeflate-sys");
    let libdeflate = libdeflate.rsplit_once('.').expect("has three numbers").0;
    assert_eq!(GZIP_CODEC, format!("gzip libdeflate-{libdeflate} level-6 block-1MiB"));
    let zstd = version("zstd-sys");
    let zstd = zstd.split_once("+zstd.").expect("tells the version of the library").1;
    assert_eq!(ZSTD_CODEC, format!("zstd libzstd-{zstd} level-9 block-2MiB"));
    assert_eq!(GzipLevel::DEFAULT.codec(), GZIP_CODEC);
    assert_eq!(ZstdLevel::DEFAULT.codec(), ZSTD_CODEC);
    assert!(GzipLevel::new(0).is_none() && GzipLevel::new(13).is_none() && ZstdLevel::new(20).is_none());
    assert_ne!(GzipLevel::new(9).expect("a level").codec(), GZIP_CODEC);
}

#[test]
fn a_writer_that_fails_is_reported() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = GzipMembers::new(Full);
    writer.write_all(b"x").expect("is kept back");
    let error = writer.finish().err().expect("cannot be written");
    assert_eq!(error.to_string(), "cannot write the archive");
}

proptest! {
    #[test]
    fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 1..3000)) {
        let (packed, members) = gzip(&bytes, 100);
        prop_assert_eq!(inflate_member(&packed, members[0].uncompressed_len).expect("is a member"), &bytes[..]);
        let (packed, frames) = zstd(&bytes, 100);
        prop_assert_eq!(inflate_frame(&packed, frames[0].uncompressed_len).expect("is a frame"), &bytes[..]);
    }
}
