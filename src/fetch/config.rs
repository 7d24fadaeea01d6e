//! What the place where the program runs says about its network. Nothing of it can change what is fetched.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::FetchError;
use super::host::HostPort;
use super::netrc::Netrc;

/// How to reach the network.
#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// Never use it: what is missing is an error.
    pub offline: bool,
    /// How many transfers may run at once.
    pub connections: usize,
    /// How many of them may be from one host.
    pub connections_per_host: usize,
    /// Which proxy to go through.
    pub proxy: Proxy,
    /// Files with certificates (PEM) of authorities to trust beside those of the system.
    pub authorities: Vec<PathBuf>,
    /// A file with a certificate and its key (PEM) to show to servers that ask.
    pub client_certificate: Option<PathBuf>,
    /// How the program names itself.
    pub user_agent: String,
    /// A file with credentials by host, as of netrc(5). They go to that host alone, and over https alone.
    pub netrc: Option<PathBuf>,
    /// Hosts that get their credentials over plain http too.
    pub plain_logins: Vec<HostPort>,
    /// Registries, each with the host that gives its tokens when that is another one: those credentials are used.
    pub token_services: Vec<(HostPort, HostPort)>,
    /// Names that are answered by an address of one's own.
    pub hosts: Vec<(String, IpAddr)>,
    /// When to give up.
    pub patience: Patience,
    /// How much to accept.
    pub limits: FetchLimits,
}

/// Which proxy to go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// None, whatever the process's environment says.
    #[default]
    None,
    /// The one of the process's environment (`https_proxy`, `no_proxy`, …).
    System,
    /// This one, for everything: `http://`, `https://` or `socks5://`.
    Url(String),
}

/// When to give up. The time of a whole transfer is bounded by its size and the least rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a server may be silent.
    pub stall: Duration,
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How many bytes a second must come at least, counted over each [`Patience::rate_window`] of waiting.
    pub least_rate: u64,
    /// Over how long the rate is counted.
    pub rate_window: Duration,
    /// How long a small file without a pin may take in all: a release file, a signature, a manifest, a token.
    pub document: Duration,
    /// How often a mirror that is in trouble is tried before the next one.
    pub attempts: u32,
    /// The pause after the first failure; it doubles after each, and half of it is left to chance.
    pub pause: Duration,
    /// The longest pause, also when a server asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            connect: Duration::from_secs(15),
            least_rate: 4096,
            rate_window: Duration::from_secs(30),
            document: Duration::from_secs(300),
            attempts: 4,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// How much to accept from the outside when a pin does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes of a download whose size is not pinned.
    pub download: u64,
    /// Bytes received for one git repository.
    pub git_pack: u64,
    /// Bytes of one file in a git repository; such a file is held in memory.
    pub git_file: u64,
    /// Commits, folders and files that are received or read for a git source, submodules included.
    pub git_objects: u64,
    /// Bytes of them when they are unpacked.
    pub git_unpacked: u64,
    /// Files, folders and links of a tree, submodules included.
    pub tree_entries: u64,
    /// Bytes of a tree, submodules included.
    pub tree_bytes: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            download: 8 << 30,
            git_pack: 8 << 30,
            git_file: 128 << 20,
            git_objects: 4_000_000,
            git_unpacked: 16 << 30,
            tree_entries: 1_000_000,
            tree_bytes: 16 << 30,
        }
    }
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            offline: false,
            connections: 16,
            connections_per_host: 8,
            proxy: Proxy::default(),
            authorities: Vec::new(),
            client_certificate: None,
            user_agent: concat!("orchestrate/", env!("CARGO_PKG_VERSION")).to_owned(),
            netrc: None,
            plain_logins: Vec::new(),
            token_services: Vec::new(),
            hosts: Vec::new(),
            patience: Patience::default(),
            limits: FetchLimits::default(),
        }
    }
}

impl FetchConfig {
    /// Looks at the files and URLs that it names.
    pub(super) fn check(&self) -> Result<(), FetchError> {
        self.certificates()?;
        self.identity()?;
        self.credentials()?;
        self.proxy()?;
        Ok(())
    }

    pub(super) fn certificates(&self) -> Result<Vec<reqwest::Certificate>, FetchError> {
        let mut certificates = Vec::new();
        for path in &self.authorities {
            let wrong = |reason: String| wrong("the certificates of authorities", path, reason);
            let found = reqwest::Certificate::from_pem_bundle(&read(path, "the certificates of authorities")?)
                .map_err(|_| wrong("it is no PEM file of certificates".to_owned()))?;
            if found.is_empty() {
                return Err(wrong("no certificate (`-----BEGIN CERTIFICATE-----`) is in it".to_owned()));
            }
            certificates.extend(found);
        }
        Ok(certificates)
    }

    pub(super) fn identity(&self) -> Result<Option<reqwest::Identity>, FetchError> {
        let Some(path) = &self.client_certificate else { return Ok(None) };
        let identity = reqwest::Identity::from_pem(&read(path, "the client certificate")?);
        let reason = "it must hold a certificate and its private key (PEM)".to_owned();
        identity.map(Some).map_err(|_| wrong("the client certificate", path, reason))
    }

    pub(super) fn credentials(&self) -> Result<Netrc, FetchError> {
        let Some(path) = &self.netrc else { return Ok(Netrc::default()) };
        let text = String::from_utf8(read(path, "the credentials")?);
        let text = text.map_err(|_| wrong("the credentials", path, "it is not UTF-8".to_owned()))?;
        Netrc::parse(&text).map_err(|reason| wrong("the credentials", path, reason))
    }

    pub(super) fn proxy(&self) -> Result<Option<reqwest::Proxy>, FetchError> {
        let Proxy::Url(url) = &self.proxy else { return Ok(None) };
        let known = ["http://", "https://", "socks5://", "socks5h://"].iter().any(|scheme| url.starts_with(scheme));
        let proxy = reqwest::Proxy::all(url).ok().filter(|_| known);
        proxy.map(Some).ok_or_else(|| FetchError::Proxy { url: url.clone() })
    }
}

/// Reads a file of at most 16 MiB.
fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, FetchError> {
    crate::file::read(path, 16 << 20).map_err(|error| wrong(what, path, error.to_string()))
}

fn wrong(what: &'static str, path: &Path, reason: String) -> FetchError {
    FetchError::Config { what, path: path.to_owned(), reason }
}
