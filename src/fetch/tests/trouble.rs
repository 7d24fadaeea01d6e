//! Servers that fail, and what is made of it.

use std::time::Instant;

use super::server::{Reply, Server};
use super::*;

const LENGTH: usize = 300_000;

fn body() -> Vec<u8> {
    content(LENGTH)
}

/// Fetches the body from these URLs.
fn fetch(store: &Store, urls: &[Url], notes: &Notes) -> Result<(), FetchError> {
    fetcher().fetch(store, &[want("the body", &body(), urls)], notes)
}

#[test]
fn an_answer_that_breaks_off_is_taken_up_where_it_ended() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.earlier {
        0 => Reply::ranged(request, &body()).with("ETag", "\"v1\"").cut(100_000),
        _ => Reply::ranged(request, &body()).with("ETag", "\"v1\""),
    });
    fetch(&store, &[server.url("x")], &Notes::default()).expect("fetched");
    assert!(stored(&store, &body()));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].range(), requests[0].header("if-range")), (None, ""));
    assert!(requests[1].range().is_some_and(|start| start > 0 && start <= 100_000), "{:?}", requests[1]);
    assert_eq!(requests[1].header("if-range"), "\"v1\"");
}

#[test]
fn another_run_and_another_mirror_go_on_as_well() {
    let (_folder, store) = store();
    let broken = Server::start(|request| Reply::ranged(request, &body()[..]).cut(1000));
    let once = Fetcher::new(FetchConfig { patience: Patience { attempts: 1, ..config().patience }, ..config() });
    let wants = [want("the body", &body(), &[broken.url("x")])];
    let error = once.expect("a fetcher").fetch(&store, &wants, &()).expect_err("broken");
    assert!(error.to_string().contains("the answer broke off"), "{error}");
    assert_eq!(parts(&store), 1000);
    let server = Server::start(|request| Reply::ranged(request, &body()));
    fetch(&store, &[server.url("x")], &Notes::default()).expect("fetched");
    assert_eq!(server.requests()[0].range(), Some(1000));
    assert_eq!((server.requests()[0].header("if-range"), parts(&store)), ("", 0));
}

#[test]
fn a_server_that_knows_no_ranges_begins_again() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.earlier {
        0 => Reply::ok(&body()).cut(1000),
        1 => Reply::status(416),
        2 => Reply::ok(&body()).cut(2000),
        _ => Reply::ok(&body()),
    });
    fetch(&store, &[server.url("x")], &Notes::default()).expect("fetched");
    assert!(stored(&store, &body()));
}

#[test]
fn wrong_bytes_from_before_do_not_stand_in_the_way() {
    let (_folder, store) = store();
    let mut part = store.partial_blob(&Digest::of(&body())).expect("a part");
    part.append(b"these are not the bytes").expect("written");
    drop(part);
    let server = Server::start(|request| Reply::ranged(request, &body()));
    fetch(&store, &[server.url("x")], &Notes::default()).expect("fetched");
    assert_eq!(server.requests().iter().map(|request| request.range()).collect::<Vec<_>>(), [Some(23), None]);
    assert_eq!(parts(&store), 0);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.earlier {
        0 => Reply::status(500),
        1 => Reply::status(503).with("Retry-After", "3600"),
        2 => Reply::status(429).with("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),
        _ => Reply::ok(&body()),
    });
    let (start, notes) = (Instant::now(), Notes::default());
    fetch(&store, &[server.url("x")], &notes).expect("fetched");
    assert!(start.elapsed() < Duration::from_secs(20), "an hour is longer than we wait");
    let notes = notes.0.into_inner().expect("notes");
    assert!(notes.contains(&"retried the body: the server says 500 Internal Server Error".to_owned()), "{notes:?}");
}

#[test]
fn a_silent_server_is_left_and_a_slow_one_is_not() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.earlier {
        0 => Reply::ranged(request, &body()).cut(1000).silent(Duration::from_secs(60)),
        _ => Reply::ranged(request, &body()),
    });
    let patience = Patience { stall: Duration::from_millis(400), ..config().patience };
    let start = Instant::now();
    let fetcher = Fetcher::new(FetchConfig { patience, ..config() }).expect("a fetcher");
    fetcher.fetch(&store, &[want("the body", &body(), &[server.url("x")])], &()).expect("fetched");
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(server.requests()[1].range(), Some(1000));
    // longer in all than the patience with silence, but never silent for so long
    let slow = Server::start(|_| Reply::ok(&body()).slow(Duration::from_millis(100)));
    let other = tempfile::tempdir().expect("a folder");
    let store = Store::open(other.path()).expect("a store");
    fetch(&store, &[slow.url("x")], &Notes::default()).expect("fetched");
    assert_eq!(slow.requests().len(), 1);
}

#[test]
fn a_mirror_without_the_file_is_asked_once_and_the_next_one_at_once() {
    let (_folder, store) = store();
    let [gone, forbidden] = [404, 403].map(|status| Server::start(move |_| Reply::status(status)));
    let good = Server::start(|_| Reply::ok(&body()));
    let urls = [gone.url("x"), forbidden.url("x"), good.url("x")];
    fetch(&store, &urls, &Notes::default()).expect("fetched");
    assert_eq!([gone, forbidden, good].map(|server| server.requests().len()), [1, 1, 1]);
}

#[test]
fn a_mirror_with_other_bytes_is_passed_over_and_named_when_none_has_the_right_ones() {
    let (_folder, store) = store();
    let mut other = body();
    other[LENGTH / 2] ^= 1;
    let found = Digest::of(&other);
    let wrong = Server::start(move |request| Reply::ranged(request, &other));
    let good = Server::start(|request| Reply::ranged(request, &body()));
    let error = fetch(&store, &[wrong.url("x")], &Notes::default()).expect_err("wrong");
    let expected = format!(
        "1 input could not be fetched:\n  - the body: {}: expected {}, found {found}",
        wrong.url("x"),
        Digest::of(&body())
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.help().is_some_and(|help| help.contains("orchestrate refresh")));
    assert_eq!((parts(&store), store.status().expect("a status").blobs.entries), (0, 0), "nothing stays");
    assert_eq!(wrong.requests().len(), 1);
    fetch(&store, &[wrong.url("x"), good.url("x")], &Notes::default()).expect("the other mirror has it");
}

#[test]
fn more_bytes_than_pinned_are_not_even_read() {
    let (_folder, store) = store();
    let promised = Server::start(|_| Reply::ok(&content(LENGTH + 1)));
    let endless = Server::start(|_| Reply::ok(&content(LENGTH)).endless());
    let short = Server::start(|request| Reply::ranged(request, &content(LENGTH - 1)));
    let error = fetch(&store, &[promised.url("x"), endless.url("x")], &Notes::default()).expect_err("too long");
    let text = error.to_string();
    assert!(text.contains(&format!("expected {LENGTH} bytes at most, found {}", LENGTH + 1)), "{text}");
    assert!(text.contains(&format!("expected {LENGTH} bytes at most, found more")), "{text}");
    assert_eq!(parts(&store), 0);
    let error = fetch(&store, &[short.url("x")], &Notes::default()).expect_err("too short");
    assert!(error.to_string().contains("bytes"), "{error}");
    assert!(!stored(&store, &body()));
}

#[test]
fn everything_that_failed_is_listed_and_everything_else_is_fetched() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.target.as_str() {
        "/good" => Reply::ok(b"good"),
        _ => Reply::status(404),
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let closed: Url = format!("http://{closed}/x").parse().expect("a URL");
    let odd: Url = "ftp://archive.example/x".parse().expect("a URL");
    let wants = [
        want("beta", b"1", &[server.url("one"), closed]),
        want("good", b"good", &[server.url("good")]),
        want("alpha", b"2", &[]),
        want("gamma", b"3", &[odd]),
    ];
    let error = fetcher().fetch(&store, &wants, &()).expect_err("some fail");
    assert!(stored(&store, b"good"));
    let text = error.to_string();
    let order: Vec<usize> = [
        "3 inputs could not be fetched",
        "- alpha: no URL is known for it",
        "- beta:",
        "404 Not Found",
        "Connection refused",
        "- gamma: ftp://archive.example/x: `ftp` cannot be fetched from",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}")))
    .collect();
    assert!(order.is_sorted(), "{text}");
}
