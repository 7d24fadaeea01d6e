//! Containers and compressed data.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};

use crate::archive::{
    ArReader, ArchiveError, DebReader, END_BLOCKS, Entry, EntryKind, GzipMembers, Limited, Limits, TarReader,
    TarWriter, Whiteout, decompress, elf as programs, inflate_frame, inflate_member,
};

const LIMITS: Limits = Limits { entries: 1000, entry_size: 1 << 20, total_size: 4 << 20, extended: 64 << 10 };

/// Any bytes as an `ar` archive.
pub fn ar(bytes: &[u8]) {
    let Ok(mut reader) = ArReader::new(bytes) else { return };
    while let Ok(Some(member)) = reader.next_member() {
        let read = io::copy(&mut reader, &mut io::sink());
        if let Ok(read) = read {
            assert_eq!(read, member.size, "the content of {}", member.name);
        }
    }
}

/// Any bytes as a package.
pub fn deb(bytes: &[u8]) {
    let read = || -> Result<(), ArchiveError> {
        let mut deb = DebReader::open(bytes, LIMITS)?;
        let mut data = deb.data()?;
        while data.next_entry()?.is_some() {}
        drop(data);
        deb.finish().map(drop)
    };
    let _ = read();
}

/// Any bytes as a program.
pub fn elf(bytes: &[u8]) {
    let found = programs::facts(bytes);
    let shifted = [&[0], bytes].concat();
    assert_eq!(programs::facts(&shifted[1..]), found, "facts do not depend on where the bytes are");
}

/// Any bytes as compressed data, whole and as single members; and what is compressed comes back.
pub fn pieces(bytes: &[u8]) {
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
}

/// What is read from any bytes can be written, and is read again as the same; the guard has let nothing through that would
/// be written outside of a folder.
pub fn tar(bytes: &[u8]) {
    let _ = entries(bytes);
    let right = with_checksums(bytes);
    // as a layer of an image, as a package's segment, and as a source whose first folder is left out
    let readers: [TarReader<&[u8]>; 3] = [
        TarReader::layer(&right[..], LIMITS),
        TarReader::segment(&right[..], LIMITS),
        TarReader::new(&right[..], LIMITS).stripping(1),
    ];
    for mut reader in readers {
        while let Ok(Some(entry)) = reader.next_entry() {
            let _ = Whiteout::read(&entry.path);
        }
    }
    let Some(found) = entries(&right) else { return };
    let mut links = BTreeSet::new();
    for (entry, _) in &found {
        assert!(entry.path.ancestors().all(|folder| !links.contains(&folder)), "{entry:?} is below a link");
        if let EntryKind::Symlink { .. } = entry.kind {
            links.insert(entry.path.clone());
        }
    }
    let mut writer = TarWriter::new(Vec::new());
    for (entry, content) in &found {
        if writer.append(entry, &content[..]).is_err() {
            return; // names of extended attributes may hold what cannot be written
        }
    }
    assert_eq!(entries(&writer.finish().expect("a vector takes all")), Some(found));
}

fn entries(bytes: &[u8]) -> Option<Vec<(Entry, Vec<u8>)>> {
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
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes.extend(END_BLOCKS);
    bytes
}
