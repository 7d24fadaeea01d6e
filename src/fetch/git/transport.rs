//! Git's smart protocol over http, for libgit2, through the client that everything else uses.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ConfigLevel, Error, ErrorClass, ErrorCode};
use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use url::Url;

use super::super::backoff;
use super::super::network::{Network, Trouble};

/// A negotiation says which commits are wanted; ours starts from nothing and needs a few hundred bytes.
const MOST_REQUEST: usize = 16 << 20;

/// How much of packs libgit2 maps at once, and how many bytes of objects it keeps: peak memory is a promise.
const MOST_MAPPED: usize = 128 << 20;
const MOST_CACHED: isize = 32 << 20;
/// Far more than the largest repositories list.
const MOST_LIST: u64 = 256 << 20;

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
        git2::opts::set_mwindow_mapped_limit(MOST_MAPPED)?;
        git2::opts::set_cache_max_size(MOST_CACHED)?;
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
    Answer { response: Response, piece: Vec<u8>, read: usize, room: u64 },
}

const LIST: &str = "/info/refs?service=git-upload-pack";

impl Exchange {
    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open(&mut self) -> io::Result<()> {
        let (target, kind, room) = match &self.phase {
            Phase::Answer { .. } => return Ok(()),
            Phase::List => (LIST, "application/x-git-upload-pack-advertisement", MOST_LIST),
            // how much comes is watched where the pack is written
            Phase::Ask(_) => ("/git-upload-pack", "application/x-git-upload-pack-result", u64::MAX),
        };
        let response = self.send(&parse(&format!("{}{target}", self.base()))?, kind)?;
        let found = response.headers().get(CONTENT_TYPE).and_then(|found| found.to_str().ok()).unwrap_or_default();
        if !response.status().is_success() || found != kind {
            let text = format!("the answer is `{found}`, not git's: is this the URL of a repository?");
            return Err(io::Error::other(text));
        }
        if matches!(self.phase, Phase::List)
            && let Some(base) = response.url().as_str().strip_suffix(LIST)
        {
            base.clone_into(&mut self.base.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.phase = Phase::Answer { response, piece: Vec::new(), read: 0, room };
        Ok(())
    }

    /// Sends the request until it is answered, with patience for a server in trouble.
    fn send(&self, url: &Url, kind: &'static str) -> io::Result<Response> {
        let (network, mut attempt) = (&self.network, 0);
        loop {
            let request = match &self.phase {
                Phase::Ask(body) => {
                    let post = network.client.post(url.clone()).body(body.clone()).header(ACCEPT, kind);
                    network.authorise(post.header(CONTENT_TYPE, "application/x-git-upload-pack-request"), url)
                }
                Phase::List | Phase::Answer { .. } => network.get(url),
            };
            match network.runtime.block_on(network.send(request)) {
                Err(Trouble::Again { after, .. }) if attempt + 1 < network.patience.attempts => {
                    let pause = after.unwrap_or_else(|| backoff::pause(&network.patience, attempt));
                    std::thread::sleep(pause.min(network.patience.longest_pause));
                    attempt += 1;
                }
                outcome => return outcome.map_err(failed),
            }
        }
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.open()?;
        let network = Arc::clone(&self.network);
        let Phase::Answer { response, piece, read, room } = &mut self.phase else { return Ok(0) };
        while *read == piece.len() {
            match network.runtime.block_on(network.piece(response)).map_err(failed)? {
                None => return Ok(0),
                Some(next) => {
                    *piece = next.as_ref().to_vec();
                    let left = room.checked_sub(piece.len() as u64);
                    *room = left.ok_or_else(|| io::Error::other("the list of references does not end"))?;
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
