//! Debian source packages (Debian Policy appendix on source packages, dpkg-source(1)): formats `3.0 (quilt)` and
//! `3.0 (native)`.

use std::io::Read;
use std::path::Path;

use fs_err as fs;

use super::{SourceError, apply_patch, unpack_tar};

/// Unpacks the files of a source package into `dest`, and applies the patches that the package brings along.
/// `open` gives a file by its name.
///
/// # Errors
/// When a file is broken or hostile, a patch does not fit, or it is no source package of a known format.
pub fn unpack_debian<R: Read>(
    names: &[String],
    open: impl Fn(&str) -> Result<R, SourceError>,
    dest: &Path,
) -> Result<(), SourceError> {
    let unpack = |name: &str, dest: &Path, strip| unpack_tar(name, open(name)?, dest, strip);
    let tarball = |name: &&String| name.contains(".tar.") && !name.ends_with(".asc");
    let (mut original, mut debian, mut components, mut native) = (None, None, Vec::new(), None);
    for name in names.iter().filter(tarball) {
        if name.contains(".debian.tar.") {
            debian = Some(name);
        } else if name.contains(".orig.tar.") {
            original = Some(name);
        } else if let Some((_, rest)) = name.split_once(".orig-") {
            components.push((rest.split(".tar.").next().unwrap_or_default().to_owned(), name));
        } else {
            native = Some(name);
        }
    }
    match (original, debian, native) {
        (None, None, Some(native)) => return unpack(native, dest, 1),
        (Some(original), Some(debian), None) => {
            unpack(original, dest, 1)?;
            components.sort();
            for (component, name) in components {
                let folder = dest.join(&component);
                if folder.exists() {
                    fs::remove_dir_all(&folder)?;
                }
                fs::create_dir_all(&folder)?;
                unpack(name, &folder, 1)?;
            }
            if dest.join("debian").exists() {
                fs::remove_dir_all(dest.join("debian"))?; // the distribution's replaces that of upstream
            }
            unpack(debian, dest, 0)?;
        }
        _ => {
            let reason = format!("has an unknown set of files: {}", names.join(", "));
            return Err(SourceError::NotASourcePackage { reason });
        }
    }
    apply_series(dest)
}

/// Applies `debian/patches/series`, as dpkg-source does on unpacking.
fn apply_series(dest: &Path) -> Result<(), SourceError> {
    let patches = dest.join("debian/patches");
    let Some(series) =
        ["debian.series", "series"].into_iter().map(|name| patches.join(name)).find(|path| path.is_file())
    else {
        return Ok(());
    };
    for line in fs::read_to_string(series)?.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (name, strip) = (words.next().unwrap_or_default(), words.next().unwrap_or("-p1"));
        if strip != "-p1" {
            let reason =
                format!("asks for `{strip}` in its series of patches, which dpkg-source does not support either");
            return Err(SourceError::NotASourcePackage { reason });
        }
        let path = crate::model::ImagePath::new(name.as_bytes()).map_err(|source| SourceError::Outside { source })?;
        apply_patch(name, &fs::read(patches.join(path.as_relative()))?, dest, 1)?;
    }
    Ok(())
}
