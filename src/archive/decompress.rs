//! Decompression of whole streams, told by their first bytes or by a file name.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::ArchiveError;

/// Memory that an xz stream may ask for: `xz -9` needs 65 MiB, and no package uses more.
const XZ_MEMORY: u64 = 256 << 20;

/// Largest zstd window, as a power of two: 128 MiB, what `zstd --long` makes and accepts.
const ZSTD_WINDOW: u32 = 27;

/// A compression format that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionFormat {
    /// Not compressed.
    None,
    /// RFC 1952; all members are read.
    Gzip,
    /// The .xz format; all streams are read.
    Xz,
    /// RFC 8878; all frames are read.
    Zstd,
}

/// First bytes of what is read, and of what is known but refused.
const MAGIC: &[(&[u8], CompressionFormat)] = &[
    (&[0x1f, 0x8b], CompressionFormat::Gzip),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], CompressionFormat::Xz),
    (&[0x28, 0xb5, 0x2f, 0xfd], CompressionFormat::Zstd),
];
const REFUSED: &[(&[u8], &str)] = &[
    (b"BZh", "bzip2"),
    (&[0x5d, 0, 0], "lzma"),
    (b"LZIP\x01", "lzip"),
    (&[0x1f, 0x9d], "compress (.Z)"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
];

impl CompressionFormat {
    /// Tells the format by the first bytes of a stream, of which 512 are enough; what has no known beginning is not
    /// compressed.
    ///
    /// # Errors
    /// [`ArchiveError::UnsupportedCompression`] for formats that are known but not read.
    pub fn detect(head: &[u8]) -> Result<Self, ArchiveError> {
        if let Some(&(_, known)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Ok(known);
        }
        // a tar archive may begin with a file of any name
        let tar = head.get(257..262) == Some(b"ustar");
        match REFUSED.iter().find(|(magic, _)| !tar && head.starts_with(magic)) {
            Some(&(_, format)) => Err(ArchiveError::UnsupportedCompression { format }),
            None => Ok(Self::None),
        }
    }

    /// Tells the format by what follows `.tar` in a file name: nothing, `.gz`, `.xz` or `.zst`.
    ///
    /// # Errors
    /// [`ArchiveError::UnsupportedCompression`] for all others.
    pub fn from_extension(extension: &str) -> Result<Self, ArchiveError> {
        let refused = |format| Err(ArchiveError::UnsupportedCompression { format });
        match extension {
            "" => Ok(Self::None),
            ".gz" => Ok(Self::Gzip),
            ".xz" => Ok(Self::Xz),
            ".zst" => Ok(Self::Zstd),
            ".bz2" => refused("bzip2"),
            ".lzma" => refused("lzma"),
            _ => refused("this"),
        }
    }

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    /// Decompresses `reader`, which must have this format throughout.
    ///
    /// # Errors
    /// When the decompressor cannot be set up. What is wrong with the data comes with reading, as an [`ArchiveError`]
    /// inside of an [`io::Error`] (see [`ArchiveError::from_read`]).
    pub fn decoder<'a>(self, reader: impl BufRead + 'a) -> Result<Box<dyn Read + 'a>, ArchiveError> {
        let reader = Marked(reader);
        let format = self.name();
        let damaged = |source| ArchiveError::Damaged { format, source };
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(Decoder { format, inner: MultiGzDecoder::new(reader) }),
            Self::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED);
                let stream = stream.map_err(|error| damaged(error.into()))?;
                Box::new(Decoder { format, inner: XzDecoder::new_stream(reader, stream) })
            }
            Self::Zstd => {
                let mut inner = zstd::stream::read::Decoder::with_buffer(reader).map_err(damaged)?;
                inner.window_log_max(ZSTD_WINDOW).map_err(damaged)?;
                Box::new(Decoder { format, inner })
            }
        })
    }
}

/// Decompresses gzip, xz and zstd, told by their first bytes, and passes on what is not compressed. What comes out is
/// not limited: a [`super::TarReader`] has limits of its own, others wrap it in [`Limited`].
///
/// # Errors
/// When the first bytes cannot be read or are those of a format that is not supported. What is wrong with the rest
/// comes with reading, as an [`ArchiveError`] inside of an [`io::Error`] (see [`ArchiveError::from_read`]).
pub fn decompress<'a>(mut reader: impl Read + 'a) -> Result<Box<dyn Read + 'a>, ArchiveError> {
    let mut head = Vec::with_capacity(512);
    reader.by_ref().take(512).read_to_end(&mut head).map_err(ArchiveError::from_read)?;
    let compression = CompressionFormat::detect(&head)?;
    compression.decoder(io::Cursor::new(head).chain(BufReader::with_capacity(64 << 10, reader)))
}

/// Reads at most so many bytes: one more is an error, not the end.
pub struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
    what: String,
}

impl<R: Read> Limited<R> {
    /// Allows `limit` bytes of `what` (`the package index`).
    pub fn new(inner: R, limit: u64, what: impl Into<String>) -> Self {
        Self { inner, left: limit, limit, what: what.into() }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => {
                    let what = format!("the size of {}", self.what);
                    Err(ArchiveError::Limit { what, limit: self.limit, unit: "bytes" }.into())
                }
            };
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..wanted])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Marks errors of the input, so that they are not taken for those of a decompressor.
struct Marked<R>(R);

fn mark(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted { error } else { ArchiveError::from_read(error).into() }
}

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(mark)
    }
}

impl<R: BufRead> BufRead for Marked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf().map_err(mark)
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

/// Names the format in a decompressor's errors.
struct Decoder<R> {
    format: &'static str,
    inner: R,
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let passed = error.kind() == io::ErrorKind::Interrupted
                || error.get_ref().is_some_and(|inner| inner.is::<ArchiveError>());
            if passed { error } else { ArchiveError::Damaged { format: self.format, source: error }.into() }
        })
    }
}
