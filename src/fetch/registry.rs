//! What registries of images want beyond plain http: a token for each repository, asked for once (the field's
//! de-facto standard, "Docker Registry v2 authentication via central service"), and the media types of manifests.

use std::collections::BTreeMap;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Request, Response, StatusCode};
use url::Url;

use super::Fetcher;
use super::document::{Answer, Document, failed, settled};
use super::error::FetchError;
use super::host::HostPort;
use super::mirrors::Asker;
use super::network::{Network, with_login};
use super::tokens::repository;
use super::trouble::Trouble;

/// Manifests and indexes, of the OCI's and of Docker's older kind.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.docker.distribution.manifest.v2+json";
/// The distribution specification asks registries to accept manifests of this size, and none is larger.
const LARGEST_MANIFEST: u64 = 4 << 20;
const LARGEST_TOKEN: u64 = 256 << 10;

impl Fetcher {
    /// Fetches a manifest or an index of a registry. Nobody vouches for it: its digest is the caller's to compare.
    ///
    /// # Errors
    /// As [`Fetcher::document`].
    pub fn manifest(&self, url: &Url) -> Result<Document, FetchError> {
        let urls = [url.clone()];
        self.online(url.as_str())?;
        let network = self.network()?;
        let asker = Asker { label: url.path(), observer: &() };
        let attempts = network.each_mirror(asker, &urls, async |url| {
            network.soon(network.read(network.get(url).header(ACCEPT, MANIFESTS), url, LARGEST_MANIFEST)).await
        });
        match settled(network.runtime.block_on(attempts), &urls)? {
            Answer::Changed(document) => Ok(document),
            Answer::Unchanged => Err(failed(&urls, Vec::new())), // only a conditional request has this answer
        }
    }
}

/// What a registry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: Url,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// Reads `Bearer realm="…",service="…",scope="…"` (RFC 6750 §3).
    fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        texts.filter_map(Self::parse).next()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(' ')?;
        let mut fields = BTreeMap::new();
        let mut rest = rest.trim_start();
        while let Some((name, value)) = rest.split_once("=\"") {
            let (value, tail) = value.split_once('"')?;
            fields.insert(name.trim().to_ascii_lowercase(), value.to_owned());
            rest = tail.trim_start_matches([',', ' ']);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        Some(Self {
            realm: fields.get("realm")?.parse().ok()?,
            service: fields.remove("service"),
            scope: fields.remove("scope"),
        })
    }

    pub(super) fn url(&self) -> Url {
        let mut url = self.realm.clone();
        for (name, value) in [("service", &self.service), ("scope", &self.scope)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        url
    }
}

impl Network {
    /// The request again, with the token that the registry asked for when it answered 401; none when it asked for
    /// something else. A request that had a token gets a new one: they are good for minutes only.
    pub(super) async fn with_token(&self, answer: &Response, mut again: Request) -> Result<Option<Request>, Trouble> {
        let Some(key) = repository(again.url()) else { return Ok(None) };
        // who is redirected to does not speak for the registry
        if answer.url().origin() != again.url().origin() {
            return Ok(None);
        }
        let Some(challenge) = Challenge::read(answer.headers()) else { return Ok(None) };
        let same_host = challenge.realm.origin() == again.url().origin();
        if challenge.realm.scheme() != "https" && !same_host {
            let realm = challenge.realm.origin().ascii_serialization();
            let reason = format!("the registry sends us to `{realm}` for a token, over a plain connection");
            return Err(Trouble::Next(reason));
        }
        let token = self.soon(self.token(&challenge.url(), again.url())).await?;
        let value = format!("Bearer {token}").parse();
        again
            .headers_mut()
            .insert(AUTHORIZATION, value.map_err(|_| Trouble::Next("the token is no token".to_owned()))?);
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner).keep(key, token);
        Ok(Some(again))
    }

    /// Asks for a token: with the credentials for that place when it is the registry itself or configured as its token
    /// service, else as anybody. Any registry can name any place, and the token goes to the registry.
    async fn token(&self, realm: &Url, registry: &Url) -> Result<String, Trouble> {
        let known = |(of, service): &(HostPort, HostPort)| of.covers(registry) && service.covers(realm);
        let trusted = realm.origin() == registry.origin() || self.token_services.iter().any(known);
        let request = with_login(self.client.get(realm.clone()), self.login(realm).filter(|_| trusted));
        let request = request.build().map_err(|error| Trouble::Next(error.to_string()))?;
        let response = self.execute(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Trouble::Next(format!(
                "`{}` gives no token: {}",
                realm.origin().ascii_serialization(),
                response.status()
            )));
        }
        let mut bytes = Vec::new();
        self.body(response, LARGEST_TOKEN, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let token = ["token", "access_token"].iter().find_map(|name| answer[name].as_str());
        token.map(str::to_owned).ok_or_else(|| Trouble::Next("the answer holds no token".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let text = "Bearer realm=\"https://auth.example.org/token\",service=\"registry\",scope=\"repository:a/b:pull\"";
        let url = Challenge::parse(text).expect("a challenge").url();
        assert_eq!(url.as_str(), "https://auth.example.org/token?service=registry&scope=repository%3Aa%2Fb%3Apull");
        assert!(Challenge::parse("bearer realm=\"https://a.example/\"").is_some());
        for text in ["Basic realm=\"x\"", "Bearer", "Bearer realm=\"no url\"", "Bearer realm=\"https://a", ""] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_for_one_repository() {
        let of = |text: &str| repository(&text.parse().expect("a URL"));
        assert_eq!(of("https://a.example/v2/x/y/blobs/sha256:0").as_deref(), Some("https://a.example/v2/x/y"));
        assert_eq!(of("https://a.example/v2/x/manifests/sha256:0").as_deref(), Some("https://a.example/v2/x"));
        assert_eq!(of("https://a.example/pool/x/blobs/y"), None);
        assert_eq!(of("https://a.example/v2/"), None);
    }
}
