//! Trees: their digest, their making, copying and removal.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;
use crate::model::Digest;

fn chmod(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// A small tree with one of everything.
fn sample(root: &Path) {
    fs_err::create_dir_all(root.join("a/empty")).expect("made");
    fs_err::write(root.join("a/tool"), "#!/bin/sh\n").expect("written");
    chmod(&root.join("a/tool"), 0o755);
    fs_err::write(root.join("a.txt"), "text").expect("written");
    fs_err::os::unix::fs::symlink("../gone", root.join("a/link")).expect("linked");
}

#[test]
fn the_digest_of_a_tree_is_that_of_its_documented_form() {
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path());
    let mut form = b"orchestrate tree 1\0".to_vec();
    let sized = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat();
    let items: [(u8, &str, Vec<u8>); 5] = [
        (b'd', "a", vec![]),
        (b'd', "a/empty", vec![]),
        (b'l', "a/link", sized(b"../gone")),
        (b'x', "a/tool", Digest::of(b"#!/bin/sh\n").as_bytes().to_vec()),
        (b'f', "a.txt", Digest::of(b"text").as_bytes().to_vec()),
    ];
    for (kind, path, content) in items {
        form.extend([vec![kind], sized(path.as_bytes()), content].concat());
    }
    let facts = inspect_tree(folder.path()).expect("a digest");
    assert_eq!(facts, TreeFacts { digest: Digest::of(&form), entries: 5, bytes: 14 });
}

#[test]
fn the_digest_of_a_tree_depends_on_what_a_build_sees_and_on_nothing_else() {
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    sample(one.path());
    // another order, other modes, other times
    fs_err::os::unix::fs::symlink("../gone", other.path().join("late")).expect("linked");
    fs_err::write(other.path().join("a.txt"), "text").expect("written");
    fs_err::create_dir(other.path().join("a")).expect("made");
    fs_err::rename(other.path().join("late"), other.path().join("a/link")).expect("moved");
    fs_err::write(other.path().join("a/tool"), "#!/bin/sh\n").expect("written");
    fs_err::create_dir(other.path().join("a/empty")).expect("made");
    chmod(&other.path().join("a/tool"), 0o744);
    chmod(&other.path().join("a.txt"), 0o666);
    chmod(&other.path().join("a"), 0o1777);
    let digest = |folder: &tempfile::TempDir| digest_tree(folder.path()).expect("a digest");
    assert_eq!(digest(&one), digest(&other));
    chmod(&other.path().join("a/tool"), 0o655);
    assert_ne!(digest(&one), digest(&other));
    chmod(&other.path().join("a/tool"), 0o755);
    fs_err::remove_dir(other.path().join("a/empty")).expect("removed");
    assert_ne!(digest(&one), digest(&other));
}

#[test]
fn many_files_are_hashed_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..5000 {
        fs_err::write(folder.path().join(format!("{number}")), format!("{number}")).expect("written");
    }
    let first = inspect_tree(folder.path()).expect("a digest");
    assert_eq!((first.entries, first.bytes), (5000, 18890));
    let again = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    assert_eq!(again.install(|| inspect_tree(folder.path())).expect("a digest"), first);
}

#[test]
fn pipes_and_what_is_not_a_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    let error = digest_tree(folder.path()).expect_err("a pipe");
    assert_eq!(
        error.to_string(),
        format!("`{}` is a named pipe: a tree holds only files, folders and symbolic links", pipe.display())
    );
    let error = copy_tree(folder.path(), &folder.path().with_extension("copy")).expect_err("a pipe");
    assert!(matches!(error, StoreError::Special { .. }), "{error}");
    fs_err::remove_dir_all(folder.path().with_extension("copy")).expect("removed");
    fs_err::write(folder.path().join("file"), "").expect("written");
    assert!(digest_tree(&folder.path().join("file")).is_err());
}

#[test]
fn a_tree_is_stored_whole_and_the_first_one_stays() {
    let (_folder, store) = store();
    let key = Digest::of(b"key");
    assert_eq!(store.tree(TreeKind::Source, &key), None);
    let (first, second) = (store.tree_writer(TreeKind::Source, &key), store.tree_writer(TreeKind::Source, &key));
    let (first, second) = (first.expect("a writer"), second.expect("a writer"));
    fs_err::write(first.path().join("file"), "first").expect("written");
    fs_err::write(second.path().join("file"), "second").expect("written");
    let path = first.commit().expect("committed");
    assert_eq!(second.commit().expect("committed too"), path);
    assert_eq!(fs_err::read_to_string(path.join("file")).expect("there"), "first");
    assert_eq!(store.tree(TreeKind::Source, &key), Some(path.clone()));
    assert_eq!(store.tree(TreeKind::Output, &key), None);
    let facts = store.tree_facts(TreeKind::Source, &key).expect("readable").expect("there");
    assert_eq!(facts.digest, digest_tree(&path).expect("a digest"));
    let wrong = store.tree_writer(TreeKind::Source, &Digest::of(b"other")).expect("a writer");
    assert!(matches!(wrong.commit_as(&Digest::of(b"wrong")), Err(StoreError::Mismatch { .. })));
    assert_eq!(store.tree(TreeKind::Source, &Digest::of(b"other")), None);
    assert_eq!(leftovers(store.root()), NOTHING);
}

#[test]
fn copies_are_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("source");
    sample(&source);
    chmod(&source.join("a.txt"), 0o440);
    let past = std::time::UNIX_EPOCH + Duration::from_secs(86_400);
    fs_err::OpenOptions::new().write(true).open(source.join("a/tool")).expect("open").set_modified(past).expect("aged");
    chmod(&source.join("a"), 0o555);
    let copy = folder.path().join("copy");
    copy_tree(&source, &copy).expect("copied");
    assert_eq!(digest_tree(&copy).expect("a digest"), digest_tree(&source).expect("a digest"));
    let inode = |root: &Path, name: &str| fs_err::metadata(root.join(name)).expect("there").ino();
    assert_ne!(inode(&copy, "a.txt"), inode(&source, "a.txt"));
    let metadata = |name: &str| fs_err::metadata(copy.join(name)).expect("there");
    assert_eq!(metadata("a.txt").mode() & 0o7777, 0o440);
    assert_eq!(metadata("a").mode() & 0o7777, 0o555);
    assert_eq!(metadata("a/tool").mtime(), 86_400);
    assert!(copy_tree(&source, &copy).is_err(), "nothing is written over");
    for tree in [&source, &copy] {
        remove_tree(tree).expect("removed");
    }
}

#[test]
fn a_tree_deeper_than_a_path_can_name_is_an_error_and_can_be_removed() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("deep");
    fs_err::create_dir(&deep).expect("made");
    let mut here = openat(CWD, &deep, OFlags::DIRECTORY, Mode::empty()).expect("open");
    for _ in 0..3000 {
        mkdirat(&here, "down", Mode::from_raw_mode(0o755)).expect("made");
        here = openat(&here, "down", OFlags::DIRECTORY, Mode::empty()).expect("open");
    }
    assert!(matches!(digest_tree(&deep), Err(StoreError::Io { .. })));
    remove_tree(&deep).expect("removed");
    assert!(!deep.exists());
    assert_eq!(fs_err::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left beside it");
}
