//! What fetching promises, tried against servers on the loopback interface.

mod credentials;
mod files;
mod git;
mod git_objects;
mod pace;
mod registry;
mod server;
mod tls;
mod trouble;

use std::sync::Mutex;
use std::time::Duration;

use url::Url;

use super::*;
use crate::model::Digest;
use crate::store::Store;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&folder.path().join("store")).expect("a store");
    (folder, store)
}

/// Little patience, so that tests are quick; with silence there is more, for machines are busy.
fn config() -> FetchConfig {
    let patience = Patience {
        stall: Duration::from_secs(10),
        connect: Duration::from_secs(5),
        attempts: 4,
        pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(20),
        ..Patience::default()
    };
    FetchConfig { patience, ..FetchConfig::default() }
}

fn fetcher() -> Fetcher {
    Fetcher::new(config()).expect("a fetcher")
}

/// Bytes that do not repeat early.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * index % 253 % 251) as u8).collect()
}

fn want(label: &str, content: &[u8], urls: &[Url]) -> Want {
    let size = Some(content.len() as u64);
    Want { label: label.to_owned(), digest: Digest::of(content), size, urls: urls.to_vec() }
}

fn stored(store: &Store, content: &[u8]) -> bool {
    let digest = Digest::of(content);
    store.has_blob(&digest) && fs_err::read(store.blob_path(&digest)).expect("there") == content
}

/// How much of interrupted downloads is kept.
fn parts(store: &Store) -> u64 {
    store.status().expect("a status").parts.bytes
}

/// Notes what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn add(&self, note: String) {
        self.0.lock().expect("notes").push(note);
    }
}

impl FetchObserver for Notes {
    fn started(&self, label: &str, size: Option<u64>) {
        self.add(format!("started {label} {size:?}"));
    }
    fn progress(&self, label: &str, bytes: u64) {
        self.add(format!("progress {label} {bytes}"));
    }
    fn retried(&self, label: &str, _url: &str, reason: &str) {
        self.add(format!("retried {label}: {reason}"));
    }
    fn finished(&self, label: &str) {
        self.add(format!("finished {label}"));
    }
}
