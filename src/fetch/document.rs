//! Files without a pin, for refreshing: small ones in memory, large ones straight into the store, which finds their
//! digest.

use reqwest::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{RequestBuilder, StatusCode};
use url::Url;

use super::Fetcher;
use super::error::{FetchError, FetchFailure, shown};
use super::mirrors::{Asker, GaveUp};
use super::network::{Network, local_body, local_file};
use super::observer::FetchObserver;
use super::trouble::Trouble;
use crate::model::Digest;
use crate::store::Store;

/// A small file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its content; nobody vouches for it yet.
    pub bytes: Vec<u8>,
    /// Which of the URLs had it.
    pub url: Url,
    /// With these one can ask later whether it changed.
    pub validators: Validators,
}

/// What a server says about the version of a file, for asking again (RFC 9110 §8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// The answer to a question whether a file changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did not.
    Unchanged,
    /// It did, or the server does not know.
    Changed(Document),
}

/// A file whose digest was found by fetching it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The digest of its content; the store holds it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Which of the URLs had it.
    pub url: Url,
}

impl Fetcher {
    /// Fetches a small file into memory, from the first URL that has it; at most `limit` bytes.
    ///
    /// # Errors
    /// When no URL has it, it is larger, or the network is off.
    pub fn document(&self, urls: &[Url], limit: u64) -> Result<Document, FetchError> {
        match self.document_since(urls, limit, &Validators::default())? {
            Answer::Changed(document) => Ok(document),
            Answer::Unchanged => Err(failed(urls, Vec::new())), // only a conditional request has this answer
        }
    }

    /// Like [`Fetcher::document`], unless it is still the one that these validators came with.
    ///
    /// # Errors
    /// As [`Fetcher::document`].
    pub fn document_since(&self, urls: &[Url], limit: u64, known: &Validators) -> Result<Answer, FetchError> {
        self.online(&label(urls))?;
        let network = self.network()?;
        let label = label(urls);
        let asker = Asker { label: &label, observer: &() };
        let attempts =
            network.each_mirror(asker, urls, async |url| network.soon(network.read_since(url, limit, known)).await);
        settled(network.runtime.block_on(attempts), urls)
    }

    /// Fetches a file of any size whose digest is not known, into the store. For refreshing only: nobody vouches for it.
    ///
    /// # Errors
    /// When no URL has it, it is larger than the limit for downloads, the network is off, or the store fails.
    pub fn pin(
        &self,
        store: &Store,
        name: &str,
        urls: &[Url],
        observer: &dyn FetchObserver,
    ) -> Result<Pinned, FetchError> {
        self.online(name)?;
        let network = self.network()?;
        let limit = self.config.limits.download;
        let asker = Asker { label: name, observer };
        observer.started(name, None);
        let attempts = network.each_mirror(asker, urls, async |url| network.pin(store, url, limit, asker).await);
        let outcome = network.runtime.block_on(attempts);
        observer.finished(name);
        match outcome {
            Ok(pinned) => Ok(pinned),
            Err(GaveUp::Store(error)) => Err(error.into()),
            Err(GaveUp::Tried(attempts)) => {
                Err(FetchError::Failed { failures: vec![FetchFailure { label: name.to_owned(), attempts }] })
            }
        }
    }

    /// Sees to it that one of the URLs has a file, without fetching it.
    ///
    /// # Errors
    /// When none has it, or the network is off.
    pub fn look(&self, urls: &[Url]) -> Result<(), FetchError> {
        self.online(&label(urls))?;
        let network = self.network()?;
        let label = label(urls);
        let asker = Asker { label: &label, observer: &() };
        let attempts = network.each_mirror(asker, urls, async |url| network.look(url).await);
        settled(network.runtime.block_on(attempts), urls)
    }

    /// Refuses when the network is off.
    pub(super) fn online(&self, label: &str) -> Result<(), FetchError> {
        if self.config.offline { Err(FetchError::Offline { missing: vec![label.to_owned()] }) } else { Ok(()) }
    }
}

/// What to call a document that has no other name.
fn label(urls: &[Url]) -> String {
    urls.first().map_or_else(|| "a document".to_owned(), shown)
}

/// What became of asking for a document.
pub(super) fn settled<T>(outcome: Result<T, GaveUp>, urls: &[Url]) -> Result<T, FetchError> {
    outcome.map_err(|gave_up| match gave_up {
        GaveUp::Store(error) => error.into(),
        GaveUp::Tried(attempts) => failed(urls, attempts),
    })
}

pub(super) fn failed(urls: &[Url], attempts: Vec<super::error::Attempt>) -> FetchError {
    let name = urls.first().and_then(|url| url.path_segments()?.next_back().map(str::to_owned));
    FetchError::Failed { failures: vec![FetchFailure { label: name.unwrap_or_default(), attempts }] }
}

impl Network {
    async fn read_since(&self, url: &Url, limit: u64, known: &Validators) -> Result<Answer, Trouble> {
        if url.scheme() == "file" {
            let mut bytes = Vec::new();
            local_body(url, 0, limit, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            return Ok(Answer::Changed(Document { bytes, url: url.clone(), validators: Validators::default() }));
        }
        let mut request = self.get(url);
        for (header, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(header, value);
            }
        }
        match self.read(request, url, limit).await? {
            Answer::Unchanged if *known == Validators::default() => {
                Err(Trouble::Next(format!("the server says {}", StatusCode::NOT_MODIFIED)))
            }
            answer => Ok(answer),
        }
    }

    /// The answer to a request, in memory.
    pub(super) async fn read(&self, request: RequestBuilder, url: &Url, limit: u64) -> Result<Answer, Trouble> {
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Answer::Unchanged),
            status if !status.is_success() => return Err(Trouble::Next(format!("the server says {status}"))),
            _ => {}
        }
        let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let validators = Validators { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
        let mut bytes = Vec::new();
        self.body(response, limit, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(Answer::Changed(Document { bytes, url: url.clone(), validators }))
    }

    /// Asks for the head of a file.
    async fn look(&self, url: &Url) -> Result<(), Trouble> {
        if url.scheme() == "file" {
            return local_file(url).map(drop);
        }
        let response = self.send(self.authorise(self.client.head(url.clone()), url)).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(Trouble::Next(format!("the server says {status}"))),
        }
    }

    async fn pin(&self, store: &Store, url: &Url, limit: u64, asker: Asker<'_>) -> Result<Pinned, Trouble> {
        let mut writer = store.blob_writer()?;
        let mut take = |piece: &[u8]| {
            writer.append(piece)?;
            asker.observer.progress(asker.label, writer.length());
            Ok(())
        };
        if url.scheme() == "file" {
            local_body(url, 0, limit, &mut take)?;
        } else {
            let response = self.send(self.get(url)).await?;
            if response.status() != StatusCode::OK {
                return Err(Trouble::Next(format!("the server says {}", response.status())));
            }
            self.body(response, limit, &mut take).await?;
        }
        let (digest, size) = writer.commit()?;
        Ok(Pinned { digest, size, url: url.clone() })
    }
}
