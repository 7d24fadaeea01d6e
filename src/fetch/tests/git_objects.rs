//! Git objects that are far larger than what is sent for them.

use std::io::Write as _;

use super::git::{Repositories, feed, hostile, run};
use super::server::{Reply, Server};
use super::*;

/// Lets a branch point at a commit, and gives the commit.
fn branch(repositories: &Repositories, commit: &str) -> String {
    run(&repositories.path("main.git"), &["update-ref", "refs/heads/hostile", commit]);
    commit.to_owned()
}

/// Asserts that the commit is refused with `reason`, from this machine and over http.
fn refused(repositories: &Repositories, commit: &str, reason: &str) {
    let server = repositories.http();
    let path = repositories.path("main.git").to_string_lossy().into_owned();
    for url in [server.url("main.git").to_string(), path.clone(), format!("file://{path}")] {
        let error = repositories.checkout(&url, commit).expect_err("refused").to_string();
        assert!(error.contains(reason), "{url}: {error}");
        let tag = crate::recipe::GitReference::Branch(spanned("main"));
        assert!(fetcher().git_resolve(&url, &tag).is_ok(), "{url}: the list of branches is no danger");
    }
}

fn spanned(text: &str) -> crate::model::Spanned<String> {
    let file = crate::model::SourceMap::default().add("recipe.kdl", String::new());
    crate::model::Spanned::new(text.to_owned(), crate::model::Place { file, offset: 0, length: 0 })
}

#[test]
fn a_commit_of_megabytes_is_refused_by_its_header() {
    let repositories = Repositories::new();
    let bare = repositories.path("main.git");
    let tree = run(&bare, &["rev-parse", "main^{tree}"]);
    let who = "A <a@example.org> 1 +0000";
    let mut commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\n").into_bytes();
    commit.resize(6 << 20, b'x');
    let commit = feed(&bare, &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], &commit);
    refused(&repositories, &branch(&repositories, &commit), "a commit in it has 6291456 bytes, 4194304 are allowed");
    // packed as a difference to another one, it is no better
    run(&bare, &["gc", "--quiet"]);
    refused(&repositories, &commit, "6291456 bytes, 4194304 are allowed");
}

#[test]
fn a_folder_of_megabytes_is_refused_by_its_header() {
    let repositories = Repositories::new();
    let bare = repositories.path("main.git");
    let blob = feed(&bare, &["hash-object", "-w", "--stdin"], b"x");
    let id: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&blob[2 * at..2 * at + 2], 16).expect("digits")).collect();
    let (mut tree, long) = (Vec::new(), "x".repeat(240));
    for number in 0..130_000 {
        write!(tree, "100644 {number:07}{long}").expect("written");
        tree.push(0);
        tree.extend(&id);
    }
    let tree = feed(&bare, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
    let who = "A <a@example.org> 1 +0000";
    let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n");
    let commit = feed(&bare, &["hash-object", "-t", "commit", "-w", "--stdin"], commit.as_bytes());
    refused(&repositories, &branch(&repositories, &commit), "a tree in it has 35750000 bytes, 33554432 are allowed");
    // nor below another folder
    let commit = hostile(&repositories, &[("40000", "a", &tree)]);
    refused(&repositories, &commit, "a tree in it has 35750000 bytes, 33554432 are allowed");
}

#[test]
fn objects_have_one_budget_with_those_of_submodules() {
    let repositories = Repositories::new();
    let (server, commit) = (repositories.http(), repositories.id("main"));
    let attempt = |limits: FetchLimits| {
        let fetcher = Fetcher::new(FetchConfig { limits, ..config() }).expect("a fetcher");
        let dest = repositories.store.tmp_dir().expect("a folder");
        let url = server.url("main.git");
        fetcher.git_checkout(&repositories.store, url.as_str(), &commit, &dest.path().join("x"))
    };
    let objects = |git_objects| attempt(FetchLimits { git_objects, ..FetchLimits::default() });
    let least = (1..200).find(|least| objects(*least).is_ok()).expect("enough");
    let error = objects(least - 1).expect_err("too many").to_string();
    assert!(least > 12 && error.contains("lib.git"), "the last one is of the submodule, which has three: {error}");
    assert!(error.contains("more git objects than are allowed, submodules included"), "{error}");
    let error = attempt(FetchLimits { git_unpacked: 300, ..FetchLimits::default() }).expect_err("too much").to_string();
    assert!(error.contains("more bytes of unpacked git objects than are allowed"), "{error}");
}

const COMMIT: &str = "0123456789012345678901234567890123456789";

/// A server whose one branch points at a commit, and which answers with this instead of a pack: at once, or in pieces.
fn server(answer: Vec<u8>, pause: Duration) -> Server {
    let kind = |phase: &str| format!("application/x-git-upload-pack-{phase}");
    Server::start(move |request| match request.method.as_str() {
        "GET" => {
            let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
            let head = format!("{COMMIT} refs/heads/main\0multi_ack_detailed shallow ofs-delta\n");
            let list = format!("{}0000{}0000", line("# service=git-upload-pack\n"), line(&head));
            Reply::ok(list.as_bytes()).with("Content-Type", &kind("advertisement"))
        }
        _ => {
            let shallow = format!("0034shallow {COMMIT}0000");
            // the first request asks only from where on the history is wanted
            let done = request.body.ends_with(b"0009done\n");
            let rest: &[&[u8]] = if done { &[b"0008NAK\n", &answer] } else { &[] };
            let reply = Reply::ok(&[&[shallow.as_bytes()], rest].concat().concat());
            reply.with("Content-Type", &kind("result")).slow(pause)
        }
    })
}

/// The number with which an entry of a pack begins: four bits, then seven a byte.
fn entry(kind: u8, size: u64) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | (size & 15) as u8];
    bytes.extend(seven(size >> 4).into_iter().filter(|_| size > 15));
    if bytes.len() > 1 {
        bytes[0] |= 0x80;
    }
    bytes
}

fn seven(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = number > 127;
        bytes.push((number & 127) as u8 | if more { 0x80 } else { 0 });
        number >>= 7;
        if !more {
            return bytes;
        }
    }
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(content).expect("written");
    writer.finish().expect("written")
}

#[test]
fn a_pack_that_stands_for_gigabytes_is_refused_before_they_are_made() {
    let (folder, store) = store();
    let pack =
        |entries: u32, rest: &[&[u8]]| [b"PACK\0\0\0\x02".as_slice(), &entries.to_be_bytes(), &rest.concat()].concat();
    let sizes = [seven(3 << 30), seven(2 << 30)].concat();
    let hash = [7_u8; 20];
    let cases = [
        (pack(u32::MAX, &[]), "more git objects than are allowed"),
        (pack(1, &[&entry(3, 1 << 40), &packed(b"x")]), "a blob in it has 1099511627776 bytes, 134217728 are allowed"),
        (pack(1, &[&entry(4, 1 << 30), &packed(b"x")]), "a tag in it has 1073741824 bytes"),
        (pack(1, &[&entry(7, 10), &hash, &packed(&sizes)]), "an object in it has 3221225472 bytes"),
        (pack(1, &[&entry(6, 10), &[0x81, 5], &packed(&sizes)]), "an object in it has 3221225472 bytes"),
        (pack(1, &[&entry(3, 5), &packed(&[0; 1 << 20])]), "longer than its header says"),
        (pack(1, &[&[0xff; 12]]), "the pack that the server sends is broken"),
        (pack(1, &[&entry(3, 5), b"no compressed data"]), "the pack that the server sends is broken"),
    ];
    for pause in [Duration::ZERO, Duration::from_millis(5)] {
        for (number, (answer, reason)) in cases.iter().enumerate() {
            let server = server(answer.clone(), pause);
            let dest = folder.path().join(number.to_string());
            let outcome = fetcher().git_checkout(&store, server.url("x.git").as_str(), COMMIT, &dest);
            let error = outcome.expect_err("refused").to_string();
            assert!(error.contains(reason), "{number}, {pause:?}: {error}");
        }
    }
}
