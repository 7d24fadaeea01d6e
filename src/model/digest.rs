//! SHA-256, the one algorithm by which everything is addressed.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;
use thiserror::Error;

/// A SHA-256 digest; written as `sha256:` and 64 lower-case hexadecimal digits (OCI image specification, descriptor).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestError {
    text: String,
}

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of a value of ours: of its JSON, without spaces and in the order of its fields. Keys and records are
    /// named by it.
    ///
    /// # Panics
    /// When a type cannot be written as JSON, such as a map whose keys are no strings: a fault of the type, whatever the
    /// value. A digest of nothing in its place would let different steps share a key.
    #[must_use]
    pub fn of_value<T: Serialize + ?Sized>(value: &T) -> Self {
        let mut hasher = Hasher::default();
        if let Err(error) = serde_json::to_writer(&mut hasher, value) {
            panic!("a {} is no JSON: {error}", std::any::type_name::<T>());
        }
        hasher.finish()
    }

    /// The digest whose 32 bytes are these.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses the 64 hexadecimal digits alone, as package indexes write them.
    ///
    /// # Errors
    /// When `hex` is anything else than 64 lower-case hexadecimal digits.
    pub fn from_hex(hex: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError { text: shorten(hex) };
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (nibble(pair[0]), nibble(pair[1]));
            *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }

    /// The 64 hexadecimal digits, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
            text
        })
    }

    /// The first 12 digits: enough for people, never for machines.
    #[must_use]
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Keeps a message readable when the wrong text is a whole file.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("sha256:").ok_or_else(|| DigestError { text: shorten(text) })?;
        Self::from_hex(hex).map_err(|_| DigestError { text: shorten(text) })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Hashes what is written to it.
#[derive(Clone, Default)]
pub struct Hasher {
    state: sha2::Sha256,
    length: u64,
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// How many bytes it has seen.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The digest of all bytes seen.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.state.finalize().into())
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes bytes on to a writer and hashes those that arrived there.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> HashingWriter<W> {
    /// Hashes everything that reaches `inner` from now on.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new() }
    }

    /// The writer, the digest and the number of bytes.
    pub fn finish(self) -> (W, Digest, u64) {
        let length = self.hasher.length();
        (self.inner, self.hasher.finish(), length)
    }

    /// How many bytes went through so far.
    pub const fn length(&self) -> u64 {
        self.hasher.length()
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hashes what is read through it.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// Hashes everything read from `inner` from now on.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::new() }
    }

    /// The digest and the number of bytes read so far; what was not read is not in it.
    pub fn finish(self) -> (Digest, u64) {
        let length = self.hasher.length();
        (self.hasher.finish(), length)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_as_the_field_writes_it() {
        let digest = Digest::of(b"abc"); // FIPS 180-2, appendix B.1
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn what_is_not_a_digest_is_refused() {
        for text in ["", "sha256:", "md5:00", &"a".repeat(64), &format!("sha256:{}", "A".repeat(64))] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        let long = "é".repeat(10_000);
        assert!(long.parse::<Digest>().expect_err("not a digest").to_string().len() < 400);
    }

    #[test]
    fn a_value_is_known_by_its_json() {
        assert_eq!(Digest::of_value(&("a", [1, 2], Some("é"))), Digest::of("[\"a\",[1,2],\"é\"]".as_bytes()));
    }

    #[test]
    #[should_panic(expected = "is no JSON: key must be a string")]
    fn a_value_that_is_no_json_has_no_digest() {
        let _ = Digest::of_value(&std::collections::BTreeMap::from([([1_u8], 1)]));
    }

    #[test]
    fn writers_and_readers_hash_what_passes() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"abc").expect("a vector takes all");
        let (bytes, digest, length) = writer.finish();
        assert_eq!((bytes.as_slice(), digest, length), (&b"abc"[..], Digest::of(b"abc"), 3));
        let mut reader = HashingReader::new(&b"abc"[..]);
        io::copy(&mut reader, &mut io::sink()).expect("a slice can be read");
        assert_eq!(reader.finish(), (Digest::of(b"abc"), 3));
    }
}
