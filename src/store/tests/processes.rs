//! Several processes, some of which die or run out of space. The test program starts itself again: a test whose name
//! begins with `child_` does nothing unless it is told which store to work on.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;
use crate::model::Digest;

const STORE: &str = "ORCHESTRATE_TEST_STORE";

/// A process that runs a `child_` test of this file on the store at `root`, after the words of `before`.
fn child(before: &[&str], name: &str, root: &Path) -> Child {
    let exe = std::env::current_exe().expect("this program");
    let mut words: Vec<std::ffi::OsString> = before.iter().map(Into::into).collect();
    words.push(exe.into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg("--exact").arg(format!("store::tests::processes::{name}")).arg("--nocapture");
    command.env(STORE, root).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}; install the package util-linux", words[0]))
}

fn succeeds(child: Child) {
    let output = child.wait_with_output().expect("an end");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

/// The store that the parent names; none when this is not a child.
fn root() -> Option<PathBuf> {
    std::env::var_os(STORE).map(PathBuf::from)
}

fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn child_writes_until_it_is_killed() {
    let Some(root) = root() else { return };
    let store = Store::open(&root).expect("a store");
    let writer = store.tree_writer(TreeKind::Output, &Digest::of(b"key")).expect("a writer");
    fs_err::write(writer.path().join("file"), "half").expect("written");
    std::fs::set_permissions(writer.path(), std::os::unix::fs::PermissionsExt::from_mode(0o555)).expect("chmod");
    let _claim = store.claim("layer", &Digest::of(b"key")).expect("a claim");
    let mut part = store.partial_blob(&Digest::of(b"never")).expect("a part");
    part.append(b"nev").expect("written");
    let mut blob = store.blob_writer().expect("a writer");
    loop {
        blob.append(&[1; 4096]).expect("written");
        if blob.length() > 1 << 20 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_killed_process_leaves_nothing_that_counts_and_the_next_one_clears_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("store");
    let mut child = child(&["env"], "child_writes_until_it_is_killed", &root);
    let size = |path: &PathBuf| fs_err::metadata(path).map_or(0, |metadata| metadata.len());
    wait_for("writing", || root.join("tmp").exists() && leftovers(&root).iter().any(|path| size(path) > 1 << 20));
    // another process that comes meanwhile takes nothing away and gets no claim
    let store = Store::open(&root).expect("a store");
    assert!(leftovers(&root).len() >= 3);
    assert!(store.try_claim("layer", &Digest::of(b"key")).expect("a look").is_none());
    child.kill().expect("killed"); // SIGKILL
    child.wait().expect("an end");
    drop(store.claim("layer", &Digest::of(b"key")).expect("free again"));
    drop(store);
    // a process that another test starts just now may hold a copy of our gate until it has become its program
    wait_for("clearing up", || {
        drop(Store::open(&root).expect("opened again"));
        leftovers(&root).len() == 1
    });
    let store = Store::open(&root).expect("opened again");
    assert_eq!(leftovers(&root), [root.join("parts").join(Digest::of(b"never").hex())], "what was downloaded is kept");
    assert_eq!(store.partial_blob(&Digest::of(b"never")).expect("a part").length(), 3);
    assert_eq!(
        (store.status().expect("a status").blobs, store.tree(TreeKind::Output, &Digest::of(b"key"))),
        (Count::default(), None)
    );
}

fn content() -> Vec<u8> {
    (0..1 << 20).map(|index: u32| u8::try_from(index % 251).expect("small")).collect()
}

#[test]
fn child_writes_what_others_write() {
    let Some(root) = root() else { return };
    let digest = Digest::of(&content());
    for _ in 0..20 {
        let store = Store::open(&root).expect("a store");
        let mut writer = store.blob_writer().expect("a writer");
        content().chunks(10_000).for_each(|piece| writer.append(piece).expect("written"));
        writer.commit_as(&digest, Some(1 << 20)).expect("committed");
        assert_eq!(fs_err::read(store.blob_path(&digest)).expect("there").len(), 1 << 20);
        let tree = store.tree_writer(TreeKind::Output, &digest).expect("a writer");
        fs_err::write(tree.path().join("file"), "same").expect("written");
        assert!(tree.commit().expect("committed").join("file").exists());
    }
}

#[test]
fn processes_that_write_the_same_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("store");
    let children: Vec<Child> = (0..4).map(|_| child(&["env"], "child_writes_what_others_write", &root)).collect();
    children.into_iter().for_each(succeeds);
    let store = Store::open(&root).expect("a store");
    assert_eq!(store.verify().expect("verified"), []);
    assert_eq!(store.status().expect("a status").blobs, Count { entries: 1, bytes: 1 << 20 });
    assert_eq!(leftovers(&root), NOTHING);
}

#[test]
fn threads_exclude_each_other() {
    let (_folder, store) = store();
    let (inside, most) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let _claim = store.claim("layer", &Digest::of(b"key")).expect("a claim");
                    let now = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                    most.fetch_max(now, std::sync::atomic::Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(most.into_inner(), 1);
    assert_eq!(leftovers(store.root()), NOTHING, "no lock file stays");
}

#[test]
fn child_runs_out_of_space() {
    let Some(root) = root() else { return };
    let store = Store::open(&root).expect("a store");
    let full = |error: StoreError| {
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(error.to_string().contains(&*root.to_string_lossy()) && error.help().is_some(), "{error}");
        assert_eq!(leftovers(&root), NOTHING);
    };
    full(store.put_blob(&vec![1; 4 << 20]).expect_err("too large"));
    let digest = Digest::of(&[2; 4 << 20]);
    let mut part = store.partial_blob(&digest).expect("a part");
    full_part(&mut part);
    drop(part);
    assert_eq!(leftovers(&root), NOTHING);
    full(store.put_record("layer", &digest, &"x".repeat(4 << 20)).expect_err("too large"));
    let tree = store.tree_writer(TreeKind::Output, &digest).expect("a writer");
    assert!(fs_err::write(tree.path().join("file"), vec![3; 4 << 20]).is_err());
    drop(tree);
    assert_eq!(leftovers(&root), NOTHING);
    store.put_blob(&vec![4; 1 << 19]).expect("there is room again");
}

fn full_part(part: &mut PartialBlob) {
    let error = (0..1024).find_map(|_| part.append(&[2; 4096]).err()).expect("too large");
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
}

#[test]
fn a_full_disk_is_told_as_such_and_nothing_half_written_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("mount -t tmpfs -o size=1m none '{}' && exec \"$0\" \"$@\"", folder.path().display());
    succeeds(child(&["unshare", "-Urm", "sh", "-c", &script], "child_runs_out_of_space", &folder.path().join("store")));
}

#[test]
fn child_removes_what_is_read_only() {
    let Some(root) = root() else { return };
    let chmod = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("chmod");
    };
    let outside = root.with_extension("closed");
    fs_err::create_dir(&outside).expect("made");
    chmod(&outside, 0o555);
    assert!(fs_err::write(outside.join("file"), "").is_err(), "this process is no ordinary user");
    let error = Store::open(&outside.join("store")).expect_err("not permitted");
    assert!(matches!(error, StoreError::Denied { .. }) && error.to_string().contains("closed/store"), "{error}");
    let store = Store::open(&root).expect("a store");
    let writer = store.tree_writer(TreeKind::Output, &Digest::of(b"key")).expect("a writer");
    let deep = writer.path().join("one/two");
    fs_err::create_dir_all(&deep).expect("made");
    fs_err::write(deep.join("file"), "text").expect("written");
    for path in [deep.as_path(), &writer.path().join("one"), writer.path()] {
        chmod(path, 0o555);
    }
    let copy = store.tmp_dir().expect("a folder");
    copy_tree(writer.path(), &copy.path().join("copy")).expect("copied");
    drop(copy);
    let tree = writer.commit().expect("a read-only tree can be stored");
    assert!(tree.join("one/two/file").exists());
    let cleaned = store.clean(Retention { size: Some(crate::model::ByteSize(0)), age: None }).expect("cleaned");
    assert_eq!(cleaned.removed.entries, 1);
    assert_eq!(leftovers(&root), NOTHING);
}

#[test]
fn an_ordinary_user_can_store_and_remove_read_only_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    // in a user namespace that maps nobody, root too is an ordinary user
    succeeds(child(&["unshare", "-U"], "child_removes_what_is_read_only", &folder.path().join("store")));
}
