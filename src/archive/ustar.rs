//! The 512-byte header block of tar (POSIX.1-1988 `ustar`, with GNU's base-256 numbers on reading).

/// The unit in which tar archives are written.
pub(super) const BLOCK: usize = 512;

/// Largest values of the octal fields: 7 digits for ids, 11 for size and time.
pub(super) const MAX_ID: u32 = 0o777_7777;
pub(super) const MAX_LONG: u64 = 0o777_7777_7777;

/// Where the fields are, as `start..end`.
mod field {
    use std::ops::Range;
    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const UID: Range<usize> = 108..116;
    pub(super) const GID: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const MTIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const TYPE: usize = 156;
    pub(super) const LINK: Range<usize> = 157..257;
    pub(super) const MAGIC: Range<usize> = 257..265;
    pub(super) const MAJOR: Range<usize> = 329..337;
    pub(super) const MINOR: Range<usize> = 337..345;
    pub(super) const PREFIX: Range<usize> = 345..500;
}

/// Type flags that are used here.
pub(super) mod flag {
    pub(in super::super) const FILE: u8 = b'0';
    pub(in super::super) const HARDLINK: u8 = b'1';
    pub(in super::super) const SYMLINK: u8 = b'2';
    pub(in super::super) const DIR: u8 = b'5';
    pub(in super::super) const PAX: u8 = b'x';
    pub(in super::super) const PAX_GLOBAL: u8 = b'g';
    pub(in super::super) const GNU_NAME: u8 = b'L';
    pub(in super::super) const GNU_LINK: u8 = b'K';
}

/// A header block whose checksum is right.
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    /// Checks magic and checksum. The version that follows the magic is not looked at: writers differ.
    pub(super) fn parse(block: &'a [u8; BLOCK]) -> Result<Self, String> {
        let stored = octal(&block[field::CHECKSUM]).map_err(|problem| format!("its checksum {problem}"))?;
        if stored != u64::from(checksum(block)) {
            return Err("its checksum is wrong".to_owned());
        }
        match &block[field::MAGIC] {
            b"ustar  \0" => Ok(Self(block)), // GNU
            magic if magic.starts_with(b"ustar\0") => Ok(Self(block)),
            magic if magic.iter().all(|&byte| byte == 0) => Ok(Self(block)), // Unix version 7
            magic => Err(format!("its magic is {}", super::escaped::encode(magic))),
        }
    }

    pub(super) fn flag(&self) -> u8 {
        self.0[field::TYPE]
    }

    /// The name, with the prefix where the format has one.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[field::NAME]);
        // GNU keeps other things there
        let prefix = if self.0[field::MAGIC].starts_with(b"ustar\0") { text(&self.0[field::PREFIX]) } else { b"" };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[field::LINK]).to_vec()
    }

    pub(super) fn mode(&self) -> Result<u64, String> {
        number(&self.0[field::MODE]).map_err(|problem| format!("its mode {problem}"))
    }

    pub(super) fn uid(&self) -> Result<u64, String> {
        number(&self.0[field::UID]).map_err(|problem| format!("its user {problem}"))
    }

    pub(super) fn gid(&self) -> Result<u64, String> {
        number(&self.0[field::GID]).map_err(|problem| format!("its group {problem}"))
    }

    pub(super) fn size(&self) -> Result<u64, String> {
        number(&self.0[field::SIZE]).map_err(|problem| format!("its size {problem}"))
    }

    /// Seconds since 1970; the one number that may be negative.
    pub(super) fn mtime(&self) -> Result<i64, String> {
        let bytes = &self.0[field::MTIME];
        let value = if bytes[0] & 0x80 == 0 { octal(bytes).map(i64::try_from) } else { Ok(base_256(bytes).try_into()) };
        let value = value.map_err(|problem| format!("its time {problem}"))?;
        value.map_err(|_| "its time does not fit into 64 bits".to_owned())
    }
}

/// What stands before the first zero byte.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// An octal or base-256 number that is not negative.
fn number(field: &[u8]) -> Result<u64, String> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let value = base_256(field);
    match u64::try_from(value) {
        Ok(value) => Ok(value),
        Err(_) if value < 0 => Err("is negative".to_owned()),
        Err(_) => Err("does not fit into 64 bits".to_owned()),
    }
}

/// Blanks, octal digits, then only blanks and zero bytes; nothing at all counts as zero.
fn octal(field: &[u8]) -> Result<u64, String> {
    let blank = |byte: &u8| *byte == b' ';
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let digits = field[start..].iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let (digits, rest) = field[start..].split_at(digits);
    if rest.iter().any(|byte| !blank(byte) && *byte != 0) {
        return Err(format!("is not an octal number: `{}`", super::escaped::encode(field)));
    }
    // at most 12 digits, 36 bits
    Ok(digits.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

/// GNU's form of numbers that octal digits cannot hold: big endian two's complement, the top bit set as a mark.
/// A field has at most 12 bytes, which 128 bits hold.
fn base_256(field: &[u8]) -> i128 {
    let negative = field[0] & 0x40 != 0;
    let first = if negative { i128::from(field[0]) - 0x100 } else { i128::from(field[0] & 0x7f) };
    field[1..].iter().fold(first, |value, &byte| value << 8 | i128::from(byte))
}

/// The sum of all bytes, the checksum itself taken as blanks.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    sum(&block[..field::CHECKSUM.start]) + 8 * u32::from(b' ') + sum(&block[field::CHECKSUM.end..])
}

/// A header to be written. All values must fit their fields; what does not is zero here and stands in a PAX record.
pub(super) struct NewHeader<'a> {
    pub(super) flag: u8,
    /// At most 155 bytes.
    pub(super) prefix: &'a [u8],
    /// At most 100 bytes.
    pub(super) name: &'a [u8],
    /// At most 100 bytes.
    pub(super) link: &'a [u8],
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) mtime: u64,
}

impl NewHeader<'_> {
    /// The block with its checksum. Names of owners are empty and device numbers zero.
    pub(super) fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let put = |block: &mut [u8; BLOCK], at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(&mut block, field::NAME.start, self.name);
        put(&mut block, field::LINK.start, self.link);
        put(&mut block, field::PREFIX.start, self.prefix);
        put(&mut block, field::MAGIC.start, b"ustar\x0000");
        block[field::TYPE] = self.flag;
        for (at, value) in [(field::MODE, self.mode), (field::UID, self.uid), (field::GID, self.gid)] {
            put(&mut block, at.start, format!("{value:07o}").as_bytes());
        }
        put(&mut block, field::SIZE.start, format!("{:011o}", self.size).as_bytes());
        put(&mut block, field::MTIME.start, format!("{:011o}", self.mtime).as_bytes());
        put(&mut block, field::MAJOR.start, b"0000000");
        put(&mut block, field::MINOR.start, b"0000000");
        let sum = checksum(&block);
        put(&mut block, field::CHECKSUM.start, format!("{sum:06o}\0 ").as_bytes());
        block
    }
}
