//! Whether a key may sign: what its own signatures, and those of its primary key, say of it.

use std::io::Read;

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PacketTrait, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, PublicParams};

use super::Reason;
use crate::model::Timestamp;

/// A key of the keyring that is said to have signed.
pub(super) struct Signer<'a> {
    /// The primary key with all that belongs to it.
    pub(super) key: &'a SignedPublicKey,
    /// The subkey that signed, if it was not the primary key itself.
    pub(super) subkey: Option<&'a SignedPublicSubKey>,
}

/// SHA-256 or stronger.
pub(super) fn check_hash(signature: &Signature) -> Result<(), Reason> {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    match signature.hash_alg() {
        Some(Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512) => Ok(()),
        hash => Err(Reason::WeakHash {
            hash: hash.map_or_else(|| "of an unknown kind".to_owned(), |hash| hash.to_string()),
        }),
    }
}

impl Signer<'_> {
    /// Upper-case hexadecimal.
    pub(super) fn primary_fingerprint(&self) -> String {
        format!("{:X}", self.key.primary_key.fingerprint())
    }

    /// Whether `signature` is this key's over `data`.
    pub(super) fn verify(&self, signature: &Signature, data: impl Read) -> Result<(), pgp::errors::Error> {
        match self.subkey {
            Some(subkey) => signature.verify(&subkey.key, data),
            None => signature.verify(&self.key.primary_key, data),
        }
    }

    /// Whether the key may sign at all, could at the time `at` of the signature, and still may `now`.
    pub(super) fn check(&self, at: Timestamp, now: Timestamp) -> Result<(), Reason> {
        self.check_primary(at, now)?;
        self.subkey.map_or(Ok(()), |subkey| self.check_subkey(subkey, at, now))
    }

    fn check_primary(&self, at: Timestamp, now: Timestamp) -> Result<(), Reason> {
        let primary = &self.key.primary_key;
        let name = || self.primary_fingerprint();
        check_strength(primary.public_params(), &name)?;
        if self.key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
            return Err(Reason::RevokedKey { key: name() });
        }
        let own = self.newest_own_signature(now).ok_or_else(|| Reason::Unbound { key: name() })?;
        check_lifetime(primary.created_at(), own, at, now, &name)?;
        // a primary key without any flags may do everything, a subkey nothing
        if self.subkey.is_none() && has_flags(own) && !own.key_flags().sign() {
            return Err(Reason::NotForSigning { key: name() });
        }
        Ok(())
    }

    /// The newest statement of the primary key about itself: about one of its names that is not revoked, or direct.
    /// Direct ones that only name who may revoke the key say nothing about its lifetime and use.
    fn newest_own_signature(&self, now: Timestamp) -> Option<&Signature> {
        let primary = &self.key.primary_key;
        let direct = self.key.details.direct_signatures.iter().filter(|signature| {
            let says = has_flags(signature) || signature.key_expiration_time().is_some();
            let direct = signature.typ() == Some(SignatureType::Key) && says;
            direct && is_current(signature, now) && signature.verify_key(primary).is_ok()
        });
        let named = self.key.details.users.iter().filter_map(|user| {
            let holds = |signature: &&Signature| {
                is_current(signature, now) && signature.verify_certification(primary, user.id.tag(), &user.id).is_ok()
            };
            let own = user.signatures.iter().filter(|signature| by(signature, primary)).filter(holds);
            let newest = own.max_by_key(|signature| created(signature))?;
            (newest.typ() != Some(SignatureType::CertRevocation)).then_some(newest)
        });
        direct.chain(named).max_by_key(|signature| created(signature))
    }

    fn check_subkey(&self, subkey: &SignedPublicSubKey, at: Timestamp, now: Timestamp) -> Result<(), Reason> {
        let primary = &self.key.primary_key;
        let name = || format!("{:X}", subkey.key.fingerprint());
        check_strength(subkey.key.public_params(), &name)?;
        let of = |kind: SignatureType| subkey.signatures.iter().filter(move |signature| signature.typ() == Some(kind));
        let holds = |signature: &&Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
        if of(SignatureType::SubkeyRevocation).any(|revocation| holds(&revocation)) {
            return Err(Reason::RevokedKey { key: name() });
        }
        let binding = of(SignatureType::SubkeyBinding)
            .filter(|binding| is_current(binding, now))
            .filter(holds)
            .max_by_key(|binding| created(binding))
            .ok_or_else(|| Reason::Unbound { key: name() })?;
        if !binding.key_flags().sign() {
            return Err(Reason::NotForSigning { key: name() });
        }
        let back = binding
            .embedded_signature()
            .filter(|back| check_hash(back).is_ok() && back.verify_primary_key_binding(&subkey.key, primary).is_ok());
        if back.is_none() {
            return Err(Reason::NoBackSignature { key: name() });
        }
        check_lifetime(subkey.key.created_at(), binding, at, now, &name)
    }
}

fn created(signature: &Signature) -> Option<u32> {
    signature.created().map(pgp::types::Timestamp::as_secs)
}

/// Strong enough, made already, and not expired.
fn is_current(signature: &Signature, now: Timestamp) -> bool {
    let Some(created) = signature.created().map(|created| i64::from(created.as_secs())) else { return false };
    let lifetime = signature.signature_expiration_time().map_or(0, |lifetime| i64::from(lifetime.as_secs()));
    check_hash(signature).is_ok() && created <= now.seconds() && (lifetime == 0 || now.seconds() < created + lifetime)
}

/// Whether a signature names `key` as its maker; saves checking those of other people.
fn by(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_fingerprint().contains(&&key.fingerprint())
        || signature.issuer_key_id().contains(&&key.legacy_key_id())
}

fn has_flags(signature: &Signature) -> bool {
    let flags = |config: &pgp::packet::SignatureConfig| {
        config.hashed_subpackets().any(|subpacket| matches!(subpacket.data, SubpacketData::KeyFlags(_)))
    };
    signature.config().is_some_and(flags)
}

fn check_lifetime(
    created: pgp::types::Timestamp,
    own: &Signature,
    at: Timestamp,
    now: Timestamp,
    name: &dyn Fn() -> String,
) -> Result<(), Reason> {
    let created = i64::from(created.as_secs());
    if at.seconds() < created {
        return Err(Reason::OlderThanKey { at });
    }
    match own.key_expiration_time().map(|lifetime| i64::from(lifetime.as_secs())) {
        Some(lifetime) if lifetime > 0 && created + lifetime <= now.seconds().max(at.seconds()) => {
            Err(Reason::ExpiredKey { key: name(), on: Timestamp::from_seconds(created + lifetime) })
        }
        _ => Ok(()),
    }
}

fn check_strength(parameters: &PublicParams, name: &dyn Fn() -> String) -> Result<(), Reason> {
    let weak = |what: String| Err(Reason::WeakKey { key: name(), what });
    match parameters {
        PublicParams::Ed25519(_)
        | PublicParams::Ed448(_)
        | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
        | PublicParams::ECDSA(
            EcdsaPublicParams::P256 { .. } | EcdsaPublicParams::P384 { .. } | EcdsaPublicParams::P521 { .. },
        ) => Ok(()),
        PublicParams::RSA(rsa) => match modulus_bits(rsa) {
            2048.. => Ok(()),
            bits => weak(format!("RSA of {bits} bits")),
        },
        PublicParams::DSA(_) => weak("DSA".to_owned()),
        _ => weak("of an unsuitable kind".to_owned()),
    }
}

/// The parameters begin with the modulus as a multi-precision integer, which begins with its length in bits
/// (RFC 9580 §3.2): so the size is known without a dependency on the crate of the number type.
fn modulus_bits(rsa: &pgp::types::RsaPublicParams) -> u16 {
    let mut bytes = Vec::new();
    match (rsa.to_writer(&mut bytes), bytes.get(..2)) {
        (Ok(()), Some(length)) => u16::from_be_bytes([length[0], length[1]]),
        _ => 0,
    }
}
