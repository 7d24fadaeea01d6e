//! Keyrings: files with the public keys that are trusted.

use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::packet::Signature;
use pgp::types::KeyDetails;
use thiserror::Error;

use super::certificate::Signer;

/// Longest keyring that is read; the largest of a distribution has 56 kB.
pub(super) const LONGEST: usize = 8 << 20;

/// Most keys in a keyring.
const MOST_KEYS: usize = 1000;

/// Public keys that signatures are checked with.
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// Why a file is no keyring.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// Too large.
    #[error("the keyring is larger than {LONGEST} bytes or {MOST_KEYS} keys")]
    TooLarge,
    /// A secret key where only public ones belong.
    #[error(
        "the keyring holds a secret key: remove it, consider it compromised, and export the public key instead (gpg --export --armor)"
    )]
    Secret,
    /// Neither armored nor binary keys.
    #[error("the keyring cannot be read")]
    Format {
        /// Why.
        #[source]
        source: Box<pgp::errors::Error>,
    },
    /// No key.
    #[error("there is no public key in the keyring: export one with `gpg --export --armor FINGERPRINT`")]
    Empty,
}

const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &[u8] = b"-----END PGP PUBLIC KEY BLOCK-----";

impl Keyring {
    /// Reads a file of one or many keys: binary, or armored in one or more blocks, with any text around them.
    ///
    /// # Errors
    /// When there is no key in it, or something else than keys.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.len() > LONGEST {
            return Err(KeyringError::TooLarge);
        }
        if position(bytes, b"-----BEGIN PGP PRIVATE KEY BLOCK-----").is_some() {
            return Err(KeyringError::Secret);
        }
        let format = |source: pgp::errors::Error| KeyringError::Format { source: Box::new(source) };
        let mut keys = Vec::new();
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            add(&mut keys, SignedPublicKey::from_bytes_many(bytes).map_err(format)?)?;
        } else {
            let mut rest = bytes;
            while let Some(start) = position(rest, BEGIN) {
                let block = &rest[start..];
                let end = position(block, END).map_or(block.len(), |end| end + END.len());
                add(&mut keys, SignedPublicKey::from_armor_many_buf(&block[..end]).map_err(format)?.0)?;
                rest = &block[end..];
            }
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// The fingerprints of its primary keys, upper-case hexadecimal, in the order of the file.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| format!("{:X}", key.primary_key.fingerprint())).collect()
    }

    /// The key that is said to have made a signature. A fingerprint decides; a key ID alone will do, as the signature
    /// has to fit in the end.
    pub(super) fn signer(&self, signature: &Signature) -> Option<Signer<'_>> {
        let (fingerprints, ids) = (signature.issuer_fingerprint(), signature.issuer_key_id());
        let is = |key: &dyn Identified| {
            let (fingerprint, id) = key.identity();
            if fingerprints.is_empty() { ids.contains(&&id) } else { fingerprints.contains(&&fingerprint) }
        };
        self.keys.iter().find_map(|key| {
            if is(&key.primary_key) {
                return Some(Signer { key, subkey: None });
            }
            key.public_subkeys.iter().find(|subkey| is(&subkey.key)).map(|subkey| Signer { key, subkey: Some(subkey) })
        })
    }
}

/// What a signature can name a key by.
trait Identified {
    fn identity(&self) -> (pgp::types::Fingerprint, pgp::types::KeyId);
}

impl<K: KeyDetails> Identified for K {
    fn identity(&self) -> (pgp::types::Fingerprint, pgp::types::KeyId) {
        (self.fingerprint(), self.legacy_key_id())
    }
}

fn add(
    keys: &mut Vec<SignedPublicKey>,
    found: impl Iterator<Item = Result<SignedPublicKey, pgp::errors::Error>>,
) -> Result<(), KeyringError> {
    for key in found {
        let key = key.map_err(|source| KeyringError::Format { source: Box::new(source) })?;
        if keys.len() == MOST_KEYS {
            return Err(KeyringError::TooLarge);
        }
        keys.push(key);
    }
    Ok(())
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
