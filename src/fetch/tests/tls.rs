//! https, with a real server and an authority of our own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

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

fn serve(folder: &Path) -> Tls {
    run(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca",
    );
    run(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request.pem -subj /CN=server",
    );
    fs_err::write(folder.join("names"), "subjectAltName=DNS:archive.example\n").expect("written");
    run(
        folder,
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names",
    );
    let mut command = openssl(folder, "s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -WWW");
    let mut process = command.stdout(Stdio::piped()).spawn().expect("install the package openssl");
    let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let port =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
    Tls { process, port: port.expect("a port") }
}

#[test]
fn a_server_is_believed_when_an_authority_vouches_for_it() {
    let (folder, store) = store();
    let tls = serve(folder.path());
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
