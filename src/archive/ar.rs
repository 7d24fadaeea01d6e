//! The `ar` container: a magic line, then members with a header of 60 bytes each (`ar(5)`, the common format).

use std::io::{self, Read};

use super::ArchiveError;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// A member of an `ar` archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArMember {
    /// Its name, without the blanks and the slash that end it.
    pub name: String,
    /// Bytes of content.
    pub size: u64,
}

/// Hands out the members one after the other. Reading from it gives the content of the present one, to its end.
pub struct ArReader<R> {
    inner: R,
    /// Content of the present member that was not read yet.
    remaining: u64,
    /// Whether a byte of padding follows it.
    padded: bool,
    name: String,
}

impl<R: Read> ArReader<R> {
    /// Begins to read an archive.
    ///
    /// # Errors
    /// When it does not begin as an `ar` archive, or cannot be read.
    pub fn new(mut inner: R) -> Result<Self, ArchiveError> {
        let mut magic = [0; 8];
        let length = fill(&mut inner, &mut magic)?;
        match &magic {
            MAGIC => Ok(Self { inner, remaining: 0, padded: false, name: String::new() }),
            // a beginning of the right one means that something is missing
            _ if MAGIC.starts_with(&magic[..length]) => Err(cut_off("its first line".to_owned())),
            _ => Err(bad("it does not begin with `!<arch>`".to_owned())),
        }
    }

    /// The next member; what was not read of the one before is skipped. None at the end.
    ///
    /// # Errors
    /// When a header is malformed, the archive is cut off, or it cannot be read.
    pub fn next_member(&mut self) -> Result<Option<ArMember>, ArchiveError> {
        io::copy(self, &mut io::sink()).map_err(ArchiveError::from_read)?;
        if std::mem::take(&mut self.padded) {
            let mut padding = [0];
            // programs differ on whether the last member needs it
            if fill(&mut self.inner, &mut padding)? == 1 && padding != *b"\n" {
                return Err(bad(format!("the member `{}` is not padded with a line end", self.name)));
            }
        }
        let mut header = [0; HEADER];
        match fill(&mut self.inner, &mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(cut_off("a member's header".to_owned())),
        }
        let member = parse(&header)?;
        self.remaining = member.size;
        self.padded = member.size % 2 == 1;
        self.name.clone_from(&member.name);
        Ok(Some(member))
    }

    /// The input; what follows the present member's content is still in it.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for ArReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(cut_off(format!("the member `{}`", self.name)).into());
        }
        self.remaining -= read as u64;
        Ok(read)
    }
}

fn parse(header: &[u8; HEADER]) -> Result<ArMember, ArchiveError> {
    if &header[58..] != b"`\n" {
        return Err(bad("a member's header does not end as it must".to_owned()));
    }
    let name = std::str::from_utf8(&header[..16]).ok().map(|name| name.trim_end_matches(' '));
    // the system V variant ends names with a slash
    let name = name.map(|name| name.strip_suffix('/').unwrap_or(name));
    let plain = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    let name = name.filter(plain).ok_or_else(|| bad("a member has an unusual name".to_owned()))?;
    let size = std::str::from_utf8(&header[48..58]).ok().map(|size| size.trim_end_matches(' '));
    let digits = |size: &&str| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    let size = size.filter(digits).and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| bad(format!("the size of the member `{name}` is not a number")))?;
    Ok(ArMember { name: name.to_owned(), size })
}

/// Reads until `buffer` is full or the input ends; how many bytes there were.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ArchiveError::from_read(error)),
        }
    }
    Ok(filled)
}

fn bad(problem: String) -> ArchiveError {
    ArchiveError::Container { format: "ar", problem }
}

fn cut_off(within: String) -> ArchiveError {
    ArchiveError::Truncated { within }
}
