//! `Sources` indexes: source packages and the files they are made of.

use std::io::BufRead;

use serde::Serialize;
use thiserror::Error;

use super::deb822::{Deb822Error, Reader, Stanza, StanzaLimits};
use super::version::{Version, VersionError};
use crate::model::{ArchivePath, Digest};

/// A source package of an archive.
#[derive(Clone, Debug, Serialize)]
pub struct SourceEntry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// `3.0 (quilt)`
    pub format: String,
    /// Folder of its files, relative to the archive's root; checked.
    pub directory: String,
    /// Its files, the `.dsc` among them; never empty.
    pub files: Vec<IndexedFile>,
    /// Relations as written, for [`relation::parse`](super::relation::parse).
    pub build_depends: String,
    /// As above, for what depends on the architecture.
    pub build_depends_arch: String,
    /// As above, for what does not.
    pub build_depends_indep: String,
    /// Kept only because something else was built from it (`Extra-Source-Only`): not what the suite offers.
    pub extra: bool,
}

/// A file of a source package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexedFile {
    /// Its name, without a folder; checked.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Its hash.
    pub digest: Digest,
}

/// Why an index of source packages cannot be used.
#[derive(Debug, Error)]
pub enum SourcesError {
    /// No control file.
    #[error("the index of source packages cannot be read")]
    Format {
        /// Why.
        #[source]
        source: Deb822Error,
    },
    /// A source package that lacks something.
    #[error("the index of source packages is wrong at line {line}: `{package}`: {reason}")]
    Package {
        /// Where.
        line: u64,
        /// Which.
        package: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads the source packages whose name `wanted` likes; the others are passed over.
///
/// # Errors
/// When it is no index, or a wanted package cannot be fetched from what it says.
pub fn parse(reader: impl BufRead, mut wanted: impl FnMut(&str) -> bool) -> Result<Vec<SourceEntry>, SourcesError> {
    let mut reader = Reader::new(reader, StanzaLimits::default());
    let mut packages = Vec::new();
    while let Some(stanza) = reader.next().map_err(|source| SourcesError::Format { source })? {
        let name = stanza.get("Package").unwrap_or_default();
        if wanted(name) {
            packages.push(SourceEntry::read(stanza).map_err(|reason| SourcesError::Package {
                line: stanza.line(),
                package: name.chars().take(80).collect(),
                reason,
            })?);
        }
    }
    Ok(packages)
}

/// The newest version of `name` that a suite offers.
#[must_use]
pub fn newest<'a>(packages: &'a [SourceEntry], name: &str) -> Option<&'a SourceEntry> {
    packages.iter().filter(|package| package.name == name && !package.extra).max_by(|a, b| a.version.cmp(&b.version))
}

impl SourceEntry {
    fn read(stanza: &Stanza) -> Result<Self, String> {
        let text = |name: &str| stanza.get(name).unwrap_or_default().to_owned();
        let directory = text("Directory");
        check(&directory)?;
        let files = files(stanza.get("Checksums-Sha256").ok_or("the field `Checksums-Sha256` is missing")?)?;
        if !files.iter().any(|file| file.name.ends_with(".dsc")) {
            return Err("it has no `.dsc` file".to_owned());
        }
        Ok(Self {
            name: text("Package"),
            version: text("Version").parse().map_err(|error: VersionError| error.to_string())?,
            format: text("Format"),
            directory,
            files,
            build_depends: text("Build-Depends"),
            build_depends_arch: text("Build-Depends-Arch"),
            build_depends_indep: text("Build-Depends-Indep"),
            extra: stanza.get("Extra-Source-Only").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
        })
    }
}

/// Both are parts of URLs.
fn check(path: &str) -> Result<(), String> {
    path.parse::<ArchivePath>().map(drop).map_err(|error| error.to_string())
}

fn files(list: &str) -> Result<Vec<IndexedFile>, String> {
    let read = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let parts = (words.next().map(Digest::from_hex), words.next().map(str::parse), words.next(), words.next());
        let (Some(Ok(digest)), Some(Ok(size)), Some(name), None) = parts else {
            return Err(format!("`{}` is not a hash, a size and a name", line.chars().take(120).collect::<String>()));
        };
        if name.contains('/') {
            return Err(format!("the file name `{name}` has a folder"));
        }
        check(name)?;
        Ok(IndexedFile { name: name.to_owned(), size, digest })
    };
    list.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZA: &str = "Package: hello\nFormat: 3.0 (quilt)\nVersion: 2.10-5\nBuild-Depends: debhelper-compat (= 13)\nDirectory: pool/main/h/hello
Checksums-Sha256:
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 12 hello_2.10-5.dsc
 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 34 hello_2.10.orig.tar.gz\n";

    #[test]
    fn the_files_of_a_wanted_source_package_come_back() {
        let older = STANZA.replace("2.10-5\nBuild", "2.9-1\nBuild");
        let extra = STANZA.replace("2.10-5\nBuild", "2.11-1\nExtra-Source-Only: yes\nBuild");
        let text = format!("{older}\n{STANZA}\n{extra}\nPackage: other\n");
        let packages = parse(text.as_bytes(), |name| name == "hello").expect("an index");
        let package = newest(&packages, "hello").expect("there");
        assert_eq!((package.version.as_str(), package.files.len()), ("2.10-5", 2));
        assert_eq!(package.files[1].name, "hello_2.10.orig.tar.gz");
        assert!(newest(&packages, "other").is_none());
    }

    #[test]
    fn source_packages_that_could_not_be_fetched_are_refused() {
        for (from, to) in [
            ("Directory: pool", "Directory: ../pool"),
            (" 34 hello", " 34 ../hello"),
            (" 34 hello", " many hello"),
            ("hello_2.10-5.dsc", "hello_2.10-5.txt"),
            ("Checksums-Sha256", "Checksums-Sha1"),
            ("Version: 2", "Version: x"),
        ] {
            assert!(parse(STANZA.replace(from, to).as_bytes(), |_| true).is_err(), "{from} -> {to}");
        }
    }
}
