//! New files in a project: all of them or none, and never over one that is there.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::OpsError;

/// Writes files, named relative to `root`.
pub(super) fn create(root: &Utf8Path, files: &[(Utf8PathBuf, String)]) -> Result<(), OpsError> {
    for (path, _) in files {
        // a link that leads nowhere is something as well
        if fs_err::symlink_metadata(root.join(path)).is_ok() {
            return Err(OpsError::Exists { path: path.clone() });
        }
    }
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}
