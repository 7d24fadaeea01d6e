//! Servers that send next to nothing.

use std::time::Instant;

use super::server::{Reply, Server};
use super::*;

/// A window of half a second, in which a thousand bytes must come.
fn impatient(attempts: u32) -> Fetcher {
    let patience = Patience {
        least_rate: 2000,
        rate_window: Duration::from_millis(500),
        document: Duration::from_millis(800),
        stall: Duration::from_secs(5),
        attempts,
        ..config().patience
    };
    Fetcher::new(FetchConfig { patience, ..config() }).expect("a fetcher")
}

/// One piece of a tenth every 200 ms: never silent, never done.
fn crawling() -> Server {
    Server::start(|request| Reply::ranged(request, &content(1000)).slow(Duration::from_millis(200)))
}

#[test]
fn a_crawling_mirror_is_left_and_the_next_one_goes_on_where_it_was() {
    let (_folder, store) = store();
    let (slow, good) = (crawling(), Server::start(|request| Reply::ranged(request, &content(1000))));
    let start = Instant::now();
    let wants = [want("x", &content(1000), &[slow.url("x"), good.url("x")])];
    impatient(4).fetch(&store, &wants, &()).expect("fetched from the other");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(stored(&store, &content(1000)));
    assert_eq!(slow.requests().len(), 1, "it is not asked again while there is another");
    assert!(good.requests()[0].range().is_some_and(|start| start > 0), "{:?}", good.requests());
}

#[test]
fn a_crawling_mirror_does_not_hold_a_build_for_ever() {
    let (_folder, store) = store();
    let slow = Server::start(|_| Reply::ok(&content(1000)).slow(Duration::from_millis(300)));
    let start = Instant::now();
    let error = impatient(2).pin(&store, "x", &[slow.url("x")], &()).expect_err("too slow").to_string();
    assert!(error.contains("it sends fewer than 2000 bytes a second"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(slow.requests().len(), 2);
}

#[test]
fn a_small_file_is_there_soon_or_asked_for_elsewhere() {
    // fast enough for the rate, but without an end
    let endless = Server::start(|_| Reply::ok(&content(100_000)).slow(Duration::from_millis(150)));
    let good = Server::start(|_| Reply::ok(b"here"));
    let document = impatient(4).document(&[endless.url("x"), good.url("x")], 1 << 20).expect("from the other");
    assert_eq!(document.bytes, b"here");
    let error = impatient(1).document(&[endless.url("x")], 1 << 20).expect_err("too late").to_string();
    assert!(error.contains("it was not there after 0.8 seconds"), "{error}");
    let error = impatient(1).manifest(&endless.url("v2/a/manifests/1")).expect_err("too late").to_string();
    assert!(error.contains("it was not there after"), "{error}");
}

#[test]
fn a_crawling_git_server_is_left() {
    let kind = "application/x-git-upload-pack-advertisement";
    let slow = Server::start(move |_| {
        Reply::ok(b"00ff a line that comes").with("Content-Type", kind).slow(Duration::from_millis(200))
    });
    let error = impatient(1).git_list(slow.url("x.git").as_str()).expect_err("too slow").to_string();
    assert!(error.contains("fewer than 2000 bytes a second"), "{error}");
    // git's own protocol as well
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        for byte in b"00ff a line that comes".repeat(3) {
            if std::io::Write::write_all(&mut stream, &[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let start = Instant::now();
    let error = impatient(1).git_list(&format!("git://127.0.0.1:{port}/x.git")).expect_err("too slow").to_string();
    assert!(error.contains("fewer than 2000 bytes a second"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
