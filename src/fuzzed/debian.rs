//! What archives of Debian publish.

use std::cmp::Ordering;
use std::sync::LazyLock;

use super::text;
use crate::distribution::debian::release::Release;
use crate::distribution::debian::{
    contents as lists, index as indexes, relation as relations, sources as packages, version,
};
use crate::distribution::openpgp::{Keyring, verify_clearsigned, verify_detached};
use crate::model::EPOCH;

/// Any bytes as a package index, and as a list of installed packages (stanzas of deb822).
pub fn index(bytes: &[u8]) {
    let _ = indexes::parse(bytes);
    let _ = indexes::parse_installed(bytes);
}

/// Any bytes as an index of source packages.
pub fn sources(bytes: &[u8]) {
    if let Ok(found) = packages::parse(bytes, |_| true) {
        for package in &found {
            assert!(packages::newest(&found, &package.name).is_some() || package.extra);
        }
    }
}

/// Any bytes as the list of which package has which file.
pub fn contents(bytes: &[u8]) {
    let _ = lists::each(bytes, |path, packages| {
        assert!(!path.contains('\n'));
        assert!(lists::names(packages).all(|name| !name.is_empty()));
    });
}

/// Any text as a release file.
pub fn release(bytes: &[u8]) {
    let _ = Release::parse(&text(bytes));
}

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    Keyring::parse(include_bytes!("../../images/keys/debian-archive.asc")).expect("the project's own keyring")
});

/// Any bytes as a keyring, as a clear-signed document and as a detached signature: none is accepted, for nobody who makes
/// bytes up has the keys.
pub fn inrelease(bytes: &[u8]) {
    let _ = Keyring::parse(bytes);
    // before any of the keys was made, so that real documents are not accepted either
    assert!(verify_clearsigned(&text(bytes), &KEYRING, &[], EPOCH).is_err());
    assert!(verify_detached(std::io::Cursor::new(b"data"), bytes, &KEYRING, &[], EPOCH).is_err());
}

/// Any text as relations between packages, and any versions: their order is one.
pub fn relation(bytes: &[u8]) {
    let text = text(bytes);
    let _ = relations::parse(&text);
    let _ = relations::parse_flat(&text);
    let mut words = text.split(' ');
    if let (Some(a), Some(b), Some(c)) = (words.next(), words.next(), words.next()) {
        assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
        assert_eq!(version::compare(a, a), Ordering::Equal);
        if version::compare(a, b).is_le() && version::compare(b, c).is_le() {
            assert!(version::compare(a, c).is_le(), "{a} <= {b} <= {c}");
        }
    }
}
