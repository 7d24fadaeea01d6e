//! Reads tar archives from anybody: strict where a lenient reader could be tricked.
//!
//! Understood are Unix version 7, `ustar`, GNU (long names, base-256 numbers) and PAX. Everything that readers are known
//! to disagree about (sizes of links, two sizes, two names, sparse files, global headers that change entries, data after
//! the end) is an error, so that what is unpacked is what other programs list.

use std::io::{self, BufRead, BufReader, Read};

use crate::model::{ImagePath, Mode};

use super::ustar::{BLOCK, Header, flag};
use super::{ArchiveError, Entry, EntryKind, Limits, PathGuard, pax};

/// Hands out the entries of an archive one after the other. Between two entries the content of the first can be read;
/// what is left of it is skipped.
pub struct TarReader<R> {
    inner: BufReader<R>,
    limits: Limits,
    /// None when the archive is trusted.
    guard: Option<PathGuard>,
    end: End,
    /// Bytes taken from `inner` so far.
    offset: u64,
    entries: u64,
    /// Content of the present entry that was not read yet, and the padding after it.
    remaining: u64,
    padding: u64,
    /// The present entry, for messages.
    path: ImagePath,
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

/// What the special headers before an entry say about it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<i64>,
    xattrs: Vec<(String, Vec<u8>)>,
    /// Bytes of special headers so far.
    bytes: u64,
    any: bool,
    pax: bool,
}

impl<R: Read> TarReader<R> {
    /// Reads an archive that may be hostile: it must have its end blocks, and its entries must pass a [`PathGuard`].
    pub fn new(inner: R, limits: Limits) -> Self {
        Self::with(inner, limits, Some(PathGuard::new()), End::Blocks)
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
            end,
            offset: 0,
            entries: 0,
            remaining: 0,
            padding: 0,
            path: ImagePath::root(),
            finished: false,
        }
    }

    /// The next entry and its content; none at the end of the archive.
    ///
    /// # Errors
    /// As [`TarReader::next_entry`].
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend the content")]
    pub fn next(&mut self) -> Result<Option<(Entry, Content<'_, R>)>, ArchiveError> {
        let entry = self.next_entry()?;
        Ok(entry.map(|entry| (entry, Content(self))))
    }

    /// The next entry, whose content [`TarReader::content`] then reads; none at the end of the archive, after which the
    /// input was read to its own end, so that a decompressor has verified its checksum.
    ///
    /// # Errors
    /// When the archive is cut off, malformed, beyond the limits or unsafe, or when it cannot be read.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        if self.finished {
            return Ok(None);
        }
        self.skip_content()?;
        let mut extended = Extended::default();
        loop {
            let start = self.offset;
            let Some(block) = self.header_block()? else {
                if extended.any {
                    return Err(bad(start, "extended headers are not followed by an entry".to_owned()));
                }
                self.finish()?;
                return Ok(None);
            };
            let header = Header::parse(&block).map_err(|problem| bad(start, problem))?;
            match header.flag() {
                flag::PAX | flag::PAX_GLOBAL | flag::GNU_NAME | flag::GNU_LINK => {
                    self.extend(&header, start, &mut extended)?;
                }
                _ => return self.entry(&header, start, extended).map(Some),
            }
        }
    }

    /// The content of the present entry, as far as it was not read yet.
    pub fn content(&mut self) -> Content<'_, R> {
        Content(self)
    }

    /// How many bytes of the (decompressed) archive were read so far.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    fn entry(&mut self, header: &Header<'_>, start: u64, extended: Extended) -> Result<Entry, ArchiveError> {
        let field = |result: Result<u64, String>| result.map_err(|problem| bad(start, problem));
        let name = extended.path.unwrap_or_else(|| header.name());
        let shown = String::from_utf8_lossy(name.get(..200).unwrap_or(&name)).into_owned();
        let path = safe_path(&name)?;
        let link = extended.link.unwrap_or_else(|| header.link());
        let header_size = field(header.size())?;
        let size =
            one_size(header_size, extended.size).map_err(|problem| bad(start, format!("`{shown}`: {problem}")))?;
        let kind = kind(header.flag(), &name, &link, size).map_err(|refusal| refusal.into_error(start, &shown))?;
        if path.is_root() && kind != EntryKind::Dir {
            return Err(ArchiveError::UnsafeName { problem: format!("`{shown}` is the root but {kind}") });
        }
        let id = |own: Option<u64>, header: Result<u64, String>| {
            let id = own.map_or_else(|| field(header), Ok)?;
            // the last number means "no change" to chown(2)
            let id = u32::try_from(id).ok().filter(|&id| id != u32::MAX);
            id.ok_or_else(|| bad(start, format!("`{shown}`: an owner's number is larger than 4294967294")))
        };
        let entry = Entry {
            uid: id(extended.uid, header.uid())?,
            gid: id(extended.gid, header.gid())?,
            mode: Mode::from_bits((field(header.mode())? & 0o7777) as u32),
            mtime: extended.mtime.map_or_else(|| header.mtime().map_err(|problem| bad(start, problem)), Ok)?,
            xattrs: extended.xattrs,
            path,
            kind,
        };
        self.account(&entry)?;
        Ok(entry)
    }

    /// Applies the limits and the guard, and makes the entry the present one.
    fn account(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let size = entry.kind.size();
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(limit("the number of entries in the archive".to_owned(), self.limits.entries, "entries"));
        }
        if size > self.limits.entry_size {
            return Err(limit(format!("the size of `{}`", entry.path), self.limits.entry_size, "bytes"));
        }
        // sizes up to the limit cannot overflow
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.path = entry.path.clone();
        self.check_total(size)?;
        match &mut self.guard {
            Some(guard) => guard.admit(entry),
            None => Ok(()),
        }
    }

    fn check_total(&self, more: u64) -> Result<(), ArchiveError> {
        if self.offset.saturating_add(more) > self.limits.total_size {
            return Err(limit("the size of the archive".to_owned(), self.limits.total_size, "bytes"));
        }
        Ok(())
    }

    /// Reads a special header's content into `extended`.
    fn extend(&mut self, header: &Header<'_>, start: u64, extended: &mut Extended) -> Result<(), ArchiveError> {
        let size = header.size().map_err(|problem| bad(start, problem))?;
        extended.any = true;
        extended.bytes = extended.bytes.saturating_add(size);
        if extended.bytes > self.limits.extended {
            return Err(limit("an extended header".to_owned(), self.limits.extended, "bytes"));
        }
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.check_total(size)?;
        let mut content = Vec::with_capacity(size as usize); // below the limit
        Content(self).read_to_end(&mut content).map_err(ArchiveError::from_read)?;
        self.skip_content()?;
        let result = match header.flag() {
            flag::PAX_GLOBAL => check_global(&content),
            flag::PAX => extended.take_pax(&content),
            flag::GNU_NAME => gnu_name(&mut extended.path, content),
            _ => gnu_name(&mut extended.link, content),
        };
        result.map_err(|problem| bad(start, problem))
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
        while self.remaining + self.padding > 0 {
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
        cut_off(format!("`{}`", self.path))
    }
}

/// Reads the content of one entry of a [`TarReader`]. Its errors are [`ArchiveError`]s inside of [`io::Error`]s; see
/// [`ArchiveError::from_read`].
pub struct Content<'a, R>(&'a mut TarReader<R>);

impl<R> Content<'_, R> {
    /// How many bytes are still to be read.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.0.remaining
    }
}

impl<R: Read> Read for Content<'_, R> {
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

impl Extended {
    fn take_pax(&mut self, content: &[u8]) -> Result<(), String> {
        if std::mem::replace(&mut self.pax, true) {
            return Err("two extended headers follow each other".to_owned());
        }
        for (key, value) in pax::parse(content)? {
            match key.as_str() {
                "path" => set_name(&mut self.path, value)?,
                "linkpath" => set_name(&mut self.link, value)?,
                "size" => self.size = Some(pax::number(&key, &value)?),
                "uid" => self.uid = Some(pax::number(&key, &value)?),
                "gid" => self.gid = Some(pax::number(&key, &value)?),
                "mtime" => self.mtime = Some(pax::time(&key, &value)?),
                _ if key.starts_with("GNU.sparse.") => return Err("sparse files are not supported".to_owned()),
                // all others say nothing that an entry holds, and a reader shall ignore what it does not know
                _ => self.xattrs.extend(key.strip_prefix(pax::XATTR).map(|name| (name.to_owned(), value))),
            }
        }
        Ok(())
    }
}

/// A global header may only carry comments (`git archive` writes the commit): one that changes entries is read
/// differently by every program.
fn check_global(content: &[u8]) -> Result<(), String> {
    const CHANGES: &[&str] = &["path", "linkpath", "size", "uid", "gid", "mtime"];
    match pax::parse(content)?.keys().find(|key| CHANGES.contains(&key.as_str()) || key.contains('.')) {
        Some(key) => Err(format!("a global extended header sets `{key}`")),
        None => Ok(()),
    }
}

/// GNU's long names end in a zero byte.
fn gnu_name(slot: &mut Option<Vec<u8>>, mut content: Vec<u8>) -> Result<(), String> {
    if content.last() == Some(&0) {
        content.pop();
    }
    set_name(slot, content)
}

fn set_name(slot: &mut Option<Vec<u8>>, name: Vec<u8>) -> Result<(), String> {
    if name.is_empty() || name.contains(&0) {
        return Err("a long name is empty or holds a zero byte".to_owned());
    }
    match slot.replace(name) {
        None => Ok(()),
        Some(_) => Err("an entry has two long names".to_owned()),
    }
}

/// The size of header and extended header must agree, unless it does not fit the header.
fn one_size(header: u64, extended: Option<u64>) -> Result<u64, String> {
    match extended {
        Some(size) if size != header && size <= super::ustar::MAX_LONG => {
            Err(format!("it has two sizes, {header} bytes in its header and {size} in its extended header"))
        }
        Some(size) => Ok(size),
        None => Ok(header),
    }
}

/// Why an entry's kind is not accepted.
enum Refusal {
    Kind(&'static str),
    Problem(String),
    Name(ArchiveError),
}

impl Refusal {
    fn into_error(self, offset: u64, shown: &str) -> ArchiveError {
        match self {
            Self::Kind(kind) => ArchiveError::ForbiddenKind { path: shown.to_owned(), kind },
            Self::Problem(problem) => bad(offset, format!("`{shown}` {problem}")),
            Self::Name(error) => error,
        }
    }
}

fn kind(type_flag: u8, name: &[u8], link: &[u8], size: u64) -> Result<EntryKind, Refusal> {
    let kind = match type_flag {
        // before there was a flag for folders, their names ended in a slash
        b'\0' | flag::FILE | b'7' if name.ends_with(b"/") => EntryKind::Dir,
        b'\0' | flag::FILE | b'7' => EntryKind::File { size },
        flag::DIR => EntryKind::Dir,
        flag::SYMLINK if link.is_empty() || link.len() > 4095 => {
            return Err(Refusal::Problem("is a symbolic link whose target is empty or too long".to_owned()));
        }
        flag::SYMLINK => EntryKind::Symlink { target: link.to_vec() },
        flag::HARDLINK => EntryKind::Hardlink { target: safe_path(link).map_err(Refusal::Name)? },
        b'3' => return Err(Refusal::Kind("a character device")),
        b'4' => return Err(Refusal::Kind("a block device")),
        b'6' => return Err(Refusal::Kind("a named pipe")),
        b'S' => return Err(Refusal::Problem("is a sparse file, which is not supported".to_owned())),
        other => {
            let shown = super::escaped::encode(&[other]);
            return Err(Refusal::Problem(format!("is of the unknown type `{shown}`")));
        }
    };
    if size != kind.size() {
        return Err(Refusal::Problem(format!("is {kind} but has {size} bytes of content")));
    }
    Ok(kind)
}

/// Names must be relative: programs disagree about what to do with others.
fn safe_path(name: &[u8]) -> Result<ImagePath, ArchiveError> {
    if name.is_empty() {
        return Err(ArchiveError::UnsafeName {
            problem: "an entry or the target of a hard link has no name".to_owned(),
        });
    }
    if name[0] == b'/' {
        let shown = String::from_utf8_lossy(name.get(..200).unwrap_or(name));
        return Err(ArchiveError::UnsafeName { problem: format!("`{shown}` is absolute") });
    }
    ImagePath::new(name).map_err(|error| ArchiveError::UnsafeName { problem: error.to_string() })
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
