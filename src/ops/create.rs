//! New files in a project: all of them or none, and never over one that is there.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::OpsError;
use crate::beneath::Dir;

/// Writes files, named relative to `root`. Links in the project are not followed.
pub(super) fn create(root: &Utf8Path, files: &[(Utf8PathBuf, String)]) -> Result<(), OpsError> {
    fs_err::create_dir_all(root)?;
    let project = Dir::open(root.as_std_path())?;
    for (path, _) in files {
        // a link that leads nowhere is something as well
        if project.find(path)?.is_some() {
            return Err(OpsError::Exists { path: path.clone() });
        }
    }
    // new files are for whom the project is
    let mode = project.metadata("")?.mode & 0o666;
    for (path, text) in files {
        if let Some(folder) = path.parent() {
            create_folders(&project, folder)?;
        }
        project.create_file(path, mode)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Makes a folder and those that it is in, as far as they are not there.
fn create_folders(project: &Dir, folder: &Utf8Path) -> io::Result<()> {
    let mut path = Utf8PathBuf::new();
    for component in folder.components() {
        path.push(component);
        match project.create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    Ok(())
}
