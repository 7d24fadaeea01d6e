//! Any bytes as compressed data, whole and as single members; and what is compressed comes back.
#![no_main]

use std::io::{self, Write as _};

use libfuzzer_sys::fuzz_target;
use orchestrate::archive::{GzipMembers, Limited, decompress, inflate_frame, inflate_member};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = decompress(bytes) {
        let _ = io::copy(&mut Limited::new(reader, 4 << 20, "it"), &mut io::sink());
    }
    for length in [0, 1, bytes.len() as u64, 1 << 20, u64::MAX] {
        let _ = inflate_member(bytes, length);
        let _ = inflate_frame(bytes, length);
    }
    let mut writer = GzipMembers::new(Vec::new());
    writer.write_all(bytes).expect("a vector takes all");
    let (packed, members) = writer.finish().expect("a vector takes all");
    for member in members {
        assert_eq!(inflate_member(&packed, member.uncompressed_len).expect("is one member"), bytes);
    }
});
