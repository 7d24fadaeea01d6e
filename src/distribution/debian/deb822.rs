//! The format of control files (deb822(5)), read stanza by stanza from a stream.

use std::io::{self, BufRead};

use thiserror::Error;

/// How much of an untrusted stream is taken at once.
#[derive(Clone, Copy, Debug)]
pub struct StanzaLimits {
    /// Bytes in a stanza.
    pub stanza: usize,
    /// Fields in a stanza.
    pub fields: usize,
}

impl Default for StanzaLimits {
    /// The largest stanza of Debian (the release file of unstable) has about 200 kB, the widest 40 fields.
    fn default() -> Self {
        Self { stanza: 8 << 20, fields: 256 }
    }
}

/// Why a stream cannot be read.
#[derive(Debug, Error)]
pub enum Deb822Error {
    /// The stream failed.
    #[error("reading failed at line {line}")]
    Read {
        /// Where.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not text.
    #[error("line {line} is not UTF-8")]
    Encoding {
        /// Where.
        line: u64,
    },
    /// Neither a field nor the continuation of one.
    #[error(
        "line {line} is no field: expected `Name: value` or a continuation that begins with a space, found `{text}`"
    )]
    Line {
        /// Where.
        line: u64,
        /// Its beginning.
        text: String,
    },
    /// The same field twice in a stanza.
    #[error("line {line} repeats the field `{field}`")]
    Duplicate {
        /// Where.
        line: u64,
        /// Which.
        field: String,
    },
    /// Larger than allowed.
    #[error("the stanza at line {line} is larger than {limit} {unit}")]
    TooLarge {
        /// Where it begins.
        line: u64,
        /// What is allowed.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
}

/// A field: its name, and its value with the continuation lines as written.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: (usize, usize),
    value: (usize, usize),
    line: u64,
}

/// A paragraph of fields.
#[derive(Debug, Default)]
pub struct Stanza {
    text: String,
    fields: Vec<Field>,
    line: u64,
}

impl Stanza {
    /// The value of a field, trimmed; continuation lines follow after line breaks. Names differ in case only for people.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields().find(|(field, _, _)| field.eq_ignore_ascii_case(name)).map(|(_, value, _)| value)
    }

    /// All fields: name, value and line number, in the order written.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.fields.iter().map(|field| {
            let (name, value) = (&self.text[field.name.0..field.name.1], &self.text[field.value.0..field.value.1]);
            (name, value.trim(), field.line)
        })
    }

    /// The line of the stream where it begins, counting from one.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The line where a field stands, or that of the stanza.
    #[must_use]
    pub fn line_of(&self, name: &str) -> u64 {
        self.fields().find(|(field, _, _)| field.eq_ignore_ascii_case(name)).map_or(self.line, |(_, _, line)| line)
    }
}

/// Reads the stanzas of a stream, holding one at a time.
pub struct Reader<R> {
    inner: R,
    limits: StanzaLimits,
    line: u64,
    stanza: Stanza,
}

impl<R: BufRead> Reader<R> {
    /// Reads `inner` under `limits`.
    pub fn new(inner: R, limits: StanzaLimits) -> Self {
        Self { inner, limits, line: 0, stanza: Stanza::default() }
    }

    /// The next stanza, or nothing at the end.
    ///
    /// # Errors
    /// When the stream fails, is no control file, or exceeds a limit.
    #[expect(clippy::should_implement_trait, reason = "it lends the stanza, which an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<&Stanza>, Deb822Error> {
        let mut bytes = std::mem::take(&mut self.stanza.text).into_bytes();
        bytes.clear();
        self.stanza.fields.clear();
        while self.read_line(&mut bytes)? {}
        self.stanza.text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = self.stanza.line + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
                return Err(Deb822Error::Encoding { line });
            }
        };
        if self.stanza.fields.is_empty() {
            return Ok(None);
        }
        self.refuse_duplicates()?;
        Ok(Some(&self.stanza))
    }

    /// Appends one line to the stanza; false when the stanza is over.
    fn read_line(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Deb822Error> {
        let start = bytes.len();
        let room = (self.limits.stanza - start.min(self.limits.stanza)) as u64 + 1;
        let read = io::Read::take(&mut self.inner, room)
            .read_until(b'\n', bytes)
            .map_err(|source| Deb822Error::Read { line: self.line + 1, source })?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        let started = !self.stanza.fields.is_empty();
        if bytes.len() > self.limits.stanza {
            let line = if started { self.stanza.line } else { self.line };
            return Err(Deb822Error::TooLarge { line, limit: self.limits.stanza, unit: "bytes" });
        }
        let line = bytes[start..].trim_ascii_end();
        let end = start + line.len();
        match line.first() {
            None => {
                bytes.truncate(start);
                return Ok(!started); // blank lines before a stanza are passed over
            }
            Some(b' ' | b'\t') if started => {
                if let Some(field) = self.stanza.fields.last_mut() {
                    field.value.1 = end;
                }
            }
            Some(_) => self.add_field(start, end, bytes)?,
        }
        Ok(true)
    }

    fn add_field(&mut self, start: usize, end: usize, bytes: &[u8]) -> Result<(), Deb822Error> {
        let line = &bytes[start..end];
        let colon = line.iter().position(|&byte| byte == b':');
        let named =
            |name: &[u8]| !name.is_empty() && !b"#-".contains(&name[0]) && name.iter().all(u8::is_ascii_graphic);
        let Some(colon) = colon.filter(|&colon| named(&line[..colon])) else {
            let text = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
            return Err(Deb822Error::Line { line: self.line, text });
        };
        if self.stanza.fields.is_empty() {
            self.stanza.line = self.line;
        }
        if self.stanza.fields.len() == self.limits.fields {
            return Err(Deb822Error::TooLarge { line: self.stanza.line, limit: self.limits.fields, unit: "fields" });
        }
        self.stanza.fields.push(Field {
            name: (start, start + colon),
            value: (start + colon + 1, end),
            line: self.line,
        });
        Ok(())
    }

    fn refuse_duplicates(&self) -> Result<(), Deb822Error> {
        let text = self.stanza.text.as_bytes();
        let name = |field: &Field| &text[field.name.0..field.name.1];
        for (index, field) in self.stanza.fields.iter().enumerate() {
            let earlier = &self.stanza.fields[..index];
            if earlier.iter().any(|other| name(other).eq_ignore_ascii_case(name(field))) {
                let field_name = String::from_utf8_lossy(name(field)).into_owned();
                return Err(Deb822Error::Duplicate { line: field.line, field: field_name });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, value and line.
    type Field = (String, String, u64);

    fn read(text: &str) -> Result<Vec<Vec<Field>>, Deb822Error> {
        let mut reader = Reader::new(text.as_bytes(), StanzaLimits { stanza: 200, fields: 4 });
        let mut stanzas = Vec::new();
        while let Some(stanza) = reader.next()? {
            stanzas
                .push(stanza.fields().map(|(name, value, line)| (name.to_owned(), value.to_owned(), line)).collect());
        }
        Ok(stanzas)
    }

    #[test]
    fn stanzas_fields_and_continuations_are_told_apart() {
        let stanzas = read("\n\nA: 1\nB:\n x\n  y\r\nC:  z \n \n\n\nA: 2").expect("a control file");
        let field = |name: &str, value: &str, line| (name.to_owned(), value.to_owned(), line);
        assert_eq!(
            stanzas,
            [vec![field("A", "1", 3), field("B", "x\n  y", 4), field("C", "z", 7)], vec![field("A", "2", 11)]]
        );
        assert!(read("").expect("empty").is_empty() && read("\n\n").expect("blank").is_empty());
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let mut reader = Reader::new("Package: a\nSHA256: b\n".as_bytes(), StanzaLimits::default());
        let stanza = reader.next().expect("readable").expect("a stanza");
        assert_eq!((stanza.get("package"), stanza.get("Sha256"), stanza.get("x")), (Some("a"), Some("b"), None));
        assert_eq!(stanza.line_of("SHA256"), 2);
    }

    #[test]
    fn what_is_no_control_file_is_refused_with_its_line() {
        for (text, line) in [
            ("A: 1\nno colon\n", "line 2"),
            (" x\n", "line 1"),
            ("A: 1\n\n# c: d\n", "line 3"),
            ("A: 1\na: 2\n", "line 2"),
        ] {
            let message = read(text).expect_err(text).to_string();
            assert!(message.contains(line), "{text:?}: {message}");
        }
        let mut reader = Reader::new(&b"A: 1\nB: \xff\n"[..], StanzaLimits::default());
        assert!(reader.next().expect_err("not UTF-8").to_string().contains("line 2"));
    }

    #[test]
    fn limits_hold_before_memory_is_taken() {
        let endless = io::BufReader::new(io::repeat(b'a'));
        let mut reader = Reader::new(endless, StanzaLimits { stanza: 1000, fields: 4 });
        assert!(matches!(reader.next(), Err(Deb822Error::TooLarge { .. })));
        assert!(read(&format!("A: 1\n{}", " x\n".repeat(100))).is_err());
        assert!(read("A: 1\nB: 1\nC: 1\nD: 1\nE: 1\n").expect_err("five").to_string().contains("4 fields"));
    }
}
