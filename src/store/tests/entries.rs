//! Blobs, interrupted blobs, records.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::Digest;

#[test]
fn a_blob_is_read_as_it_was_written_and_is_read_only() {
    let (_folder, store) = store();
    let mut writer = store.blob_writer().expect("a writer");
    for piece in [&b"hello "[..], b"", b"world"] {
        writer.write_all(piece).expect("written");
    }
    assert_eq!(writer.length(), 11);
    let (digest, length) = writer.commit().expect("committed");
    assert_eq!((digest, length), (Digest::of(b"hello world"), 11));
    let path = store.blob_path(&digest);
    assert_eq!(fs_err::read(&path).expect("there"), b"hello world");
    assert_eq!(fs_err::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o444);
    assert!(store.has_blob(&digest) && !store.has_blob(&Digest::of(b"other")));
    assert_eq!(leftovers(store.root()), NOTHING);
}

#[test]
fn bytes_that_are_not_what_was_promised_leave_nothing() {
    let (_folder, store) = store();
    let expected = Digest::of(b"right");
    let mut writer = store.blob_writer().expect("a writer");
    writer.append(b"wrong").expect("written");
    let error = writer.commit_as(&expected, Some(5)).expect_err("a mismatch");
    assert_eq!(error.to_string(), format!("expected {expected}, found {}", Digest::of(b"wrong")));
    let mut writer = store.blob_writer().expect("a writer");
    writer.append(b"right").expect("written");
    let error = writer.commit_as(&expected, Some(6)).expect_err("a mismatch");
    assert_eq!(error.to_string(), "expected 6 bytes, found 5");
    assert!(!store.has_blob(&expected) && !store.has_blob(&Digest::of(b"wrong")));
    assert_eq!(leftovers(store.root()), NOTHING);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let (_folder, store) = store();
    let mut writer = store.blob_writer().expect("a writer");
    writer.append(&[7; 1 << 20]).expect("written");
    drop(writer);
    assert_eq!(leftovers(store.root()), NOTHING);
    assert_eq!(store.status().expect("a status").total(), Count::default());
}

#[test]
fn a_blob_that_is_not_there_is_an_error_that_names_it() {
    let (_folder, store) = store();
    let digest = Digest::of(b"never");
    let error = store.open_blob(&digest).expect_err("not there");
    assert!(error.to_string().contains(&digest.to_string()) && error.help().is_some(), "{error}");
}

#[test]
fn an_interrupted_blob_goes_on_where_it_ended() {
    let (_folder, store) = store();
    let digest = Digest::of(b"first second");
    let mut part = store.partial_blob(&digest).expect("a part");
    part.append(b"first ").expect("written");
    assert!(store.try_partial_blob(&digest).expect("a look").is_none(), "somebody has it");
    drop(part);
    let mut part = store.partial_blob(&digest).expect("a part");
    assert_eq!(part.length(), 6);
    part.append(b"wrong").expect("written");
    assert!(matches!(part.commit(), Err(StoreError::Mismatch { .. })));
    assert_eq!(part.length(), 0, "wrong bytes are forgotten");
    part.append(b"first second").expect("written");
    part.commit().expect("right");
    drop(part);
    assert_eq!(fs_err::read(store.blob_path(&digest)).expect("there"), b"first second");
    assert_eq!(leftovers(store.root()), NOTHING);
}

#[test]
fn a_record_is_read_back_and_a_broken_one_is_none() {
    let (_folder, store) = store();
    let key = Digest::of(b"key");
    assert_eq!(store.record::<Vec<u32>>("layer", &key).expect("readable"), None);
    store.put_record("layer", &key, &vec![1, 2]).expect("written");
    store.put_record("layer", &key, &vec![3]).expect("written over");
    assert_eq!(store.record::<Vec<u32>>("layer", &key).expect("readable"), Some(vec![3]));
    assert_eq!(store.record::<String>("layer", &key).expect("readable"), None, "other fields");
    fs_err::write(store.root().join(format!("steps/layer/{}.json", key.hex())), [0; 3]).expect("broken");
    assert_eq!(store.record::<Vec<u32>>("layer", &key).expect("readable"), None);
    for kind in ["", "../x", "a/b", "Layer"] {
        assert!(matches!(store.record::<u32>(kind, &key), Err(StoreError::Kind { .. })), "{kind}");
        assert!(matches!(store.claim(kind, &key), Err(StoreError::Kind { .. })), "{kind}");
    }
}

#[test]
fn a_folder_of_another_version_is_left_alone() {
    let (folder, store) = store();
    fs_err::write(store.root().join("version"), "orchestrate store 99\nmore").expect("written");
    let error = Store::open(&folder.path().join("store")).expect_err("another version");
    assert!(error.to_string().contains("`orchestrate store 99`"), "{error}");
}

#[test]
fn what_was_not_settled_before_the_machine_went_down_is_checked() {
    let (folder, store) = store();
    let root = store.root().to_owned();
    let whole = store.put_blob(b"whole").expect("stored");
    let broken = store.put_blob(b"broken").expect("stored");
    let tree = |name: &[u8]| {
        let writer = store.tree_writer(TreeKind::Output, &Digest::of(name)).expect("a writer");
        fs_err::write(writer.path().join("file"), name).expect("written");
        (Digest::of(name), writer.commit().expect("committed"))
    };
    let (whole_tree, _) = tree(b"one");
    let (broken_tree, broken_path) = tree(b"two");
    drop(store);
    // a file system that lost the content, but not the names, in another boot
    fs_err::remove_file(root.join(format!("blobs/sha256/{}", broken.hex()))).expect("removed");
    fs_err::write(root.join(format!("blobs/sha256/{}", broken.hex())), b"").expect("emptied");
    fs_err::write(broken_path.join("file"), b"").expect("emptied");
    let markers =
        fs_err::read_dir(root.join("unsettled")).expect("a folder").next().expect("a boot").expect("a boot").path();
    fs_err::rename(markers, root.join("unsettled/another-boot")).expect("renamed");
    let store = Store::open(&folder.path().join("store")).expect("opened");
    assert!(store.has_blob(&whole) && !store.has_blob(&broken));
    assert!(
        store.tree(TreeKind::Output, &whole_tree).is_some() && store.tree(TreeKind::Output, &broken_tree).is_none()
    );
    assert_eq!(fs_err::read_dir(root.join("unsettled")).expect("a folder").count(), 0);
    assert_eq!(store.verify().expect("verified"), []);
}

#[test]
fn old_markers_are_settled_and_go() {
    let (folder, store) = store();
    store.put_blob(b"content").expect("stored");
    let root = store.root().to_owned();
    let markers = || fs_err::read_dir(root.join("unsettled")).expect("a folder").count();
    drop(store);
    drop(Store::open(&folder.path().join("store")).expect("opened"));
    assert_eq!(markers(), 1, "too young to be worth a flush");
    let boot = fs_err::read_dir(root.join("unsettled")).expect("a folder").next().expect("a boot").expect("a boot");
    let past = std::time::SystemTime::now() - Duration::from_secs(600);
    fs_err::File::open(boot.path()).expect("open").set_modified(past).expect("aged");
    drop(Store::open(&folder.path().join("store")).expect("opened"));
    assert_eq!(markers(), 0);
}
