//! Compressed streams cut into independent pieces: gzip members and zstd frames concatenate, so pieces can be
//! compressed in parallel, reused, and decompressed one at a time.
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

/// Where blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// One after the other, on the thread that writes.
    Here,
    /// Several at a time, on rayon's threads.
    Spread,
}

impl Work {
    /// A thread of rayon's is one of several that work already. If it waited for others there, it would meanwhile begin
    /// with further work of its caller's (the next package), and hold that work's memory on top of its own.
    fn for_this_thread() -> Self {
        if rayon::current_thread_index().is_some() { Self::Here } else { Self::Spread }
    }

    /// Blocks per round.
    fn round(self) -> usize {
        match self {
            Self::Here => 1,
            // two per thread even out blocks of unequal effort; the maximum bounds memory
            Self::Spread => (2 * rayon::current_num_threads()).min(8),
        }
    }
}

/// Collects blocks and compresses them in rounds.
pub(super) struct Blocks<W, C> {
    inner: W,
    codec: C,
    /// All but the last are full.
    blocks: Vec<Vec<u8>>,
    work: Work,
    /// Emptied blocks, whose memory is used again.
    spare: Vec<Vec<u8>>,
    members: Vec<Member>,
}

impl<W: Write, C: Codec> Blocks<W, C> {
    pub(super) fn new(inner: W, codec: C) -> Self {
        Self::with(inner, codec, Work::for_this_thread())
    }

    fn with(inner: W, codec: C, work: Work) -> Self {
        Self { inner, codec, blocks: Vec::new(), work, spare: Vec::new(), members: Vec::new() }
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
            if self.blocks.len() == self.work.round() {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles each byte; its pieces have no overhead.
    struct Twice;

    impl Codec for Twice {
        type State = ();
        const BLOCK: usize = 10;
        fn state(&self) -> io::Result<()> {
            Ok(())
        }
        fn compress(&self, (): &mut (), block: &[u8]) -> io::Result<Vec<u8>> {
            match block.contains(&255) {
                false => Ok(block.iter().flat_map(|&byte| [byte, byte]).collect()),
                true => Err(io::Error::other("255 cannot be compressed")),
            }
        }
    }

    fn pieces(bytes: &[u8], chunk: usize, work: Work) -> io::Result<(Vec<u8>, Vec<Member>)> {
        let mut blocks = Blocks::with(Vec::new(), Twice, work);
        for chunk in bytes.chunks(chunk) {
            blocks.write_all(chunk)?;
        }
        blocks.finish()
    }

    /// Runs on a pool of its own with so many threads.
    fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had").install(work)
    }

    #[test]
    fn pieces_depend_on_the_bytes_alone() {
        let bytes: Vec<u8> = (0..2004_u32).map(|number| (number % 251) as u8).collect();
        let (whole, members) = pieces(&bytes, usize::MAX, Work::Here).expect("can be compressed");
        assert_eq!((members.len(), members[200].uncompressed_len, members[200].compressed_len), (201, 4, 8));
        for (threads, chunk) in [(1, 1), (1, 2004), (2, 10), (3, 11), (5, 9), (16, 333)] {
            let spread = on(threads, || pieces(&bytes, chunk, Work::Spread)).expect("can be compressed");
            assert_eq!(spread, (whole.clone(), members.clone()), "{threads} threads, chunks of {chunk}");
        }
    }

    #[test]
    fn an_error_of_any_block_is_reported() {
        let mut bytes = vec![0; 300];
        bytes[177] = 255;
        for work in [Work::Here, Work::Spread] {
            assert_eq!(pieces(&bytes, 100, work).expect_err("cannot").to_string(), "255 cannot be compressed");
        }
    }

    #[test]
    fn a_thread_of_a_pool_works_alone() {
        assert_eq!(Work::for_this_thread(), Work::Spread);
        assert_eq!(on(2, Work::for_this_thread), Work::Here);
    }
}
