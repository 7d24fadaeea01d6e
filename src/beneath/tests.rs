use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::open::step_by_step;
use super::{Beneath, Dir, Emerging, Kind, remove_abandoned, remove_tree, replace, resolve};

struct Place {
    _folder: tempfile::TempDir,
    inside: PathBuf,
    outside: PathBuf,
}

/// A folder with links that lead out of it, and the folder that they lead to.
fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    fs_err::create_dir_all(inside.join("real/deep")).expect("made");
    fs_err::create_dir(&outside).expect("made");
    fs_err::write(outside.join("secret"), "secret").expect("written");
    fs_err::write(inside.join("real/file"), "text").expect("written");
    symlink(&outside, inside.join("esc")).expect("linked");
    symlink(outside.join("secret"), inside.join("key")).expect("linked");
    symlink("real", inside.join("near")).expect("linked");
    Place { _folder: folder, inside, outside }
}

#[test]
fn nothing_is_reached_through_a_link() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    for path in ["esc/secret", "near/file", "esc/../out/secret"] {
        assert!(dir.open_file(path).is_err(), "read {path}");
        assert!(dir.metadata(path).is_err(), "looked at {path}");
        assert!(dir.write(path, b"owned", 0o644).is_err(), "wrote {path}");
        assert!(dir.remove_file(path).is_err() && dir.remove_tree(path).is_err(), "removed {path}");
        assert!(dir.set_mode(path, 0o777).is_err() && dir.set_mtime(path, 0, 0).is_err(), "changed {path}");
        assert!(dir.create_dir_all(format!("{path}/new")).is_err(), "made a folder in {path}");
    }
    for path in ["key", "esc"] {
        assert!(dir.open_file(path).is_err() && dir.read(path, 10).is_err(), "read {path}");
        assert!(dir.dir(path).is_err() && dir.names(path).is_err() && !dir.is_dir(path), "entered {path}");
        assert!(dir.set_mode(path, 0o777).is_err(), "changed the target of {path}");
        assert_eq!(dir.metadata(path).expect("the link itself").kind, Kind::Symlink);
    }
    assert_eq!(fs_err::read(place.outside.join("secret")).expect("there"), b"secret");
    assert_eq!(fs_err::read_dir(&place.outside).expect("there").count(), 1);
}

#[test]
fn paths_that_lead_up_or_start_at_the_root_are_refused() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    for path in ["..", "../out/secret", "real/../../out/secret", "/etc/passwd", "real/.."] {
        assert!(dir.metadata(path).is_err(), "{path}");
        assert!(dir.open_file(path).is_err(), "{path}");
        assert!(dir.create_file(path, 0o644).is_err(), "{path}");
    }
}

#[test]
fn a_link_is_replaced_and_its_target_stays() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    dir.write("key", b"own", 0o640).expect("written");
    assert_eq!(dir.read("key", 3).expect("there"), b"own");
    assert_eq!(dir.metadata("key").expect("there").mode, 0o640);
    assert_eq!(fs_err::read(place.outside.join("secret")).expect("there"), b"secret");
    dir.rename("key", &dir, "esc").expect("over the link");
    assert_eq!(dir.metadata("esc").expect("there").kind, Kind::File);
}

#[test]
fn only_regular_files_are_read_and_only_up_to_a_limit() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(&dir, "pipe", fifo, rustix::fs::Mode::from_raw_mode(0o644), 0).expect("a pipe");
    let error = dir.read("pipe", 10).expect_err("a pipe would never end").to_string();
    assert!(error.contains("it is a named pipe, not a regular file"), "{error}");
    assert!(dir.read("real", 10).is_err());
    assert_eq!(dir.read("real/file", 4).expect("fits"), b"text");
    assert!(dir.read("real/file", 3).expect_err("too large").to_string().contains("more than 3 bytes"));
}

#[test]
fn the_old_way_follows_no_links_either() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    let open = |path: &str| step_by_step(dir.as_fd(), Path::new(path), OFlags::RDONLY);
    assert!(open("real/file").is_ok() && open("real/deep").is_ok() && open(".").is_ok());
    for path in ["esc/secret", "key", "near/file", "near", "esc"] {
        assert!(matches!(open(path), Err(rustix::io::Errno::LOOP)), "{path}");
    }
}

#[test]
fn errors_name_the_path_and_the_link() {
    let place = place();
    let error = Dir::open(&place.inside).expect("a folder").open_file("esc/secret").expect_err("a link").to_string();
    assert!(error.contains("in/esc/secret") && error.contains("symbolic link"), "{error}");
}

#[test]
fn folders_have_their_mode_whatever_the_mask() {
    let place = place();
    let dir = Dir::open(&place.inside).expect("a folder");
    dir.create_dir_all("a/b/c").expect("made").create_file("f", 0o755).expect("made");
    dir.create_dir_all("a/b/c").expect("there");
    for (path, mode) in [("a", 0o755), ("a/b/c", 0o755), ("a/b/c/f", 0o755)] {
        assert_eq!(dir.metadata(path).expect("there").mode, mode, "{path}");
    }
    assert!(dir.create_dir_all("real/file/x").is_err());
    assert_eq!(dir.names("").expect("listed"), ["a", "esc", "key", "near", "real"]);
}

#[test]
fn links_are_followed_within_the_layers() {
    let place = place();
    let below = tempfile::tempdir().expect("a folder");
    fs_err::create_dir_all(below.path().join("usr/bin")).expect("made");
    symlink("usr/bin", below.path().join("bin")).expect("linked");
    symlink("/usr/../bin", below.path().join("abs")).expect("linked");
    symlink("../../../../etc", below.path().join("up")).expect("linked");
    symlink("loop", below.path().join("loop")).expect("linked");
    let (upper, lower) = (Dir::open(&place.inside).expect("open"), Dir::open(below.path()).expect("open"));
    let layers = [&upper, &lower];
    for (path, expected) in [
        ("bin/tool", "usr/bin/tool"),
        ("abs/tool", "usr/bin/tool"),
        ("up/passwd", "etc/passwd"),
        ("near/file", "real/file"),
        ("bin", "bin"),
        ("new/folder/x", "new/folder/x"),
    ] {
        assert_eq!(resolve(&layers, Path::new(path)).expect(path), Path::new(expected), "{path}");
    }
    let led = resolve(&layers, Path::new("esc/secret")).expect("resolved");
    assert_eq!(led, place.outside.strip_prefix("/").expect("absolute").join("secret"), "within the root");
    assert!(resolve(&layers, Path::new("loop/x")).is_err());
}

#[test]
fn trees_of_any_shape_go_and_what_links_lead_to_stays() {
    let place = place();
    let mut deep = Dir::open(&place.inside).expect("a folder").dir("real").expect("a folder");
    for _ in 0..3000 {
        deep.create_dir("folder").expect("made");
        deep = deep.dir("folder").expect("entered");
    }
    deep.create_file("file", 0o000).expect("made");
    let closed = place.inside.join("closed");
    fs_err::create_dir_all(closed.join("in")).expect("made");
    fs_err::write(closed.join("in/f"), "").expect("written");
    fs_err::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("closed");
    remove_tree(&place.inside).expect("removed");
    assert!(!place.inside.exists());
    assert_eq!(fs_err::read(place.outside.join("secret")).expect("there"), b"secret");
    assert_eq!(fs_err::read_dir(place.inside.parent().expect("a folder")).expect("there").count(), 1, "nothing stays");
    remove_tree(&place.inside).expect("nothing is there");
}

#[test]
fn a_file_is_replaced_whole_and_what_killed_processes_began_goes() {
    let place = place();
    let folder = Beneath::open(&place.inside).expect("a folder");
    // a process that was killed has no lock any more; this one is still writing
    fs_err::write(place.inside.join(".orchestrate-1-1"), "half").expect("written");
    fs_err::write(place.inside.join(".orchestrate-notes"), "a person's").expect("written");
    let writing = Emerging::at(&folder.join("other"), 0o644).expect("begun");
    remove_abandoned(&folder).expect("tidied");
    replace(&folder.join("key"), b"whole", 0o600).expect("over the link");
    writing.commit().expect("it was left alone");
    let names = folder.names().expect("listed");
    assert_eq!(names, [".orchestrate-notes", "esc", "key", "near", "other", "real"]);
    assert_eq!(folder.join("key").metadata().expect("there").mode, 0o600);
    assert_eq!(fs_err::read(place.outside.join("secret")).expect("there"), b"secret");
    assert!(replace(&folder.join("esc/secret"), b"owned", 0o644).is_err());
}
