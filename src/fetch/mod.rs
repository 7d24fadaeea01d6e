//! From pins to verified bytes in the store: over http with mirrors, retries and resumption, from git repositories, and
//! from beside a recipe. The only room that talks to the network, and it believes nothing that it hears: bytes are
//! checked against their pin while they arrive, and sizes are bounded.
//!
//! Functions block; inside, one small runtime drives all connections. It is made when the network is first needed, so
//! that a build that has everything pays nothing.

mod backoff;
mod config;
mod document;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzzed;
mod git;
mod host;
pub mod local;
mod mirrors;
mod netrc;
mod network;
mod observer;
mod pace;
mod pinned;
mod redirect;
mod registry;
mod tokens;
mod trouble;

use std::sync::{Arc, OnceLock};

pub use config::{FetchConfig, FetchLimits, Patience, Proxy};
pub use document::{Answer, Document, Pinned, Validators};
pub(crate) use error::shown;
pub use error::{Attempt, FetchError, FetchFailure};
pub use git::GitPin;
pub use host::HostPort;
pub use observer::FetchObserver;
pub use pinned::Want;

use network::Network;

/// Fetches; shared by all threads.
pub struct Fetcher {
    config: FetchConfig,
    network: OnceLock<Arc<Network>>,
}

impl Fetcher {
    /// Takes the configuration and checks it.
    ///
    /// # Errors
    /// When a file it names cannot be read or makes no sense.
    pub fn new(config: FetchConfig) -> Result<Self, FetchError> {
        config.check()?;
        Ok(Self { config, network: OnceLock::new() })
    }

    /// The network, made now if it was not yet.
    fn network(&self) -> Result<&Arc<Network>, FetchError> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let network = Arc::new(Network::new(&self.config)?);
        Ok(self.network.get_or_init(|| network)) // another thread may have been faster; then ours goes
    }
}

#[cfg(test)]
mod tests;
