//! Files that come as they should.

use super::server::{Reply, Request, Server};
use super::*;

/// Serves each path's own name, repeated.
fn names(request: &Request) -> Reply {
    Reply::ranged(request, &named(&request.target))
}

fn named(target: &str) -> Vec<u8> {
    target.trim_start_matches('/').repeat(1000).into_bytes()
}

#[test]
fn many_files_come_at_once_within_bounds_and_only_once() {
    let (_folder, store) = store();
    let server = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(20));
        names(request)
    });
    let name = |number: usize| format!("file-{number}");
    let mut wants: Vec<Want> =
        (0..40).map(|number| want(&name(number), &named(&name(number)), &[server.url(&name(number))])).collect();
    wants.push(Want { label: "again".to_owned(), ..wants[0].clone() });
    let fetcher = Fetcher::new(FetchConfig { connections_per_host: 3, ..config() }).expect("a fetcher");
    fetcher.fetch(&store, &wants, &()).expect("fetched");
    assert!((0..40).all(|number| stored(&store, &named(&name(number)))));
    assert_eq!((server.requests().len(), server.most() <= 3), (40, true), "{}", server.most());
    fetcher.fetch(&store, &wants, &()).expect("all there");
    assert_eq!(server.requests().len(), 40);
    assert_eq!(parts(&store), 0);
}

#[test]
fn those_who_watch_see_each_transfer_grow_and_end() {
    let (_folder, store) = store();
    let server = Server::start(names);
    let notes = Notes::default();
    let body = named("one");
    fetcher().fetch(&store, &[want("the one", &body, &[server.url("one")])], &notes).expect("fetched");
    let notes = notes.0.into_inner().expect("notes");
    assert_eq!(notes.first().map(String::as_str), Some("started the one Some(3000)"));
    assert!(notes.contains(&"progress the one 3000".to_owned()), "{notes:?}");
    assert_eq!(notes.last().map(String::as_str), Some("finished the one"));
}

#[test]
fn two_who_want_the_same_fetch_it_once() {
    let (_folder, store) = store();
    let server = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(150));
        names(request)
    });
    let wants = [want("one", &named("one"), &[server.url("one")])];
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| fetcher().fetch(&store, &wants, &()).expect("fetched"));
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_encoded_body_is_kept_as_it_is() {
    let (_folder, store) = store();
    let server = Server::start(|_| Reply::ok(b"\x1f\x8bnot to be touched").with("Content-Encoding", "gzip"));
    let wants = [want("one", b"\x1f\x8bnot to be touched", &[server.url("one.tar.gz")])];
    fetcher().fetch(&store, &wants, &()).expect("fetched");
    assert_eq!(server.requests()[0].header("accept-encoding"), "identity");
}

#[test]
fn redirections_are_followed_and_circles_are_not() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.target.as_str() {
        "/old" => Reply::status(302).with("Location", "/new"),
        "/circle" => Reply::status(302).with("Location", "/circle"),
        _ => names(request),
    });
    fetcher().fetch(&store, &[want("moved", &named("new"), &[server.url("old")])], &()).expect("fetched");
    let error = fetcher().fetch(&store, &[want("circle", b"x", &[server.url("circle")])], &()).expect_err("a circle");
    assert!(error.to_string().contains("it redirects in circles"), "{error}");
}

#[test]
fn files_of_this_machine_are_read_and_checked_alike() {
    let (folder, store) = store();
    let path = folder.path().join("local file");
    fs_err::write(&path, "local").expect("written");
    let url = Url::from_file_path(&path).expect("a URL");
    let gone = Url::from_file_path(folder.path().join("gone")).expect("a URL");
    fetcher().fetch(&store, &[want("local", b"local", &[gone.clone(), url.clone()])], &()).expect("fetched");
    assert!(stored(&store, b"local"));
    let folder = Url::from_file_path(folder.path()).expect("a URL");
    let error =
        fetcher().fetch(&store, &[want("other", b"other", &[gone, url, folder])], &()).expect_err("none has it");
    let text = error.to_string();
    for reason in ["No such file or directory", "expected sha256:", "it is not a regular file"] {
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(fetcher().document(&[Url::from_file_path(&path).expect("a URL")], 5).expect("read").bytes, b"local");
}

#[test]
fn offline_all_that_is_missing_is_listed_and_what_is_there_is_enough() {
    let (_folder, store) = store();
    store.put_blob(b"here").expect("stored");
    let offline = Fetcher::new(FetchConfig { offline: true, ..config() }).expect("a fetcher");
    let url: Url = "http://archive.example/x".parse().expect("a URL");
    let here = want("here", b"here", std::slice::from_ref(&url));
    offline.fetch(&store, std::slice::from_ref(&here), &()).expect("all there");
    let wants = [want("libc6 2.41", b"1", &[]), here, want("zlib1g 1.3", b"2", &[])];
    let error = offline.fetch(&store, &wants, &()).expect_err("missing");
    let expected = "2 inputs are not in the store, and the network is off:\n  - libc6 2.41\n  - zlib1g 1.3";
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        error.help().as_deref(),
        Some("run `orchestrate fetch` where there is a network, or once without `--offline`")
    );
    assert!(matches!(offline.document(&[url], 1), Err(FetchError::Offline { .. })));
}

#[test]
fn documents_are_bounded_come_from_the_first_that_has_them_and_can_be_asked_for_again() {
    let server = Server::start(|request| match request.target.as_str() {
        "/one" if request.header("if-none-match") == "\"1\"" => Reply::status(304),
        "/one" => Reply::ok(b"0123456789").with("ETag", "\"1\""),
        _ => Reply::status(404),
    });
    let urls = [server.url("gone"), server.url("one")];
    let document = fetcher().document(&urls, 10).expect("read");
    assert_eq!((document.bytes.as_slice(), &document.url), (&b"0123456789"[..], &urls[1]));
    assert_eq!(fetcher().document_since(&urls, 10, &document.validators).expect("asked"), Answer::Unchanged);
    let error = fetcher().document(&urls, 9).expect_err("too long").to_string();
    assert!(error.contains("404 Not Found") && error.contains("expected 9 bytes at most, found 10"), "{error}");
}

#[test]
fn a_file_without_a_pin_gets_one() {
    let (_folder, store) = store();
    let server = Server::start(|request| match request.earlier {
        0 => Reply::ok(&content(100_000)).cut(5000),
        _ => Reply::ok(&content(100_000)),
    });
    let pinned = fetcher().pin(&store, "a file", &[server.url("x")], &()).expect("fetched");
    assert_eq!((pinned.digest, pinned.size), (Digest::of(&content(100_000)), 100_000));
    assert!(stored(&store, &content(100_000)));
    let limits = FetchLimits { download: 99_999, ..FetchLimits::default() };
    let bounded = Fetcher::new(FetchConfig { limits, ..config() }).expect("a fetcher");
    assert!(bounded.pin(&store, "a file", &[server.url("x")], &()).is_err());
}

#[test]
fn credentials_go_to_their_host_and_nowhere_else() {
    let (folder, store) = store();
    let other = Server::start(names);
    let elsewhere = format!("http://localhost:{}/one", other.port());
    let server = Server::start(move |request| match request.target.as_str() {
        "/away" => Reply::status(302).with("Location", &elsewhere),
        "/no" => Reply::status(403),
        _ => names(request),
    });
    let netrc = folder.path().join("netrc");
    let place = format!("127.0.0.1:{}", server.port());
    fs_err::write(&netrc, format!("machine {place} login me password s3cret\n")).expect("written");
    let plain_logins = vec![place.parse().expect("a host")];
    let fetcher = Fetcher::new(FetchConfig { netrc: Some(netrc), plain_logins, ..config() }).expect("a fetcher");
    let wants = [want("one", &named("one"), &[server.url("away")]), want("two", &named("two"), &[server.url("two")])];
    fetcher.fetch(&store, &wants, &()).expect("fetched");
    assert!(server.requests().iter().all(|request| request.header("authorization") == "Basic bWU6czNjcmV0"));
    assert_eq!(other.requests()[0].header("authorization"), "");
    let mut secret = server.url("no");
    secret.set_username("you").and_then(|()| secret.set_password(Some("hunter2"))).expect("credentials");
    let error = fetcher.fetch(&store, &[want("no", b"no", &[secret])], &()).expect_err("forbidden").to_string();
    assert!(error.contains("403 Forbidden") && !error.contains("hunter2"), "{error}");
}

#[test]
fn names_can_be_answered_by_an_address_and_proxies_are_used_when_configured() {
    let (_folder, store) = store();
    let server = Server::start(|request| {
        let path = request.target.trim_start_matches("http://archive.example");
        Reply::ok(&named(path))
    });
    let url: Url = format!("http://archive.example:{}/one", server.port()).parse().expect("a URL");
    let hosts = vec![("archive.example".to_owned(), "127.0.0.1".parse().expect("an address"))];
    let fetcher = Fetcher::new(FetchConfig { hosts, ..config() }).expect("a fetcher");
    fetcher.fetch(&store, &[want("one", &named("one"), &[url])], &()).expect("fetched");
    let proxy = Proxy::Url(format!("http://127.0.0.1:{}", server.port()));
    let fetcher = Fetcher::new(FetchConfig { proxy, ..config() }).expect("a fetcher");
    let url = "http://archive.example/two".parse().expect("a URL");
    fetcher.fetch(&store, &[want("two", &named("two"), &[url])], &()).expect("fetched");
    let targets: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/one", "http://archive.example/two"]);
}

#[test]
fn a_configuration_that_is_of_no_use_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs_err::write(&file, "nonsense").expect("written");
    let gone = folder.path().join("gone");
    let wrong = [
        FetchConfig { netrc: Some(file.clone()), ..config() },
        FetchConfig { netrc: Some(gone.clone()), ..config() },
        FetchConfig { authorities: vec![file.clone()], ..config() },
        FetchConfig { authorities: vec![gone], ..config() },
        FetchConfig { client_certificate: Some(file), ..config() },
        FetchConfig { proxy: Proxy::Url("ftp://x".to_owned()), ..config() },
    ];
    for config in wrong {
        let error = Fetcher::new(config).err().expect("refused");
        assert!(
            matches!(error, FetchError::Config { .. } | FetchError::Proxy { .. }) && error.help().is_some(),
            "{error}"
        );
    }
}

/// What the store holds says nothing about a mirror.
#[test]
fn a_look_asks_for_the_head_alone() {
    let server = Server::start(|request| match request.target.ends_with("there") {
        true => Reply::ok(b""),
        false => Reply::status(404),
    });
    let fetcher = fetcher();
    fetcher.look(&[server.url("gone"), server.url("there")]).expect("the second has it");
    let error = fetcher.look(&[server.url("gone")]).expect_err("nobody has it");
    assert!(error.to_string().contains("404 Not Found"), "{error}");
    assert!(server.requests().iter().all(|request| request.method == "HEAD"), "{:?}", server.requests());
    let file = tempfile::NamedTempFile::new().expect("a file");
    fetcher.look(&[Url::from_file_path(file.path()).expect("a URL")]).expect("it is there");
    fetcher.look(&[Url::from_file_path("/dev/zero").expect("a URL")]).expect_err("no file");
}
