//! Compressed streams cut into independent pieces: gzip members and zstd frames concatenate, so pieces can be compressed
//! in parallel, reused, and decompressed one at a time.
//!
//! The cuts depend on nothing but the number of bytes before them, and each piece on nothing but its own bytes: the
//! result is the same for every number of threads and every way in which the bytes arrive.

use std::io::{self, Write};

use rayon::prelude::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

/// One piece of a compressed stream: a gzip member or a zstd frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its bytes in the compressed stream.
    pub compressed_len: u64,
    /// The bytes it decompresses to.
    pub uncompressed_len: u64,
}

/// Where a piece begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its place in the table.
    pub index: usize,
    /// Its first byte in the compressed stream.
    pub compressed_offset: u64,
    /// The first of its bytes in the uncompressed stream.
    pub uncompressed_offset: u64,
}

/// Finds the piece that holds the byte at `offset` of the uncompressed stream; none beyond its end.
#[must_use]
pub fn locate(members: &[Member], offset: u64) -> Option<Located> {
    let (mut compressed_offset, mut uncompressed_offset) = (0_u64, 0_u64);
    for (index, member) in members.iter().enumerate() {
        if offset - uncompressed_offset < member.uncompressed_len {
            return Some(Located { index, compressed_offset, uncompressed_offset });
        }
        compressed_offset = compressed_offset.checked_add(member.compressed_len)?;
        uncompressed_offset += member.uncompressed_len; // at most `offset`
    }
    None
}

/// How one block becomes one piece.
pub(super) trait Codec: Sync {
    /// Reusable working memory.
    type State;
    /// Bytes of input per piece.
    const BLOCK: usize;
    fn state(&self) -> io::Result<Self::State>;
    fn compress(&self, state: &mut Self::State, block: &[u8]) -> io::Result<Vec<u8>>;
}

/// Collects blocks and compresses some of them at a time in parallel.
pub(super) struct Blocks<W, C> {
    inner: W,
    codec: C,
    /// All but the last are full.
    blocks: Vec<Vec<u8>>,
    /// Blocks per round.
    round: usize,
    /// Emptied blocks, whose memory is used again.
    spare: Vec<Vec<u8>>,
    members: Vec<Member>,
}

impl<W: Write, C: Codec> Blocks<W, C> {
    pub(super) fn new(inner: W, codec: C) -> Self {
        // two per thread even out blocks of unequal effort; the maximum bounds memory where many writers work at once
        let round = (2 * rayon::current_num_threads()).min(8);
        Self { inner, codec, blocks: Vec::new(), round, spare: Vec::new(), members: Vec::new() }
    }

    pub(super) const fn get_ref(&self) -> &W {
        &self.inner
    }

    pub(super) fn finish(mut self) -> io::Result<(W, Vec<Member>)> {
        self.compress()?;
        Ok((self.inner, self.members))
    }

    fn compress(&mut self) -> io::Result<()> {
        let codec = &self.codec;
        let one = |state: &mut io::Result<C::State>, block: &Vec<u8>| match state {
            Ok(state) => codec.compress(state, block),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let pieces: Vec<Vec<u8>> = match self.blocks.as_slice() {
            [] => return Ok(()),
            [block] => vec![one(&mut codec.state(), block)?],
            blocks => blocks.par_iter().map_init(|| codec.state(), one).collect::<io::Result<_>>()?,
        };
        for (mut block, piece) in self.blocks.drain(..).zip(pieces) {
            self.inner.write_all(&piece)?;
            let member = Member { compressed_len: piece.len() as u64, uncompressed_len: block.len() as u64 };
            self.members.push(member);
            block.clear();
            self.spare.push(block);
        }
        Ok(())
    }
}

impl<W: Write, C: Codec> Write for Blocks<W, C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.blocks.last().is_none_or(|last| last.len() == C::BLOCK) {
            if self.blocks.len() == self.round {
                self.compress()?;
            }
            self.blocks.push(self.spare.pop().unwrap_or_default());
        }
        let Some(last) = self.blocks.last_mut() else { return Ok(0) };
        let taken = bytes.len().min(C::BLOCK - last.len());
        last.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Flushes the inner writer only: a cut here would make the result depend on the caller.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
