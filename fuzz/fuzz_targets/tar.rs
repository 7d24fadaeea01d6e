//! What is read from any bytes can be written, and is read again as the same; the guard has let nothing through that
//! would be written outside of a folder.
#![no_main]

use std::collections::BTreeSet;
use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use orchestrate::archive::{END_BLOCKS, Entry, EntryKind, Limits, TarReader, TarWriter};

const LIMITS: Limits = Limits { entries: 1000, entry_size: 1 << 20, total_size: 4 << 20, extended: 64 << 10 };

fn read(bytes: &[u8]) -> Option<Vec<(Entry, Vec<u8>)>> {
    let mut reader = TarReader::new(bytes, LIMITS);
    let mut entries = Vec::new();
    while let Some((entry, mut content)) = reader.next().ok()? {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).ok()?;
        assert_eq!(bytes.len() as u64, entry.kind.size());
        entries.push((entry, bytes));
    }
    Some(entries)
}

/// Nothing random has a right checksum, so headers get one.
fn sum_up(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes.extend(END_BLOCKS);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let _ = read(bytes);
    let Some(entries) = read(&sum_up(bytes)) else { return };
    let mut links = BTreeSet::new();
    for (entry, _) in &entries {
        assert!(entry.path.ancestors().all(|folder| !links.contains(&folder)), "{entry:?} is below a link");
        if let EntryKind::Symlink { .. } = entry.kind {
            links.insert(entry.path.clone());
        }
    }
    let mut writer = TarWriter::new(Vec::new());
    for (entry, content) in &entries {
        if writer.append(entry, &content[..]).is_err() {
            return; // names of extended attributes may hold what cannot be written
        }
    }
    assert_eq!(read(&writer.finish().expect("a vector takes all")), Some(entries));
});
