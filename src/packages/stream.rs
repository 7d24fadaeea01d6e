//! Writing a piece of a layer: entries in, compressed members in the store out, with where each file's bytes are.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::archive::elf;
use crate::archive::{
    ArchiveError, ElfFacts, Entry, GZIP_CODEC, GzipMembers, Member, TarWriter, ZSTD_CODEC, ZstdFrames, inflate_frame,
    inflate_member,
};
use crate::model::{Digest, Hasher};
use crate::recipe::Compression;
use crate::store::{BlobWriter, Store};

use super::PackagesError;

/// Largest ELF file that is held while it passes: its headers may point anywhere in it. Larger ones go to a temporary
/// file.
const HELD: u64 = 16 << 20;
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
pub(crate) struct Written {
    /// What they are.
    pub(crate) digest: Digest,
    /// Where they begin in the uncompressed stream.
    pub(crate) offset: u64,
    /// What its ELF headers say.
    pub(crate) elf: Option<ElfFacts>,
}

/// What the bytes of a stream depend on beside its entries.
pub(crate) const fn codec(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => GZIP_CODEC,
        Compression::Zstd => ZSTD_CODEC,
    }
}

/// Decompresses one member of a stream.
pub(crate) fn inflate(compression: Compression, bytes: &[u8], length: u64) -> Result<Vec<u8>, ArchiveError> {
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
pub(crate) struct StreamWriter {
    tar: TarWriter<Counted>,
    /// Where temporary files go.
    folder: PathBuf,
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
    pub(crate) fn new(store: &Store, compression: Compression) -> Result<Self, PackagesError> {
        let blob = store.blob_writer()?;
        let inner = match compression {
            Compression::Gzip => Compressor::Gzip(GzipMembers::new(blob)),
            Compression::Zstd => Compressor::Zstd(ZstdFrames::new(blob)),
        };
        Ok(Self { tar: TarWriter::new(Counted { inner, length: 0 }), folder: store.root().to_owned() })
    }

    /// Adds an entry and hashes its content on the way.
    pub(crate) fn append(&mut self, entry: &Entry, content: impl Read) -> Result<Written, ArchiveError> {
        let mut seen = Seen::new(content, entry.kind.size(), &self.folder);
        self.tar.append(entry, &mut seen)?;
        let padded = entry.kind.size().div_ceil(BLOCK) * BLOCK;
        let (digest, elf) = seen.finish();
        Ok(Written { digest, elf, offset: self.tar.get_ref().length.saturating_sub(padded) })
    }

    /// Puts what was written into the store.
    pub(crate) fn finish(self) -> Result<Stream, PackagesError> {
        self.tar.into_inner().commit()
    }
}

/// The piece that ends a layer.
pub(crate) fn end_blocks(store: &Store, compression: Compression) -> Result<Stream, PackagesError> {
    let ended = StreamWriter::new(store, compression)?.tar.finish();
    ended.map_err(|source| PackagesError::Write { what: "a layer", source })?.commit()
}

impl Counted {
    fn commit(self) -> Result<Stream, PackagesError> {
        let written = match self.inner {
            Compressor::Gzip(members) => members.finish(),
            Compressor::Zstd(frames) => frames.finish(),
        };
        let (blob, members) = written.map_err(|source| PackagesError::Write { what: "a layer", source })?;
        let (blob, size) = blob.commit()?;
        Ok(Stream { blob, size, length: self.length, members })
    }
}

/// Passes content on, hashes it, and keeps it while it may be an ELF file.
pub(super) struct Seen<'a, R> {
    content: R,
    folder: &'a Path,
    hasher: Hasher,
    kept: Kept,
    size: u64,
}

/// What was seen of a file.
enum Kept {
    /// Its first bytes, or a small file whole.
    Held(Vec<u8>),
    /// A large ELF file.
    Spooled(std::fs::File),
    /// Nothing: it is no ELF file.
    Nothing,
}

impl<'a, R: Read> Seen<'a, R> {
    pub(super) fn new(content: R, size: u64, folder: &'a Path) -> Self {
        Self { content, folder, hasher: Hasher::new(), kept: Kept::Held(Vec::new()), size }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Spooled(file) => file.write_all(bytes)?,
            Kept::Held(held) => {
                held.extend_from_slice(bytes);
                let known = held.len() >= 4;
                if known && !elf::is_elf(held) {
                    self.kept = Kept::Nothing;
                } else if known && self.size > HELD {
                    let mut file = tempfile::tempfile_in(self.folder)?;
                    file.write_all(held)?;
                    self.kept = Kept::Spooled(file);
                } else if known {
                    held.reserve_exact((self.size as usize).saturating_sub(held.len()));
                }
            }
        }
        Ok(())
    }

    /// What the content that has passed is: its digest, and what its ELF headers say.
    pub(super) fn finish(self) -> (Digest, Option<ElfFacts>) {
        let elf = match &self.kept {
            Kept::Held(held) => elf::facts(held),
            Kept::Spooled(file) => elf::facts_of(file),
            Kept::Nothing => None,
        };
        (self.hasher.finish(), elf)
    }
}

impl<R: Read> Read for Seen<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.keep(&buffer[..read])?;
        Ok(read)
    }
}
