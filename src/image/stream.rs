//! Writing a piece of a layer: entries in, compressed members in the store out, with where each file's bytes are.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::archive::elf;
use crate::archive::{
    ArchiveError, ElfFacts, Entry, GZIP_CODEC, GzipMembers, Member, TarWriter, ZSTD_CODEC, ZstdFrames, inflate_frame,
    inflate_member,
};
use crate::model::{Digest, Hasher};
use crate::recipe::Compression;
use crate::store::{BlobWriter, Store};

use super::ImageError;

/// Largest ELF file of which the headers are read; they may point anywhere in it, so it is held while it passes.
const LARGEST_ELF: u64 = 64 << 20;
/// Bytes of a tar block.
const BLOCK: u64 = 512;

/// A piece of a layer in the store: tar entries without end blocks, as compressed members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The compressed bytes.
    pub blob: Digest,
    /// How many they are.
    pub size: u64,
    /// How many there are uncompressed.
    pub length: u64,
    /// The members, in order.
    pub members: Vec<Member>,
}

/// Where a file's bytes went.
pub(super) struct Written {
    /// What they are.
    pub(super) digest: Digest,
    /// Where they begin in the uncompressed stream.
    pub(super) offset: u64,
    /// What its ELF headers say.
    pub(super) elf: Option<ElfFacts>,
}

/// What the bytes of a stream depend on beside its entries.
pub(super) const fn codec(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => GZIP_CODEC,
        Compression::Zstd => ZSTD_CODEC,
    }
}

/// Decompresses one member of a stream.
pub(super) fn inflate(compression: Compression, bytes: &[u8], length: u64) -> Result<Vec<u8>, ArchiveError> {
    match compression {
        Compression::Gzip => inflate_member(bytes, length),
        Compression::Zstd => inflate_frame(bytes, length),
    }
}

/// Tells the compression of a member by its magic number.
pub(super) fn compression_of(bytes: &[u8]) -> Compression {
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { Compression::Zstd } else { Compression::Gzip }
}

/// Writes a [`Stream`].
pub(super) struct StreamWriter {
    tar: TarWriter<Counted>,
}

struct Counted {
    inner: Compressor,
    length: u64,
}

enum Compressor {
    Gzip(GzipMembers<BlobWriter>),
    Zstd(ZstdFrames<BlobWriter>),
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.inner {
            Compressor::Gzip(members) => members.write(bytes),
            Compressor::Zstd(frames) => frames.write(bytes),
        }?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StreamWriter {
    pub(super) fn new(store: &Store, compression: Compression) -> Result<Self, ImageError> {
        let blob = store.blob_writer()?;
        let inner = match compression {
            Compression::Gzip => Compressor::Gzip(GzipMembers::new(blob)),
            Compression::Zstd => Compressor::Zstd(ZstdFrames::new(blob)),
        };
        Ok(Self { tar: TarWriter::new(Counted { inner, length: 0 }) })
    }

    /// Adds an entry and hashes its content on the way.
    pub(super) fn append(&mut self, entry: &Entry, content: impl Read) -> Result<Written, ArchiveError> {
        let mut seen = Seen::new(content, entry.kind.size());
        self.tar.append(entry, &mut seen)?;
        let padded = entry.kind.size().div_ceil(BLOCK) * BLOCK;
        Ok(Written {
            elf: elf::facts(&seen.file),
            digest: seen.hasher.finish(),
            offset: self.tar.get_ref().length.saturating_sub(padded),
        })
    }

    /// Puts what was written into the store.
    pub(super) fn finish(self) -> Result<Stream, ImageError> {
        self.tar.into_inner().commit()
    }
}

/// The piece that ends a layer.
pub(super) fn end_blocks(store: &Store, compression: Compression) -> Result<Stream, ImageError> {
    let ended = StreamWriter::new(store, compression)?.tar.finish();
    ended.map_err(|source| ImageError::Write { what: "a layer", source })?.commit()
}

impl Counted {
    fn commit(self) -> Result<Stream, ImageError> {
        let written = match self.inner {
            Compressor::Gzip(members) => members.finish(),
            Compressor::Zstd(frames) => frames.finish(),
        };
        let (blob, members) = written.map_err(|source| ImageError::Write { what: "a layer", source })?;
        let (blob, size) = blob.commit()?;
        Ok(Stream { blob, size, length: self.length, members })
    }
}

/// Passes content on, hashes it, and keeps it while it may be an ELF file.
struct Seen<R> {
    content: R,
    hasher: Hasher,
    file: Vec<u8>,
    keep: bool,
}

impl<R: Read> Seen<R> {
    fn new(content: R, size: u64) -> Self {
        Self { content, hasher: Hasher::new(), file: Vec::new(), keep: (4..=LARGEST_ELF).contains(&size) }
    }
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        let bytes = &buffer[..read];
        self.hasher.update(bytes);
        if self.keep {
            self.file.extend_from_slice(bytes);
            if self.file.len() >= 4 && !elf::is_elf(&self.file) {
                self.keep = false;
                self.file = Vec::new();
            }
        }
        Ok(read)
    }
}
