//! Pinned files: many at once, each checked while it arrives, going on where an earlier attempt ended.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Fetcher;
use super::error::{FetchError, FetchFailure};
use super::mirrors::{Asker, GaveUp};
use super::network::{Network, local_body};
use super::observer::FetchObserver;
use super::trouble::Trouble;
use crate::model::Digest;
use crate::store::{PartialBlob, Store, StoreError};

/// A file that is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// What people call it.
    pub label: String,
    /// What its content must be.
    pub digest: Digest,
    /// How many bytes it has, when that is pinned too.
    pub size: Option<u64>,
    /// Where it may be had; tried in turn.
    pub urls: Vec<Url>,
}

/// How often to look whether another process, which fetches the same, is done.
const GLANCE: Duration = Duration::from_millis(50);

impl Fetcher {
    /// Sees to it that the store holds all that is wanted. What is there is not fetched; what is wanted twice is fetched
    /// once. All that can be fetched is, also when something else cannot.
    ///
    /// # Errors
    /// When something could not be had from any of its URLs: all such things are listed. When the network is off: all
    /// that is missing is listed. When the store fails.
    pub fn fetch(&self, store: &Store, wants: &[Want], observer: &dyn FetchObserver) -> Result<(), FetchError> {
        let missing = missing(store, wants);
        if missing.is_empty() {
            return Ok(());
        }
        if self.config.offline {
            return Err(FetchError::Offline { missing: missing.into_iter().map(|want| want.label.clone()).collect() });
        }
        let network = self.network()?;
        let limit = self.config.limits.download;
        let transfers = missing.into_iter().map(|want| async move {
            let asker = Asker { label: &want.label, observer };
            observer.started(&want.label, want.size);
            let outcome = network.want(store, want, limit, asker).await;
            observer.finished(&want.label);
            (want, outcome)
        });
        let mut failures = Vec::new();
        network.runtime.block_on(async {
            let mut transfers = stream::iter(transfers).buffer_unordered(self.config.connections);
            while let Some((want, outcome)) = transfers.next().await {
                match outcome {
                    Ok(()) => {}
                    Err(GaveUp::Store(error)) => return Err(FetchError::Store(error)),
                    Err(GaveUp::Tried(attempts)) => failures.push(FetchFailure { label: want.label.clone(), attempts }),
                }
            }
            Ok(())
        })?;
        if failures.is_empty() {
            return Ok(());
        }
        failures.sort_by(|one, other| one.label.cmp(&other.label));
        Err(FetchError::Failed { failures })
    }
}

/// What the store does not hold, each once, in the order of first mention.
fn missing<'a>(store: &Store, wants: &'a [Want]) -> Vec<&'a Want> {
    let mut seen = BTreeMap::new();
    let new = wants.iter().filter(|want| seen.insert(want.digest, ()).is_none());
    new.filter(|want| !store.has_blob(&want.digest)).collect()
}

impl Network {
    async fn want(&self, store: &Store, want: &Want, limit: u64, asker: Asker<'_>) -> Result<(), GaveUp> {
        let mut part = loop {
            if store.has_blob(&want.digest) {
                return Ok(()); // another process was faster
            }
            match store.try_partial_blob(&want.digest).map_err(GaveUp::Store)? {
                Some(part) => break part,
                None => tokio::time::sleep(GLANCE).await,
            }
        };
        if store.has_blob(&want.digest) {
            return Ok(()); // between the look and the claim
        }
        let mut transfer = Transfer { want, limit, asker, part: &mut part, validator: None };
        self.each_mirror(asker, &want.urls, async |url| self.attempt(&mut transfer, url).await).await
    }

    async fn attempt(&self, transfer: &mut Transfer<'_>, url: &Url) -> Result<(), Trouble> {
        let resumed = transfer.prepare()?;
        let outcome = self.bytes(transfer, url, resumed).await;
        if matches!(outcome, Err(Trouble::Next(_))) && transfer.part.length() != resumed {
            transfer.part.restart()?; // bytes of a URL that failed are not continued from another
        }
        outcome?;
        transfer.commit(resumed > 0)
    }

    async fn bytes(&self, transfer: &mut Transfer<'_>, url: &Url, resumed: u64) -> Result<(), Trouble> {
        if transfer.left() > 0 || transfer.want.size.is_none() {
            match url.scheme() {
                "file" => local_body(url, resumed, transfer.left(), |piece| transfer.append(piece))?,
                "http" | "https" => self.download(transfer, url, resumed).await?,
                scheme => return Err(Trouble::Next(format!("`{scheme}` cannot be fetched from"))),
            }
        }
        Ok(())
    }

    async fn download(&self, transfer: &mut Transfer<'_>, url: &Url, resumed: u64) -> Result<(), Trouble> {
        let mut request = self.get(url);
        if resumed > 0 {
            request = request.header(RANGE, format!("bytes={resumed}-"));
            // Only a validator of the same URL says something. Without one a changed file shows in its digest.
            if let Some((_, validator)) = transfer.validator.as_ref().filter(|(of, _)| of == url) {
                request = request.header(IF_RANGE, validator);
            }
        }
        let response = self.send(request).await?;
        transfer.validator = validator(&response).map(|validator| (url.clone(), validator));
        match response.status() {
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(resumed) => {}
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                transfer.part.restart()?;
                let reason = "the server sent another range than the one asked for".to_owned();
                return Err(Trouble::Again { reason, after: Some(Duration::ZERO) });
            }
            _ => transfer.part.restart()?, // the whole file comes
        }
        let room = transfer.left();
        self.body(response, room, |piece| transfer.append(piece)).await
    }
}

/// A want on its way.
struct Transfer<'a> {
    want: &'a Want,
    limit: u64,
    asker: Asker<'a>,
    part: &'a mut PartialBlob,
    /// What the last answer said about the version of its content.
    validator: Option<(Url, HeaderValue)>,
}

impl Transfer<'_> {
    /// How many bytes may be in the file.
    fn bound(&self) -> u64 {
        self.want.size.unwrap_or(self.limit)
    }

    fn left(&self) -> u64 {
        self.bound().saturating_sub(self.part.length())
    }

    /// How many bytes are there to go on from.
    fn prepare(&mut self) -> Result<u64, StoreError> {
        if self.part.length() > self.bound() {
            self.part.restart()?;
        }
        Ok(self.part.length())
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.part.append(piece)?;
        self.asker.observer.progress(self.asker.label, self.part.length());
        Ok(())
    }

    fn commit(&mut self, resumed: bool) -> Result<(), Trouble> {
        let found = self.part.length();
        if let Some(size) = self.want.size.filter(|&size| size > found) {
            let reason = format!("the answer ended after {found} of {size} bytes");
            return Err(Trouble::Again { reason, after: None });
        }
        match self.part.commit() {
            // the bytes from before may have been the wrong ones: once more, from the first byte
            Err(StoreError::Mismatch { expected, found }) if resumed => {
                let reason = StoreError::Mismatch { expected, found }.to_string();
                Err(Trouble::Again { reason, after: Some(Duration::ZERO) })
            }
            other => other.map_err(Trouble::from),
        }
    }
}

/// A strong validator of the answer's content (RFC 9110 §13.1.5); weak ones do not promise the same bytes.
fn validator(response: &Response) -> Option<HeaderValue> {
    let headers = response.headers();
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

/// Where the answer's range begins: `bytes 100-199/200`.
fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
