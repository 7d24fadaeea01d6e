//! Tokens that registries gave us.

use std::collections::BTreeMap;

use url::Url;

/// Tokens by the URL of their repository.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<String, String>);

impl Tokens {
    pub(super) fn of(&self, url: &Url) -> Option<&str> {
        self.0.get(&repository(url)?).map(String::as_str)
    }

    /// Keeps the token for a repository.
    pub(super) fn keep(&mut self, repository: String, token: String) {
        self.0.insert(repository, token);
    }
}

/// The part of a registry's URL that names the repository: `https://host/v2/name`.
pub(super) fn repository(url: &Url) -> Option<String> {
    let text = url.as_str();
    let end = ["/blobs/", "/manifests/"].iter().find_map(|part| text.rfind(part))?;
    text[..end].contains("/v2/").then(|| text[..end].to_owned())
}
