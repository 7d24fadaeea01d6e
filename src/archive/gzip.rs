//! Gzip (RFC 1952) as a sequence of independent members of 1 MiB of input each.

use std::io::{self, Write};

use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};

use super::ArchiveError;
use super::members::{Blocks, Codec, Member};

/// What the bytes of [`GzipMembers`] at its default level depend on beside the input: library, level, block size. It
/// belongs into the key of whatever stores them.
pub const GZIP_CODEC: &str = "gzip libdeflate-1.26 level-6 block-1MiB";

/// Bytes of input per member.
const BLOCK: usize = 1 << 20;

/// The effort of libdeflate: 1 is fast, 12 is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GzipLevel(u8);

impl GzipLevel {
    /// The level of [`GZIP_CODEC`].
    pub const DEFAULT: Self = Self(6);

    /// A level from 1 to 12; none for others.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if matches!(level, 1..=12) { Some(Self(level)) } else { None }
    }

    /// As [`GZIP_CODEC`], for this level.
    #[must_use]
    pub fn codec(self) -> String {
        GZIP_CODEC.replace("level-6", &format!("level-{}", self.0))
    }
}

/// Compresses what is written to it into gzip members; each holds 1 MiB of input, the last one what is left. Nothing
/// written gives no member. The same bytes give the same members however they arrive and on however many threads.
///
/// Up to eight blocks are compressed at a time, except on one of rayon's own threads, which works alone. Memory is
/// bounded by that; what is written is complete only after [`GzipMembers::finish`].
pub struct GzipMembers<W>(Blocks<W, Deflate>);

impl<W: Write> GzipMembers<W> {
    /// Compresses at the default level.
    pub fn new(inner: W) -> Self {
        Self::with_level(inner, GzipLevel::DEFAULT)
    }

    /// Compresses at a level of choice.
    pub fn with_level(inner: W, level: GzipLevel) -> Self {
        Self(Blocks::new(inner, Deflate(level)))
    }

    /// The inner writer.
    pub const fn get_ref(&self) -> &W {
        self.0.get_ref()
    }

    /// Compresses what is left and gives back the writer and a table of the members.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<(W, Vec<Member>), ArchiveError> {
        self.0.finish().map_err(ArchiveError::from_write)
    }
}

impl<W: Write> Write for GzipMembers<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Decompresses a single member, of which the length is known from the table of members.
///
/// # Errors
/// When `compressed` is not a gzip member of exactly that length.
pub fn inflate_member(compressed: &[u8], uncompressed_len: u64) -> Result<Vec<u8>, ArchiveError> {
    let damaged = |problem: String| ArchiveError::Damaged {
        format: "gzip",
        source: io::Error::new(io::ErrorKind::InvalidData, problem),
    };
    let length = usize::try_from(uncompressed_len).ok().filter(|&length| length <= BLOCK);
    let length = length.ok_or_else(|| damaged(format!("a member of {uncompressed_len} bytes is not one of ours")))?;
    let mut bytes = vec![0; length];
    match Decompressor::new().gzip_decompress(compressed, &mut bytes) {
        Ok(found) if found == length => Ok(bytes),
        Ok(found) => Err(damaged(format!("a member has {found} bytes instead of {length}"))),
        Err(DecompressionError::InsufficientSpace) => Err(damaged(format!("a member has more than {length} bytes"))),
        Err(error) => Err(damaged(error.to_string())),
    }
}

struct Deflate(GzipLevel);

impl Codec for Deflate {
    type State = Compressor;
    const BLOCK: usize = BLOCK;

    fn state(&self) -> io::Result<Compressor> {
        let level = CompressionLvl::new(self.0.0.into());
        level.map(Compressor::new).map_err(|_| io::Error::other("libdeflate does not know this level"))
    }

    fn compress(&self, state: &mut Compressor, block: &[u8]) -> io::Result<Vec<u8>> {
        let mut member = vec![0; state.gzip_compress_bound(block.len())];
        let length = state.gzip_compress(block, &mut member).map_err(io::Error::other)?;
        member.truncate(length);
        Ok(member)
    }
}
