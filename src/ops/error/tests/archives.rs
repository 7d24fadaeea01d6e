//! Release files, indexes, signatures, and packages that do not fit.

use super::{Gallery, OpsError, denied, io};
use crate::distribution::debian::deb822::Deb822Error;
use crate::distribution::debian::index::IndexError;
use crate::distribution::debian::relation::RelationError;
use crate::distribution::debian::release::ReleaseError;
use crate::distribution::debian::sources::SourcesError;
use crate::distribution::debian::version::Version;
use crate::distribution::openpgp::{KeyringError, Reason, Refusal, SignatureError};
use crate::distribution::suite::DocumentError;
use crate::model::Timestamp;
use crate::ops::error::{RefusedMirror, SuiteError};
use crate::resolve::Unsatisfiable;
use crate::resolve::debian::UniverseError;

pub(super) fn draw(gallery: &mut Gallery) {
    let place = gallery.place;
    let suite = move |source| OpsError::Suite {
        archive: "debian".parse().expect("a name"),
        suite: "trixie".to_owned(),
        place,
        source: Box::new(source),
    };
    gallery.add(DocumentError::NotText, |error| suite(error.into()));
    releases(gallery, &suite);
    signatures(gallery, &suite);
    indexes(gallery, &suite);
    gallery.add(SuiteError::Older { date: day(20_000), locked: day(20_400) }, suite);
    let refused = |url: &str, error| RefusedMirror::new(&url.parse().expect("a URL"), error);
    let refused = vec![
        refused("http://one.example/debian/dists/trixie/InRelease", DocumentError::NotText.into()),
        refused(
            "http://two.example/debian/dists/trixie/InRelease",
            SuiteError::Older { date: day(20_000), locked: day(20_400) },
        ),
    ];
    gallery.add(SuiteError::Mirrors { refused }, suite);
    let unsatisfiable = Unsatisfiable {
        explanation: vec![
            "`nginx` 1.26 needs `libssl3t64` >= 3.5, and only 3.4 is in trixie".to_owned(),
            "nothing else provides `nginx`".to_owned(),
        ],
        places: vec![
            (place, "asked for here".to_owned()),
            (gallery.elsewhere, "the base brings libssl3t64".to_owned()),
        ],
        help: Some("run `orchestrate refresh runtime` as well".to_owned()),
    };
    gallery.add(unsatisfiable, |source| OpsError::Unsatisfiable {
        what: "image `web` for linux/arm64".to_owned(),
        source: Box::new(source),
    });
    universe(gallery);
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_seconds(number * 86_400)
}

fn releases(gallery: &mut Gallery, suite: &dyn Fn(SuiteError) -> OpsError) {
    let refused = |error: ReleaseError| suite(DocumentError::Refused(error.into()).into());
    gallery.add(ReleaseError::Format { source: Deb822Error::Encoding { line: 3 } }, refused);
    gallery.add(ReleaseError::Missing { field: "Date" }, refused);
    let source = super::parse::<Timestamp>("yesterday");
    gallery.add(ReleaseError::Date { field: "Date", source }, refused);
    gallery.add(ReleaseError::File { line: 17, text: "e3b0 12".to_owned() }, refused);
    gallery.add(ReleaseError::Trailing { line: 90 }, refused);
    let expired = ReleaseError::Expired { suite: "trixie".to_owned(), date: day(20_000), until: day(20_007) };
    gallery.add(expired, |error| suite(DocumentError::Expired(error.into()).into()));
    gallery.add(ReleaseError::Future { suite: "trixie".to_owned(), date: day(20_400), now: day(20_000) }, refused);
    gallery.add(ReleaseError::OtherSuite { found: "bookworm".to_owned(), wanted: "trixie".to_owned() }, refused);
    let none = ReleaseError::NoIndex {
        suite: "trixie".to_owned(),
        what: "component `contrib`".to_owned(),
        architectures: "amd64, arm64".to_owned(),
        components: "main".to_owned(),
    };
    gallery.add(none, refused);
    let from = |error: DocumentError| suite(error.into());
    gallery.add(DocumentError::Expired(ReleaseError::Missing { field: "Valid-Until" }.into()), from);
    gallery.add(DocumentError::Refused(ReleaseError::Missing { field: "Suite" }.into()), from);
    gallery.add(DocumentError::Signature(SignatureError::Unsigned), from);
}

fn signatures(gallery: &mut Gallery, suite: &dyn Fn(SuiteError) -> OpsError) {
    let signature = |error: SignatureError| suite(DocumentError::Signature(error).into());
    gallery.add(SignatureError::Framing { line: 4, reason: "has no hash header" }, signature);
    gallery.add(SignatureError::TooLarge { what: "document", limit: 1 << 26 }, signature);
    let broken = || Box::new(pgp::errors::Error::from(io(std::io::ErrorKind::UnexpectedEof)));
    gallery.add(SignatureError::Packets { source: broken() }, signature);
    gallery.add(SignatureError::Unsigned, signature);
    gallery.add(SignatureError::Data { source: io(std::io::ErrorKind::UnexpectedEof) }, signature);
    let key = || "4CB50190207B4758A3F73A796ED0E7B82643E131".to_owned();
    let refused = |reason| SignatureError::Refused { refusals: vec![Refusal { issuer: key(), reason }] };
    gallery.add(refused(Reason::Bad), signature);
    let reasons = [
        Reason::UnknownKey,
        Reason::NotAllowed { primary: key() },
        Reason::WeakHash { hash: "SHA1".to_owned() },
        Reason::WeakKey { key: key(), what: "RSA of 1024 bits".to_owned() },
        Reason::ExpiredKey { key: key(), on: day(19_000) },
        Reason::RevokedKey { key: key() },
        Reason::Unbound { key: key() },
        Reason::NoBackSignature { key: key() },
        Reason::NotForSigning { key: key() },
        Reason::OlderThanKey { at: day(10_000) },
        Reason::Future { at: day(30_000) },
        Reason::Expired { on: day(19_000) },
        Reason::Kind { what: "a certification".to_owned() },
        Reason::Bad,
    ];
    for reason in reasons {
        gallery.add(reason, |reason| signature(refused(reason)));
    }
    let keyring = |source| suite(SuiteError::Keys { source });
    gallery.add(KeyringError::TooLarge, keyring);
    gallery.add(KeyringError::Secret, keyring);
    gallery.add(KeyringError::Format { source: broken() }, keyring);
    gallery.add(KeyringError::Empty, keyring);
    gallery.add(SuiteError::Keys { source: KeyringError::Empty }, suite);
    gallery.add(SuiteError::Keyring { source: denied() }, suite);
}

fn indexes(gallery: &mut Gallery, suite: &dyn Fn(SuiteError) -> OpsError) {
    let index =
        |error: IndexError| suite(SuiteError::Index { name: "main/binary-amd64".to_owned(), source: error.into() });
    let deb822 = |source| index(IndexError::Format { source });
    gallery.add(Deb822Error::Read { line: 9, source: io(std::io::ErrorKind::UnexpectedEof) }, deb822);
    gallery.add(Deb822Error::Encoding { line: 9 }, deb822);
    gallery.add(Deb822Error::Line { line: 9, text: "no colon".to_owned() }, deb822);
    gallery.add(Deb822Error::Duplicate { line: 9, field: "Package".to_owned() }, deb822);
    gallery.add(Deb822Error::TooLarge { line: 9, limit: 1 << 20, unit: "bytes" }, deb822);
    gallery.add(IndexError::Format { source: Deb822Error::Encoding { line: 9 } }, index);
    let reason = || "`Size` is not a number".to_owned();
    gallery.add(IndexError::Field { line: 9, package: "nginx".to_owned(), reason: reason() }, index);
    gallery.add(IndexError::TooLarge, index);
    let sources =
        |error: SourcesError| suite(SuiteError::Index { name: "main/source".to_owned(), source: error.into() });
    gallery.add(SourcesError::Format { source: Deb822Error::Encoding { line: 9 } }, sources);
    gallery.add(SourcesError::Package { line: 9, package: "nginx".to_owned(), reason: reason() }, sources);
    let entry = |reason: String| index(IndexError::Field { line: 9, package: "nginx".to_owned(), reason });
    gallery.add(super::parse::<Version>("1:2:3 4"), |error| entry(error.to_string()));
    gallery.add(SuiteError::Index { name: "main/source".to_owned(), source: IndexError::TooLarge.into() }, suite);
    let source = crate::archive::ArchiveError::Truncated { within: "a block".to_owned() };
    gallery.add(SuiteError::Archive { name: "main/source".to_owned(), source }, suite);
}

fn universe(gallery: &mut Gallery) {
    let catalogue = |error: UniverseError| OpsError::Catalogue { source: error.into() };
    let relation = |source| {
        let (package, version) = ("nginx".to_owned(), "1.26-1".to_owned());
        UniverseError::Relation { package, version, field: "Depends", source }
    };
    gallery.add(relation(RelationError::TooMany), catalogue);
    gallery.add(UniverseError::TooMany { count: 3_000_000, what: "packages", limit: 1_000_000 }, catalogue);
    let text = || "libc6 (=".to_owned();
    gallery.add(RelationError::Name { text: "li bc".to_owned(), relation: text() }, |error| catalogue(relation(error)));
    gallery.add(RelationError::Syntax { relation: text(), rest: "(=".to_owned() }, |error| catalogue(relation(error)));
    gallery.add(RelationError::Constraint { text: "~ 1".to_owned() }, |error| catalogue(relation(error)));
    gallery.add(RelationError::TooMany, |error| catalogue(relation(error)));
}
