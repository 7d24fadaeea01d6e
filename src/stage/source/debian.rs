//! Debian source packages (Debian Policy appendix on source packages, dpkg-source(1)): formats `3.0 (quilt)` and
//! `3.0 (native)`.

use std::io::Read;

use super::unpack::{SourceTree, Target};
use super::{SourceError, apply_patch};
use crate::beneath::Dir;
use crate::model::ImagePath;

/// Archives of a source package; the largest of Debian's have a few dozen.
const MOST_ARCHIVES: usize = 256;
/// Largest series of patches, and largest patch.
const LARGEST_SERIES: u64 = 1 << 20;
const LARGEST_PATCH: u64 = 64 << 20;

/// The archives of a source package by what they are for.
#[derive(Default)]
struct Archives<'a> {
    original: Option<&'a str>,
    debian: Option<&'a str>,
    /// Further archives of upstream: the folder that each goes into, and its name.
    components: Vec<(ImagePath, &'a str)>,
    native: Option<&'a str>,
}

impl<'a> Archives<'a> {
    fn of(names: &'a [String]) -> Result<Self, SourceError> {
        let mut archives = Self::default();
        let tarball = |name: &&String| name.contains(".tar.") && !name.ends_with(".asc");
        for name in names.iter().filter(tarball) {
            if name.contains(".debian.tar.") {
                archives.debian = Some(name);
            } else if name.contains(".orig.tar.") {
                archives.original = Some(name);
            } else if let Some((_, rest)) = name.split_once(".orig-") {
                archives.components.push((component(rest.split(".tar.").next().unwrap_or_default())?, name));
            } else {
                archives.native = Some(name);
            }
        }
        archives.components.sort();
        if archives.components.len() > MOST_ARCHIVES {
            return Err(SourceError::NotASourcePackage { reason: format!("has more than {MOST_ARCHIVES} archives") });
        }
        Ok(archives)
    }
}

/// The folder of a component: letters, digits and hyphens (dpkg-source(1)).
fn component(name: &str) -> Result<ImagePath, SourceError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let reason = || format!("has a component called `{name}`; names of letters, digits and hyphens are allowed");
    if name.is_empty() || name == "debian" || !name.bytes().all(plain) {
        return Err(SourceError::NotASourcePackage { reason: reason() });
    }
    ImagePath::new(name.as_bytes()).map_err(|_| SourceError::NotASourcePackage { reason: reason() })
}

/// Unpacks the files of a source package into `dest`, and applies the patches that the package brings along.
/// `open` gives a file by its name.
///
/// # Errors
/// When a file is broken or hostile, a patch does not fit, or it is no source package of a known format.
pub fn unpack_debian<R: Read>(
    names: &[String],
    open: impl Fn(&str) -> Result<R, SourceError>,
    dest: &Dir,
) -> Result<(), SourceError> {
    let mut tree = SourceTree::new(dest);
    let (root, debian_folder) = (ImagePath::root(), folder("debian"));
    let upstream = Target { below: &root, strip: 1, only: None };
    match Archives::of(names)? {
        Archives { original: None, debian: None, native: Some(native), .. } => {
            return tree.unpack(native, open(native)?, upstream);
        }
        Archives { original: Some(original), debian: Some(debian), native: None, components } => {
            tree.unpack(original, open(original)?, upstream)?;
            for (component, name) in components {
                tree.clear(&component)?;
                dest.create_dir_all(component.as_relative())?;
                tree.unpack(name, open(name)?, Target { below: &component, ..upstream })?;
            }
            tree.clear(&debian_folder)?; // the distribution's replaces that of upstream
            let target = Target { below: &root, strip: 0, only: Some(&debian_folder) };
            tree.unpack(debian, open(debian)?, target)?;
        }
        _ => {
            let reason = format!("has an unknown set of files: {}", names.join(", "));
            return Err(SourceError::NotASourcePackage { reason });
        }
    }
    apply_series(dest)
}

/// A path that is written down in this program.
fn folder(path: &str) -> ImagePath {
    path.parse().unwrap_or_default()
}

/// Applies `debian/patches/series`, as dpkg-source does on unpacking.
fn apply_series(dest: &Dir) -> Result<(), SourceError> {
    if !dest.is_dir("debian/patches") {
        return Ok(());
    }
    let patches = dest.dir("debian/patches")?;
    let mut series = None;
    for name in ["debian.series", "series"] {
        if series.is_none() && patches.find(name)?.is_some() {
            series = Some(patches.read(name, LARGEST_SERIES)?);
        }
    }
    let Some(series) = series else { return Ok(()) };
    let not_text = || SourceError::NotASourcePackage { reason: "has a series of patches that is not UTF-8".to_owned() };
    for line in std::str::from_utf8(&series).map_err(|_| not_text())?.lines() {
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
        let path = ImagePath::new(name.as_bytes()).map_err(|source| SourceError::Outside { source })?;
        apply_patch(name, &patches.read(path.as_relative(), LARGEST_PATCH)?, dest, 1)?;
    }
    Ok(())
}
