//! Reads suites: signed release file, then the indexes it names, each verified.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use rayon::prelude::*;
use url::Url;

use crate::archive::decompress;
use crate::beneath::Dir;
use crate::distribution::debian::index::{self, Index};
use crate::distribution::debian::release::{self, IndexFile, Release};
use crate::distribution::debian::sources::{self, SourcePackage};
use crate::distribution::openpgp::{self, Keyring};
use crate::fetch::Want;
use crate::lock::{ArchivesLock, IndexPin, SuitePin};
use crate::model::{ArchiveName, Digest, Timestamp};
use crate::ops::build::Told;
use crate::ops::error::{OpsError, RefusedMirror, SuiteError};
use crate::ops::event::Event;
use crate::ops::mirrors;
use crate::ops::services::Services;
use crate::recipe::{Archive, Project, SuiteUse};

/// A release that was read and whose signature is good.
pub(super) struct SignedSuite {
    pub(super) archive: ArchiveName,
    pub(super) suite: String,
    pub(super) release: Release,
    pub(super) pin: SuitePin,
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

/// Largest release file that is read; Debian's have 200 kB.
const RELEASE_LIMIT: u64 = 16 << 20;
/// Largest keyring that is read; Debian's have 60 kB.
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
        let wanted = Wanted { services, archive, suite: &suite, not_before: before.date(&name, &suite) };
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
        for url in mirrors::urls(&bases, &format!("dists/{}/InRelease", self.suite))? {
            match self.ask(&url, &keyring) {
                Ok((release, digest)) => {
                    let pin = SuitePin { date: release.date, release: digest, indexes: BTreeMap::new() };
                    let (archive, suite) = (self.archive.name.value.clone(), self.suite.to_owned());
                    return Ok(SignedSuite { archive, suite, release, pin, bases });
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

    /// The release file that a mirror has, verified, with its hash.
    fn ask(&self, url: &Url, keyring: &Keyring) -> Result<(Release, Digest), SuiteError> {
        let (archive, now) = (self.archive, self.services.now);
        let document = self.services.fetcher.document(std::slice::from_ref(url), RELEASE_LIMIT)?;
        let text = std::str::from_utf8(&document.bytes).map_err(|_| SuiteError::NotText)?;
        let verified = openpgp::verify_clearsigned(text, keyring, &archive.fingerprints, now)?;
        let release = Release::parse(&verified.text)?;
        release.check_suite(self.suite)?;
        // a dated record is always out of date; it was asked for because nothing newer was to be had
        let dated = archive.snapshot.as_ref().is_some_and(|snapshot| url.as_str().starts_with(snapshot.as_str()));
        release::check(&release, now, !dated)?;
        // as apt does: one of the same date is not older, for signatures are renewed
        match self.not_before.filter(|&before| release.date < before) {
            Some(locked) => Err(SuiteError::Older { date: release.date, locked }),
            None => Ok((release, Digest::of(&document.bytes))),
        }
    }
}

impl SignedSuite {
    /// The index as it can be fetched: by its hash first, from each mirror.
    pub(super) fn want(&self, project: &Project, index: &IndexFile) -> Result<Want, OpsError> {
        let mut urls = Vec::new();
        for path in index.by_hash.iter().chain([&index.path]) {
            let found = mirrors::urls(&self.bases, &format!("dists/{}/{path}", self.suite));
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

/// The indexes of binary packages for `architecture`, one per suite and component. A suite that lacks the architecture
/// (as security suites do for some) adds none.
pub(super) fn package_indexes(
    project: &Project,
    services: &Services<'_>,
    suites: &mut [SignedSuite],
    architectures: &BTreeSet<&'static str>,
) -> Result<Vec<(usize, String, Index)>, OpsError> {
    let mut files = Vec::new();
    for (position, suite) in suites.iter_mut().enumerate() {
        for architecture in architectures {
            for component in &project.archives[&suite.archive].components {
                if let Ok(index) = suite.release.packages(component, architecture) {
                    remember(suite, &index);
                    files.push((position, (*architecture).to_owned(), index));
                }
            }
        }
    }
    let wants = files.iter().map(|(position, _, index)| suites[*position].want(project, index));
    let wants: Vec<Want> = wants.collect::<Result<_, _>>()?;
    fetch(services, &wants)?;
    let suites = &*suites;
    let parse = |(position, architecture, index): (usize, String, IndexFile)| {
        let parsed = open(services, &index).and_then(|reader| {
            index::parse(reader).map_err(|source| SuiteError::Index { name: index.path.clone(), source })
        });
        Ok((position, architecture, parsed.map_err(|source| suites[position].error(project, source))?))
    };
    files.into_par_iter().map(parse).collect()
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
        let packages = open(services, &index).and_then(|reader| {
            sources::parse(reader, |name| names.contains(name))
                .map_err(|source| SuiteError::Sources { name: index.path.clone(), source })
        });
        let packages = packages.map_err(|source| suite.error(project, source))?;
        found.extend(packages.into_iter().map(|package| (suite.archive.clone(), package)));
    }
    Ok(found)
}

/// Remembers the indexes of a suite's source packages, and gives them.
pub(super) fn source_indexes(project: &Project, suite: &mut SignedSuite) -> Vec<IndexFile> {
    let components = &project.archives[&suite.archive].components;
    let indexes: Vec<_> = components.iter().filter_map(|component| suite.release.sources(component).ok()).collect();
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
        services.fetcher.fetch(&services.store, &missing, &Told(services))?;
        services.observer.event(Event::FetchDone);
    }
    Ok(())
}

pub(super) fn open(services: &Services<'_>, index: &IndexFile) -> Result<impl std::io::BufRead + use<>, SuiteError> {
    let file = services.store.open_blob(&index.file.digest)?;
    let plain = decompress(file).map_err(|source| SuiteError::Archive { name: index.path.clone(), source })?;
    Ok(BufReader::with_capacity(1 << 18, plain))
}
