//! `Packages` indexes, kept small: one text with the fields that matter, and numbers that point into it.

use std::io::BufRead;
use std::ops::Range;

use thiserror::Error;

use super::deb822::{Deb822Error, Reader, Stanza, StanzaLimits};
use super::version::Version;
use crate::model::{ArchivePath, Digest, Format, PackageId};

/// Most packages taken from one index; Debian has some 70 000.
pub const MOST_PACKAGES: usize = 2_000_000;

/// How a package behaves when several architectures are installed together (`Multi-Arch`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MultiArch {
    /// Only one architecture at a time, which serves only its own.
    #[default]
    No,
    /// Co-installable with itself.
    Same,
    /// Serves packages of every architecture.
    Foreign,
    /// Serves another architecture where the relation says `:any`.
    Allowed,
}

/// The field `Priority`, most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the word of the field")]
pub enum Priority {
    Required,
    Important,
    Standard,
    Optional,
    Extra,
}

/// Why an index cannot be used.
#[derive(Debug, Error)]
pub enum IndexError {
    /// No control file.
    #[error("the index cannot be read")]
    Format {
        /// Why.
        #[source]
        source: Deb822Error,
    },
    /// A field is missing, or its value cannot be.
    #[error("the index is wrong at line {line}: package `{package}`: {reason}")]
    Field {
        /// Where.
        line: u64,
        /// Which package.
        package: String,
        /// What is wrong.
        reason: String,
    },
    /// More than [`MOST_PACKAGES`], or more than 4 GiB.
    #[error("the index has more than {MOST_PACKAGES} packages or 4 GiB of fields")]
    TooLarge,
}

/// Number of [`Field`]s.
const FIELDS: usize = 17;

/// The text fields that are kept, as positions in a record.
#[derive(Clone, Copy)]
enum Field {
    Package,
    Version,
    Architecture,
    Depends,
    PreDepends,
    Recommends,
    Provides,
    Conflicts,
    Breaks,
    Replaces,
    Source,
    Filename,
    Section,
    MultiArch,
    Priority,
    Essential,
    Important,
}

#[derive(Clone, Copy, Default)]
struct Span {
    start: u32,
    length: u32,
}

#[derive(Clone)]
struct Record {
    fields: [Span; FIELDS],
    size: u64,
    installed_size: u64,
    digest: Digest,
    multi_arch: MultiArch,
    priority: Priority,
    essential: bool,
    important: bool,
}

/// The packages of an index.
#[derive(Clone, Default)]
pub struct PackageIndex {
    text: String,
    records: Vec<Record>,
}

/// A package of an index: a handle that is copied freely.
#[derive(Clone, Copy)]
pub struct Package<'a> {
    index: &'a PackageIndex,
    record: &'a Record,
}

/// Reads a `Packages` index (uncompressed) from a stream.
///
/// # Errors
/// When it is no index, a package lacks what is needed to fetch it, or its path leads out of the archive.
pub fn parse(reader: impl BufRead) -> Result<PackageIndex, IndexError> {
    let mut index = PackageIndex::default();
    index.read(reader, Kind::Archive)?;
    Ok(index)
}

/// Reads what is installed: the `status` file of `dpkg`, or the control files of packages one after another. They name
/// no files in an archive.
///
/// # Errors
/// When it is no control file, or a package has no name, version or architecture.
pub fn parse_installed(reader: impl BufRead) -> Result<PackageIndex, IndexError> {
    let mut index = PackageIndex::default();
    index.read(reader, Kind::Installed)?;
    Ok(index)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Installed,
}

impl PackageIndex {
    /// How many packages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Its packages in the order written.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> {
        self.records.iter().map(|record| Package { index: self, record })
    }

    /// The package at a position of [`PackageIndex::packages`].
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Package<'_>> {
        self.records.get(position).map(|record| Package { index: self, record })
    }

    fn read(&mut self, reader: impl BufRead, kind: Kind) -> Result<(), IndexError> {
        let mut reader = Reader::new(reader, StanzaLimits::default());
        while let Some(stanza) = reader.next().map_err(|source| IndexError::Format { source })? {
            if self.records.len() == MOST_PACKAGES || u32::try_from(self.text.len() + (16 << 20)).is_err() {
                return Err(IndexError::TooLarge);
            }
            let record = self.record(stanza, kind).map_err(|reason| IndexError::Field {
                line: stanza.line(),
                package: stanza.get("Package").unwrap_or("?").chars().take(80).collect(),
                reason,
            })?;
            self.records.push(record);
        }
        Ok(())
    }

    fn record(&mut self, stanza: &Stanza, kind: Kind) -> Result<Record, String> {
        let mut values: [&str; FIELDS] = [""; FIELDS];
        let (mut size, mut installed_size, mut digest) = (None, "0", None);
        for (name, value, _) in stanza.fields() {
            match name {
                "Size" => size = Some(value),
                "Installed-Size" => installed_size = value,
                "SHA256" => digest = Some(value),
                _ => {
                    if let Some(field) = field(name) {
                        values[field as usize] = value;
                    }
                }
            }
        }
        let number = |name: &str, text: &str| text.parse().map_err(|_| format!("`{name}` is no number: `{text}`"));
        let (size, digest) = match kind {
            Kind::Installed => (0, Digest::from_bytes([0; 32])),
            Kind::Archive => (
                number("Size", size.ok_or("the field `Size` is missing")?)?,
                Digest::from_hex(digest.ok_or("the field `SHA256` is missing")?).map_err(|error| error.to_string())?,
            ),
        };
        check_identity(&values)?;
        if kind == Kind::Archive {
            let path = values[Field::Filename as usize].parse::<ArchivePath>();
            path.map_err(|error| error.to_string())?;
        }
        Ok(Record {
            multi_arch: multi_arch(values[Field::MultiArch as usize])?,
            priority: priority(values[Field::Priority as usize]),
            essential: values[Field::Essential as usize] == "yes",
            important: values[Field::Important as usize] == "yes",
            fields: values.map(|value| self.keep(value)),
            size,
            installed_size: number("Installed-Size", installed_size)?,
            digest,
        })
    }

    fn keep(&mut self, value: &str) -> Span {
        if value.is_empty() {
            return Span::default();
        }
        // both fit: `read` stops 16 MiB before 4 GiB, and a stanza is smaller than that
        let span = Span { start: self.text.len() as u32, length: value.len() as u32 };
        self.text.push_str(value);
        span
    }
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "Package" => Field::Package,
        "Version" => Field::Version,
        "Architecture" => Field::Architecture,
        "Depends" => Field::Depends,
        "Pre-Depends" => Field::PreDepends,
        "Recommends" => Field::Recommends,
        "Provides" => Field::Provides,
        "Conflicts" => Field::Conflicts,
        "Breaks" => Field::Breaks,
        "Replaces" => Field::Replaces,
        "Source" => Field::Source,
        "Filename" => Field::Filename,
        "Section" => Field::Section,
        "Multi-Arch" => Field::MultiArch,
        "Priority" => Field::Priority,
        "Essential" => Field::Essential,
        "Important" | "Protected" => Field::Important,
        _ => return None,
    })
}

fn multi_arch(text: &str) -> Result<MultiArch, String> {
    match text {
        "" | "no" => Ok(MultiArch::No),
        "same" => Ok(MultiArch::Same),
        "foreign" => Ok(MultiArch::Foreign),
        "allowed" => Ok(MultiArch::Allowed),
        _ => Err(format!("`Multi-Arch` cannot be `{text}`")),
    }
}

/// As apt reads it: what is not said, or not known, is the least important.
fn priority(text: &str) -> Priority {
    match text {
        "required" => Priority::Required,
        "important" => Priority::Important,
        "standard" => Priority::Standard,
        "optional" => Priority::Optional,
        _ => Priority::Extra,
    }
}

/// Refuses what [`PackageId`] cannot hold, so that every package of an index has one.
fn check_identity(values: &[&str; FIELDS]) -> Result<(), String> {
    let [name, version, architecture] =
        [Field::Package, Field::Version, Field::Architecture].map(|at| values[at as usize]);
    PackageId::new(Format::Deb, name, version, architecture).map_err(|error| error.to_string())?;
    version.parse::<Version>().map(drop).map_err(|error| error.to_string())
}

impl<'a> Package<'a> {
    fn text(self, field: Field) -> &'a str {
        let Span { start, length } = self.record.fields[field as usize];
        let range: Range<usize> = start as usize..start as usize + length as usize;
        &self.index.text[range]
    }

    /// Which it is.
    #[must_use]
    #[expect(clippy::expect_used, reason = "`check_identity` made one when the index was read")]
    pub fn id(self) -> PackageId {
        PackageId::new(Format::Deb, self.name(), self.version(), self.architecture()).expect("a package")
    }

    /// `libc6`
    #[must_use]
    pub fn name(self) -> &'a str {
        self.text(Field::Package)
    }

    /// `2.41-12`
    #[must_use]
    pub fn version(self) -> &'a str {
        self.text(Field::Version)
    }

    /// `arm64`, or `all`.
    #[must_use]
    pub fn architecture(self) -> &'a str {
        self.text(Field::Architecture)
    }

    /// Relations as written, for [`relation::parse`](super::relation::parse); empty when there are none.
    #[must_use]
    pub fn depends(self) -> &'a str {
        self.text(Field::Depends)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn pre_depends(self) -> &'a str {
        self.text(Field::PreDepends)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn recommends(self) -> &'a str {
        self.text(Field::Recommends)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn provides(self) -> &'a str {
        self.text(Field::Provides)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn conflicts(self) -> &'a str {
        self.text(Field::Conflicts)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn breaks(self) -> &'a str {
        self.text(Field::Breaks)
    }

    /// As [`Package::depends`].
    #[must_use]
    pub fn replaces(self) -> &'a str {
        self.text(Field::Replaces)
    }

    /// Name and version of the source package it was built from; its own where the index does not say.
    #[must_use]
    pub fn source(self) -> (&'a str, &'a str) {
        let source = self.text(Field::Source);
        match source.split_once('(') {
            _ if source.is_empty() => (self.name(), self.version()),
            Some((name, version)) => (name.trim(), version.trim_end_matches(')').trim()),
            None => (source, self.version()),
        }
    }

    /// Path relative to the archive's root (`pool/main/g/glibc/libc6_2.41-12_arm64.deb`); checked.
    #[must_use]
    pub fn filename(self) -> &'a str {
        self.text(Field::Filename)
    }

    /// `libs`
    #[must_use]
    pub fn section(self) -> &'a str {
        self.text(Field::Section)
    }

    /// Bytes of the package file.
    #[must_use]
    pub const fn size(self) -> u64 {
        self.record.size
    }

    /// KiB when installed, as estimated by who built it.
    #[must_use]
    pub const fn installed_size(self) -> u64 {
        self.record.installed_size
    }

    /// Hash of the package file.
    #[must_use]
    pub const fn digest(self) -> Digest {
        self.record.digest
    }

    /// `Multi-Arch`
    #[must_use]
    pub const fn multi_arch(self) -> MultiArch {
        self.record.multi_arch
    }

    /// `Priority`
    #[must_use]
    pub const fn priority(self) -> Priority {
        self.record.priority
    }

    /// `Essential: yes`: everything may use it without saying so.
    #[must_use]
    pub const fn essential(self) -> bool {
        self.record.essential
    }

    /// `Protected: yes` or `Important: yes`: needed to boot a system.
    #[must_use]
    pub const fn important(self) -> bool {
        self.record.important
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZA: &str =
        "Package: libssl3t64\nSource: openssl (3.5.1-1)\nVersion: 3.5.1-1+b1\nArchitecture: arm64\nMulti-Arch: same
Priority: optional\nDepends: libc6 (>= 2.34)\nFilename: pool/main/o/openssl/libssl3t64_3.5.1-1+b1_arm64.deb\nSize: 12
SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

    #[test]
    fn the_fields_of_a_package_come_back() {
        let index = parse(format!("{STANZA}\nPackage: zz\nVersion: 1\nArchitecture: all\nSize: 1\nFilename: z.deb\nEssential: yes\nProtected: yes
SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n").as_bytes()).expect("an index");
        let packages: Vec<_> = index.packages().collect();
        let package = packages[0];
        assert_eq!((package.name(), package.version(), package.architecture()), ("libssl3t64", "3.5.1-1+b1", "arm64"));
        assert_eq!((package.source(), package.depends()), (("openssl", "3.5.1-1"), "libc6 (>= 2.34)"));
        assert_eq!(
            (package.multi_arch(), package.priority(), package.size()),
            (MultiArch::Same, Priority::Optional, 12)
        );
        assert_eq!((package.essential(), package.digest()), (false, Digest::of(b"abc")));
        let other = packages[1];
        assert!(other.essential() && other.important() && other.depends().is_empty());
        assert_eq!((other.source(), other.priority()), (("zz", "1"), Priority::Extra));
    }

    #[test]
    fn paths_that_leave_the_archive_are_refused() {
        for path in [
            "/etc/passwd",
            "../x.deb",
            "pool/../../x.deb",
            "pool//x.deb",
            "a b.deb",
            "x\u{1b}[1m.deb",
            "a?b",
            "a#b",
            "a%2fb",
            "",
        ] {
            let text = STANZA.replace("pool/main/o/openssl/libssl3t64_3.5.1-1+b1_arm64.deb", path);
            let message = parse(text.as_bytes()).map(|_| ()).expect_err(path).to_string();
            assert!(message.contains("libssl3t64"), "{path:?}: {message}");
        }
    }

    #[test]
    fn packages_that_could_not_be_fetched_are_refused() {
        for (from, to) in [
            ("Size: 12\n", ""),
            ("Size: 12", "Size: -1"),
            ("SHA256: ", "SHA1: "),
            ("SHA256: ba", "SHA256: zz"),
            ("Version: 3.5", "Version: x"),
            ("Package: libssl3t64\n", ""),
            ("Package: lib", "Package: ../"),
            ("Architecture: arm64\n", ""),
            ("Multi-Arch: same", "Multi-Arch: maybe"),
        ] {
            assert!(parse(STANZA.replace(from, to).as_bytes()).is_err(), "{from:?} -> {to:?}");
        }
        let installed =
            parse_installed(&b"Package: aa\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"[..]);
        assert_eq!(installed.expect("a status file").len(), 1);
    }
}
