//! Source packages: their archives in one tree, with the patches that they bring along.

use std::io::Read;

use super::unpack::{SourceTree, Target};
use super::{SourceError, apply_patch};
use crate::beneath::Dir;
use crate::distribution::source_package::{PatchFolder, SourceFormat};
use crate::model::ImagePath;

/// Largest series of patches, and largest patch.
const LARGEST_SERIES: u64 = 1 << 20;
const LARGEST_PATCH: u64 = 64 << 20;

/// Unpacks the files of a source package into `dest`, and applies the patches that the package brings along.
/// `open` gives a file by its name.
///
/// # Errors
/// When a file is broken or hostile, a patch does not fit, or it is no source package of a known format.
pub fn unpack_package<R: Read>(
    format: &dyn SourceFormat,
    names: &[String],
    open: impl Fn(&str) -> Result<R, SourceError>,
    dest: &Dir,
) -> Result<(), SourceError> {
    let layout = format.layout(names).map_err(not_a_package)?;
    let mut tree = SourceTree::new(dest);
    for archive in &layout.archives {
        if let Some(replaced) = &archive.replaces {
            tree.clear(replaced)?;
        }
        if !archive.below.is_root() {
            dest.create_dir_all(archive.below.as_relative())?;
        }
        let target = Target { below: &archive.below, strip: archive.strip, only: archive.only.as_ref() };
        tree.unpack(archive.name, open(archive.name)?, target)?;
    }
    match &layout.patches {
        Some(patches) => apply_series(format, patches, dest),
        None => Ok(()),
    }
}

fn not_a_package(reason: String) -> SourceError {
    SourceError::NotASourcePackage { reason }
}

/// Applies the patches of the series that the package brings along.
fn apply_series(format: &dyn SourceFormat, folder: &PatchFolder, dest: &Dir) -> Result<(), SourceError> {
    if !dest.is_dir(folder.path) {
        return Ok(());
    }
    let patches = dest.dir(folder.path)?;
    let mut series = None;
    for name in folder.series {
        if series.is_none() && patches.find(name)?.is_some() {
            series = Some(patches.read(name, LARGEST_SERIES)?);
        }
    }
    let Some(series) = series else { return Ok(()) };
    let text = std::str::from_utf8(&series)
        .map_err(|_| not_a_package("has a series of patches that is not UTF-8".to_owned()))?;
    for name in format.patches(text).map_err(not_a_package)? {
        let path = ImagePath::new(name.as_bytes()).map_err(|source| SourceError::Outside { source })?;
        apply_patch(&name, &patches.read(path.as_relative(), LARGEST_PATCH)?, dest, 1)?;
    }
    Ok(())
}
