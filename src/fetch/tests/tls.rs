//! https, with a real server and an authority of our own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::server::{Reply, Server};
use super::*;

/// `openssl s_server`, which serves the files of its folder; ends when dropped.
struct Tls {
    process: Child,
    port: u16,
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments.split(' ')).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &str) {
    let status = openssl(folder, arguments).stdout(Stdio::null()).status();
    assert!(status.expect("install the package openssl").success(), "openssl {arguments}");
}

/// With `-WWW` the files are bodies, with `-HTTP` whole answers.
fn serve(folder: &Path, mode: &str) -> Tls {
    run(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca",
    );
    run(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request.pem -subj /CN=server",
    );
    fs_err::write(folder.join("names"), "subjectAltName=DNS:archive.example,DNS:localhost\n").expect("written");
    run(
        folder,
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names",
    );
    let arguments = format!("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem {mode}");
    let mut command = openssl(folder, &arguments);
    let mut process = command.stdout(Stdio::piped()).spawn().expect("install the package openssl");
    let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let port =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
    Tls { process, port: port.expect("a port") }
}

#[test]
fn a_server_is_believed_when_an_authority_vouches_for_it() {
    let (folder, store) = store();
    let tls = serve(folder.path(), "-WWW");
    fs_err::write(folder.path().join("file"), "over tls").expect("written");
    let url: Url = format!("https://archive.example:{}/file", tls.port).parse().expect("a URL");
    let wants = [want("file", b"over tls", &[url])];
    let config = FetchConfig { hosts: vec![("archive.example".to_owned(), [127, 0, 0, 1].into())], ..config() };
    let error =
        Fetcher::new(config.clone()).expect("a fetcher").fetch(&store, &wants, &()).expect_err("nobody vouches");
    assert!(error.to_string().contains("certificate"), "{error}");
    let trusting = FetchConfig { authorities: vec![folder.path().join("ca.pem")], ..config };
    // the body of -WWW has no length, so its end is that of the connection
    Fetcher::new(trusting).expect("a fetcher").fetch(&store, &wants, &()).expect("fetched");
    assert!(stored(&store, b"over tls"));
}

/// A fetcher that believes the server, with credentials for it and for another place.
fn trusting(folder: &Path, port: u16, other: u16) -> Fetcher {
    let netrc = folder.join("netrc");
    let text = format!(
        "machine archive.example:{port} login me password s3cret\nmachine 127.0.0.1:{other} login me password s3cret\n"
    );
    fs_err::write(&netrc, text).expect("written");
    let hosts = vec![("archive.example".to_owned(), [127, 0, 0, 1].into())];
    let authorities = vec![folder.join("ca.pem")];
    Fetcher::new(FetchConfig { hosts, authorities, netrc: Some(netrc), ..config() }).expect("a fetcher")
}

#[test]
fn no_redirection_leads_from_https_to_http_or_to_a_file() {
    let (folder, store) = store();
    let other = Server::start(|_| Reply::ok(b"in the clear"));
    let tls = serve(folder.path(), "-HTTP");
    let redirect = |path: &str, to: &str| {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        fs_err::write(path, answer).expect("written");
    };
    redirect("plain", other.url("x").as_str());
    redirect("file", "file:///etc/passwd");
    redirect("x.git/info/refs?service=git-upload-pack", other.url("x.git/info/refs?service=git-upload-pack").as_str());
    redirect("v2/a/manifests/1", other.url("v2/a/manifests/1").as_str());
    let fetcher = trusting(folder.path(), tls.port, other.port());
    let url = |path: &str| -> Url { format!("https://archive.example:{}/{path}", tls.port).parse().expect("a URL") };
    let errors = [
        fetcher.fetch(&store, &[want("x", b"in the clear", &[url("plain")])], &()).expect_err("refused"),
        fetcher.pin(&store, "x", &[url("plain")], &()).expect_err("refused"),
        fetcher.document(&[url("plain")], 100).expect_err("refused"),
        fetcher.manifest(&url("v2/a/manifests/1")).expect_err("refused"),
        fetcher.git_list(url("x.git").as_str()).expect_err("refused"),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.contains("redirects to `http://127.0.0.1`, away from an encrypted connection"), "{text}");
    }
    let error = fetcher.document(&[url("file")], 1 << 20).expect_err("refused").to_string();
    assert!(!error.contains("root:"), "{error}");
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

#[test]
fn a_repository_with_a_login_is_not_followed_to_another_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = serve(folder.path(), "-HTTP");
    let path = folder.path().join("x.git/info/refs?service=git-upload-pack");
    fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
    // the same server by another name
    let place = format!("https://localhost:{}/y.git/info/refs?service=git-upload-pack", tls.port);
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    fs_err::write(path, answer).expect("written");
    let path = folder.path().join("y.git/info/refs?service=git-upload-pack");
    fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
    let kind = "application/x-git-upload-pack-advertisement";
    fs_err::write(path, format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n"))
        .expect("written");
    let fetcher = trusting(folder.path(), tls.port, 1);
    let url = format!("https://archive.example:{}/x.git", tls.port);
    let error = fetcher.git_list(&url).expect_err("refused").to_string();
    assert!(error.contains("where the login for `archive.example` is not sent"), "{error}");
}
