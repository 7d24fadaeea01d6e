//! Writes tar archives: the same entries always give the same bytes.
//!
//! Each entry has a `ustar` header. What does not fit there (long names, large numbers, extended attributes) goes into
//! a PAX extended header before it, whose records are sorted and whose own header is the same for all entries.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::model::ImagePath;

use super::ustar::{BLOCK, MAX_ID, MAX_LONG, NewHeader, flag};
use super::{ArchiveError, Entry, EntryKind, pax};

/// The two zero blocks that end an archive.
pub const END_BLOCKS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The name under which an extended header would be unpacked by a program that does not know it.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// Writes entries in the order given. It does not judge them: that is [`super::PathGuard`]'s work.
pub struct TarWriter<W> {
    inner: W,
    buffer: Box<[u8]>,
}

impl<W: Write> TarWriter<W> {
    /// Begins an archive, or a piece of one, at the writer's present end.
    pub fn new(inner: W) -> Self {
        Self { inner, buffer: vec![0; 64 << 10].into() }
    }

    /// Adds an entry. `content` is read to its end and must be as long as the entry says, so for all but regular files
    /// it is empty ([`std::io::empty`]).
    ///
    /// # Errors
    /// When the content has another length or cannot be read, when the entry cannot be expressed (an extended attribute
    /// named twice or with `=` in its name, a link to nothing), or when writing fails. The archive is then incomplete.
    pub fn append(&mut self, entry: &Entry, content: impl Read) -> Result<(), ArchiveError> {
        for block in headers(entry)? {
            self.write(&block)?;
        }
        self.copy(entry, content)
    }

    /// Ends the archive with its end blocks and gives the writer back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> Result<W, ArchiveError> {
        self.write(&END_BLOCKS)?;
        Ok(self.inner)
    }

    /// Gives the writer back without end blocks: what was written is a segment, which other segments may follow.
    pub fn into_inner(self) -> W {
        self.inner
    }

    /// The writer.
    pub const fn get_ref(&self) -> &W {
        &self.inner
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.inner.write_all(bytes).map_err(ArchiveError::from_write)
    }

    fn copy(&mut self, entry: &Entry, mut content: impl Read) -> Result<(), ArchiveError> {
        let size = entry.kind.size();
        let wrong = |problem| ArchiveError::Unwritable { path: entry.path.to_string(), problem };
        let mut copied = 0;
        loop {
            let read = match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::from_read(error)),
            };
            copied += read as u64;
            if copied > size {
                return Err(wrong(format!("its content is longer than the {size} bytes announced")));
            }
            self.inner.write_all(&self.buffer[..read]).map_err(ArchiveError::from_write)?;
        }
        if copied < size {
            return Err(wrong(format!("its content has {copied} bytes instead of the {size} announced")));
        }
        let padding = (size as usize).wrapping_neg() % BLOCK;
        self.write(&END_BLOCKS[..padding])
    }
}

/// The header blocks of an entry: its extended header where it needs one, and its own.
fn headers(entry: &Entry) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut records = xattr_records(entry)?;
    let name = written_name(entry);
    let link = written_link(entry)?;
    let (prefix, short) = split_name(&name).unwrap_or_else(|| {
        records.insert("path".to_owned(), name.clone());
        (b"", cut(&name))
    });
    let short_link = if link.len() > 100 {
        records.insert("linkpath".to_owned(), link.clone());
        cut(&link)
    } else {
        &link
    };
    let mut or_record = |key: &str, value: u64, max: u64| {
        if value <= max {
            return value;
        }
        records.insert(key.to_owned(), value.to_string().into_bytes());
        0
    };
    let uid = or_record("uid", entry.uid.into(), MAX_ID.into());
    let gid = or_record("gid", entry.gid.into(), MAX_ID.into());
    let size = or_record("size", entry.kind.size(), MAX_LONG);
    let mtime = u64::try_from(entry.mtime).ok().filter(|&mtime| mtime <= MAX_LONG).unwrap_or_else(|| {
        records.insert("mtime".to_owned(), entry.mtime.to_string().into_bytes());
        0
    });
    let header = NewHeader {
        flag: match entry.kind {
            EntryKind::File { .. } => flag::FILE,
            EntryKind::Dir => flag::DIR,
            EntryKind::Symlink { .. } => flag::SYMLINK,
            EntryKind::Hardlink { .. } => flag::HARDLINK,
        },
        prefix,
        name: short,
        link: short_link,
        mode: entry.mode.bits(),
        uid: uid as u32, // at most MAX_ID
        gid: gid as u32,
        size,
        mtime,
    };
    let own = header.block().to_vec();
    Ok(if records.is_empty() { vec![own] } else { vec![extended(&records), own] })
}

/// An extended header with its records, padded.
fn extended(records: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let content = pax::render(records);
    let header = NewHeader {
        flag: flag::PAX,
        prefix: b"",
        name: PAX_NAME,
        link: b"",
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: content.len() as u64,
        mtime: 0,
    };
    let padding = content.len().wrapping_neg() % BLOCK;
    [&header.block()[..], &content, &END_BLOCKS[..padding]].concat()
}

fn xattr_records(entry: &Entry) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let mut records = BTreeMap::new();
    let wrong = |problem| Err(ArchiveError::Unwritable { path: entry.path.to_string(), problem });
    for (name, value) in &entry.xattrs {
        if name.is_empty() || name.contains(['=', '\0']) {
            return wrong(format!("the extended attribute `{name}` has a name that tar cannot hold"));
        }
        if records.insert(format!("{}{name}", pax::XATTR), value.clone()).is_some() {
            return wrong(format!("it has the extended attribute `{name}` twice"));
        }
    }
    Ok(records)
}

/// Relative, without `./`; folders end in a slash and the root is `./`.
fn written_name(entry: &Entry) -> Vec<u8> {
    match (&entry.kind, entry.path.is_root()) {
        (_, true) => b"./".to_vec(),
        (EntryKind::Dir, false) => [entry.path.as_bytes(), b"/"].concat(),
        (_, false) => entry.path.as_bytes().to_vec(),
    }
}

fn written_link(entry: &Entry) -> Result<Vec<u8>, ArchiveError> {
    let target = match &entry.kind {
        EntryKind::Symlink { target } => target.as_slice(),
        EntryKind::Hardlink { target } => ImagePath::as_bytes(target),
        EntryKind::File { .. } | EntryKind::Dir => return Ok(Vec::new()),
    };
    if target.is_empty() || target.contains(&0) {
        let problem = format!("it is {} to nothing", entry.kind);
        return Err(ArchiveError::Unwritable { path: entry.path.to_string(), problem });
    }
    Ok(target.to_vec())
}

/// The name as prefix and rest, cut at the last slash that leaves room for both; none when it does not fit.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= 100 {
        return Some((b"", name));
    }
    // the slash that ends a folder's name must stay with it
    let cuts = name.iter().enumerate().take(156).filter(|&(at, &byte)| byte == b'/' && at + 1 < name.len());
    let cut = cuts.map(|(at, _)| at).next_back()?;
    let (prefix, rest) = (&name[..cut], &name[cut + 1..]);
    (rest.len() <= 100 && !prefix.is_empty()).then_some((prefix, rest))
}

/// What of a long name stands in the header for programs that do not read extended headers. It must not end in a slash,
/// by which such programs would tell folders.
fn cut(name: &[u8]) -> &[u8] {
    let mut short = &name[..100];
    while let Some(shorter) = short.strip_suffix(b"/") {
        short = shorter;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, TarReader};
    use super::*;
    use crate::model::Mode;

    fn entry(path: &str, size: u64, mtime: i64) -> Entry {
        let kind = EntryKind::File { size };
        let path = path.parse().expect("a path");
        Entry { path, kind, mode: Mode::from_bits(0o644), uid: 0, gid: 0, mtime, xattrs: Vec::new() }
    }

    #[test]
    fn only_what_does_not_fit_goes_into_an_extended_header() {
        let name = "n".repeat(100);
        for (fits, entry) in [
            (true, entry(&name, MAX_LONG, MAX_LONG as i64)),
            (true, entry(&name, 0, 0)),
            (false, entry(&name, MAX_LONG + 1, 0)),
            (false, entry(&name, 0, MAX_LONG as i64 + 1)),
            (false, entry(&name, 0, -1)),
            (false, entry(&"n".repeat(101), 0, 0)),
        ] {
            let bytes = headers(&entry).expect("can be written").concat();
            assert_eq!(bytes.len() == BLOCK, fits, "{entry:?}");
            let limits = Limits { entry_size: u64::MAX, total_size: u64::MAX, ..Limits::default() };
            assert_eq!(TarReader::segment(&bytes[..], limits).next_entry().expect("can be read"), Some(entry));
        }
    }

    #[test]
    fn names_are_cut_at_a_slash_that_leaves_room_for_both_parts() {
        let cut = |name: &str| split_name(name.as_bytes()).map(|(prefix, rest)| (prefix.len(), rest.len()));
        let (p, n) = ("p".repeat(155), "n".repeat(100));
        assert_eq!(cut(&n), Some((0, 100)));
        assert_eq!(cut(&format!("{p}/{n}")), Some((155, 100)));
        assert_eq!(cut(&format!("{p}p/{n}")), None);
        assert_eq!(cut(&format!("{p}/{n}n")), None);
        assert_eq!(cut(&format!("a/{p}/{n}")), None);
        assert_eq!(cut(&format!("a/{n}/")), None, "the slash that ends a folder's name is part of it");
        assert_eq!(cut(&format!("a/{}/", "n".repeat(99))), Some((1, 100)));
        assert_eq!(cut(&format!("/{n}")), None, "a prefix is not empty");
    }
}
