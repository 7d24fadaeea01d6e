//! Archives of `.deb` packages (the layout of repositories that apt reads).

use std::cmp::Ordering;
use std::io::{self, BufRead};

use super::release::{self, Release, ReleaseError};
use super::{contents, sources, version};
use crate::distribution::openpgp;
use crate::distribution::suite::{
    ArchiveFormat, DocumentError, IndexFile, ListedFile, SignedDocument, SourcePackage, Suite, WorldFault,
};
use crate::model::{Platform, Timestamp};

/// The layout of such archives.
#[derive(Debug)]
pub(super) struct DebArchive;

impl ArchiveFormat for DebArchive {
    fn document(&self, suite: &str) -> String {
        format!("dists/{suite}/InRelease")
    }

    fn read(&self, document: &SignedDocument<'_>) -> Result<Box<dyn Suite>, DocumentError> {
        let SignedDocument { bytes, keyring, fingerprints, suite, now, is_dated } = *document;
        let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::NotText)?;
        let verified = openpgp::verify_clearsigned(text, keyring, fingerprints, now)?;
        let read = || -> Result<Release, ReleaseError> {
            let release = Release::parse(&verified.text)?;
            release.check_suite(suite)?;
            release::check(&release, now, !is_dated)?;
            Ok(release)
        };
        match read() {
            Ok(release) => Ok(Box::new(release)),
            Err(error @ ReleaseError::Expired { .. }) => Err(DocumentError::Expired(error.into())),
            Err(error) => Err(DocumentError::Refused(error.into())),
        }
    }

    fn source_packages(
        &self,
        index: &mut dyn BufRead,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<SourcePackage>, WorldFault> {
        let found = sources::parse(index, is_wanted)?;
        let offered = found.into_iter().filter(|package| !package.extra);
        let offer = |package: sources::SourceEntry| SourcePackage {
            files: package
                .files
                .iter()
                .map(|file| {
                    let listed = ListedFile { digest: file.digest, size: file.size };
                    (format!("{}/{}", package.directory, file.name), listed)
                })
                .collect(),
            name: package.name,
            version: package.version.to_string(),
        };
        Ok(offered.map(offer).collect())
    }

    fn contents(&self, list: &mut dyn BufRead, visit: &mut dyn FnMut(&str, &str)) -> io::Result<()> {
        contents::each(list, |path, packages| contents::names(packages).for_each(|package| visit(path, package)))
    }

    fn compare_versions(&self, one: &str, other: &str) -> Ordering {
        version::compare(one, other)
    }
}

impl Suite for Release {
    fn date(&self) -> Timestamp {
        self.date
    }

    fn priority(&self) -> i32 {
        self.priority
    }

    fn packages(&self, component: &str, platform: Platform) -> Option<IndexFile> {
        Self::packages(self, component, platform.deb()).ok()
    }

    fn sources(&self, component: &str) -> Option<IndexFile> {
        Self::sources(self, component).ok()
    }

    fn contents(&self, component: &str, platform: Platform) -> Vec<IndexFile> {
        [platform.deb(), "all"]
            .iter()
            .filter_map(|architecture| Self::contents(self, component, architecture))
            .collect()
    }
}
