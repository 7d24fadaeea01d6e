//! Watches what a git server sends before libgit2 sees it (gitprotocol-pack(5), gitformat-pack(5)): an object whose
//! size is not allowed is refused by what its header says, and none is longer than that.

use flate2::{Decompress, FlushDecompress, Status};
use git2::ObjectType;

use super::allowance::Allowance;

/// Follows the packet lines of an answer; what is in them of a pack is checked.
pub(super) struct PackWatch {
    lines: Lines,
    pack: Pack,
}

enum Lines {
    /// The four digits before a line.
    Length(Vec<u8>),
    /// Within a line; its first byte says what it is.
    Line { left: usize, data: Option<bool> },
    /// A pack without lines around it.
    Raw,
}

/// The band of a line that carries a piece of the pack.
const DATA: u8 = 1;

impl PackWatch {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { lines: Lines::Length(Vec::new()), pack: Pack::new(allowance) }
    }

    /// Takes the next bytes of the answer. What is wrong with them is remembered: libgit2 has other words for it.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.lines(bytes).or_else(|reason| self.pack.allowance.refuse(reason))
    }

    fn lines(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            match &mut self.lines {
                Lines::Raw => return self.pack.feed(bytes),
                Lines::Length(digits) => {
                    let (now, rest) = bytes.split_at(bytes.len().min(4 - digits.len()));
                    digits.extend_from_slice(now);
                    bytes = rest;
                    if digits.len() == 4 {
                        self.lines = begun(digits)?;
                        if matches!(self.lines, Lines::Raw) {
                            self.pack.feed(b"PACK")?;
                        }
                    }
                }
                Lines::Line { left, data } => {
                    let (now, rest) = bytes.split_at(bytes.len().min(*left));
                    *left -= now.len();
                    let done = *left == 0;
                    let first = data.is_none();
                    let is_data = *data.get_or_insert(now.first() == Some(&DATA));
                    if is_data {
                        self.pack.feed(if first { &now[1..] } else { now })?;
                    }
                    if done {
                        self.lines = Lines::Length(Vec::new());
                    }
                    bytes = rest;
                }
            }
        }
        Ok(())
    }
}

/// What follows these four bytes.
fn begun(digits: &[u8]) -> Result<Lines, String> {
    if digits == b"PACK" {
        return Ok(Lines::Raw);
    }
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match text.and_then(|text| usize::from_str_radix(text, 16).ok()) {
        Some(0 | 4) => Ok(Lines::Length(Vec::new())),
        Some(length @ 5..) => Ok(Lines::Line { left: length - 4, data: None }),
        _ => Err("what the server sends is not git's protocol".to_owned()),
    }
}

/// Follows a pack, entry by entry.
struct Pack {
    allowance: Allowance,
    part: Part,
    /// Entries that are still to come.
    entries: u32,
    inflate: Decompress,
    scratch: Box<[u8]>,
}

enum Part {
    /// `PACK`, the version, the number of entries.
    Head(Vec<u8>),
    /// The kind and the size of an entry.
    Entry(Vec<u8>),
    /// What the entry is made from, which does not matter here: a distance that ends in a byte below 128, or so many
    /// bytes of a hash.
    Base { hash: Option<usize>, size: u64 },
    /// Its content, compressed; of one that is made from another, the sizes of both come first.
    Content { size: u64, sizes: Option<Vec<u8>> },
    /// The hash of the pack.
    End,
}

const COMMIT: u8 = 1;
const TREE: u8 = 2;
const BLOB: u8 = 3;
const TAG: u8 = 4;
const BY_DISTANCE: u8 = 6;
const BY_HASH: u8 = 7;

impl Pack {
    fn new(allowance: Allowance) -> Self {
        let (inflate, scratch) = (Decompress::new(true), vec![0; 1 << 15].into());
        Self { allowance, part: Part::Head(Vec::new()), entries: 0, inflate, scratch }
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let Some((&first, rest)) = bytes.split_first() {
            match &mut self.part {
                Part::End => return Ok(()),
                Part::Content { .. } => bytes = self.content(bytes)?,
                Part::Head(head) => {
                    head.push(first);
                    bytes = rest;
                    if head.len() == 12 {
                        self.head()?;
                    }
                }
                Part::Entry(entry) => {
                    entry.push(first);
                    bytes = rest;
                    if first < 0x80 {
                        self.entry()?;
                    } else if entry.len() > 9 {
                        return Err(broken());
                    }
                }
                Part::Base { hash, size } => {
                    bytes = rest;
                    let size = *size;
                    let ended = match hash {
                        None => first < 0x80,
                        Some(left) => {
                            *left -= 1;
                            *left == 0
                        }
                    };
                    if ended {
                        self.begin(size, true);
                    }
                }
            }
        }
        Ok(())
    }

    fn head(&mut self) -> Result<(), String> {
        let Part::Head(head) = &self.part else { return Err(broken()) };
        let number: [u8; 4] = head.get(8..12).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
        if !head.starts_with(b"PACK") {
            return Err(broken());
        }
        self.entries = u32::from_be_bytes(number);
        self.allowance.objects(u64::from(self.entries))?;
        self.next();
        Ok(())
    }

    fn next(&mut self) {
        self.part = if self.entries == 0 { Part::End } else { Part::Entry(Vec::new()) };
    }

    /// Three bits of the first byte are the kind; the other four and seven of each further one are the size.
    fn entry(&mut self) -> Result<(), String> {
        let Part::Entry(entry) = &self.part else { return Err(broken()) };
        let (first, more) = entry.split_first().ok_or_else(broken)?;
        let high = more.iter().rev().try_fold(0_u64, |size, byte| shifted(size, *byte)).ok_or_else(broken)?;
        let size = high.checked_mul(16).ok_or_else(broken)? | u64::from(first & 0x0f);
        let allowance = &self.allowance;
        let kind = first >> 4 & 7;
        let plain = match kind {
            COMMIT => ObjectType::Commit,
            TREE => ObjectType::Tree,
            BLOB => ObjectType::Blob,
            TAG => ObjectType::Tag,
            BY_DISTANCE | BY_HASH => ObjectType::Any,
            _ => return Err(broken()),
        };
        let largest = allowance.largest(plain);
        if size > largest {
            let what = if plain == ObjectType::Any { "difference".to_owned() } else { plain.to_string() };
            return allowance.refuse(format!("a {what} in it has {size} bytes, {largest} are allowed"));
        }
        allowance.bytes(size)?;
        match kind {
            BY_DISTANCE => self.part = Part::Base { hash: None, size },
            BY_HASH => self.part = Part::Base { hash: Some(20), size },
            _ => self.begin(size, false),
        }
        Ok(())
    }

    fn begin(&mut self, size: u64, made_from_another: bool) {
        self.inflate.reset(true);
        self.part = Part::Content { size, sizes: made_from_another.then(Vec::new) };
    }

    /// Takes what belongs to the content of an entry, and gives the rest.
    fn content<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], String> {
        let Part::Content { size, sizes } = &mut self.part else { return Err(broken()) };
        let (taken, made) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(bytes, &mut self.scratch, FlushDecompress::None);
        let status = status.map_err(|_| broken())?;
        let difference = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
        let taken = difference(self.inflate.total_in(), taken);
        let made = difference(self.inflate.total_out(), made);
        if self.inflate.total_out() > *size {
            return Err("an object of the pack is longer than its header says".to_owned());
        }
        if let Some(known) = sizes {
            known.extend(self.scratch[..made].iter().take(20 - known.len().min(20)));
            if let Some((base, result)) = two_sizes(known) {
                *sizes = None;
                self.made_from(base, result)?;
            } else if known.len() == 20 {
                return Err(broken());
            }
        }
        let rest = bytes.get(taken..).ok_or_else(broken)?;
        match status {
            Status::StreamEnd => {
                self.entries = self.entries.saturating_sub(1);
                self.next();
            }
            // with room for output and input there is always progress, unless the data are broken
            _ if taken == 0 && made == 0 => return Err(broken()),
            _ => {}
        }
        Ok(rest)
    }

    /// An object that is made from another one needs both in memory.
    fn made_from(&self, base: u64, result: u64) -> Result<(), String> {
        let largest = self.allowance.file;
        match base.max(result) {
            size if size > largest => {
                self.allowance.refuse(format!("an object in it has {size} bytes, {largest} are allowed"))
            }
            _ => self.allowance.bytes(result),
        }
    }
}

/// The two numbers at the beginning of a difference, once they are there: seven bits a byte, the lowest first.
fn two_sizes(bytes: &[u8]) -> Option<(u64, u64)> {
    let end = bytes.iter().position(|byte| *byte < 0x80)? + 1;
    let (first, rest) = bytes.split_at(end);
    let second = &rest[..=rest.iter().position(|byte| *byte < 0x80)?];
    // one that does not fit is larger than anything allowed
    let number = |bytes: &[u8]| bytes.iter().rev().try_fold(0_u64, |size, byte| shifted(size, *byte));
    Some((number(first).unwrap_or(u64::MAX), number(second).unwrap_or(u64::MAX)))
}

fn shifted(size: u64, byte: u8) -> Option<u64> {
    Some(size.checked_mul(128)? | u64::from(byte & 0x7f))
}

fn broken() -> String {
    "the pack that the server sends is broken".to_owned()
}
