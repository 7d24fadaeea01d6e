//! What a store promises, tried through its public face.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::{ByteSize, Digest};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&folder.path().join("store")).expect("a store");
    (folder, store)
}

/// Everything in `tmp/`, locks left out.
fn leftovers(store: &Store) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_none_or(|extension| extension != "lock") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&store.root().join("tmp"), &mut found);
    found
}

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
    assert_eq!(leftovers(&store), Vec::<PathBuf>::new());
}

#[test]
fn bytes_that_are_not_what_was_promised_leave_nothing() {
    let (_folder, store) = store();
    let expected = Digest::of(b"right");
    let mut writer = store.blob_writer().expect("a writer");
    writer.append(b"wrong").expect("written");
    let error = writer.commit_as(&expected, Some(5)).expect_err("a mismatch");
    let StoreError::Mismatch { expected: said, found } = error else { panic!("{error}") };
    assert_eq!((said, found), (expected, Digest::of(b"wrong")));
    let mut writer = store.blob_writer().expect("a writer");
    writer.append(b"right").expect("written");
    let error = writer.commit_as(&expected, Some(6)).expect_err("a mismatch");
    assert!(matches!(error, StoreError::Length { expected: 6, found: 5 }), "{error}");
    assert!(!store.has_blob(&expected) && !store.has_blob(&Digest::of(b"wrong")));
    assert_eq!(leftovers(&store), Vec::<PathBuf>::new());
}
