//! A small HTTP/1.1 server whose answers are a function, and which can misbehave: break off, fall silent, count.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

/// What a client asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// How many requests for the same target came before.
    pub(super) earlier: usize,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Where the range that is asked for begins.
    pub(super) fn range(&self) -> Option<usize> {
        self.header("range").strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut: Option<usize>,
    silence: Duration,
    pause: Duration,
    endless: bool,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn ok(body: &[u8]) -> Self {
        Self { status: 200, body: body.to_vec(), ..Self::default() }
    }

    /// Honours a range, as servers do.
    pub(super) fn ranged(request: &Request, body: &[u8]) -> Self {
        match request.range().filter(|&start| start < body.len()) {
            Some(start) => Self { status: 206, body: body[start..].to_vec(), ..Self::default() }
                .with("Content-Range", &format!("bytes {start}-{}/{}", body.len() - 1, body.len())),
            None => Self::ok(body),
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Breaks off after so many bytes of the body, having promised all.
    pub(super) fn cut(self, after: usize) -> Self {
        Self { cut: Some(after), ..self }
    }

    /// Says nothing for so long before it breaks off or ends.
    pub(super) fn silent(self, time: Duration) -> Self {
        Self { silence: time, ..self }
    }

    /// Makes a pause after each tenth of the body.
    pub(super) fn slow(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Repeats the body until the client goes away, without promising a length.
    pub(super) fn endless(self) -> Self {
        Self { endless: true, ..self }
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// The server; ends when dropped.
pub(super) struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    now: AtomicUsize,
    most: AtomicUsize,
    ended: AtomicBool,
}

impl Server {
    pub(super) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            handler: Box::new(handler),
            requests: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, state) = (stream.expect("a connection"), Arc::clone(&shared));
                // clients may go away
                std::thread::spawn(move || drop(state.serve(stream)));
            }
        });
        Self { address, state }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}/{path}", self.address).parse().expect("a URL")
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().expect("requests").clone()
    }

    /// How many requests there were at once.
    pub(super) fn most(&self) -> usize {
        self.state.most.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the listener
    }
}

impl State {
    /// Counts how many answers are worked on at once.
    fn answer(&self, request: &Request) -> Reply {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let reply = (self.handler)(request);
        self.now.fetch_sub(1, Ordering::SeqCst);
        reply
    }

    /// One request per connection.
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = read(&mut BufReader::new(&mut stream))?;
        let reply = {
            let mut requests = self.requests.lock().expect("requests");
            request.earlier = requests.iter().filter(|earlier| earlier.target == request.target).count();
            requests.push(request.clone());
            drop(requests);
            self.answer(&request)
        };
        let mut head = format!("HTTP/1.1 {} Status\r\nConnection: close\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !reply.endless {
            head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        let body = &reply.body[..reply.cut.unwrap_or(reply.body.len())];
        for piece in body.chunks(body.len() / 10 + 1) {
            stream.write_all(piece)?;
            std::thread::sleep(reply.pause);
        }
        std::thread::sleep(reply.silence);
        if reply.endless {
            // no client reads so much of what should have ended long before
            for _ in 0..(1 << 30) / reply.body.len().max(1) {
                stream.write_all(&reply.body)?;
            }
        }
        Ok(())
    }
}

fn read(stream: &mut BufReader<&mut TcpStream>) -> std::io::Result<Request> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request.headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body)?;
    Ok(request)
}
