//! Against GnuPG: it makes the keys and signatures, and `gpgv` says what it thinks of each.

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::*;

/// 2023-11-14: what `gpgv`, which knows no clock but the machine's, must not take for the future.
const NOW: i64 = 1_700_000_000;

/// A home of GnuPG with a clock of its own.
struct Gpg {
    home: TempDir,
}

impl Gpg {
    fn new() -> Self {
        Self { home: tempfile::Builder::new().prefix("gpg").tempdir().expect("a folder") }
    }

    fn run_at(&self, time: i64, arguments: &[&str], input: &[u8]) -> Output {
        use std::io::Write as _;
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.home.path()).args([
            "--batch",
            "--yes",
            "--quiet",
            "--no-tty",
            "--pinentry-mode",
            "loopback",
        ]);
        gpg.args(["--passphrase", "", "--allow-weak-digest-algos", "--allow-weak-key-signatures"]);
        gpg.arg(format!("--faked-system-time={time}!")).args(arguments);
        let spawned = gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("gpg: install the package `gpg`");
        child.stdin.take().expect("a pipe").write_all(input).expect("gpg reads");
        child.wait_with_output().expect("gpg ends")
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.run_at(NOW, arguments, input);
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key and gives its fingerprint.
    fn key(&self, time: i64, name: &str, algorithm: &str, usage: &str, expires: &str) -> String {
        let output = self.run_at(time, &["--quick-gen-key", name, algorithm, usage, expires], b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let list = self.run(&["--with-colons", "--list-keys", &format!("={name}")], b"");
        let list = String::from_utf8(list).expect("text");
        list.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).expect("a key").trim_end_matches(':').to_owned()
    }

    fn keyring(&self, name: &str) -> Vec<u8> {
        self.run(&["--armor", "--export", name], b"")
    }

    fn clearsign(&self, text: &str, options: &[&str]) -> String {
        let signed = self.run(&[options, &["--clearsign"]].concat(), text.as_bytes());
        String::from_utf8(signed).expect("text")
    }

    /// Whether `gpgv`, calls a signature good without any reserve, as package managers read it.
    fn gpgv(&self, keyring: &[u8], document: &str) -> bool {
        let file = |name: &str, bytes: &[u8]| {
            let path = self.home.path().join(name);
            fs_err::write(&path, bytes).expect("written");
            path
        };
        let ring = self.run(&["--dearmor"], keyring);
        let (ring, document) = (file("ring.gpg", &ring), file("document.asc", document.as_bytes()));
        let mut gpgv = Command::new("gpgv");
        gpgv.args(["--status-fd", "1", "--homedir"]).arg(self.home.path());
        gpgv.arg("--keyring").arg(ring).arg(document);
        let output = gpgv.output().expect("gpgv: install the package `gpgv`");
        String::from_utf8_lossy(&output.stdout).contains("[GNUPG:] GOODSIG")
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).output();
    }
}

fn verify(document: &str, keyring: &[u8], fingerprints: &[String]) -> Result<Verified, SignatureError> {
    let keyring = Keyring::parse(keyring).expect("a keyring");
    verify_clearsigned(document, &keyring, fingerprints, Timestamp::from_seconds(NOW))
}

fn refusal(verdict: Result<Verified, SignatureError>) -> Reason {
    match verdict {
        Err(SignatureError::Refused { mut refusals }) if refusals.len() == 1 => refusals.remove(0).reason,
        other => panic!("one refused signature was expected: {other:?}"),
    }
}

const TEXT: &str = "Origin: test\n- a dash \t\n-----BEGIN something\n\nFrom here\n";

#[test]
fn good_signatures_of_every_strong_algorithm_are_taken() {
    for (algorithm, options) in [
        ("ed25519", &["--digest-algo", "SHA512"][..]),
        ("rsa2048", &["--digest-algo", "SHA256"]),
        ("nistp256", &["--digest-algo", "SHA384"]),
    ] {
        let gpg = Gpg::new();
        let fingerprint = gpg.key(NOW - 1000, "good", algorithm, "sign", "none");
        let (keyring, document) = (gpg.keyring("good"), gpg.clearsign(TEXT, options));
        assert!(gpg.gpgv(&keyring, &document));
        let verified = verify(&document, &keyring, std::slice::from_ref(&fingerprint)).expect(algorithm);
        assert_eq!(verified.text, "Origin: test\n- a dash\n-----BEGIN something\n\nFrom here");
        assert_eq!((verified.signature.signer.as_str(), verified.signature.at.seconds()), (fingerprint.as_str(), NOW));
        assert!(verify(&document.replace('\n', "\r\n"), &keyring, &[]).is_ok());
        let binary = gpg.run(&["--dearmor"], &keyring);
        assert!(verify(&document, &binary, &[]).is_ok(), "a binary keyring is as good");

        assert_eq!(refusal(verify(&document.replace("From", "Form"), &keyring, &[])), Reason::Bad);
        let other = vec!["0000 0000".to_owned()];
        assert_eq!(refusal(verify(&document, &keyring, &other)), Reason::NotAllowed { primary: fingerprint });
    }
}

#[test]
fn weak_hashes_and_keys_are_refused() {
    let gpg = Gpg::new();
    gpg.key(NOW - 1000, "weak", "rsa1024", "sign", "none");
    let keyring = gpg.keyring("weak");
    let document = gpg.clearsign(TEXT, &["--digest-algo", "SHA256"]);
    assert!(
        matches!(refusal(verify(&document, &keyring, &[])), Reason::WeakKey { what, .. } if what == "RSA of 1024 bits")
    );
    let document = gpg.clearsign(TEXT, &["--digest-algo", "SHA1"]);
    assert_eq!(refusal(verify(&document, &keyring, &[])), Reason::WeakHash { hash: "SHA1".to_owned() });
}

#[test]
fn expired_keys_are_refused_even_if_the_signature_is_older() {
    let gpg = Gpg::new();
    gpg.key(NOW - 100_000, "expired", "ed25519", "sign", "seconds=5000");
    let signed = gpg.run_at(NOW - 99_000, &["--clearsign"], TEXT.as_bytes());
    let document = String::from_utf8(signed.stdout).expect("text");
    let keyring = gpg.keyring("expired");
    assert!(!gpg.gpgv(&keyring, &document));
    let reason = refusal(verify(&document, &keyring, &[]));
    assert!(matches!(reason, Reason::ExpiredKey { on, .. } if on.seconds() == NOW - 95_000), "{reason:?}");
}

#[test]
fn revoked_keys_are_refused() {
    let gpg = Gpg::new();
    let fingerprint = gpg.key(NOW - 1000, "revoked", "ed25519", "sign", "none");
    let document = gpg.clearsign(TEXT, &[]);
    assert!(verify(&document, &gpg.keyring("revoked"), &[]).is_ok());
    let certificate = gpg.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let certificate =
        fs_err::read_to_string(certificate).expect("made with the key").replace(":-----BEGIN", "-----BEGIN");
    gpg.run(&["--import"], certificate.as_bytes());
    let keyring = gpg.keyring("revoked");
    assert!(!gpg.gpgv(&keyring, &document));
    assert_eq!(refusal(verify(&document, &keyring, &[])), Reason::RevokedKey { key: fingerprint });
}

#[test]
fn signatures_that_expired_or_come_from_the_future_are_refused() {
    let gpg = Gpg::new();
    gpg.key(NOW - 100_000, "time", "ed25519", "sign", "none");
    let keyring = gpg.keyring("time");
    let at = |time: i64, options: &[&str]| {
        let output = gpg.run_at(time, &[options, &["--clearsign"]].concat(), TEXT.as_bytes());
        String::from_utf8(output.stdout).expect("text")
    };
    let expired = at(NOW - 90_000, &["--default-sig-expire", "seconds=100"]);
    assert!(!gpg.gpgv(&keyring, &expired));
    assert!(matches!(refusal(verify(&expired, &keyring, &[])), Reason::Expired { .. }));
    assert!(matches!(refusal(verify(&at(NOW + 5000, &[]), &keyring, &[])), Reason::Future { .. }));
}

#[test]
fn subkeys_sign_for_their_primary_key_only_when_bound_both_ways() {
    let gpg = Gpg::new();
    let primary = gpg.key(NOW - 1000, "sub", "ed25519", "cert", "none");
    gpg.run(&["--quick-add-key", &primary, "ed25519", "sign", "none"], b"");
    let (keyring, document) = (gpg.keyring("sub"), gpg.clearsign(TEXT, &[]));
    assert!(gpg.gpgv(&keyring, &document));
    let verified = verify(&document, &keyring, std::slice::from_ref(&primary)).expect("the primary key is allowed");
    assert_eq!(verified.signature.signer, primary);

    let without = without_back_signature(&gpg.run(&["--dearmor"], &keyring));
    let armored = gpg.run(&["--enarmor"], &without);
    let armored = String::from_utf8(armored).expect("text").replace("ARMORED FILE", "PUBLIC KEY BLOCK");
    assert!(!gpg.gpgv(armored.as_bytes(), &document));
    assert!(matches!(refusal(verify(&document, &without, &[])), Reason::NoBackSignature { .. }));

    // the newest binding counts: it lets the subkey expire
    let output = gpg.run_at(NOW + 50, &["--quick-set-expire", &primary, "seconds=2000", "*"], b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keyring = Keyring::parse(&gpg.keyring("sub")).expect("a keyring");
    let verify_at = |time| verify_clearsigned(&document, &keyring, &[], Timestamp::from_seconds(time));
    assert!(verify_at(NOW + 1000).is_ok());
    assert!(matches!(refusal(verify_at(NOW + 3000)), Reason::ExpiredKey { key, .. } if key != primary));
}

/// Takes the embedded signature out of the unhashed part of the last signature packet, where GnuPG puts it.
fn without_back_signature(keyring: &[u8]) -> Vec<u8> {
    use pgp::composed::{Deserializable as _, SignedPublicKey};
    use pgp::packet::SubpacketData;
    use pgp::ser::Serialize as _;
    let mut key = SignedPublicKey::from_bytes(keyring).expect("a key");
    for binding in key.public_subkeys.iter_mut().flat_map(|subkey| &mut subkey.signatures) {
        let unhashed = binding.config().expect("known").unhashed_subpackets();
        let position = unhashed.enumerate().find(|(_, part)| matches!(part.data, SubpacketData::EmbeddedSignature(_)));
        let position = position.expect("GnuPG puts it there").0;
        binding.unhashed_subpacket_remove(position).expect("removed");
    }
    key.to_bytes().expect("written")
}

#[test]
fn unknown_keys_and_forged_documents_say_what_is_wrong() {
    let (one, two) = (Gpg::new(), Gpg::new());
    let maker = one.key(NOW - 1000, "one", "ed25519", "sign", "none");
    two.key(NOW - 1000, "two", "ed25519", "sign", "none");
    let document = one.clearsign(TEXT, &[]);
    let error = verify(&document, &two.keyring("two"), &[]).expect_err("another's key");
    let message = error.to_string();
    assert!(message.contains(&maker) && message.contains("not in the keyring"), "{message}");
    assert!(matches!(
        verify(&format!("evil\n{document}"), &one.keyring("one"), &[]),
        Err(SignatureError::Framing { .. })
    ));

    // one good signature among others is enough
    let both = [one.keyring("one"), b"some words\n".to_vec(), two.keyring("two")].concat();
    assert_eq!(Keyring::parse(&both).expect("two blocks").fingerprints().len(), 2);
    assert!(verify(&document, &both, &[]).is_ok());
}

#[test]
fn detached_signatures_are_checked_armored_and_binary() {
    let gpg = Gpg::new();
    gpg.key(NOW - 1000, "detached", "ed25519", "sign", "none");
    let keyring = Keyring::parse(&gpg.keyring("detached")).expect("a keyring");
    let data = b"any\0bytes\r\n".as_slice();
    for options in [&["--detach-sign"][..], &["--armor", "--detach-sign"]] {
        let signature = gpg.run(options, data);
        let check = |data: &[u8]| {
            verify_detached(std::io::Cursor::new(data), &signature, &keyring, &[], Timestamp::from_seconds(NOW))
        };
        assert!(check(data).is_ok());
        assert!(matches!(check(b"other bytes"), Err(SignatureError::Refused { .. })));
    }
    let clear = gpg.clearsign("text\n", &[]);
    let start = clear.find("-----BEGIN PGP SIGNATURE").expect("there");
    assert!(
        verify_detached(
            std::io::Cursor::new(b"text"),
            &clear.as_bytes()[start..],
            &keyring,
            &[],
            Timestamp::from_seconds(NOW)
        )
        .is_ok()
    );
}

#[test]
fn what_is_no_keyring_or_signature_is_an_error() {
    assert!(matches!(Keyring::parse(b""), Err(KeyringError::Empty)));
    assert!(matches!(Keyring::parse(b"words"), Err(KeyringError::Empty)));
    assert!(Keyring::parse(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxxx\n").is_err());
    assert!(Keyring::parse(&[0xff; 100]).is_err());
    assert!(matches!(Keyring::parse(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"), Err(KeyringError::Secret)));
    let gpg = Gpg::new();
    gpg.key(NOW - 1000, "k", "ed25519", "sign", "none");
    let keyring = gpg.keyring("k");
    let document = gpg.clearsign(TEXT, &[]);
    let body = document.find("-----BEGIN PGP SIGNATURE-----").expect("there");
    let empty = format!("{}-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", &document[..body]);
    assert!(verify(&empty, &keyring, &[]).is_err());
    let garbage = format!("{}-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n", &document[..body]);
    assert!(verify(&garbage, &keyring, &[]).is_err());
}

/// Every byte of a signed document and of a keyring, damaged: an error each time, and never a panic.
#[test]
fn damaged_documents_never_verify() {
    let gpg = Gpg::new();
    gpg.key(NOW - 1000, "damage", "ed25519", "sign", "none");
    let keyring = gpg.run(&["--dearmor"], &gpg.keyring("damage"));
    let signature = gpg.run(&["--detach-sign"], b"data");
    let check = |keyring: &[u8], signature: &[u8]| {
        let keyring = Keyring::parse(keyring).ok()?;
        verify_detached(std::io::Cursor::new(b"data"), signature, &keyring, &[], Timestamp::from_seconds(NOW)).ok()
    };
    assert!(check(&keyring, &signature).is_some());
    for position in 0..signature.len() {
        let mut damaged = signature.clone();
        damaged[position] ^= 0x04;
        let _ = check(&keyring, &damaged); // the unhashed part may change without harm
        let _ = check(&keyring, &signature[..position]);
    }
    for position in 0..keyring.len() {
        let mut damaged = keyring.clone();
        damaged[position] ^= 0x04;
        let _ = check(&damaged, &signature);
    }
}
