//! Release files: what an archive says of a suite, and the hashes of its indexes.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::deb822::{Deb822Error, Reader, Stanza, StanzaLimits};
use crate::distribution::suite::{IndexFile, ListedFile};
use crate::model::{Digest, Timestamp, TimestampError};

/// The signed text of an `InRelease` file, understood.
#[derive(Clone, Debug, Serialize)]
pub struct Release {
    /// Who made it (`Debian`).
    pub origin: Option<String>,
    /// `stable`, `stable-updates`, `stable-security`.
    pub suite: Option<String>,
    /// `trixie`, `trixie-updates`, `trixie-security`.
    pub codename: Option<String>,
    /// `13.7`; only suites that are released have one.
    pub version: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// When it must have been replaced; absent in suites that change rarely.
    pub valid_until: Option<Timestamp>,
    /// Whether indexes can be fetched by their hash (`Acquire-By-Hash`).
    pub by_hash: bool,
    /// Debian's names of the architectures it has indexes for.
    pub architectures: Vec<String>,
    /// As written; the security archive writes `updates/main` for what its paths call `main`.
    pub components: Vec<String>,
    /// apt's priority of its packages: 500, or less for suites that want to be asked for.
    pub priority: i32,
    /// The indexes by path, relative to the suite's folder.
    pub files: BTreeMap<String, ListedFile>,
}

/// Why a release file cannot be used.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// No control file.
    #[error("the release file cannot be read")]
    Format {
        /// Why.
        #[source]
        source: Deb822Error,
    },
    /// A field is missing.
    #[error("the release file has no field `{field}`")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A date that is none.
    #[error("the field `{field}` of the release file has no date")]
    Date {
        /// Which.
        field: &'static str,
        /// Why.
        #[source]
        source: TimestampError,
    },
    /// A line of the list of hashes that is none.
    #[error("line {line} of the release file is not a hash, a size and a path: `{text}`")]
    File {
        /// Where.
        line: u64,
        /// The line.
        text: String,
    },
    /// More than one stanza.
    #[error("the release file has a second stanza at line {line}")]
    Trailing {
        /// Where.
        line: u64,
    },
    /// Older than its promise.
    #[error("the release file of `{suite}` is from {date} and expired on {until}")]
    Expired {
        /// Which suite.
        suite: String,
        /// When it was made.
        date: Timestamp,
        /// Until when it was good.
        until: Timestamp,
    },
    /// Made in the future.
    #[error("the release file of `{suite}` is from {date}, but now it is {now}: is this machine's clock right?")]
    Future {
        /// Which suite.
        suite: String,
        /// When it was made.
        date: Timestamp,
        /// The time now.
        now: Timestamp,
    },
    /// Another suite's.
    #[error("the mirror answers with the release file of `{found}` where `{wanted}` was asked for")]
    OtherSuite {
        /// What the file says.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The suite has no such index.
    #[error("`{suite}` has no {what}; it has the architectures {architectures} and the components {components}")]
    NoIndex {
        /// Which suite.
        suite: String,
        /// The index, in words.
        what: String,
        /// What there is.
        architectures: String,
        /// What there is.
        components: String,
    },
}

/// Seconds by which an archive's clock may be ahead of ours (apt's `Acquire::Max-FutureTime`).
const CLOCK_SKEW: i64 = 10;

/// Whether the release file may be used now: not from the future, and not expired when `live`. A dated snapshot is
/// expired by its nature, so it is not asked for that; its date is what was wanted.
///
/// # Errors
/// [`ReleaseError::Future`] and [`ReleaseError::Expired`].
pub fn check(release: &Release, now: Timestamp, live: bool) -> Result<(), ReleaseError> {
    if release.date.seconds() > now.seconds() + CLOCK_SKEW {
        return Err(ReleaseError::Future { suite: release.name(), date: release.date, now });
    }
    match release.valid_until {
        Some(until) if live && until < now => {
            Err(ReleaseError::Expired { suite: release.name(), date: release.date, until })
        }
        _ => Ok(()),
    }
}

impl Release {
    /// Reads the text of a release file, which must have been verified: give it what
    /// [`verify_clearsigned`](crate::distribution::openpgp::verify_clearsigned) returns, never the file itself.
    ///
    /// # Errors
    /// When it is no release file, or has no SHA-256 hashes.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let mut reader = Reader::new(text.as_bytes(), StanzaLimits::default());
        let format = |source| ReleaseError::Format { source };
        let release = match reader.next().map_err(format)? {
            Some(stanza) => Self::read(stanza)?,
            None => return Err(ReleaseError::Missing { field: "Date" }),
        };
        match reader.next().map_err(format)? {
            Some(stanza) => Err(ReleaseError::Trailing { line: stanza.line() }),
            None => Ok(release),
        }
    }

    fn read(stanza: &Stanza) -> Result<Self, ReleaseError> {
        let text = |name| stanza.get(name).map(str::to_owned);
        let words = |name| stanza.get(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        let yes = |name| stanza.get(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        let date = |field| match stanza.get(field).map(Timestamp::from_rfc2822) {
            None => Ok(None),
            Some(date) => date.map(Some).map_err(|source| ReleaseError::Date { field, source }),
        };
        Ok(Self {
            origin: text("Origin"),
            suite: text("Suite"),
            codename: text("Codename"),
            version: text("Version"),
            date: date("Date")?.ok_or(ReleaseError::Missing { field: "Date" })?,
            valid_until: date("Valid-Until")?,
            by_hash: yes("Acquire-By-Hash"),
            architectures: words("Architectures"),
            components: words("Components"),
            priority: match (yes("NotAutomatic"), yes("ButAutomaticUpgrades")) {
                (false, _) => 500,
                (true, true) => 100,
                (true, false) => 1,
            },
            files: files(stanza)?,
        })
    }

    /// What to call it in messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.codename.clone().or_else(|| self.suite.clone()).unwrap_or_else(|| "?".to_owned())
    }

    /// Whether it is the suite that was asked for, by code name or by role: a mirror must not answer with another one,
    /// rightly signed as it may be.
    ///
    /// # Errors
    /// [`ReleaseError::OtherSuite`].
    pub fn check_suite(&self, wanted: &str) -> Result<(), ReleaseError> {
        let is = |name: &Option<String>| name.as_deref() == Some(wanted);
        if is(&self.codename) || is(&self.suite) {
            Ok(())
        } else {
            Err(ReleaseError::OtherSuite { found: self.name(), wanted: wanted.to_owned() })
        }
    }

    /// The index of the packages of a component for an architecture, as small as the archive has it.
    ///
    /// # Errors
    /// [`ReleaseError::NoIndex`].
    pub fn packages(&self, component: &str, architecture: &str) -> Result<IndexFile, ReleaseError> {
        let what = || format!("packages of the component `{component}` for `{architecture}`");
        self.index(&format!("{component}/binary-{architecture}"), "Packages").ok_or_else(|| self.no_index(what()))
    }

    /// The index of the source packages of a component.
    ///
    /// # Errors
    /// [`ReleaseError::NoIndex`].
    pub fn sources(&self, component: &str) -> Result<IndexFile, ReleaseError> {
        let what = || format!("source packages of the component `{component}`");
        self.index(&format!("{component}/source"), "Sources").ok_or_else(|| self.no_index(what()))
    }

    /// The list of the files of a component's packages for an architecture, where the archive has one.
    #[must_use]
    pub fn contents(&self, component: &str, architecture: &str) -> Option<IndexFile> {
        self.index(component, &format!("Contents-{architecture}"))
    }

    fn index(&self, folder: &str, name: &str) -> Option<IndexFile> {
        // the uncompressed one is listed, but seldom served
        let (path, file) = [".xz", ".zst", ".gz", ""].iter().find_map(|suffix| {
            let path = format!("{folder}/{name}{suffix}");
            let file = *self.files.get(&path)?;
            Some((path, file))
        })?;
        let by_hash = self.by_hash.then(|| format!("{folder}/by-hash/SHA256/{}", file.digest.hex()));
        Some(IndexFile { path, by_hash, file })
    }

    fn no_index(&self, what: String) -> ReleaseError {
        let list = |names: &[String]| names.join(", ");
        let (architectures, components) = (list(&self.architectures), list(&self.components));
        ReleaseError::NoIndex { suite: self.name(), what, architectures, components }
    }
}

/// The list under `SHA256`; the weaker lists are never looked at.
fn files(stanza: &Stanza) -> Result<BTreeMap<String, ListedFile>, ReleaseError> {
    let list = stanza.get("SHA256").ok_or(ReleaseError::Missing { field: "SHA256" })?;
    let first = stanza.line_of("SHA256");
    let mut files = BTreeMap::new();
    for (line, text) in (first..).zip(list.lines().skip_while(|line| line.is_empty())) {
        let mut words = text.split_ascii_whitespace();
        let parts = (words.next().map(Digest::from_hex), words.next().map(str::parse), words.next(), words.next());
        let (Some(Ok(digest)), Some(Ok(size)), Some(path), None) = parts else {
            return Err(ReleaseError::File { line: line + 1, text: text.chars().take(120).collect() });
        };
        files.insert(path.to_owned(), ListedFile { digest, size });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Origin: Debian\nSuite: stable-security\nCodename: trixie-security\nDate: Sat, 12 Sep 2026 07:55:41 UTC
Valid-Until: Sat, 19 Sep 2026 07:55:41 UTC\nAcquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: updates/main
SHA256:
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 12 main/binary-amd64/Packages.xz
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 34 main/binary-amd64/Packages
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 56 main/source/Sources.gz\n";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_release_file_names_its_indexes() {
        let release = Release::parse(TEXT).expect("a release file");
        let index = release.packages("main", "amd64").expect("listed");
        assert_eq!((index.path.as_str(), index.file.size), ("main/binary-amd64/Packages.xz", 12));
        assert!(index.by_hash.expect("offered").starts_with("main/binary-amd64/by-hash/SHA256/ba78"));
        assert_eq!(release.sources("main").expect("listed").path, "main/source/Sources.gz");
        let message = release.packages("main", "riscv64").expect_err("not listed").to_string();
        assert!(message.contains("riscv64") && message.contains("amd64, arm64"), "{message}");
    }

    #[test]
    fn expiry_counts_for_live_archives_only() {
        let release = Release::parse(TEXT).expect("a release file");
        assert!(check(&release, at("2026-09-13T00:00:00Z"), true).is_ok());
        let message = check(&release, at("2026-09-20T00:00:00Z"), true).expect_err("expired").to_string();
        assert!(message.contains("2026-09-19"), "{message}");
        assert!(check(&release, at("2026-09-20T00:00:00Z"), false).is_ok());
        assert!(matches!(check(&release, at("2026-09-11T00:00:00Z"), false), Err(ReleaseError::Future { .. })));
    }

    #[test]
    fn another_suite_is_not_taken_for_the_wanted_one() {
        let release = Release::parse(TEXT).expect("a release file");
        assert!(release.check_suite("trixie-security").is_ok() && release.check_suite("stable-security").is_ok());
        assert!(release.check_suite("trixie").expect_err("another").to_string().contains("`trixie-security`"));
    }

    #[test]
    fn suites_that_want_to_be_asked_for_have_less_priority() {
        let with =
            |fields: &str| Release::parse(&TEXT.replace("Origin: Debian\n", fields)).expect("a release file").priority;
        assert_eq!(with(""), 500);
        assert_eq!(with("NotAutomatic: yes\n"), 1);
        assert_eq!(with("NotAutomatic: yes\nButAutomaticUpgrades: yes\n"), 100);
    }

    #[test]
    fn broken_release_files_are_refused() {
        for (from, to) in [
            ("Date: Sat", "X-Date: Sat"),
            ("Sat, 12 Sep", "Someday"),
            ("SHA256:", "MD5Sum:"),
            (" 12 main", " twelve main"),
            (" 34 main", " main"),
            ("ba78", "xx78"),
            ("Components: updates/main\n", "\nA: b\n"),
        ] {
            assert!(Release::parse(&TEXT.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
        assert!(Release::parse("").is_err());
    }
}
