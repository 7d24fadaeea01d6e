//! Reads suites: signed release file, then the indexes it names, each verified.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use url::Url;

use crate::archive::decompress;
use crate::beneath::Dir;
use crate::distribution::openpgp::Keyring;
use crate::distribution::suite::{ArchiveFormat, IndexFile, SignedDocument, SourcePackage, Suite, WorldFault};
use crate::distribution::world::world;
use crate::fetch::Want;
use crate::lock::{ArchivesLock, IndexPin, SuitePin};
use crate::model::{ArchiveName, Digest, Platform, Timestamp};
use crate::ops::error::{OpsError, RefusedMirror, SuiteError};
use crate::ops::event::Event;
use crate::ops::mirrors;
use crate::ops::services::{FetchProgress, Services};
use crate::recipe::{Archive, Project, SuiteUse};

/// A release that was read and whose signature is good.
pub(super) struct SignedSuite {
    pub(super) archive: ArchiveName,
    pub(super) suite: String,
    /// What its signed document says.
    pub(super) contents: Box<dyn Suite>,
    pub(super) pin: SuitePin,
    pub(super) format: &'static dyn ArchiveFormat,
    bases: Vec<Url>,
}

/// What was read before, which the mirrors must not go back behind.
#[derive(Clone, Copy)]
pub(super) struct Before<'l> {
    pub(super) archives: &'l ArchivesLock,
    /// Whether they may nevertheless.
    pub(super) allow_older: bool,
}

impl Before<'_> {
    /// The date that a suite's release must have at least. A suite that the lock does not have may be of any date.
    fn date(self, archive: &ArchiveName, suite: &str) -> Option<Timestamp> {
        let pin = self.archives.suites.get(&(archive.clone(), suite.to_owned()));
        pin.filter(|_| !self.allow_older).map(|pin| pin.date)
    }
}

/// Largest release file that is read; the largest of a distribution have 200 kB.
const RELEASE_LIMIT: u64 = 16 << 20;
/// Largest keyring that is read; those of distributions have 60 kB.
const KEYRING_LIMIT: u64 = 16 << 20;

/// A keyring of the project, below `images`. No link of the project is followed.
pub(super) fn keyring(project: &Project, path: &str) -> std::io::Result<Vec<u8>> {
    Dir::open(project.root.as_std_path())?.read(std::path::Path::new("images").join(path), KEYRING_LIMIT)
}

/// Reads and verifies the release files of `uses`, in their order.
pub(super) fn read_releases(
    project: &Project,
    services: &Services<'_>,
    uses: &BTreeSet<SuiteUse>,
    before: Before<'_>,
) -> Result<Vec<SignedSuite>, OpsError> {
    let read = |suite_use: &SuiteUse| {
        let archive = &project.archives[&suite_use.archive];
        let (name, suite, place) = (archive.name.value.clone(), suite_use.suite.clone(), archive.name.place);
        let bases = mirrors(&services.environment, &services.host, archive, Some(services.now));
        if bases.is_empty() {
            return Err(OpsError::NoMirror { archive: name, place });
        }
        let format = world(archive.kind)?.archives();
        let wanted = Wanted { services, archive, format, suite: &suite, not_before: before.date(&name, &suite) };
        wanted.read(project, bases).map_err(|source| OpsError::Suite {
            archive: name,
            suite: suite.clone(),
            place,
            source: Box::new(source),
        })
    };
    uses.iter().map(read).collect()
}

/// A suite whose release file is wanted.
struct Wanted<'w> {
    services: &'w Services<'w>,
    archive: &'w Archive,
    format: &'static dyn ArchiveFormat,
    suite: &'w str,
    not_before: Option<Timestamp>,
}

impl Wanted<'_> {
    /// Asks one mirror after the other until one has a release file that may be used.
    fn read(&self, project: &Project, bases: Vec<Url>) -> Result<SignedSuite, SuiteError> {
        let keys =
            keyring(project, self.archive.keyring.value.as_ref()).map_err(|source| SuiteError::Keyring { source })?;
        let keyring = Keyring::parse(&keys)?;
        let mut refused = Vec::new();
        for url in mirrors::urls(&bases, &self.format.document(self.suite))? {
            match self.ask(&url, &keyring) {
                Ok((contents, digest)) => {
                    let pin = SuitePin { date: contents.date(), release: digest, indexes: BTreeMap::new() };
                    let (archive, suite) = (self.archive.name.value.clone(), self.suite.to_owned());
                    return Ok(SignedSuite { archive, suite, contents, pin, format: self.format, bases });
                }
                Err(error) if error.is_about_here() => return Err(error),
                Err(error) => refused.push(RefusedMirror::new(&url, error)),
            }
            if let Some(one) = refused.last().filter(|_| refused.len() < bases.len()) {
                self.services.observer.event(Event::Note { text: &format!("{one}: the next mirror is asked") });
            }
        }
        Err(SuiteError::of_mirrors(refused))
    }

    /// What the release file of a mirror says, verified, and its hash.
    fn ask(&self, url: &Url, keyring: &Keyring) -> Result<(Box<dyn Suite>, Digest), SuiteError> {
        let archive = self.archive;
        let document = self.services.fetcher.document(std::slice::from_ref(url), RELEASE_LIMIT)?;
        // a dated record is always out of date; it was asked for because nothing newer was to be had
        let is_dated = archive.snapshot.as_ref().is_some_and(|snapshot| url.as_str().starts_with(snapshot.as_str()));
        let (fingerprints, suite, now) = (&archive.fingerprints, self.suite, self.services.now);
        let signed = SignedDocument { bytes: &document.bytes, keyring, fingerprints, suite, now, is_dated };
        let contents = self.format.read(&signed)?;
        // one of the same date is not older, for signatures are renewed
        match self.not_before.filter(|&before| contents.date() < before) {
            Some(locked) => Err(SuiteError::Older { date: contents.date(), locked }),
            None => Ok((contents, Digest::of(&document.bytes))),
        }
    }
}

impl SignedSuite {
    /// The index as it can be fetched: by its hash first, from each mirror.
    pub(super) fn want(&self, project: &Project, index: &IndexFile) -> Result<Want, OpsError> {
        let mut urls = Vec::new();
        let document = self.format.document(&self.suite);
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for path in index.by_hash.iter().chain([&index.path]) {
            let found = mirrors::urls(&self.bases, &format!("{folder}/{path}"));
            urls.extend(found.map_err(|source| self.error(project, source.into()))?);
        }
        Ok(Want {
            label: format!("index {} {} {}", self.archive, self.suite, index.path),
            digest: index.file.digest,
            size: Some(index.file.size),
            urls,
        })
    }

    pub(super) fn error(&self, project: &Project, source: SuiteError) -> OpsError {
        let place = project.archives[&self.archive].name.place;
        OpsError::Suite { archive: self.archive.clone(), suite: self.suite.clone(), place, source: Box::new(source) }
    }
}

/// Fetches the indexes of packages for the platforms, one per suite and component. A suite that lacks an architecture (as
/// security suites do for some) has none.
pub(super) fn fetch_package_indexes(
    project: &Project,
    services: &Services<'_>,
    suites: &mut [SignedSuite],
    platforms: &BTreeSet<Platform>,
) -> Result<(), OpsError> {
    let mut wants = Vec::new();
    for suite in suites {
        for &platform in platforms {
            for component in &project.archives[&suite.archive].components {
                if let Some(index) = suite.contents.packages(component, platform) {
                    remember(suite, &index);
                    wants.push(suite.want(project, &index)?);
                }
            }
        }
    }
    fetch(services, &wants)
}

/// The source packages of these names, from all suites.
pub(super) fn source_packages(
    project: &Project,
    services: &Services<'_>,
    suites: &mut [SignedSuite],
    names: &BTreeSet<&str>,
) -> Result<Vec<(ArchiveName, SourcePackage)>, OpsError> {
    let mut files = Vec::new();
    for (position, suite) in suites.iter_mut().enumerate() {
        files.extend(source_indexes(project, suite).into_iter().map(|index| (position, index)));
    }
    let wants = files.iter().map(|(position, index)| suites[*position].want(project, index));
    let wants: Vec<Want> = wants.collect::<Result<_, _>>()?;
    fetch(services, &wants)?;
    let mut found = Vec::new();
    for (position, index) in files {
        let suite = &suites[position];
        read_index(project, services, suite, &index, |reader| {
            let packages = suite.format.source_packages(reader, &|name| names.contains(name))?;
            found.extend(packages.into_iter().map(|package| (suite.archive.clone(), package)));
            Ok(())
        })?;
    }
    Ok(found)
}

/// Reads an index that is in the store.
pub(super) fn read_index(
    project: &Project,
    services: &Services<'_>,
    suite: &SignedSuite,
    index: &IndexFile,
    read: impl FnOnce(&mut dyn std::io::BufRead) -> Result<(), WorldFault>,
) -> Result<(), OpsError> {
    let done = open(services, index).and_then(|mut reader| {
        read(&mut reader).map_err(|source| SuiteError::Index { name: index.path.clone(), source })
    });
    done.map_err(|source| suite.error(project, source))
}

/// Remembers the indexes of a suite's source packages, and gives them.
pub(super) fn source_indexes(project: &Project, suite: &mut SignedSuite) -> Vec<IndexFile> {
    let components = &project.archives[&suite.archive].components;
    let indexes: Vec<_> = components.iter().filter_map(|component| suite.contents.sources(component)).collect();
    indexes.iter().for_each(|index| remember(suite, index));
    indexes
}

fn remember(suite: &mut SignedSuite, index: &IndexFile) {
    let pin = IndexPin { size: index.file.size, digest: index.file.digest };
    suite.pin.indexes.insert(index.path.clone(), pin);
}

pub(super) fn fetch(services: &Services<'_>, wants: &[Want]) -> Result<(), OpsError> {
    let missing: Vec<Want> = wants.iter().filter(|want| !services.store.has_blob(&want.digest)).cloned().collect();
    if !missing.is_empty() {
        let bytes = missing.iter().filter_map(|want| want.size).sum();
        services.observer.event(Event::Fetching { files: missing.len(), bytes });
        services.fetcher.fetch(&services.store, &missing, &FetchProgress(services))?;
        services.observer.event(Event::FetchDone);
    }
    Ok(())
}

pub(super) fn open(services: &Services<'_>, index: &IndexFile) -> Result<impl std::io::BufRead + use<>, SuiteError> {
    let file = services.store.open_blob(&index.file.digest)?;
    let plain = decompress(file).map_err(|source| SuiteError::Archive { name: index.path.clone(), source })?;
    Ok(BufReader::with_capacity(1 << 18, plain))
}
