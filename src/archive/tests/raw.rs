//! Archives put together block by block, as no decent program would.

use std::io::Read as _;

use super::super::ustar::{BLOCK, NewHeader};
use super::super::{ArchiveError, END_BLOCKS, Limits, TarReader};

/// A header block with content, padded.
pub(super) struct Raw {
    flag: u8,
    name: &'static [u8],
    link: &'static [u8],
    content: Vec<u8>,
}

pub(super) fn raw(flag: u8, name: &'static str) -> Raw {
    Raw { flag, name: name.as_bytes(), link: b"", content: Vec::new() }
}

impl Raw {
    pub(super) fn link(self, link: &'static str) -> Self {
        Self { link: link.as_bytes(), ..self }
    }

    pub(super) fn content(self, content: impl Into<Vec<u8>>) -> Self {
        Self { content: content.into(), ..self }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
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
    pub(super) fn patched(&self, at: usize, field: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes[at..at + field.len()].copy_from_slice(field);
        sum_up(&mut bytes[..BLOCK]);
        bytes
    }
}

/// Puts the checksum of a header right.
pub(super) fn sum_up(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(super) fn archive(pieces: &[Vec<u8>]) -> Vec<u8> {
    [&pieces.concat()[..], &END_BLOCKS].concat()
}

/// Reads an archive with all its content; the number of entries.
pub(super) fn read_all(bytes: &[u8], limits: Limits) -> Result<usize, ArchiveError> {
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
pub(super) fn refused(bytes: &[u8], message: &str) {
    let error = read_all(bytes, Limits::default()).expect_err("is refused");
    assert_eq!(error.to_string(), message);
    assert!(!matches!(error, ArchiveError::Read { .. }), "the input is not to blame");
}

pub(super) fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let records = records.iter().map(|&(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
    raw(b'x', "pax").content(super::super::pax::render(&records)).bytes()
}
