//! Parsers of this room that nothing outside of it may call, for `crate::fuzzed`.

use super::git::gitmodules as modules;
use super::netrc::Netrc;
use super::registry::Challenge;

/// Any text as the list of a repository's submodules, whose addresses are then resolved.
pub(crate) fn gitmodules(text: &str) {
    let Ok(found) = modules::parse(text) else { return };
    for (path, url) in found {
        assert!(!path.is_empty());
        let _ = modules::resolve("https://example.org/group/project", &url);
    }
}

/// Any text as a file of logins.
pub(crate) fn netrc(text: &str) {
    let _ = Netrc::parse(text);
}

/// Any text as the header by which a registry asks for a token.
pub(crate) fn challenge(text: &str) {
    let _ = Challenge::parse(text).map(|challenge| challenge.url());
}
