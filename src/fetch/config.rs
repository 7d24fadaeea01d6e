//! What the place where the program runs says about its network. Nothing of it can change what is fetched.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::FetchError;
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
    /// A file with credentials by host, as of netrc(5).
    pub netrc: Option<PathBuf>,
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

/// When to give up. No bound is on the time of a whole transfer: only on silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a server may be silent.
    pub stall: Duration,
    /// How long a connection may take to be made.
    pub connect: Duration,
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
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = fs_err::File::open(path).map_err(|error| wrong(what, path, error.to_string()))?;
    let limit = 16 << 20;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| wrong(what, path, error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(wrong(what, path, "it is larger than 16 MiB".to_owned()));
    }
    Ok(bytes)
}

fn wrong(what: &'static str, path: &Path, reason: String) -> FetchError {
    FetchError::Config { what, path: path.to_owned(), reason }
}
