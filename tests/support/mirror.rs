//! The mirrors that the apt sources of this machine name, and one on loopback before them whose releases stand still.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The archives that there are mirrors of.
const ARCHIVES: [&str; 2] = ["debian", "debian-security"];

/// This machine's own mirror of an archive; none is written down here.
pub(crate) fn of_this_machine(archive: &str) -> String {
    let folder = fs_err::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let files = folder.map(|entry| entry.path()).chain([PathBuf::from("/etc/apt/sources.list")]);
    let text: String = files.filter_map(|file| fs_err::read_to_string(file).ok()).collect();
    let mut urls = text.split_whitespace().filter(|word| word.contains("://")).map(|url| url.trim_end_matches('/'));
    let wanted = |url: &&str| url.rsplit('/').next() == Some(archive);
    urls.find(wanted).unwrap_or_else(|| panic!("the host's apt sources name no mirror of `{archive}`")).to_owned()
}

/// A mirror of an archive for two programs whose results are compared. A content delivery network may answer two requests
/// with releases of different days, the older one last; here, each release file is asked for once.
pub(crate) fn steady(archive: &str) -> String {
    static STEADY: OnceLock<SocketAddr> = OnceLock::new();
    format!("http://{}/{archive}", STEADY.get_or_init(start))
}

/// The lines of an environment file that name [`steady`] mirrors.
pub(crate) fn steady_environment() -> String {
    let mut text = String::new();
    for archive in ARCHIVES {
        let _ = writeln!(text, "mirror \"{archive}\" \"{}\"", steady(archive));
    }
    text
}

/// Serves until the tests end.
fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let proxy: &Proxy = Box::leak(Box::new(Proxy::new()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // clients go away when they have heard enough
            std::thread::spawn(move || drop(proxy.serve(stream)));
        }
    });
    address
}

/// Status and body of an answer.
type Answer = (u16, Vec<u8>);

struct Proxy {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    /// By path.
    releases: Mutex<BTreeMap<String, Answer>>,
}

impl Proxy {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { runtime, client: reqwest::Client::new(), releases: Mutex::default() }
    }

    /// One request per connection; one that cannot be read or passed on ends it.
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut line = String::new();
        let mut request = BufReader::new((&mut stream).take(64 << 10));
        request.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while request.read_line(&mut line)? > 2 {} // headers, up to the empty line
        let name = path.rsplit('/').next().unwrap_or_default();
        if ["InRelease", "Release", "Release.gpg"].contains(&name) {
            let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
            if !releases.contains_key(&path) {
                let answer = self.runtime.block_on(self.whole(&path)).map_err(std::io::Error::other)?;
                releases.insert(path.clone(), answer);
            }
            let (status, body) = &releases[&path];
            head(&mut stream, *status, Some(body.len() as u64))?;
            return stream.write_all(body);
        }
        let mut answer = self.runtime.block_on(self.ask(&path)).map_err(std::io::Error::other)?;
        head(&mut stream, answer.status().as_u16(), answer.content_length())?;
        while let Some(piece) = self.runtime.block_on(answer.chunk()).map_err(std::io::Error::other)? {
            stream.write_all(&piece)?;
        }
        Ok(())
    }

    async fn ask(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let (archive, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        let archive = ARCHIVES.into_iter().find(|one| *one == archive).expect("a path below a steady mirror");
        self.client.get(format!("{}/{rest}", of_this_machine(archive))).send().await
    }

    async fn whole(&self, path: &str) -> reqwest::Result<Answer> {
        let answer = self.ask(path).await?;
        Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
    }
}

fn head(stream: &mut TcpStream, status: u16, length: Option<u64>) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
    if let Some(length) = length {
        let _ = write!(text, "Content-Length: {length}\r\n");
    }
    stream.write_all((text + "\r\n").as_bytes())
}
