//! Source packages (Debian Policy appendix on source packages, dpkg-source(1)): formats `3.0 (quilt)` and `3.0 (native)`.

use crate::distribution::source_package::{PatchFolder, SourceArchive, SourceFormat, SourceLayout};
use crate::model::ImagePath;

/// Archives of a source package; the largest of Debian's have a few dozen.
const MOST_ARCHIVES: usize = 256;

/// The formats of Debian's source packages.
#[derive(Debug)]
pub(super) struct DpkgSource;

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
    fn of(names: &'a [String]) -> Result<Self, String> {
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
            return Err(format!("has more than {MOST_ARCHIVES} archives"));
        }
        Ok(archives)
    }
}

/// The folder of a component: letters, digits and hyphens (dpkg-source(1)).
fn component(name: &str) -> Result<ImagePath, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let reason = || format!("has a component called `{name}`; names of letters, digits and hyphens are allowed");
    if name.is_empty() || name == "debian" || !name.bytes().all(plain) {
        return Err(reason());
    }
    ImagePath::new(name.as_bytes()).map_err(|_| reason())
}

impl SourceFormat for DpkgSource {
    fn layout<'n>(&self, names: &'n [String]) -> Result<SourceLayout<'n>, String> {
        let upstream = |name: &'n str, below: ImagePath, replaces: Option<ImagePath>| SourceArchive {
            name,
            replaces,
            below,
            strip: 1,
            only: None,
        };
        let mut archives = Vec::new();
        match Archives::of(names)? {
            Archives { original: None, debian: None, native: Some(native), .. } => {
                archives.push(upstream(native, ImagePath::root(), None));
                return Ok(SourceLayout { archives, patches: None });
            }
            Archives { original: Some(original), debian: Some(debian), native: None, components } => {
                archives.push(upstream(original, ImagePath::root(), None));
                archives.extend(components.into_iter().map(|(below, name)| upstream(name, below.clone(), Some(below))));
                let folder: ImagePath = "debian".parse().unwrap_or_default(); // a path that is written down here
                archives.push(SourceArchive {
                    name: debian,
                    replaces: Some(folder.clone()), // the distribution's replaces that of upstream
                    below: ImagePath::root(),
                    strip: 0,
                    only: Some(folder),
                });
            }
            _ => return Err(format!("has an unknown set of files: {}", names.join(", "))),
        }
        let patches = PatchFolder { path: "debian/patches", series: &["debian.series", "series"] };
        Ok(SourceLayout { archives, patches: Some(patches) })
    }

    fn patches(&self, series: &str) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for line in series.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (name, strip) = (words.next().unwrap_or_default(), words.next().unwrap_or("-p1"));
            if strip != "-p1" {
                return Err(format!(
                    "asks for `{strip}` in its series of patches, which dpkg-source does not support either"
                ));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}
