//! The store, what is fetched, and archives that were made to do harm.

use std::path::PathBuf;

use super::{Gallery, OpsError, StepError, denied, digest, io};
use crate::archive::ArchiveError;
use crate::distribution::world::WorldError;
use crate::fetch::{Attempt, FetchError, FetchFailure};
use crate::model::{ArchivePathError, Format};
use crate::ops::error::{PinError, SuiteError};
use crate::packages::PackagesError;
use crate::store::StoreError;

pub(super) fn draw(gallery: &mut Gallery) {
    store(gallery);
    fetch(gallery);
    archives(gallery);
    pins(gallery);
}

fn folder() -> PathBuf {
    "/home/user/.cache/orchestrate".into()
}

fn full() -> std::io::Error {
    io(std::io::ErrorKind::StorageFull)
}

fn store(gallery: &mut Gallery) {
    let store = |source| OpsError::Store { source };
    gallery.add(StoreError::Full { doing: "write", path: folder().join("blobs"), source: full() }, store);
    gallery.add(StoreError::Denied { doing: "open", path: folder(), source: denied() }, store);
    let source = io(std::io::ErrorKind::NotADirectory);
    gallery.add(StoreError::Io { doing: "open", path: folder().join("blobs"), source }, store);
    gallery.add(StoreError::Mismatch { expected: digest("expected"), found: digest("found") }, store);
    gallery.add(StoreError::Length { expected: 1000, found: 999 }, store);
    gallery.add(StoreError::NoBlob { digest: digest("blob") }, store);
    gallery.add(StoreError::Special { path: "dev/null".into(), kind: "a device" }, store);
    gallery.add(StoreError::TooMuch { path: "usr".into(), what: "files", limit: 4_000_000 }, store);
    let changed = StoreError::Changed {
        path: folder().join("blobs/sha256/00"),
        expected: digest("expected"),
        found: digest("found"),
    };
    gallery.add(changed, store);
    gallery.add(StoreError::OtherOwner { path: folder(), owner: 0, user: 1000 }, store);
    gallery.add(StoreError::OpenToOthers { path: folder(), mode: 0o777 }, store);
    let version = StoreError::OtherVersion { path: folder(), found: "store 1".to_owned(), expected: "store 2" };
    gallery.add(version, store);
    gallery.add(StoreError::Kind { kind: "../x".to_owned() }, store);
    let source = serde_json::from_str::<u8>("no").expect_err("no number");
    gallery.add(StoreError::Encode { kind: "step".to_owned(), digest: digest("step"), source }, store);
}

fn fetch(gallery: &mut Gallery) {
    let fetch = |source| OpsError::Fetch { source };
    let url = || "https://example.org/caddy.git".to_owned();
    let reason = || "the server does not answer".to_owned();
    gallery.add(FetchError::Offline { missing: vec!["package nginx 1.26-1".to_owned()] }, fetch);
    let attempt =
        |host: &str, reason: &str| Attempt { url: format!("http://{host}/nginx.deb"), reason: reason.to_owned() };
    let failure = FetchFailure {
        label: "package nginx 1.26-1".to_owned(),
        attempts: vec![attempt("one.example", "404 Not Found"), attempt("two.example", "it is cut off after 3 bytes")],
    };
    gallery.add(FetchError::Failed { failures: vec![failure] }, fetch);
    gallery.add(FetchError::Store(StoreError::NoBlob { digest: digest("blob") }), fetch);
    let path = || PathBuf::from("environment.kdl");
    gallery.add(
        FetchError::Config { what: "the `authority`", path: path(), reason: "it holds no certificate".to_owned() },
        fetch,
    );
    gallery.add(FetchError::Proxy { url: "ftp://proxy".to_owned() }, fetch);
    gallery.add(FetchError::Network { reason: "no certificates are installed".to_owned() }, fetch);
    gallery.add(FetchError::Git { doing: "read the references".to_owned(), url: url(), reason: reason() }, fetch);
    let reference = || "tag `v2.1`".to_owned();
    let similar = Some("v2.10".to_owned());
    gallery.add(FetchError::NoReference { url: url(), reference: reference(), similar }, fetch);
    let tree =
        FetchError::Tree { path: "a/../b".into(), from: url(), reason: "a name that leads out of the tree".to_owned() };
    gallery.add(tree, fetch);
    gallery.add(FetchError::File { doing: "read", path: "images/web/files".into(), source: denied() }, fetch);
}

fn archives(gallery: &mut Gallery) {
    let step = gallery.step();
    let package = |source| step(PackagesError::Package { package: "nginx".to_owned(), source }.into_step());
    let problem = || "its size is not a number".to_owned();
    let path = || "usr/../../etc/passwd".to_owned();
    gallery.add(ArchiveError::Read { source: denied() }, package);
    gallery.add(ArchiveError::Write { source: full() }, package);
    gallery.add(ArchiveError::Truncated { within: "the file `usr/bin/nginx`".to_owned() }, package);
    gallery.add(ArchiveError::Damaged { format: "xz", source: io(std::io::ErrorKind::InvalidData) }, package);
    gallery.add(ArchiveError::UnsupportedCompression { format: "lzma" }, package);
    gallery.add(ArchiveError::Limit { what: "the archive".to_owned(), limit: 1 << 36, unit: "bytes" }, package);
    gallery.add(ArchiveError::Header { offset: 512, problem: problem() }, package);
    gallery.add(ArchiveError::UnsafeName { problem: format!("`{}` leads out of it", path()) }, package);
    gallery.add(ArchiveError::ForbiddenKind { path: "dev/sda".to_owned(), kind: "a block device" }, package);
    gallery.add(ArchiveError::Conflict { path: path(), problem: "is below a link".to_owned() }, package);
    gallery.add(ArchiveError::Container { format: ".deb", problem: "it has no `control.tar`".to_owned() }, package);
    gallery.add(ArchiveError::Unwritable { path: path(), problem: "its name is too long".to_owned() }, package);
}

fn pins(gallery: &mut Gallery) {
    let place = gallery.place;
    let pin = move |source| OpsError::Pin { what: "source `caddy`".to_owned(), place, source: Box::new(source) };
    let failure = || FetchFailure { label: "caddy.tar.gz".to_owned(), attempts: Vec::new() };
    gallery.add(PinError::Fetch(FetchError::Failed { failures: vec![failure()] }), pin);
    gallery.add(PinError::World(WorldError::Unknown { format: Format::Apk }), pin);
    gallery.add(PinError::Store(StoreError::NoBlob { digest: digest("blob") }), pin);
    gallery.add(PinError::Signature(crate::distribution::openpgp::SignatureError::Unsigned), pin);
    gallery.add(PinError::Keys { source: crate::distribution::openpgp::KeyringError::Empty }, pin);
    gallery.add(PinError::OtherManifest { expected: digest("expected"), found: digest("found") }, pin);
    let platform = "linux/arm64".parse().expect("a platform");
    gallery.add(PinError::NoPlatform { platform, known: vec!["linux/amd64".to_owned()] }, pin);
    gallery.add(PinError::NotAnImage { reason: "it has no configuration".to_owned() }, pin);
    gallery.add(PinError::Keyring { source: denied() }, pin);
    gallery.add(PinError::Path { source: ArchivePathError::Empty }, pin);
    let source = url::Url::parse("caddy").expect_err("not one");
    gallery.add(PinError::Url { url: "caddy".to_owned(), source }, pin);
    let suite = move |source| OpsError::Suite {
        archive: "debian".parse().expect("a name"),
        suite: "trixie".to_owned(),
        place,
        source: Box::new(source),
    };
    gallery.add(SuiteError::Fetch(FetchError::Failed { failures: vec![failure()] }), suite);
    gallery.add(SuiteError::Document(crate::distribution::suite::DocumentError::NotText), suite);
    gallery.add(SuiteError::Store(StoreError::NoBlob { digest: digest("blob") }), suite);
    gallery.add(SuiteError::Path { source: ArchivePathError::Empty }, suite);
}

impl PackagesError {
    fn into_step(self) -> StepError {
        StepError::Image(self.into())
    }
}
