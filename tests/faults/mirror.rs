//! An HTTP mirror on loopback that serves files as they are, or as mirrors in trouble do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How a mirror answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Good,
    /// The right number of bytes, one of them another one.
    OtherBytes,
    /// Half of the file, as if it were all of it.
    Truncated,
    /// Breaks off in the middle of what it promised.
    Cut,
    /// Falls silent in the middle of what it promised.
    Stalled,
    /// Bytes come, one now and then.
    Trickle,
    /// It is in trouble, and says so.
    Failing(u16),
    /// A page of a network's login, in place of every file.
    LoginPage,
    /// Goes away without an answer.
    Closed,
}

impl Manner {
    /// Those that mirrors in trouble have and that cost no patience.
    pub(crate) const QUICK: &[Self] = &[
        Self::OtherBytes,
        Self::Truncated,
        Self::Cut,
        Self::Failing(500),
        Self::Failing(503),
        Self::LoginPage,
        Self::Closed,
    ];
    /// Those that cost the client its patience.
    pub(crate) const SLOW: &[Self] = &[Self::Stalled, Self::Trickle];
}

type Files = dyn Fn(&str) -> Option<PathBuf> + Send + Sync;

/// The server; ends when dropped, or after so many requests as no test needs.
pub(crate) struct Mirror {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    manner: Manner,
    files: Box<Files>,
    requests: AtomicUsize,
    ended: AtomicBool,
    /// Bytes a second and connection; as many as there are when zero.
    rate: u64,
}

const MOST_REQUESTS: usize = 1_000_000;
/// Longest that an answer is held back.
const LONGEST: Duration = Duration::from_secs(600);

impl Mirror {
    /// One that answers in this manner, with the files that `files` finds for the paths of URLs.
    pub(crate) fn start(
        manner: Manner,
        rate: u64,
        files: impl Fn(&str) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let ended = AtomicBool::new(false);
        let state = Arc::new(State { manner, files: Box::new(files), requests: AtomicUsize::new(0), ended, rate });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), state) = (stream, Arc::clone(&shared)) else { continue };
                // clients go away when they have heard enough
                std::thread::spawn(move || drop(state.serve(stream)));
            }
        });
        Self { address, state }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests it had.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the listener
    }
}

impl State {
    /// One request per connection.
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let count = self.requests.fetch_add(1, Ordering::SeqCst);
        assert!(count < MOST_REQUESTS, "a client that never stops asking");
        let (path, range) = read(&mut BufReader::new(&mut stream).take(64 << 10))?;
        let (body, start) = match ((self.files)(&path), self.manner) {
            (_, Manner::Closed) => return Ok(()),
            (_, Manner::Failing(status)) => return head(&mut stream, status, 0, None),
            (_, Manner::LoginPage) => (b"<html><body>Please log in</body></html>".to_vec(), 0),
            (None, _) => return head(&mut stream, 404, 0, None),
            (Some(file), _) => {
                let body = fs_err::read(file)?;
                let start = range.filter(|&start| start < body.len()).unwrap_or(0);
                (body, start)
            }
        };
        let whole = body.len();
        let mut body = body[start..].to_vec();
        let status = if start > 0 { 206 } else { 200 };
        let middle = body.len() / 2;
        match self.manner {
            Manner::OtherBytes => body[middle] ^= 1,
            Manner::Truncated => body.truncate(middle),
            _ => {}
        }
        head(&mut stream, status, body.len(), (status == 206).then_some((start, whole)))?;
        match self.manner {
            Manner::Cut => stream.write_all(&body[..middle]),
            Manner::Stalled => {
                stream.write_all(&body[..middle])?;
                self.hold(&mut stream, &[])
            }
            Manner::Trickle => self.hold(&mut stream, &body),
            _ => self.paced(&mut stream, &body),
        }
    }

    fn paced(&self, stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
        if self.rate == 0 {
            return stream.write_all(body);
        }
        for piece in body.chunks(usize::try_from(self.rate / 100).unwrap_or(1).max(1)) {
            stream.write_all(piece)?;
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Gives a byte every second until the client has had enough.
    fn hold(&self, stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        let since = Instant::now();
        let mut bytes = bytes.iter();
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        while since.elapsed() < LONGEST && !self.ended.load(Ordering::SeqCst) {
            if let Some(byte) = bytes.next() {
                stream.write_all(&[*byte])?;
            }
            // it says nothing more: an end means that it went away
            if stream.read(&mut [0; 64]).is_ok_and(|read| read == 0) {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn head(stream: &mut TcpStream, status: u16, length: usize, range: Option<(usize, usize)>) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {length}\r\n");
    if let Some((start, whole)) = range {
        text.push_str(&format!("Content-Range: bytes {start}-{}/{whole}\r\n", whole - 1));
    }
    stream.write_all(format!("{text}\r\n").as_bytes())
}

/// The path of the request without its first slash, and where the range begins that is asked for.
fn read(stream: &mut impl std::io::BufRead) -> std::io::Result<(String, Option<usize>)> {
    let mut lines = stream.lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').replace("%2B", "+");
    let mut range = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("range")
        {
            range = value.strip_prefix("bytes=").and_then(|value| value.strip_suffix('-')?.parse().ok());
        }
    }
    Ok((path, range))
}
