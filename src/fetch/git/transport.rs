//! Git's smart protocol over http, for libgit2, through the client that everything else uses.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ConfigLevel, Error, ErrorClass, ErrorCode};
use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tokio::runtime::Handle;
use url::Url;

use super::super::network::{Network, Trouble};

/// A negotiation says which commits are wanted; ours starts from nothing and needs a few hundred bytes.
const MOST_REQUEST: usize = 16 << 20;

thread_local! {
    /// Whose client the transports made on this thread use: libgit2 makes them deep inside its own calls.
    static NETWORK: RefCell<Option<Arc<Network>>> = const { RefCell::new(None) };
}

/// Runs something on this thread with this client behind http and https.
pub(super) fn with_network<T>(network: Option<Arc<Network>>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<Network>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            NETWORK.set(self.0.take());
        }
    }
    let _restore = Restore(NETWORK.replace(network));
    run()
}

/// Whether the repository is on this machine.
pub(super) fn is_local(url: &str) -> bool {
    url.starts_with("file://") || url.starts_with('/')
}

pub(super) fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// Refuses what no transport is there for, in clearer words than libgit2.
pub(super) fn check_scheme(url: &str) -> Result<(), Error> {
    if is_local(url) || is_http(url) || url.starts_with("git://") {
        return Ok(());
    }
    Err(Error::from_str("only http, https, git and file URLs can be fetched from"))
}

/// A URL as it may be shown: without user and password.
pub(super) fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| super::super::error::shown(&url))
}

/// Sets libgit2 up for the whole process: our transport for http and https, no configuration files, no look at who owns
/// a repository on this machine, bounded silence.
#[expect(unsafe_code, reason = "libgit2's global options are static variables")]
pub(super) fn register() -> Result<(), Error> {
    // SAFETY: all of these write static variables of libgit2; the one caller runs this once, under a lock, before any
    // other use of libgit2 in this process.
    unsafe {
        for level in [ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global, ConfigLevel::ProgramData] {
            git2::opts::set_search_path(level, "")?;
        }
        git2::opts::set_verify_owner_validation(false)?;
        git2::opts::set_server_connect_timeout_in_milliseconds(30_000)?;
        git2::opts::set_server_timeout_in_milliseconds(60_000)?;
        for scheme in ["http", "https"] {
            git2::transport::register(scheme, |remote| {
                let network = NETWORK.with_borrow(Clone::clone);
                let network = network.ok_or_else(|| Error::from_str("the network was not set up for git"))?;
                let base = remote.url()?.trim_end_matches('/').to_owned();
                Transport::smart(remote, true, Http { network, base: Arc::new(Mutex::new(base)) })
            })?;
        }
    }
    Ok(())
}

/// The connection to one repository.
struct Http {
    network: Arc<Network>,
    /// Where it is; a redirection of the first request moves it.
    base: Arc<Mutex<String>>,
}

impl SmartSubtransport for Http {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, Error> {
        let request = match action {
            Service::UploadPackLs => Phase::List,
            Service::UploadPack => Phase::Ask(Vec::new()),
            Service::ReceivePackLs | Service::ReceivePack => return Err(Error::from_str("pushing is not supported")),
        };
        Ok(Box::new(Exchange { network: Arc::clone(&self.network), base: Arc::clone(&self.base), phase: request }))
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// One request and its answer.
struct Exchange {
    network: Arc<Network>,
    base: Arc<Mutex<String>>,
    phase: Phase,
}

enum Phase {
    /// The list of references is wanted.
    List,
    /// A request is being written.
    Ask(Vec<u8>),
    /// The answer is being read.
    Answer { response: Response, piece: Vec<u8>, read: usize },
}

const LIST: &str = "/info/refs?service=git-upload-pack";

impl Exchange {
    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open(&mut self) -> io::Result<()> {
        let (request, kind) = match &mut self.phase {
            Phase::Answer { .. } => return Ok(()),
            Phase::List => {
                let url = parse(&format!("{}{LIST}", self.base()))?;
                (self.network.get(&url), "application/x-git-upload-pack-advertisement")
            }
            Phase::Ask(body) => {
                let body = std::mem::take(body);
                let url = parse(&format!("{}/git-upload-pack", self.base()))?;
                let post = self.network.client.post(url.clone()).body(body);
                let post = post.header(CONTENT_TYPE, "application/x-git-upload-pack-request");
                let kind = "application/x-git-upload-pack-result";
                (self.network.authorise(post.header(ACCEPT, kind), &url), kind)
            }
        };
        let response = self.runtime().block_on(self.network.send(request)).map_err(failed)?;
        let found = response.headers().get(CONTENT_TYPE).and_then(|found| found.to_str().ok()).unwrap_or_default();
        if !response.status().is_success() || found != kind {
            let text = format!("the answer is `{found}`, not git's: is this the URL of a repository?");
            return Err(io::Error::other(text));
        }
        if matches!(self.phase, Phase::List) {
            let moved = response.url().as_str();
            if let Some(base) = moved.strip_suffix(LIST) {
                base.clone_into(&mut self.base.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        self.phase = Phase::Answer { response, piece: Vec::new(), read: 0 };
        Ok(())
    }

    fn runtime(&self) -> &Handle {
        self.network.runtime.handle()
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.open()?;
        let network = Arc::clone(&self.network);
        let Phase::Answer { response, piece, read } = &mut self.phase else { return Ok(0) };
        while *read == piece.len() {
            match network.runtime.block_on(network.piece(response)).map_err(failed)? {
                None => return Ok(0),
                Some(next) => {
                    *piece = next.as_ref().to_vec();
                    *read = 0;
                }
            }
        }
        let length = buffer.len().min(piece.len() - *read);
        buffer[..length].copy_from_slice(&piece[*read..*read + length]);
        *read += length;
        Ok(length)
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.phase {
            Phase::Ask(body) if body.len() + bytes.len() <= MOST_REQUEST => {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Phase::Ask(_) => Err(io::Error::other("the request grows beyond 16 MiB")),
            Phase::List | Phase::Answer { .. } => Err(io::Error::other("nothing can be written in this phase")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn parse(url: &str) -> io::Result<Url> {
    Url::parse(url).map_err(|error| io::Error::other(format!("it is not a URL: {error}")))
}

fn failed(trouble: Trouble) -> io::Error {
    match trouble {
        Trouble::Next(reason) | Trouble::Again { reason, .. } => io::Error::other(reason),
        Trouble::Store(error) => io::Error::other(error.to_string()),
    }
}

/// Stops libgit2 from within a callback.
pub(super) fn stop(reason: &str) -> Error {
    Error::new(ErrorCode::User, ErrorClass::Callback, reason)
}
