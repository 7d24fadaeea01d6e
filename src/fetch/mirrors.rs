//! One thing, several URLs: each in turn, with patience for those that may recover.

use url::Url;

use super::backoff;
use super::error::{Attempt, shown};
use super::network::Network;
use super::observer::FetchObserver;
use super::trouble::Trouble;
use crate::store::StoreError;

/// Why no URL helped.
pub(super) enum GaveUp {
    /// None of them had it.
    Tried(Vec<Attempt>),
    /// The store failed, and would again.
    Store(StoreError),
}

/// Who asks, for those who watch.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) label: &'a str,
    pub(super) observer: &'a dyn FetchObserver,
}

impl Network {
    /// Tries the URLs in turn until one attempt succeeds: again and again where that may help, with growing pauses.
    pub(super) async fn each_mirror<T>(
        &self,
        asker: Asker<'_>,
        urls: &[Url],
        mut attempt: impl AsyncFnMut(&Url) -> Result<T, Trouble>,
    ) -> Result<T, GaveUp> {
        let mut tried = Vec::new();
        for (position, url) in urls.iter().enumerate() {
            let last = position + 1 == urls.len();
            match self.one_mirror(asker, url, last, &mut attempt).await {
                Ok(done) => return Ok(done),
                Err(Trouble::Store(error)) => return Err(GaveUp::Store(error)),
                Err(Trouble::Next(reason) | Trouble::Slow(reason) | Trouble::Again { reason, .. }) => {
                    tried.push(Attempt { url: shown(url), reason });
                }
            }
        }
        Err(GaveUp::Tried(tried))
    }

    async fn one_mirror<T>(
        &self,
        asker: Asker<'_>,
        url: &Url,
        last: bool,
        attempt: &mut impl AsyncFnMut(&Url) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut round = 0;
        loop {
            let outcome = {
                // the semaphore is never closed; without a permit one transfer too many runs
                let _permit = self.host(url).acquire_owned().await.ok();
                attempt(url).await
            };
            // a slow one is better than none
            let outcome = match outcome {
                Err(Trouble::Slow(reason)) if last => Err(Trouble::Again { reason, after: None }),
                other => other,
            };
            match outcome {
                Err(Trouble::Again { reason, after }) if round + 1 < self.patience.attempts => {
                    asker.observer.retried(asker.label, &shown(url), &reason);
                    let pause = after.unwrap_or_else(|| backoff::pause(&self.patience, round));
                    tokio::time::sleep(pause.min(self.patience.longest_pause)).await;
                    round += 1;
                }
                other => return other,
            }
        }
    }
}
