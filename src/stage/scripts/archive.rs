//! The packages as an archive without a pool, for apt and for dpkg (sources.list(5), "flat repository").

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use fs_err as fs;

use super::{ScriptedPackage, ScriptedRole, ScriptsError};
use crate::model::{Digest, PackageId};
use crate::store::Store;

/// The folders that scripts may read and not change.
pub(super) const READ_ONLY: [&str; 2] = [BASIC, OTHERS];
/// The folder of the basic packages, in the folder of the sandbox's own.
pub(super) const BASIC: &str = "basic";
/// The folder of the others.
pub(super) const OTHERS: &str = "others";

/// Makes the folder `own` with the packages and an index of those that apt is to install.
pub(super) fn write(store: &Store, packages: &[ScriptedPackage], own: &Path) -> Result<(), ScriptsError> {
    for folder in [BASIC, OTHERS, "apt/lists/partial", "apt/cache/archives/partial", "apt/log"] {
        fs::create_dir_all(own.join(folder))?;
    }
    let mut index = String::new();
    for package in packages {
        let folder = if package.role == ScriptedRole::Basic { BASIC } else { OTHERS };
        let size = copy(store, package, &own.join(folder).join(file_name(package)))?;
        if package.role != ScriptedRole::Basic {
            stanza(package, size, &mut index);
        }
    }
    let others = own.join(OTHERS);
    fs::write(others.join("Release"), release(&index))?;
    fs::write(others.join("Packages"), index)?;
    Ok(fs::write(own.join("sources.list"), format!("deb [trusted=yes] file:/{}/{OTHERS} ./\n", super::OWN))?)
}

/// A file of its own, that shares blocks with the store where the file system can: scripts are root in there, and would
/// write through another name of the store's file.
fn copy(store: &Store, package: &ScriptedPackage, path: &Path) -> Result<u64, ScriptsError> {
    let mut blob = store.open_blob(&package.digest)?.into_file();
    let mut file = fs::File::create_new(path)?;
    if rustix::fs::ioctl_ficlone(file.file(), &blob).is_err() {
        io::copy(&mut blob, file.file_mut())?; // within the kernel
    }
    Ok(file.metadata()?.len())
}

/// As archives call it, but for the colon of an epoch, which apt and dpkg write in ways of their own.
pub(super) fn file_name(package: &ScriptedPackage) -> String {
    let PackageId { name, version, architecture } = &package.id;
    format!("{name}_{}_{architecture}.deb", version.replace(':', "."))
}

fn stanza(package: &ScriptedPackage, size: u64, index: &mut String) {
    let control = package.control.control.trim_end();
    let name = file_name(package);
    let _ = write!(index, "{control}\nFilename: ./{name}\nSize: {size}\nSHA256: {}\n\n", package.digest.hex());
}

fn release(index: &str) -> String {
    let (digest, size) = (Digest::of(index.as_bytes()), index.len());
    format!(
        "Suite: packages\nCodename: packages\nDate: Thu, 01 Jan 1970 00:00:00 UTC\nSHA256:\n {} {size} Packages\n",
        digest.hex()
    )
}

impl From<io::Error> for ScriptsError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}
