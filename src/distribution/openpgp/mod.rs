//! Signatures of archives and downloads: OpenPGP (RFC 9580), with the policy that such signatures need and rPGP leaves
//! to its callers: strong hashes and keys, keys neither expired nor revoked, subkeys bound both ways.

mod certificate;
mod clearsign;
mod keyring;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use pgp::armor::{BlockType, Dearmor, DearmorOptions};
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use thiserror::Error;

use crate::model::Timestamp;

pub use keyring::{Keyring, KeyringError};

/// Longest signed text that is read.
pub const LONGEST_TEXT: usize = 64 << 20;

/// Most bytes of signatures that are read, armored or not.
const LONGEST_SIGNATURES: usize = 1 << 20;

/// Most signatures that are looked at.
const MOST_SIGNATURES: usize = 64;

/// Seconds by which a signer's clock may be ahead of ours.
const CLOCK_SKEW: i64 = 10;

/// What a good signature vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signed text and nothing else: lines end in a line feed, without white space before it.
    pub text: String,
    /// Who signed it, and when.
    pub signature: Signed,
}

/// A good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Fingerprint of the primary key, upper-case hexadecimal.
    pub signer: String,
    /// When it was made.
    pub at: Timestamp,
}

/// Why a document is not taken as signed.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The document is not built as a clear-signed one.
    #[error("line {line} of the clear-signed document {reason}")]
    Framing {
        /// Where.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The document, or the signatures, are larger than what is read.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// What is allowed.
        limit: usize,
    },
    /// The block of signatures cannot be read.
    #[error("the signatures cannot be read")]
    Packets {
        /// Why.
        #[source]
        source: Box<pgp::errors::Error>,
    },
    /// There is none.
    #[error("there is no signature in it")]
    Unsigned,
    /// The signed data cannot be read.
    #[error("reading the signed data failed")]
    Data {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// None of the signatures is acceptable.
    #[error("no signature is acceptable:{}", lines(.refusals))]
    Refused {
        /// One entry for each signature.
        refusals: Vec<Refusal>,
    },
}

/// A signature that does not count, and why.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Fingerprint or key ID of who is said to have made it.
    pub issuer: String,
    /// Why it does not count.
    pub reason: Reason,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each message says what it is")]
pub enum Reason {
    #[error("its key is not in the keyring; if the archive has a new key, check its fingerprint and add it")]
    UnknownKey,
    #[error("the primary key {primary} is in the keyring, but not among the fingerprints that may sign here")]
    NotAllowed { primary: String },
    #[error("it uses the hash {hash}, which is broken; SHA-256 or stronger is needed")]
    WeakHash { hash: String },
    #[error("the key {key} is {what}; RSA of 2048 bits or more, EdDSA or ECDSA on a NIST curve is needed")]
    WeakKey { key: String, what: String },
    #[error("the key {key} expired on {on}; get the archive's current keys")]
    ExpiredKey { key: String, on: Timestamp },
    #[error("the key {key} was revoked; get the archive's current keys")]
    RevokedKey { key: String },
    #[error("the key {key} has no valid signature of its own that says what it is for")]
    Unbound { key: String },
    #[error("the subkey {key} has not signed that it belongs to its primary key (no back-signature)")]
    NoBackSignature { key: String },
    #[error("the key {key} is not meant for signing")]
    NotForSigning { key: String },
    #[error("it was made on {at}, before its key")]
    OlderThanKey { at: Timestamp },
    #[error("it is from the future ({at}): is this machine's clock right?")]
    Future { at: Timestamp },
    #[error("it expired on {on}")]
    Expired { on: Timestamp },
    #[error("it is of a kind that cannot sign this: {what}")]
    Kind { what: String },
    #[error("it does not fit: the data was changed, or signed by another key")]
    Bad,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "signature by {}: {}", self.issuer, self.reason)
    }
}

fn lines(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| format!("\n- {refusal}")).collect()
}

/// Checks a clear-signed document (an `InRelease` file) and gives back the text that was signed. Nothing may stand
/// outside the signed block. One good signature is enough.
///
/// `fingerprints` are those of primary keys that may sign; any key of the keyring may when there are none. `now`
/// decides what has expired.
///
/// # Errors
/// When the document is built in any unusual way, or no signature is acceptable.
pub fn verify_clearsigned(
    document: &str,
    keyring: &Keyring,
    fingerprints: &[String],
    now: Timestamp,
) -> Result<Verified, SignatureError> {
    if document.len() > LONGEST_TEXT {
        return Err(SignatureError::TooLarge { what: "clear-signed document", limit: LONGEST_TEXT });
    }
    let parts = clearsign::split(document)?;
    let check = Check { keyring, fingerprints, now, kinds: &[SignatureType::Text] };
    let signature = check.first_good(&signatures(parts.signatures.as_bytes())?, |key, signature| {
        Ok(key.verify(signature, parts.text.as_bytes()).is_ok())
    })?;
    Ok(Verified { text: parts.text, signature })
}

/// Checks a detached signature (armored or binary) of `data`, which is read as often as needed and never held whole.
///
/// # Errors
/// When the signature or the data cannot be read, or no signature is acceptable.
pub fn verify_detached(
    mut data: impl Read + Seek,
    signature: &[u8],
    keyring: &Keyring,
    fingerprints: &[String],
    now: Timestamp,
) -> Result<Signed, SignatureError> {
    let check = Check { keyring, fingerprints, now, kinds: &[SignatureType::Binary, SignatureType::Text] };
    check.first_good(&signatures(signature)?, |key, signature| {
        data.seek(SeekFrom::Start(0)).map_err(|source| SignatureError::Data { source })?;
        match key.verify(signature, std::io::BufReader::new(&mut data)) {
            Err(pgp::errors::Error::IO { source, .. }) => Err(SignatureError::Data { source }),
            verdict => Ok(verdict.is_ok()),
        }
    })
}

/// Reads signature packets, armored or not; nothing else may stand among them.
fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, SignatureError> {
    if bytes.len() > LONGEST_SIGNATURES {
        return Err(SignatureError::TooLarge { what: "signature", limit: LONGEST_SIGNATURES });
    }
    let packets = |source: pgp::errors::Error| SignatureError::Packets { source: Box::new(source) };
    let binary;
    let bytes = if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        bytes
    } else {
        binary = dearmor(bytes, BlockType::Signature).map_err(packets)?;
        &binary
    };
    let mut signatures = Vec::new();
    for packet in PacketParser::new(bytes).take(MOST_SIGNATURES) {
        match packet {
            Ok(Packet::Signature(signature)) => signatures.push(signature),
            Ok(_) => {}
            // a version or algorithm that rPGP does not know: the others may be good
            Err(pgp::errors::Error::Unsupported { .. }) => {}
            Err(source) => return Err(packets(source)),
        }
    }
    if signatures.is_empty() { Err(SignatureError::Unsigned) } else { Ok(signatures) }
}

fn dearmor(bytes: &[u8], wanted: BlockType) -> Result<Vec<u8>, pgp::errors::Error> {
    let mut dearmor = Dearmor::with_options(bytes, DearmorOptions::new().set_limit(LONGEST_SIGNATURES));
    dearmor.read_header()?;
    if dearmor.typ != Some(wanted) {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "the armor is of another kind");
        return Err(error.into());
    }
    let mut binary = Vec::new();
    dearmor.read_to_end(&mut binary)?;
    Ok(binary)
}

/// What a signature has to stand up to.
struct Check<'a> {
    keyring: &'a Keyring,
    fingerprints: &'a [String],
    now: Timestamp,
    kinds: &'a [SignatureType],
}

impl Check<'_> {
    fn first_good(
        &self,
        signatures: &[Signature],
        mut fits: impl FnMut(&certificate::Signer<'_>, &Signature) -> Result<bool, SignatureError>,
    ) -> Result<Signed, SignatureError> {
        let mut refusals = Vec::new();
        for signature in signatures {
            let reason = match self.judge(signature) {
                Ok((key, signed)) if fits(&key, signature)? => return Ok(signed),
                Ok(_) => Reason::Bad,
                Err(reason) => reason,
            };
            refusals.push(Refusal { issuer: issuer(signature), reason });
        }
        Err(SignatureError::Refused { refusals })
    }

    /// Everything about a signature but whether it fits the data.
    fn judge(&self, signature: &Signature) -> Result<(certificate::Signer<'_>, Signed), Reason> {
        let kind = |what: String| Reason::Kind { what };
        let typ = signature.typ().ok_or_else(|| kind(format!("version {:?}", signature.version())))?;
        if !self.kinds.contains(&typ) {
            return Err(kind(format!("{typ:?}")));
        }
        certificate::check_hash(signature)?;
        let created = signature.created().ok_or_else(|| kind("it has no date".to_owned()))?;
        let at = Timestamp::from_seconds(i64::from(created.as_secs()));
        if at.seconds() > self.now.seconds() + CLOCK_SKEW {
            return Err(Reason::Future { at });
        }
        if let Some(lifetime) = signature.signature_expiration_time().filter(|lifetime| lifetime.as_secs() > 0) {
            let on = Timestamp::from_seconds(at.seconds() + i64::from(lifetime.as_secs()));
            if on <= self.now {
                return Err(Reason::Expired { on });
            }
        }
        let signer = self.keyring.signer(signature).ok_or(Reason::UnknownKey)?;
        let primary = signer.primary_fingerprint();
        if !self.fingerprints.is_empty() && !self.fingerprints.iter().any(|allowed| same(allowed, &primary)) {
            return Err(Reason::NotAllowed { primary });
        }
        signer.check(at, self.now)?;
        Ok((signer, Signed { signer: primary, at }))
    }
}

/// Whether two fingerprints are the same, however people group and write their digits.
fn same(a: &str, b: &str) -> bool {
    let digits = |text: &str| {
        text.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_uppercase()).collect::<String>()
    };
    digits(a) == digits(b)
}

/// Who is said to have made a signature.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|fingerprint| format!("{fingerprint:X}"));
    let id = || signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    fingerprint.or_else(id).unwrap_or_else(|| "an unnamed key".to_owned())
}

#[cfg(test)]
mod tests;
