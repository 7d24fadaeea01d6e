//! Git's smart protocol over http, for libgit2, through the client that everything else uses.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ConfigLevel, Error, ErrorClass, ErrorCode};
use reqwest::Response;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use url::Url;

use super::super::backoff;
use super::super::config::Patience;
use super::super::network::Network;
use super::super::pace::Pace;
use super::super::trouble::Trouble;
use super::allowance::Allowance;
use super::daemon::Daemon;
use super::pack::PackWatch;

/// A negotiation says which commits are wanted; ours starts from nothing and needs a few hundred bytes.
const MOST_REQUEST: usize = 16 << 20;

/// How much of packs libgit2 maps at once, and how many bytes of objects it keeps: peak memory is a promise.
const MOST_MAPPED: usize = 128 << 20;
const MOST_CACHED: isize = 32 << 20;
/// What a server may say beside the pack.
const MOST_WORDS: u64 = 64 << 20;
/// Far more than the largest repositories list.
pub(super) const MOST_LIST: u64 = 256 << 20;

/// What the transports of one checkout work with.
#[derive(Clone)]
pub(super) struct Session {
    /// The client for http and https.
    pub(super) network: Option<Arc<Network>>,
    pub(super) patience: Patience,
    pub(super) hosts: Vec<(String, IpAddr)>,
    pub(super) allowance: Allowance,
}

thread_local! {
    /// What the transports made on this thread work with: libgit2 makes them deep inside its own calls.
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Runs something on this thread with this session behind all transports.
pub(super) fn with_session<T>(session: Session, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Session>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SESSION.set(self.0.take());
        }
    }
    let _restore = Restore(SESSION.replace(Some(session)));
    run()
}

fn session() -> Result<Session, Error> {
    SESSION.with_borrow(Clone::clone).ok_or_else(|| Error::from_str("the network was not set up for git"))
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
                let Session { network, allowance, .. } = session()?;
                let network = network.ok_or_else(|| Error::from_str("the network was not set up for git"))?;
                let base = remote.url()?.trim_end_matches('/').to_owned();
                let asked = Url::parse(&base).map_err(|error| Error::from_str(&format!("it is not a URL: {error}")))?;
                let place = Place { asked, base: Mutex::new(base) };
                Transport::smart(remote, true, Http { network, allowance, place: Arc::new(place) })
            })?;
        }
        git2::transport::register("git", |remote| {
            let (session, url) = (session()?, remote.url()?.to_owned());
            Transport::smart(remote, false, Daemon { session, url })
        })?;
    }
    Ok(())
}

/// The connection to one repository.
struct Http {
    network: Arc<Network>,
    allowance: Allowance,
    place: Arc<Place>,
}

/// Where a repository is.
struct Place {
    /// Where it was asked for.
    asked: Url,
    /// Where it is; a redirection of the first request moves it.
    base: Mutex<String>,
}

impl Place {
    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a URL is of the scheme, host and port that were asked for, and gets their credentials.
    fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.asked.origin()
    }

    /// Goes to where the first request was redirected. The client made sure that the connection is no weaker.
    fn move_to(&self, network: &Network, answered: &Url) -> io::Result<()> {
        let Some(base) = answered.as_str().strip_suffix(LIST) else { return Ok(()) };
        let known = network.login(&self.asked).is_some() || !self.asked.username().is_empty();
        if known && !self.is_home(answered) {
            let reason = format!(
                "it redirects to `{}`, where the login for `{}` is not sent: name that repository instead",
                answered.origin().ascii_serialization(),
                self.asked.host_str().unwrap_or_default()
            );
            return Err(io::Error::other(reason));
        }
        base.clone_into(&mut self.base.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

impl SmartSubtransport for Http {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, Error> {
        let request = match action {
            Service::UploadPackLs => Phase::List,
            Service::UploadPack => Phase::Ask(Vec::new()),
            Service::ReceivePackLs | Service::ReceivePack => return Err(Error::from_str("pushing is not supported")),
        };
        let (network, place) = (Arc::clone(&self.network), Arc::clone(&self.place));
        Ok(Box::new(Exchange { network, allowance: self.allowance.clone(), place, phase: request }))
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// One request and its answer.
struct Exchange {
    network: Arc<Network>,
    allowance: Allowance,
    place: Arc<Place>,
    phase: Phase,
}

enum Phase {
    /// The list of references is wanted.
    List,
    /// A request is being written.
    Ask(Vec<u8>),
    /// The answer is being read.
    Answer(Box<Reading>),
}

/// An answer on its way.
struct Reading {
    response: Response,
    piece: Vec<u8>,
    read: usize,
    room: u64,
    pace: Pace,
    watch: PackWatch,
}

const LIST: &str = "/info/refs?service=git-upload-pack";

impl Exchange {
    fn open(&mut self) -> io::Result<()> {
        let (target, kind, room) = match &self.phase {
            Phase::Answer(_) => return Ok(()),
            Phase::List => (LIST, "application/x-git-upload-pack-advertisement", MOST_LIST),
            // beside the pack come a few words on the server's progress
            Phase::Ask(_) => {
                let room = self.allowance.pack.saturating_add(MOST_WORDS);
                ("/git-upload-pack", "application/x-git-upload-pack-result", room)
            }
        };
        let response = self.send(&parse(&format!("{}{target}", self.place.base()))?, kind)?;
        let found = response.headers().get(CONTENT_TYPE).and_then(|found| found.to_str().ok()).unwrap_or_default();
        if !response.status().is_success() || found != kind {
            let text = format!("the answer is `{found}`, not git's: is this the URL of a repository?");
            return Err(io::Error::other(text));
        }
        if matches!(self.phase, Phase::List) {
            self.place.move_to(&self.network, response.url())?;
        }
        let (pace, watch) = (Pace::new(&self.network.patience), PackWatch::new(self.allowance.clone()));
        self.phase = Phase::Answer(Box::new(Reading { response, piece: Vec::new(), read: 0, room, pace, watch }));
        Ok(())
    }

    /// Sends the request until it is answered, with patience for a server in trouble.
    fn send(&self, url: &Url, kind: &'static str) -> io::Result<Response> {
        let (network, mut attempt) = (&self.network, 0);
        loop {
            let request = match &self.phase {
                Phase::Ask(body) => {
                    let post = network.client.post(url.clone()).body(body.clone()).header(ACCEPT, kind);
                    post.header(CONTENT_TYPE, "application/x-git-upload-pack-request")
                }
                Phase::List | Phase::Answer(_) => network.client.get(url.clone()),
            };
            let request = match self.place.is_home(url) {
                true => network.authorise(request, url),
                false => request,
            };
            match network.runtime.block_on(network.send(request.header(ACCEPT_ENCODING, "identity"))) {
                Err(trouble @ (Trouble::Again { .. } | Trouble::Slow(_)))
                    if attempt + 1 < network.patience.attempts =>
                {
                    let after = if let Trouble::Again { after, .. } = trouble { after } else { None };
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
        let Phase::Answer(reading) = &mut self.phase else { return Ok(0) };
        reading.take(&self.network, buffer)
    }
}

impl Reading {
    fn take(&mut self, network: &Network, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            let next = network.runtime.block_on(network.piece(&mut self.response, &mut self.pace)).map_err(failed)?;
            let Some(next) = next else { return Ok(0) };
            self.piece = next.as_ref().to_vec();
            self.read = 0;
            let left = self.room.checked_sub(self.piece.len() as u64);
            self.room = left.ok_or_else(|| io::Error::other("the answer does not end"))?;
            self.watch.feed(&self.piece).map_err(io::Error::other)?;
        }
        let length = buffer.len().min(self.piece.len() - self.read);
        buffer[..length].copy_from_slice(&self.piece[self.read..self.read + length]);
        self.read += length;
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
            Phase::List | Phase::Answer(_) => Err(io::Error::other("nothing can be written in this phase")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn parse(url: &str) -> io::Result<Url> {
    Url::parse(url).map_err(|error| io::Error::other(format!("it is not a URL: {error}")))
}

pub(super) fn failed(trouble: Trouble) -> io::Error {
    match trouble {
        Trouble::Next(reason) | Trouble::Slow(reason) | Trouble::Again { reason, .. } => io::Error::other(reason),
        Trouble::Store(error) => io::Error::other(error.to_string()),
    }
}

/// Stops libgit2 from within a callback.
pub(super) fn stop(reason: &str) -> Error {
    Error::new(ErrorCode::User, ErrorClass::Callback, reason)
}
