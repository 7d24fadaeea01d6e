//! Any text as a clear-signed document: it is never accepted, for nobody who fuzzes has the keys.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use orchestrate::distribution::openpgp::{Keyring, verify_clearsigned};
use orchestrate::model::EPOCH;

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    Keyring::parse(include_bytes!("../../images/keys/debian-archive.asc")).expect("the project's own keyring")
});

fuzz_target!(|bytes: &[u8]| {
    let _ = Keyring::parse(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        // before any of the keys was made, so that real documents in the corpus are not accepted either
        assert!(verify_clearsigned(text, &KEYRING, &[], EPOCH).is_err());
    }
});
