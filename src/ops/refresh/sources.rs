//! Pins sources: commits, downloads, source packages, and the outputs of vendor steps.

use url::Url;

use super::suites::keyring;
use crate::distribution::openpgp::{self, Keyring};
use crate::distribution::suite::{ListedFile, SourcePackage};
use crate::distribution::world::world;
use crate::fetch::Want;
use crate::lock::{FilePin, Lock, SourcePin};
use crate::model::{ArchiveName, Format, SourceName, Spanned};
use crate::ops::error::{OpsError, PinError};
use crate::ops::event::Event;
use crate::ops::evidence;
use crate::ops::execute::{OnFailure, Run};
use crate::ops::inputs::check_out;
use crate::ops::mirrors;
use crate::ops::services::{FetchProgress, ProjectFiles, Services};
use crate::plan::{self, source_request};
use crate::recipe::{Download, GitReference, Origin, Project, RecipeSet};

/// Resolves a repository's reference, checks the commit out into the store, and hashes its tree.
pub(super) fn pin_git(
    services: &Services<'_>,
    origin: &Origin,
    url: &Spanned<String>,
    reference: &GitReference,
) -> Result<SourcePin, PinError> {
    let resolved = services.fetcher.git_resolve(url, reference)?;
    let request = source_request(origin);
    // a commit never changes: what it gave here once it gives again. What the old lock says of it is no evidence.
    let tree = match evidence::checkout(&services.store, url, &resolved.commit)? {
        Some(tree) => tree,
        None => check_out(services, url, &resolved.commit)?,
    };
    Ok(SourcePin::Git { request, commit: resolved.commit, tree })
}

/// Downloads a file, checks its signature where the recipe names one, and hashes it.
pub(super) fn pin_download(
    project: &Project,
    services: &Services<'_>,
    origin: &Origin,
    download: &Download,
) -> Result<SourcePin, PinError> {
    let url = parse(&download.url)?;
    let pinned = services.fetcher.pin(&services.store, &download.url, &[url], &FetchProgress(services))?;
    let (digest, size) = (pinned.digest, pinned.size);
    if let Some(signature) = &download.signature {
        let detached = services.fetcher.document(&[parse(&signature.url)?], 1 << 20)?;
        let keys = keyring(project, signature.keyring.value.as_ref()).map_err(|source| PinError::Keyring { source })?;
        let mut file = services.store.open_blob(&digest)?;
        openpgp::verify_detached(&mut file, &detached.bytes, &Keyring::parse(&keys)?, &[], services.now)?;
    }
    Ok(SourcePin::Download { request: source_request(origin), size, digest })
}

fn parse(url: &str) -> Result<Url, PinError> {
    Url::parse(url).map_err(|source| PinError::Url { url: url.to_owned(), source })
}

/// The newest version of a source package whose files can be had: an archive may list a version that its mirrors do not
/// have yet, or no more. A note names each version that is passed over. What the store holds does not count: others build by the
/// same lock from a store that lacks it. When none of the listed ones can be had, the pin stays
/// where it is, if that version still can: a mirror that lags behind is no reason to be unable to refresh all the rest.
pub(super) fn pin_source_package(
    project: &Project,
    services: &Services<'_>,
    origin: &Origin,
    name: &str,
    known: &[(ArchiveName, SourcePackage)],
    old: Option<&SourcePin>,
) -> Result<Option<SourcePin>, PinError> {
    let format = world(Format::Deb)?.archives(); // no other has source packages
    let mut candidates: Vec<_> = known.iter().filter(|(_, package)| package.name == name).collect();
    candidates.sort_by(|one, other| format.compare_versions(&other.1.version, &one.1.version));
    let mut failure = None;
    for (archive, package) in candidates {
        let mut files: Vec<FilePin> = package.files.iter().map(file_pin).collect();
        files.sort();
        match fetch_files(project, services, archive, &files) {
            Ok(()) => {
                let (version, archive) = (package.version.clone(), archive.clone());
                return Ok(Some(SourcePin::Package { request: source_request(origin), version, archive, files }));
            }
            Err(error) => {
                let text =
                    format!("source package {name} {} is listed in {archive}, but cannot be fetched", package.version);
                services.observer.event(Event::Note { text: &text });
                failure.get_or_insert(error);
            }
        }
    }
    let Some(failure) = failure else { return Ok(None) };
    match old {
        Some(pin @ SourcePin::Package { request, version, archive, files })
            if *request == source_request(origin) && fetch_files(project, services, archive, files).is_ok() =>
        {
            services.observer.event(Event::Note { text: &format!("source package {name} stays at {version}") });
            Ok(Some(pin.clone()))
        }
        _ => Err(failure),
    }
}

fn file_pin((path, file): &(String, ListedFile)) -> FilePin {
    FilePin { path: path.clone(), size: file.size, digest: file.digest }
}

fn fetch_files(
    project: &Project,
    services: &Services<'_>,
    archive: &ArchiveName,
    files: &[FilePin],
) -> Result<(), PinError> {
    let archive = &project.archives[archive];
    let bases = mirrors(&services.environment, &services.host, archive, Some(services.now));
    let want = |file: &FilePin| -> Result<Want, PinError> {
        Ok(Want {
            label: file.path.rsplit('/').next().unwrap_or_default().to_owned(),
            digest: file.digest,
            size: Some(file.size),
            urls: mirrors::urls(&bases, &file.path)?,
        })
    };
    let wants: Vec<Want> = files.iter().map(want).collect::<Result<_, _>>()?;
    for want in wants.iter().filter(|want| services.store.has_blob(&want.digest)) {
        services.fetcher.look(&want.urls)?;
    }
    Ok(services.fetcher.fetch(&services.store, &wants, &FetchProgress(services))?)
}

/// Runs a vendor step, unless it ran here and gave what the lock has, and hashes its output.
pub(super) fn pin_vendor(
    project: &Project,
    lock: &Lock,
    services: &Services<'_>,
    set: &RecipeSet,
    name: &SourceName,
) -> Result<Option<SourcePin>, OpsError> {
    let files = ProjectFiles(&project.root);
    let Some((plan, request)) = plan::vendor_plan(project, lock, set, name, services.build, &files)? else {
        return Ok(None);
    };
    let known = lock.recipes.get(&set.name).and_then(|lock| lock.sources.get(&(name.clone(), None)));
    let run = Run::new(project, lock, services, &plan, OnFailure::Report);
    if let Some(pin @ SourcePin::Vendor { tree, .. }) = known.filter(|pin| *pin.request() == request)
        && run.results().has_vendored(plan.step(plan.wanted[0]), tree)?
    {
        return Ok(Some(pin.clone()));
    }
    run.all()?;
    let tree = run.tree(plan.wanted[0])?;
    Ok(Some(SourcePin::Vendor { request, tree }))
}
