//! The folder that the sandbox has beside the system: the packages, and what their installer reads.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::io;
use std::path::Path;

use fs_err as fs;

use super::ScriptsError;
use crate::distribution::scripts::ScriptRun;
use crate::model::Digest;
use crate::store::Store;

/// Makes the folder `own` with the files and packages of a run.
pub(super) fn write(store: &Store, run: &ScriptRun, own: &Path) -> Result<(), ScriptsError> {
    fs::create_dir_all(own)?;
    for folder in &run.folders {
        fs::create_dir_all(own.join(folder))?;
    }
    for (name, digest) in &run.packages {
        copy(store, digest, &own.join(name))?;
    }
    for (name, text) in &run.files {
        fs::write(own.join(name), text)?;
    }
    Ok(())
}

/// A file of its own, that shares blocks with the store where the file system can: scripts are root in there, and would
/// write through another name of the store's file.
fn copy(store: &Store, digest: &Digest, path: &Path) -> Result<(), ScriptsError> {
    let mut blob = store.open_blob(digest)?.into_file();
    let mut file = fs::File::create_new(path)?;
    if rustix::fs::ioctl_ficlone(file.file(), &blob).is_err() {
        io::copy(&mut blob, file.file_mut())?; // within the kernel
    }
    Ok(())
}

impl From<io::Error> for ScriptsError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}
