//! Where credentials go, and above all where they do not.

use super::server::{Reply, Request, Server};
use super::*;

const LOGIN: &str = "Basic bWU6czNjcmV0";

/// A fetcher with credentials for these hosts; those of `plain` also in the clear.
fn fetcher_for(folder: &std::path::Path, hosts: &[String], plain: &[String]) -> Fetcher {
    let netrc = folder.join("netrc");
    let text: String = hosts.iter().map(|host| format!("machine {host} login me password s3cret\n")).collect();
    fs_err::write(&netrc, text).expect("written");
    let plain_logins = plain.iter().map(|host| host.parse().expect("a host")).collect();
    Fetcher::new(FetchConfig { netrc: Some(netrc), plain_logins, ..config() }).expect("a fetcher")
}

fn place(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

fn sent(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| request.header("authorization").to_owned()).collect()
}

#[test]
fn a_plain_connection_gets_no_login_unless_it_is_allowed_for_that_host_and_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|request| match request.header("authorization") {
        LOGIN => Reply::ok(b"hello"),
        _ => Reply::status(401),
    });
    let here = place(&server);
    for plain in [vec![], vec!["127.0.0.1".to_owned()], vec!["127.0.0.1:1".to_owned()]] {
        let fetcher = fetcher_for(folder.path(), std::slice::from_ref(&here), &plain);
        let error = fetcher.document(&[server.url("x")], 100).expect_err("nobody").to_string();
        assert!(error.contains("401 Unauthorized") && error.contains("plain-login"), "{error}");
    }
    assert!(sent(&server).iter().all(String::is_empty), "{:?}", sent(&server));
    let fetcher = fetcher_for(folder.path(), std::slice::from_ref(&here), std::slice::from_ref(&here));
    assert_eq!(fetcher.document(&[server.url("x")], 100).expect("allowed").bytes, b"hello");
}

#[test]
fn a_login_is_for_one_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let [mine, other] = [0, 1].map(|_| Server::start(|_| Reply::ok(b"hello")));
    let plain = [place(&mine), place(&other)];
    let fetcher = fetcher_for(folder.path(), &[place(&mine), "127.0.0.1".to_owned()], &plain);
    for server in [&mine, &other] {
        fetcher.document(&[server.url("x")], 100).expect("read");
    }
    assert_eq!((sent(&mine), sent(&other)), (vec![LOGIN.to_owned()], vec![String::new()]));
}

#[test]
fn a_redirection_to_another_port_or_host_takes_no_login_along_and_finds_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Server::start(|_| Reply::ok(b"hello"));
    let target = other.url("x").to_string();
    let server = Server::start(move |_| Reply::status(302).with("Location", &target));
    // there is a login for the other place too, but no recipe named that place
    let both = [place(&server), place(&other)];
    let fetcher = fetcher_for(folder.path(), &both, &both);
    fetcher.document(&[server.url("x")], 100).expect("read");
    assert_eq!((sent(&server), sent(&other)), (vec![LOGIN.to_owned()], vec![String::new()]));
}

#[test]
fn a_git_server_that_moves_to_another_host_gets_no_login_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Server::start(|_| Reply::status(404));
    let target = other.url("x.git/info/refs?service=git-upload-pack").to_string();
    let server = Server::start(move |_| Reply::status(302).with("Location", &target));
    let fetcher = fetcher_for(folder.path(), &[place(&other)], &[place(&other)]);
    assert!(fetcher.git_list(server.url("x.git").as_str()).is_err());
    assert!(!other.requests().is_empty() && sent(&other).iter().all(String::is_empty), "{:?}", sent(&other));
}

/// What a registry says that wants a token from `realm`.
fn challenge(realm: &Url) -> Reply {
    Reply::status(401).with("WWW-Authenticate", &format!("Bearer realm=\"{realm}\",scope=\"repository:private:pull\""))
}

#[test]
fn a_registry_cannot_have_a_token_made_with_the_login_of_another_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = |_: &Request| Reply::ok(br#"{"token":"abc.def"}"#);
    let service = Server::start(token);
    let realm = service.url("token");
    let evil = Server::start(move |_| challenge(&realm));
    let fetcher = fetcher_for(folder.path(), &[place(&service)], &[place(&service)]);
    assert!(fetcher.manifest(&evil.url("v2/a/manifests/1")).is_err());
    assert!(service.requests().iter().all(|request| request.header("authorization").is_empty()));
}

#[test]
fn who_a_registry_redirects_to_does_not_speak_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let evil = Server::start(|request| match request.target.starts_with("/token") {
        true => Reply::ok(br#"{"token":"abc.def"}"#),
        false => challenge(&format!("http://{}/token", request.header("host")).parse().expect("a URL")),
    });
    let away = evil.url("v2/a/blobs/1").to_string();
    let registry = Server::start(move |_| Reply::status(307).with("Location", &away));
    let both = [place(&registry), place(&evil)];
    let fetcher = fetcher_for(folder.path(), &both, &both);
    let error = fetcher.manifest(&registry.url("v2/a/manifests/1")).expect_err("refused").to_string();
    assert!(error.contains("401 Unauthorized"), "{error}");
    assert!(sent(&evil).iter().all(String::is_empty), "{:?}", sent(&evil));
    assert!(!evil.requests().iter().any(|request| request.target.starts_with("/token")));
}
