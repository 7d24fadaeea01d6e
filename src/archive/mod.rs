//! Archive formats, streaming and limited: tar, ar and .deb are read as untrusted input, tar and compressed members
//! are written deterministically. Pure: bytes come from a reader and go to a writer, no file is opened here.
//!
//! What is read may be hostile, so every size, count and name is checked before it is used, and a [`TarReader`] hands
//! out only entries with which a consumer cannot be led out of the folder it unpacks into (see [`PathGuard`]).

mod ar;
mod deb;
mod decompress;
pub mod elf;
mod entry;
mod error;
mod escaped;
mod guard;
mod gzip;
mod limits;
mod members;
mod pax;
mod tar_entry;
mod tar_reader;
mod tar_writer;
#[cfg(test)]
mod tests;
mod ustar;
mod whiteout;
mod zstd_frames;

pub use ar::{ArMember, ArReader};
pub use deb::{Control, DebReader};
pub use decompress::{CompressionFormat, Limited, decompress};
pub use elf::ElfFacts;
pub use entry::{Entry, EntryKind};
pub use error::ArchiveError;
pub use guard::PathGuard;
pub use gzip::{GZIP_CODEC, GzipLevel, GzipMembers, inflate_member};
pub use limits::Limits;
pub use members::{Located, Member, locate};
pub use tar_reader::{EntryContent, TarReader};
pub use tar_writer::{END_BLOCKS, TarWriter};
pub use whiteout::Whiteout;
pub use zstd_frames::{ZSTD_CODEC, ZstdFrames, ZstdLevel, inflate_frame};
