//! `find`: which packages of the archives have a file.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::OpsError;
use super::refresh::contents::suppliers;
use super::services::Services;
use super::workspace::Workspace;
use crate::image::MissingFile;
use crate::model::Platform;

/// The packages that have a file.
#[derive(Debug, Serialize)]
pub struct FoundFile {
    /// What was looked for.
    pub file: String,
    /// What the packages are for.
    pub platform: Platform,
    /// Their names, the best first; none when no package has it.
    pub packages: Vec<String>,
}

/// The packages for `platform` that have each of `files`, from the suites that the lock's packages came from: a path, the
/// name of a program, or the name of a shared library.
///
/// # Errors
/// When the lock records no suite, or a suite or its lists cannot be read.
pub fn find(
    workspace: &Workspace,
    services: &Services<'_>,
    files: &[String],
    platform: Platform,
) -> Result<Vec<FoundFile>, OpsError> {
    let Workspace { project, lock, .. } = workspace;
    if lock.archives.suites.is_empty() {
        return Err(OpsError::NoSuites);
    }
    let needs: BTreeSet<MissingFile> = files.iter().map(|file| wanted(file)).collect();
    let found = suppliers(project, services, lock, platform, &needs)?;
    let one = |file: &String| FoundFile {
        packages: found.get(&wanted(file)).cloned().unwrap_or_default(),
        file: file.clone(),
        platform,
    };
    Ok(files.iter().map(one).collect())
}

fn wanted(file: &str) -> MissingFile {
    let is_library = !file.contains('/') && (file.ends_with(".so") || file.contains(".so."));
    match is_library {
        true => MissingFile::Library(file.to_owned()),
        false => MissingFile::File(file.to_owned()),
    }
}
