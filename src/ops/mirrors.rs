//! Where an archive can be had: the environment file's mirrors, then the host's own apt sources where they carry the
//! same archive, then the dated record that the recipe names. Nothing is built in. What a mirror answers is never
//! trusted, so which one answers makes no difference.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::path::Path;

use fs_err as fs;
use url::Url;

use super::environment::Environment;
use crate::file;
use crate::model::{ArchivePath, ArchivePathError, Timestamp};
use crate::recipe::Archive;

/// Far more than a person or a tool writes into one such file.
const LARGEST_SOURCES: u64 = 1 << 20;

/// The base URLs of the host's own apt sources, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSources(Vec<String>);

impl HostSources {
    /// Reads `sources.list` and `sources.list.d` in `folder` (`/etc/apt`), in both of their formats (sources.list(5)).
    /// What cannot be read is no source: a host without apt is fine.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let mut files = vec![folder.join("sources.list")];
        if let Ok(entries) = fs::read_dir(folder.join("sources.list.d")) {
            let mut more: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            more.sort();
            files.extend(more);
        }
        let mut sources = Self::default();
        for path in files {
            let text = file::read(&path, LARGEST_SOURCES).ok().and_then(|text| String::from_utf8(text).ok());
            let Some(text) = text else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("list") => sources.one_line(&text),
                Some("sources") => sources.deb822(&text),
                _ => {}
            }
        }
        sources
    }

    fn one_line(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let Some(rest) = line.strip_prefix("deb ") else { continue };
            let rest = rest.trim_start();
            // options stand in brackets before the URL
            let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
            self.0.extend(rest.split_whitespace().next().map(str::to_owned));
        }
    }

    fn deb822(&mut self, text: &str) {
        let mut stanza = Stanza::default();
        for line in text.lines().chain([""]) {
            if line.trim().is_empty() {
                self.0.extend(std::mem::take(&mut stanza).uris());
            } else if !line.starts_with('#') {
                stanza.line(line);
            }
        }
    }

    /// The URLs that may carry `archive`: those that end as its dated record does (`…/debian-security`).
    fn carrying<'a>(&'a self, archive: &'a Archive) -> impl Iterator<Item = &'a str> {
        let last = |url: &str| url.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
        let wanted = match &archive.snapshot {
            Some(snapshot) => last(snapshot),
            None => Some(archive.name.value.to_string()),
        };
        self.0.iter().map(String::as_str).filter(move |url| last(url) == wanted)
    }
}

#[derive(Default)]
struct Stanza {
    field: String,
    types: Vec<String>,
    uris: Vec<String>,
    disabled: bool,
}

impl Stanza {
    fn line(&mut self, line: &str) {
        let value = match line.split_once(':') {
            Some((field, value)) if !line.starts_with([' ', '\t']) => {
                self.field = field.to_ascii_lowercase();
                value
            }
            _ => line,
        };
        let words = value.split_whitespace().map(str::to_owned);
        match self.field.as_str() {
            "types" => self.types.extend(words),
            "uris" => self.uris.extend(words),
            "enabled" => self.disabled = value.trim().eq_ignore_ascii_case("no"),
            _ => {}
        }
    }

    fn uris(self) -> Vec<String> {
        if self.disabled || !self.types.iter().any(|kind| kind == "deb") { Vec::new() } else { self.uris }
    }
}

/// The base URLs of an archive, each ending in a slash, in the order in which they are to be asked. `date` is the
/// moment of its dated record; without one, that record is not asked.
#[must_use]
pub fn mirrors(environment: &Environment, host: &HostSources, archive: &Archive, date: Option<Timestamp>) -> Vec<Url> {
    let own = environment.mirrors.get(&archive.name.value).into_iter().flatten().map(String::as_str);
    let dated = archive
        .snapshot
        .as_ref()
        .zip(date)
        .map(|(base, date)| format!("{}/{}", base.trim_end_matches('/'), date.compact()));
    let all = own.chain(host.carrying(archive)).map(str::to_owned).chain(dated);
    let mut urls = Vec::new();
    for text in all {
        // host sources may be of kinds that are not fetched from, such as `cdrom:`
        if let Ok(url) = Url::parse(&format!("{}/", text.trim_end_matches('/')))
            && matches!(url.scheme(), "http" | "https" | "file")
            && !urls.contains(&url)
        {
            urls.push(url);
        }
    }
    urls
}

/// The URLs of a file of an archive at these mirrors, in their order.
///
/// # Errors
/// When `path` could lead out of the archive, or a mirror's URL is not one that a path can be appended to.
pub(super) fn urls(bases: &[Url], path: &str) -> Result<Vec<Url>, ArchivePathError> {
    let path: ArchivePath = path.parse()?;
    bases.iter().map(|base| path.below(base)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_of_apt_sources_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = "# deb http://commented.example/debian trixie main\ndeb [arch=amd64 signed-by=/k] http://a.example/debian trixie main\n\
                    deb-src http://src.example/debian trixie main\n";
        fs::write(folder.path().join("sources.list"), list).expect("written");
        fs::create_dir(folder.path().join("sources.list.d")).expect("made");
        let sources = "Types: deb deb-src\nURIs: http://b.example/debian/\n http://c.example/debian-security\nSuites: x\n\n\
                       Types: deb\nEnabled: no\nURIs: http://off.example/debian\n";
        fs::write(folder.path().join("sources.list.d/x.sources"), sources).expect("written");
        let found = HostSources::read(folder.path());
        assert_eq!(
            found.0,
            ["http://a.example/debian", "http://b.example/debian/", "http://c.example/debian-security"]
        );
    }

    #[test]
    fn a_host_without_apt_has_no_sources() {
        assert_eq!(HostSources::read(Path::new("/nonexistent")), HostSources::default());
    }
}
