//! Zstandard (RFC 8878) as a sequence of independent frames of 2 MiB of input each.

use std::io::{self, Write};

use zstd::bulk::{Compressor, Decompressor};

use super::ArchiveError;
use super::members::{Blocks, Codec, Member};

/// What the bytes of [`ZstdFrames`] at its default level depend on beside the input: library, level, block size. It
/// belongs into the key of whatever stores them.
pub const ZSTD_CODEC: &str = "zstd libzstd-1.5.7 level-9 block-2MiB";

/// Bytes of input per frame: large enough that cutting costs little, small enough to read one file of a layer cheaply.
const BLOCK: usize = 2 << 20;

/// The effort of libzstd: 1 is fast, 19 is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZstdLevel(u8);

impl ZstdLevel {
    /// The level of [`ZSTD_CODEC`].
    pub const DEFAULT: Self = Self(9);

    /// A level from 1 to 19; none for others (those above need more memory than readers must have).
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if matches!(level, 1..=19) { Some(Self(level)) } else { None }
    }

    /// As [`ZSTD_CODEC`], for this level.
    #[must_use]
    pub fn codec(self) -> String {
        ZSTD_CODEC.replace("level-9", &format!("level-{}", self.0))
    }
}

/// As [`super::GzipMembers`], in zstd frames of 2 MiB of input. Each frame has its size and a checksum.
pub struct ZstdFrames<W>(Blocks<W, Zstd>);

impl<W: Write> ZstdFrames<W> {
    /// Compresses at the default level.
    pub fn new(inner: W) -> Self {
        Self::with_level(inner, ZstdLevel::DEFAULT)
    }

    /// Compresses at a level of choice.
    pub fn with_level(inner: W, level: ZstdLevel) -> Self {
        Self(Blocks::new(inner, Zstd(level)))
    }

    /// The inner writer.
    pub const fn get_ref(&self) -> &W {
        self.0.get_ref()
    }

    /// Compresses what is left and gives back the writer and a table of the frames.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<(W, Vec<Member>), ArchiveError> {
        self.0.finish().map_err(ArchiveError::from_write)
    }
}

impl<W: Write> Write for ZstdFrames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Decompresses a single frame, of which the length is known from the table of frames.
///
/// # Errors
/// When `compressed` is not a zstd frame of exactly that length.
pub fn inflate_frame(compressed: &[u8], uncompressed_len: u64) -> Result<Vec<u8>, ArchiveError> {
    let damaged = |source| ArchiveError::Damaged { format: "zstd", source };
    let wrong = |problem: String| damaged(io::Error::new(io::ErrorKind::InvalidData, problem));
    let length = usize::try_from(uncompressed_len).ok().filter(|&length| length <= BLOCK);
    let length = length.ok_or_else(|| wrong(format!("a frame of {uncompressed_len} bytes is not one of ours")))?;
    let bytes = Decompressor::new().and_then(|mut state| state.decompress(compressed, length)).map_err(damaged)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(wrong(format!("a frame has {} bytes instead of {length}", bytes.len())))
    }
}

struct Zstd(ZstdLevel);

impl Codec for Zstd {
    type State = Compressor<'static>;
    const BLOCK: usize = BLOCK;

    fn state(&self) -> io::Result<Self::State> {
        let mut state = Compressor::new(self.0.0.into())?;
        state.include_checksum(true)?;
        Ok(state)
    }

    fn compress(&self, state: &mut Self::State, block: &[u8]) -> io::Result<Vec<u8>> {
        state.compress(block)
    }
}
