//! Registries that want a token.

use std::sync::Arc;

use super::server::{Reply, Request, Server};
use super::*;

const BLOB: &[u8] = b"a layer";

#[test]
fn an_expired_token_is_replaced() {
    let address = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&address);
    let server = Server::start(move |request| match request.target.starts_with("/token") {
        true => Reply::ok(format!("{{\"token\":\"number-{}\"}}", request.earlier).as_bytes()),
        // each token is good for one blob
        false
            if request.header("authorization")
                == format!("Bearer number-{}", &request.target[request.target.len() - 1..]) =>
        {
            Reply::ok(BLOB)
        }
        false => {
            let realm = format!("{}token", known.lock().expect("an address"));
            Reply::status(401).with("WWW-Authenticate", &format!("Bearer realm=\"{realm}\""))
        }
    });
    *address.lock().expect("an address") = server.url("").to_string();
    let fetcher = fetcher();
    for number in 0..3 {
        fetcher.manifest(&server.url(&format!("v2/a/manifests/{number}"))).expect("with a token of its own");
    }
}

/// A registry and, on the same host, the service that gives tokens to those who say who they are.
fn registry(address: &Arc<Mutex<String>>, request: &Request) -> Reply {
    if request.target.starts_with("/token") {
        let asked = "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull";
        let known = ["", "Basic bWU6c2VjcmV0"].contains(&request.header("authorization"));
        return match request.target == asked && known {
            true => Reply::ok(br#"{"token":"abc.def","expires_in":300}"#),
            false => Reply::status(400),
        };
    }
    if request.header("authorization") == "Bearer abc.def" {
        return Reply::ranged(request, BLOB);
    }
    let realm = format!("{}token", address.lock().expect("an address"));
    let challenge = format!("Bearer realm=\"{realm}\",service=\"here\",scope=\"repository:team/app:pull\"");
    Reply::status(401).with("WWW-Authenticate", &challenge)
}

fn start() -> Server {
    let address = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&address);
    let server = Server::start(move |request| registry(&known, request));
    *address.lock().expect("an address") = server.url("").to_string();
    server
}

#[test]
fn a_token_is_asked_for_once_and_used_for_the_whole_repository() {
    let server = start();
    let (_folder, store) = store();
    let fetcher = fetcher();
    fetcher.manifest(&server.url("v2/team/app/manifests/sha256:0")).expect("with a token");
    let wants = [want("layer", BLOB, &[server.url("v2/team/app/blobs/sha256:1")])];
    fetcher.fetch(&store, &wants, &Notes::default()).expect("with the same token");
    assert!(stored(&store, BLOB));
    let targets: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    let tokens = targets.iter().filter(|target| target.starts_with("/token")).count();
    assert_eq!((tokens, targets.len()), (1, 4), "{targets:?}"); // refused, token, manifest, blob
}

#[test]
fn the_manifest_types_of_the_field_are_accepted() {
    let server = start();
    fetcher().manifest(&server.url("v2/team/app/manifests/sha256:0")).expect("a manifest");
    let requests = server.requests();
    let last = requests.last().expect("requests");
    assert!(last.header("accept").contains("application/vnd.oci.image.index.v1+json"));
    assert!(last.header("accept").contains("application/vnd.docker.distribution.manifest.v2+json"));
}

#[test]
fn credentials_never_go_to_another_place_in_the_clear() {
    let other = Server::start(|_| Reply::ok(br#"{"token":"abc.def"}"#));
    let realm = other.url("token");
    let challenge = format!("Bearer realm=\"{realm}\"");
    let server = Server::start(move |_| Reply::status(401).with("WWW-Authenticate", &challenge));
    let error = fetcher().manifest(&server.url("v2/team/app/manifests/sha256:0")).expect_err("refused");
    assert!(error.to_string().contains("over a plain connection"), "{error}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_token_that_does_not_help_is_not_asked_for_without_end() {
    let address = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&address);
    let server = Server::start(move |request| match request.target.starts_with("/token") {
        true => Reply::ok(br#"{"access_token":"of no use"}"#),
        false => {
            let realm = format!("{}token", known.lock().expect("an address"));
            Reply::status(401).with("WWW-Authenticate", &format!("Bearer realm=\"{realm}\""))
        }
    });
    *address.lock().expect("an address") = server.url("").to_string();
    let fetcher = fetcher();
    for _ in 0..2 {
        let error = fetcher.manifest(&server.url("v2/a/manifests/sha256:0")).expect_err("refused");
        assert!(error.to_string().contains("401 Unauthorized"), "{error}");
    }
    // each time: refused, a token, refused again
    assert_eq!(server.requests().len(), 6, "{:?}", server.requests());
}
