//! Reads tar archives from anybody: strict where a lenient reader could be tricked.
//!
//! Understood are Unix version 7, `ustar`, GNU (long names, base-256 numbers) and PAX. Everything that readers are
//! known to disagree about (sizes of links, two sizes, two names, sparse files, global headers that change entries,
//! data after the end) is an error, so that what is unpacked is what other programs list.

use std::io::{self, BufRead, BufReader, Read};

use crate::model::ImagePath;

use super::tar_entry::Extended;
use super::ustar::{BLOCK, Header, flag};
use super::{ArchiveError, Entry, Limits, PathGuard, Whiteout};

/// Hands out the entries of an archive one after the other. Between two entries the content of the first can be read;
/// what is left of it is skipped.
pub struct TarReader<R> {
    inner: BufReader<R>,
    limits: Limits,
    /// None when the archive is trusted.
    guard: Option<PathGuard>,
    /// Whether names of marks ([`Whiteout`]) are marks of a layer and not files.
    marks: bool,
    end: End,
    /// Leading components to drop.
    strip: u32,
    /// Bytes taken from `inner` so far.
    offset: u64,
    entries: u64,
    /// Content of the present entry that was not read yet, and the padding after it.
    remaining: u64,
    padding: u64,
    /// The present entry, for messages; none for a special header.
    path: Option<ImagePath>,
    finished: bool,
}

/// What may end an archive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Two zero blocks.
    Blocks,
    /// Those, or the end of the input between two entries.
    Input,
}

impl<R: Read> TarReader<R> {
    /// Reads an archive that may be hostile: it must have its end blocks, and its entries must pass a [`PathGuard`].
    pub fn new(inner: R, limits: Limits) -> Self {
        Self::with(inner, limits, Some(PathGuard::new()), End::Blocks)
    }

    /// Reads a layer of an image that may be hostile. Its marks (`.wh.NAME`) speak of the layers below and are never
    /// unpacked, so that they may stand where this layer has something else: below a file, for one.
    pub fn layer(inner: R, limits: Limits) -> Self {
        Self { marks: true, ..Self::new(inner, limits) }
    }

    /// Reads a piece of an archive of our own making ([`super::TarWriter::into_inner`]): the end blocks may be missing,
    /// and the order of its entries is not judged.
    pub fn segment(inner: R, limits: Limits) -> Self {
        Self::with(inner, limits, None, End::Input)
    }

    fn with(inner: R, limits: Limits, guard: Option<PathGuard>, end: End) -> Self {
        Self {
            inner: BufReader::with_capacity(128 << 10, inner),
            limits,
            guard,
            marks: false,
            end,
            strip: 0,
            offset: 0,
            entries: 0,
            remaining: 0,
            padding: 0,
            path: None,
            finished: false,
        }
    }

    /// The next entry and its content; none at the end of the archive.
    ///
    /// # Errors
    /// As [`TarReader::next_entry`].
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend the content")]
    pub fn next(&mut self) -> Result<Option<(Entry, EntryContent<'_, R>)>, ArchiveError> {
        let entry = self.next_entry()?;
        Ok(entry.map(|entry| (entry, EntryContent(self))))
    }

    /// Drops so many leading components of every name, as `tar --strip-components` does; entries of which nothing is
    /// left are skipped. The [`PathGuard`] judges what is left: two folders that become one may hold a symbolic link
    /// and a file below it.
    #[must_use]
    pub fn stripping(self, components: u32) -> Self {
        Self { strip: components, ..self }
    }

    /// The next entry, whose content [`TarReader::content`] then reads; none at the end of the archive, after which the
    /// input was read to its own end, so that a decompressor has verified its checksum.
    ///
    /// # Errors
    /// When the archive is cut off, malformed, beyond the limits or unsafe, or when it cannot be read.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        while let Some(entry) = self.listed_entry()? {
            if let Some(entry) = entry.strip(self.strip)? {
                self.path = Some(entry.path.clone());
                let judged = !(self.marks && Whiteout::is_mark(&entry.path));
                self.guard.as_mut().filter(|_| judged).map_or(Ok(()), |guard| guard.admit(&entry))?;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The next entry as the archive has it.
    fn listed_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        if self.finished {
            return Ok(None);
        }
        self.skip_content()?;
        let mut extended = Extended::default();
        let mut extended_bytes = None;
        loop {
            let start = self.offset;
            let Some(block) = self.header_block()? else {
                if extended_bytes.is_some() {
                    return Err(bad(start, "extended headers are not followed by an entry".to_owned()));
                }
                self.finish()?;
                return Ok(None);
            };
            let header = Header::parse(&block).map_err(|problem| bad(start, problem))?;
            match header.flag() {
                flag::PAX | flag::PAX_GLOBAL | flag::GNU_NAME | flag::GNU_LINK => {
                    let content = self.special_content(&header, start, extended_bytes.get_or_insert(0))?;
                    extended.take(header.flag(), content).map_err(|problem| bad(start, problem))?;
                }
                _ => {
                    let entry = extended.into_entry(&header, start)?;
                    self.begin(&entry)?;
                    return Ok(Some(entry));
                }
            }
        }
    }

    /// The content of the present entry, as far as it was not read yet.
    pub fn content(&mut self) -> EntryContent<'_, R> {
        EntryContent(self)
    }

    /// How many bytes of the (decompressed) archive were read so far.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Applies the limits and makes the entry the present one.
    fn begin(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let size = entry.kind.size();
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(limit("the number of entries in the archive".to_owned(), self.limits.entries, "entries"));
        }
        if size > self.limits.entry_size {
            return Err(limit(format!("the size of `{}`", entry.path), self.limits.entry_size, "bytes"));
        }
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.path = Some(entry.path.clone());
        self.check_total(size)
    }

    fn check_total(&self, more: u64) -> Result<(), ArchiveError> {
        if self.offset.saturating_add(more) > self.limits.total_size {
            return Err(limit("the size of the archive".to_owned(), self.limits.total_size, "bytes"));
        }
        Ok(())
    }

    /// Reads the content of a special header. `bytes` counts those before the same entry.
    fn special_content(&mut self, header: &Header<'_>, start: u64, bytes: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let size = header.size().map_err(|problem| bad(start, problem))?;
        *bytes = bytes.saturating_add(size);
        if *bytes > self.limits.extended {
            return Err(limit("an extended header".to_owned(), self.limits.extended, "bytes"));
        }
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.path = None;
        let mut content = Vec::with_capacity(size as usize); // below the limit
        EntryContent(self).read_to_end(&mut content).map_err(ArchiveError::from_read)?;
        self.skip_content()?;
        self.check_total(0)?;
        Ok(content)
    }

    /// The next block; none when it is a zero block or, where that may be, the input ends.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::from_read(error)),
            }
        }
        self.offset += filled as u64;
        self.check_total(0)?;
        match filled {
            0 if self.end == End::Input => Ok(None),
            0 => Err(cut_off("its entries, without end blocks".to_owned())),
            BLOCK => Ok(Some(block).filter(|block| block.iter().any(|&byte| byte != 0))),
            _ => Err(cut_off("a header".to_owned())),
        }
    }

    /// After the first zero block (or the end of a segment): only zeros may follow, at least one more block of them.
    fn finish(&mut self) -> Result<(), ArchiveError> {
        let start = self.offset;
        loop {
            let chunk = match self.inner.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::from_read(error)),
            };
            if chunk.is_empty() {
                break;
            }
            if chunk.iter().any(|&byte| byte != 0) {
                return Err(bad(start, "data follows the end of the archive".to_owned()));
            }
            let length = chunk.len();
            self.inner.consume(length);
            self.offset += length as u64;
            self.check_total(0)?;
        }
        if self.end == End::Blocks && self.offset - start < BLOCK as u64 {
            return Err(cut_off("its end blocks".to_owned()));
        }
        self.finished = true;
        Ok(())
    }

    /// Reads over what is left of the present entry.
    fn skip_content(&mut self) -> Result<(), ArchiveError> {
        while self.remaining > 0 || self.padding > 0 {
            let available = match self.inner.fill_buf() {
                Ok(chunk) => chunk.len() as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::from_read(error)),
            };
            if available == 0 {
                return Err(self.cut_off_here());
            }
            let content = available.min(self.remaining);
            let padding = (available - content).min(self.padding);
            self.inner.consume((content + padding) as usize); // at most the length of the chunk
            self.remaining -= content;
            self.padding -= padding;
            self.offset += content + padding;
        }
        Ok(())
    }

    fn cut_off_here(&self) -> ArchiveError {
        cut_off(self.path.as_ref().map_or_else(|| "an extended header".to_owned(), |path| format!("`{path}`")))
    }
}

/// Reads the content of one entry of a [`TarReader`]. Its errors are [`ArchiveError`]s inside of [`io::Error`]s; see
/// [`ArchiveError::from_read`].
pub struct EntryContent<'a, R>(&'a mut TarReader<R>);

impl<R> EntryContent<'_, R> {
    /// How many bytes are still to be read.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.0.remaining
    }
}

impl<R: Read> Read for EntryContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = &mut *self.0;
        let wanted = buffer.len().min(usize::try_from(reader.remaining).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = reader.inner.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(reader.cut_off_here().into());
        }
        reader.remaining -= read as u64;
        reader.offset += read as u64;
        Ok(read)
    }
}

fn bad(offset: u64, problem: String) -> ArchiveError {
    ArchiveError::Header { offset, problem }
}

fn cut_off(within: String) -> ArchiveError {
    ArchiveError::Truncated { within }
}

fn limit(what: String, limit: u64, unit: &'static str) -> ArchiveError {
    ArchiveError::Limit { what, limit, unit }
}
