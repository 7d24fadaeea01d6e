//! Git's own protocol (`git://`, gitprotocol-pack(5)): one connection, read with the same patience as any other.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Instant;

use git2::Error;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use url::Url;

use super::super::pace::Pace;
use super::pack::PackWatch;
use super::transport::{MOST_LIST, Session, failed};

const PORT: u16 = 9418;

/// The connection to one repository.
pub(super) struct Daemon {
    pub(super) session: Session,
    pub(super) url: String,
}

impl SmartSubtransport for Daemon {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, Error> {
        match action {
            Service::UploadPackLs | Service::UploadPack => {
                let conversation = Conversation::open(&self.session, &self.url);
                Ok(Box::new(conversation.map_err(|error| Error::from_str(&error.to_string()))?))
            }
            Service::ReceivePackLs | Service::ReceivePack => Err(Error::from_str("pushing is not supported")),
        }
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

struct Conversation {
    stream: TcpStream,
    pace: Pace,
    watch: PackWatch,
    room: u64,
    stall: std::time::Duration,
}

impl Conversation {
    fn open(session: &Session, url: &str) -> io::Result<Self> {
        let other = |reason: &str| io::Error::other(reason.to_owned());
        let url = Url::parse(url).map_err(|error| other(&format!("it is not a URL: {error}")))?;
        let host = url.host_str().ok_or_else(|| other("the URL names no host"))?;
        let patience = session.patience;
        let mut last = other("the host has no address");
        let stream = addresses(session, host, url.port().unwrap_or(PORT))?.into_iter().find_map(|address| {
            TcpStream::connect_timeout(&address, patience.connect).map_err(|error| last = error).ok()
        });
        let mut stream = stream.ok_or_else(|| io::Error::new(last.kind(), format!("cannot connect: {last}")))?;
        stream.set_read_timeout(Some(patience.stall))?;
        stream.set_write_timeout(Some(patience.stall))?;
        // a user's repositories are named without a slash
        let path = url.path().strip_prefix('/').filter(|path| path.starts_with('~')).unwrap_or(url.path());
        let place = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let request = format!("git-upload-pack {path}\0host={place}\0");
        stream.write_all(format!("{:04x}{request}", request.len() + 4).as_bytes())?;
        let room = session.allowance.pack.saturating_add(MOST_LIST);
        let watch = PackWatch::new(session.allowance.clone());
        Ok(Self { stream, pace: Pace::new(&patience), watch, room, stall: patience.stall })
    }
}

/// The addresses of a host: those that are configured, else those that it has.
fn addresses(session: &Session, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let known = session.hosts.iter().filter(|(name, _)| name.eq_ignore_ascii_case(host));
    let known: Vec<SocketAddr> = known.map(|(_, address)| SocketAddr::new(*address, port)).collect();
    if !known.is_empty() {
        return Ok(known);
    }
    Ok((host.trim_matches(['[', ']']), port).to_socket_addrs()?.collect())
}

impl Read for Conversation {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = Instant::now();
        let read = self.stream.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                io::Error::other(format!("nothing came for {} seconds", self.stall.as_secs_f32()))
            }
            _ => error,
        })?;
        self.pace.took(since.elapsed(), read).map_err(failed)?;
        self.room = self.room.checked_sub(read as u64).ok_or_else(|| io::Error::other("the answer does not end"))?;
        self.watch.feed(&buffer[..read]).map_err(io::Error::other)?;
        Ok(read)
    }
}

impl Write for Conversation {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
