//! Java's store of certificates, which notes when each came in: all of them came in at the same time, so that the same
//! certificates are the same file.
//!
//! The format is that of `sun.security.provider.JavaKeyStore`, all numbers big-endian: the magic number `feedfeed`, the
//! version, the count of entries, the entries, and the SHA-1 digest of the password in UTF-16, a phrase, and all of
//! that. An entry of a certificate is the number 2, an alias, milliseconds since 1970, the certificate's type, and the
//! certificate; strings have a length of two bytes, certificates of four.

use sha1::{Digest as _, Sha1};

/// The one that everybody uses: the store holds nothing secret.
const PASSWORD: &str = "changeit";
const PHRASE: &[u8] = b"Mighty Aphrodite";
const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const CERTIFICATE: u32 = 2;
const DIGEST: usize = 20;

/// The store with `milliseconds` in all of its entries; nothing when it is none, has a private key, or another password.
pub(super) fn dated(store: &[u8], milliseconds: u64) -> Option<Vec<u8>> {
    let (body, digest) = store.split_at_checked(store.len().checked_sub(DIGEST)?)?;
    if sealed(body) != digest {
        return None;
    }
    let mut rest = Reader(body);
    if rest.take(MAGIC.len())? != MAGIC {
        return None;
    }
    let version = rest.number()?;
    let mut dated = body.to_vec();
    for _ in 0..rest.number()? {
        if rest.number()? != CERTIFICATE {
            return None;
        }
        rest.text()?;
        let at = body.len() - rest.0.len();
        rest.take(8)?;
        dated[at..at + 8].copy_from_slice(&milliseconds.to_be_bytes());
        if version == 2 {
            rest.text()?;
        }
        let length = rest.number()?;
        rest.take(length as usize)?;
    }
    let digest = sealed(&dated);
    rest.0.is_empty().then(|| [dated, digest].concat())
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut digest = Sha1::new();
    for unit in PASSWORD.encode_utf16() {
        digest.update(unit.to_be_bytes());
    }
    digest.update(PHRASE);
    digest.update(body);
    digest.finalize().to_vec()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(date: u64) -> Vec<u8> {
        let mut body = [&MAGIC[..], &2_u32.to_be_bytes(), &1_u32.to_be_bytes(), &2_u32.to_be_bytes()].concat();
        body.extend([&1_u16.to_be_bytes()[..], b"a", &date.to_be_bytes(), &5_u16.to_be_bytes(), b"X.509"].concat());
        body.extend([&3_u32.to_be_bytes()[..], b"der"].concat());
        let digest = sealed(&body);
        [body, digest].concat()
    }

    #[test]
    fn only_the_dates_and_the_digest_change() {
        assert_eq!(dated(&store(1_700_000_000_000), 7), Some(store(7)));
    }

    #[test]
    fn what_is_no_such_store_is_left_alone() {
        let mut broken = store(1);
        broken[20] ^= 1;
        for other in [&b""[..], b"text", &broken, &store(1)[..30]] {
            assert_eq!(dated(other, 7), None);
        }
    }
}
