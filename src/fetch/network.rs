//! One client, one runtime: how bytes come over http, or from a `file://` URL, piece by piece.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, RETRY_AFTER};
use reqwest::{Request, RequestBuilder, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use url::Url;

use super::config::{FetchConfig, Patience, Proxy};
use super::error::FetchError;
use super::host::HostPort;
use super::netrc::{Login, Netrc};
use super::pace::Pace;
use super::redirect;
use super::tokens::Tokens;
use super::trouble::Trouble;
use crate::store::StoreError;

/// The runtime, the client and what they keep count of.
pub(super) struct Network {
    pub(super) runtime: Runtime,
    pub(super) client: reqwest::Client,
    pub(super) patience: Patience,
    netrc: Netrc,
    plain_logins: Vec<HostPort>,
    pub(super) token_services: Vec<(HostPort, HostPort)>,
    pub(super) tokens: Mutex<Tokens>,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    per_host: usize,
}

impl Network {
    pub(super) fn new(config: &FetchConfig) -> Result<Self, FetchError> {
        let failed = |reason: String| FetchError::Network { reason };
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("fetch").enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| failed(error.to_string()))?,
            client: client(config)?,
            patience: config.patience,
            netrc: config.credentials()?,
            plain_logins: config.plain_logins.clone(),
            token_services: config.token_services.clone(),
            tokens: Mutex::default(),
            hosts: Mutex::default(),
            per_host: config.connections_per_host.max(1),
        })
    }

    /// Adds the token for a repository of images, else the credentials for the host when the URL brings none.
    pub(super) fn authorise(&self, request: RequestBuilder, url: &Url) -> RequestBuilder {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner); // a map is never half-changed
        match tokens.of(url) {
            Some(token) => request.bearer_auth(token),
            None => with_login(request, self.login(url)),
        }
    }

    /// The credentials for the host and port of a URL that brings none: over https, or where a plain connection is
    /// allowed for that host.
    pub(super) fn login(&self, url: &Url) -> Option<&Login> {
        self.netrc.login(url).filter(|_| url.username().is_empty() && self.may_log_in(url))
    }

    fn may_log_in(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.plain_logins.iter().any(|host| host.covers(url)),
            _ => false,
        }
    }

    /// What to say beside a refusal when there are credentials that were not sent.
    fn withheld(&self, url: &Url) -> &'static str {
        match self.netrc.login(url).filter(|_| url.username().is_empty() && !self.may_log_in(url)) {
            Some(_) => {
                " (the login for this host is not sent over plain http; `plain-login` in the environment file allows it)"
            }
            None => "",
        }
    }

    /// A request for the bytes as they are.
    pub(super) fn get(&self, url: &Url) -> RequestBuilder {
        self.authorise(self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity"), url)
    }

    /// One request, one answer.
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Trouble> {
        let answer = tokio::time::timeout(self.patience.stall, self.client.execute(request)).await;
        answer.map_err(|_| self.silence())?.map_err(|error| transport(&error))
    }

    /// Gives up on what takes longer than a small file may take.
    pub(super) async fn soon<T>(&self, attempt: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let most = self.patience.document;
        let late = |_| Trouble::Slow(format!("it was not there after {} seconds", most.as_secs_f32()));
        tokio::time::timeout(most, attempt).await.map_err(late)?
    }

    /// Sends a request and sorts the answer: a success, 304 or 416, or trouble. A registry's wish for a token is
    /// fulfilled on the way.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let request = request.build().map_err(|error| Trouble::Next(error.to_string()))?;
        let again = request.try_clone();
        let mut response = self.execute(request).await?;
        if let (StatusCode::UNAUTHORIZED, Some(again)) = (response.status(), again)
            && let Some(again) = self.with_token(&response, again).await?
        {
            response = self.execute(again).await?;
        }
        let status = response.status();
        if status.is_success() || matches!(status, StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE) {
            return Ok(response);
        }
        let withheld = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.withheld(response.url()),
            _ => "",
        };
        let reason = format!("the server says {status}{withheld}");
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        if status.is_server_error() || later.contains(&status) {
            return Err(Trouble::Again { reason, after: retry_after(&response) });
        }
        Err(Trouble::Next(reason))
    }

    /// The next piece of a body, unless its sender is silent or slow.
    pub(super) async fn piece(
        &self,
        response: &mut Response,
        pace: &mut Pace,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, Trouble> {
        let since = Instant::now();
        let piece = tokio::time::timeout(self.patience.stall, response.chunk()).await;
        let piece = piece.map_err(|_| self.silence())?.map_err(|error| transport(&error))?;
        if let Some(bytes) = &piece {
            pace.took(since.elapsed(), bytes.len())?;
        }
        Ok(piece)
    }

    /// Hands the body to `take`, piece by piece; at most `room` bytes are accepted.
    pub(super) async fn body(
        &self,
        mut response: Response,
        room: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), Trouble> {
        if let Some(promised) = promised(&response).filter(|&promised| promised > room) {
            return Err(too_long(room, Some(promised)));
        }
        let (mut left, mut pace) = (room, Pace::new(&self.patience));
        while let Some(piece) = self.piece(&mut response, &mut pace).await? {
            let piece = piece.as_ref();
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| too_long(room, None))?;
            take(piece)?;
        }
        Ok(())
    }

    fn silence(&self) -> Trouble {
        Trouble::Slow(format!("nothing came for {} seconds", self.patience.stall.as_secs_f32()))
    }

    /// Who may transfer from the host of a URL.
    pub(super) fn host(&self, url: &Url) -> Arc<Semaphore> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner); // a map is never half-changed
        Arc::clone(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(self.per_host))))
    }
}

/// Adds the login to the request, where there is one.
pub(super) fn with_login(request: RequestBuilder, login: Option<&Login>) -> RequestBuilder {
    match login {
        Some(login) => request.basic_auth(&login.name, Some(&login.password)),
        None => request,
    }
}

/// Opens the file of a `file://` URL.
pub(super) fn local_file(url: &Url) -> Result<std::fs::File, Trouble> {
    let path = url.to_file_path().map_err(|()| Trouble::Next("it names no file of this machine".to_owned()))?;
    crate::file::open(&path).map_err(|error| Trouble::Next(error.to_string()))
}

/// Hands a `file://` URL's content to `take`, from `skip` on; at most `room` bytes are accepted.
pub(super) fn local_body(
    url: &Url,
    skip: u64,
    room: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), Trouble> {
    use std::io::{Seek as _, SeekFrom};
    let failed = |error: std::io::Error| Trouble::Next(error.to_string());
    let mut file = local_file(url)?;
    file.seek(SeekFrom::Start(skip)).map_err(failed)?;
    let (mut buffer, mut left) = (vec![0; 1 << 16], room);
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(());
        }
        left = left.checked_sub(read as u64).ok_or_else(|| too_long(room, None))?;
        take(&buffer[..read])?;
    }
}

/// The length that the answer's header promises. Not that of the client library, which knows the body's.
pub(super) fn promised(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_long(room: u64, promised: Option<u64>) -> Trouble {
    let more = promised.map_or_else(|| "more".to_owned(), |promised| promised.to_string());
    Trouble::Next(format!("expected {room} bytes at most, found {more}"))
}

/// What a failure of the connection means, in the words of its deepest cause.
fn transport(error: &reqwest::Error) -> Trouble {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = match error {
        error if error.is_connect() => "cannot connect",
        error if error.is_timeout() => "it took too long",
        error if error.is_redirect() => return Trouble::Next(cause.to_string()),
        error if error.is_builder() => return Trouble::Next("it is not a URL that can be fetched".to_owned()),
        error if error.is_body() || error.is_decode() => "the answer broke off",
        _ => "the transfer failed",
    };
    Trouble::Again { reason: format!("{what}: {cause}"), after: None }
}

/// `Retry-After` in seconds; as a date it is ignored, for what the time is must not matter.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn client(config: &FetchConfig) -> Result<reqwest::Client, FetchError> {
    let certificates = config.certificates()?;
    let build = |closed: bool| -> Result<_, FetchError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&config.user_agent)
            .referer(false)
            .redirect(redirect::policy())
            .connect_timeout(config.patience.connect)
            .pool_max_idle_per_host(config.connections_per_host);
        for (name, address) in &config.hosts {
            builder = builder.resolve(name, std::net::SocketAddr::new(*address, 0));
        }
        builder = match (config.proxy()?, &config.proxy) {
            (Some(proxy), _) => builder.proxy(proxy),
            (None, Proxy::System) => builder,
            (None, _) => builder.no_proxy(),
        };
        builder = match closed {
            true => builder.tls_certs_only(certificates.clone()),
            false => builder.tls_certs_merge(certificates.clone()),
        };
        if let Some(identity) = config.identity()? {
            builder = builder.identity(identity);
        }
        Ok(builder.build())
    };
    // A machine without any certificate of an authority can still use http, and https with those configured.
    let client = match build(false)? {
        Ok(client) => Ok(client),
        Err(_) => build(true)?,
    };
    client.map_err(|error| FetchError::Network { reason: error.to_string() })
}
