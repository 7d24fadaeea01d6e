//! The file that is read, and the recipe that is written: what of an import touches the disk.

use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::create::create;
use super::error::OpsError;
use crate::import::{ImportKind, Imported, LARGEST, import, text};
use crate::model::RecipeName;

/// Translates the file at `path`.
///
/// # Errors
/// When it cannot be read, or not as its kind.
pub fn import_file(path: &Utf8Path, kind: Option<ImportKind>, name: Option<RecipeName>) -> Result<Imported, OpsError> {
    // whoever writes into a pipe, or a device, decides when it ends: only regular files are read
    let mut bytes = Vec::new();
    crate::file::open(path.as_std_path())?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    // the folder gives the recipe its name, so it must be there
    let whole = std::path::absolute(path)?;
    let whole = Utf8PathBuf::from_path_buf(whole).unwrap_or_else(|_| path.to_owned());
    let imported = text(&bytes).and_then(|text| import(&whole, text, kind, name));
    imported.map_err(|source| OpsError::Import { path: path.to_owned(), source })
}

/// Writes the recipe into the project at `root`; gives its path there.
///
/// # Errors
/// When there is one of that name, or it cannot be written.
pub fn write_import(root: &Utf8Path, imported: &Imported) -> Result<Utf8PathBuf, OpsError> {
    let path = Utf8PathBuf::from(format!("images/{}/recipe.kdl", imported.name));
    create(root, &[(path.clone(), imported.recipe.clone())])?;
    Ok(path)
}
