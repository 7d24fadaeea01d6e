//! Counting, verifying, cleaning.

use std::time::SystemTime;

use super::*;
use crate::model::{ByteSize, Digest, TrustDomain};

/// Stores a blob of so many bytes that was used so many hours ago.
fn aged(store: &Store, bytes: usize, hours: u64) -> Digest {
    let digest = store.put_blob(&vec![u8::try_from(hours).expect("small"); bytes]).expect("stored");
    age(&store.blob_path(&digest), hours);
    digest
}

fn age(path: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    fs_err::File::open(path).expect("open").set_modified(then).expect("aged");
}

fn holds(store: &Store, digest: &Digest) -> bool {
    store.blob_path(digest).exists()
}

#[test]
fn a_status_counts_each_kind() {
    let (_folder, store) = store();
    store.put_blob(b"12345").expect("stored");
    store.put_record("layer", &Digest::of(b"key"), &1).expect("stored");
    let writer = store.tree_writer(TreeKind::Root, &Digest::of(b"key")).expect("a writer");
    fs_err::write(writer.path().join("file"), "123").expect("written");
    writer.commit().expect("committed");
    let mut part = store.partial_blob(&Digest::of(b"late")).expect("a part");
    part.append(b"la").expect("written");
    drop(part);
    let usage = store.status().expect("a status");
    assert_eq!(usage.blobs, Count { entries: 1, bytes: 5 });
    assert_eq!(usage.trees.get("root"), Some(&Count { entries: 1, bytes: 3 }));
    let record = 65 + 1; // a line with its hash, and itself
    assert_eq!(usage.records.get("layer"), Some(&Count { entries: 1, bytes: record }));
    assert_eq!(usage.parts, Count { entries: 1, bytes: 2 });
    assert_eq!(usage.total(), Count { entries: 4, bytes: 10 + record });
}

/// Makes a cache with a file in it, and says where it is.
fn cache(store: &Store, key: &Digest) -> PathBuf {
    let folder = store.cache_folder(&TrustDomain::default(), key).expect("a folder");
    let [(_, path)] = folder.of(&["cache".parse().expect("a path")]).try_into().expect("one");
    fs_err::create_dir_all(&path).expect("made");
    fs_err::write(path.join("file"), [0; 5000]).expect("written");
    path.parent().expect("a parent").to_owned()
}

#[test]
fn caches_and_logs_are_counted_and_go_with_the_rest() {
    let (_folder, store) = store();
    let [used, old] = [b"used".as_slice(), b"old"].map(|key| (Digest::of(key), cache(&store, &Digest::of(key))));
    let log = store.root().join("logs/step.log");
    fs_err::create_dir_all(log.parent().expect("a parent")).expect("made");
    fs_err::write(&log, "line\n").expect("written");
    let usage = store.status().expect("a status");
    assert_eq!(usage.logs, Count { entries: 1, bytes: 5 });
    let caches = usage.caches["default"];
    assert!(caches.entries == 2 && caches.bytes >= 10_000, "{caches:?}");
    assert_eq!(usage.total().entries, 3);
    for path in [&used.1, &old.1, &log] {
        age(path, 48);
    }
    let claim = store.cache_folder(&TrustDomain::default(), &used.0).expect("taken");
    age(&used.1, 48);
    let cleaned = store.clean(Retention { size: None, age: Some(Duration::from_secs(24 * 3600)) }).expect("cleaned");
    assert_eq!((cleaned.removed.entries, cleaned.kept.entries), (2, 1));
    assert!(used.1.exists() && !old.1.exists() && !log.exists(), "a cache that a step uses stays");
    drop(claim);
    store.clean(Retention { size: Some(ByteSize(0)), age: None }).expect("cleaned");
    assert!(!used.1.exists());
}

#[test]
fn a_cache_that_a_step_made_unreadable_is_counted_and_removed() {
    let (_folder, store) = store();
    let path = cache(&store, &Digest::of(b"key"));
    let inner = path.join("inner");
    fs_err::create_dir(&inner).expect("made");
    fs_err::set_permissions(&inner, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("changed");
    assert_eq!(store.status().expect("a status").caches["default"].entries, 1);
    store.clean(Retention { size: Some(ByteSize(0)), age: None }).expect("cleaned");
    assert!(!path.exists());
}

#[test]
fn caches_and_logs_of_last_month_go_by_themselves() {
    let (folder, store) = store();
    let [used, old] = [b"used".as_slice(), b"old"].map(|key| cache(&store, &Digest::of(key)));
    let logs = ["used.log", "old.log"].map(|name| store.root().join("logs").join(name));
    fs_err::create_dir_all(store.root().join("logs")).expect("made");
    logs.iter().for_each(|log| fs_err::write(log, "line\n").expect("written"));
    for path in [&old, &logs[1]] {
        age(path, 24 * 31);
    }
    let again = || drop(Store::open(&folder.path().join("store")).expect("opened"));
    let root = store.root().to_owned();
    age(&root.join("swept"), 48);
    again();
    assert!(old.exists(), "another process has the store open");
    drop(store);
    again();
    assert!(used.exists() && logs[0].exists() && !old.exists() && !logs[1].exists());
    age(&logs[0], 24 * 31);
    again();
    assert!(logs[0].exists(), "once a day is enough");
}

#[test]
fn what_was_changed_in_the_store_is_found_and_can_be_discarded() {
    let (_folder, store) = store();
    let digest = store.put_blob(b"right").expect("stored");
    let good = store.put_blob(b"good").expect("stored");
    let key = Digest::of(b"key");
    let writer = store.tree_writer(TreeKind::Root, &key).expect("a writer");
    fs_err::write(writer.path().join("file"), "right").expect("written");
    let tree = writer.commit().expect("committed");
    assert_eq!(store.verify().expect("verified"), []);
    fs_err::remove_file(store.blob_path(&digest)).expect("removed");
    fs_err::write(store.blob_path(&digest), "wrong").expect("written");
    fs_err::write(tree.join("more"), "").expect("written");
    let problems = store.verify().expect("verified");
    let reasons: Vec<&str> = problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons[0], format!("its content is {}", Digest::of(b"wrong")));
    assert!(reasons[1].starts_with("it was stored as sha256:"), "{}", reasons[1]);
    store.discard(&problems).expect("discarded");
    assert!(!store.has_blob(&digest) && store.has_blob(&good) && store.tree(TreeKind::Root, &key).is_none());
    assert_eq!(store.verify().expect("verified"), []);
}

#[test]
fn the_least_recently_used_entries_go_until_the_rest_fits() {
    let (_folder, store) = store();
    let [new, old, oldest] = [1, 5, 9].map(|hours| aged(&store, 100, hours));
    let retention = Retention { size: Some(ByteSize(200)), age: None };
    let cleaned = store.clean(retention).expect("cleaned");
    assert_eq!(cleaned.removed, Count { entries: 1, bytes: 100 });
    assert_eq!(cleaned.kept, Count { entries: 2, bytes: 200 });
    assert!(holds(&store, &new) && holds(&store, &old) && !holds(&store, &oldest));
    assert_eq!(store.clean(retention).expect("cleaned").removed, Count::default());
    assert_eq!(store.clean(Retention::default()).expect("cleaned").removed, Count::default());
}

#[test]
fn what_was_not_used_for_long_goes_and_using_it_saves_it() {
    let (_folder, store) = store();
    let [kept, saved, gone] = [2, 48, 50].map(|hours| aged(&store, 10, hours));
    let key = Digest::of(b"key");
    let tree = |store: &Store| {
        store.tree_writer(TreeKind::Package, &key).expect("a writer").commit().expect("committed");
        age(&store.tree_entry(TreeKind::Package, &key), 48);
    };
    tree(&store);
    assert!(store.has_blob(&saved));
    let retention = Retention { size: None, age: Some(Duration::from_secs(24 * 3600)) };
    store.clean(retention).expect("cleaned");
    assert!(holds(&store, &kept) && holds(&store, &saved) && !holds(&store, &gone));
    assert_eq!(store.tree(TreeKind::Package, &key), None);
    tree(&store);
    assert!(store.tree(TreeKind::Package, &key).is_some());
    store.clean(retention).expect("cleaned");
    assert!(store.tree(TreeKind::Package, &key).is_some());
}

#[test]
fn what_is_claimed_or_may_be_in_use_stays() {
    let (folder, store) = store();
    let [used, claimed, gone] = [0, 5, 6].map(|hours| aged(&store, 10, hours));
    let all = Retention { size: Some(ByteSize(0)), age: None };
    let other = Store::open(&folder.path().join("store")).expect("another session");
    let claim = store.claim("layer", &claimed).expect("a claim");
    store.clean(all).expect("cleaned");
    assert!(holds(&store, &used), "the other session may have looked it up within the last hour");
    assert!(holds(&store, &claimed) && !holds(&store, &gone));
    drop((claim, other));
    store.clean(all).expect("cleaned");
    assert!(!holds(&store, &used) && !holds(&store, &claimed));
}
