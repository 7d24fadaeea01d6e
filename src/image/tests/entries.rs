//! What a recipe adds, seen in the image.

use super::bench::{Bench, chain, entry, nowhere, plain, run};
use crate::beneath::Beneath;
use crate::image::{BuiltImage, CopyContent};
use crate::model::{Check, ImagePath, Principal, Spanned};
use crate::packages::Shelf;
use crate::recipe::{Account, CopyFrom, EnvVar, Image, ImageEntryKind, User};

fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

fn text(at: &str, text: &str) -> ImageEntryKind {
    ImageEntryKind::File { path: path(at), text: text.to_owned() }
}

fn copy(to: &str) -> ImageEntryKind {
    ImageEntryKind::Copy { from: CopyFrom::Local(Spanned::new("x".into(), nowhere())), to: path(to) }
}

fn account(name: &str, uid: u32) -> Account {
    Account {
        place: nowhere(),
        name: name.into(),
        uid,
        gid: uid,
        group: name.into(),
        home: format!("/home/{name}"),
        shell: "/usr/sbin/nologin".into(),
        comment: String::new(),
    }
}

fn read_file(bench: &Bench, image: &BuiltImage, at: &str) -> String {
    let tree = image.tree(&bench.store).expect("its tree");
    String::from_utf8(Shelf::new(&bench.store).read(&tree, &path(at)).expect("a file")).expect("text")
}

fn with(entries: Vec<ImageEntryKind>) -> Image {
    let mut image = plain("mine");
    image.entries = entries.into_iter().map(entry).collect();
    image
}

fn on_this_machine(path: &std::path::Path) -> CopyContent {
    let folder = Beneath::open(path.parent().expect("a folder")).expect("it opens");
    CopyContent::Host(folder.join(path.file_name().expect("a name")))
}

#[test]
fn entries_have_the_owners_modes_and_times_of_the_recipe() {
    let bench = Bench::new();
    fs_err::create_dir_all(bench.path("out/bin")).expect("a folder");
    fs_err::write(bench.path("out/bin/tool"), "a program\n").expect("a file");
    run("chmod", "coreutils", &["4711", &bench.text("out/bin/tool")]);
    fs_err::write(bench.path("out/note"), "note").expect("a file");
    std::os::unix::fs::symlink("bin/tool", bench.path("out/link")).expect("a link");
    let mut image =
        with(vec![copy("/opt/app"), text("/etc/app.conf", "x = 1\n"), ImageEntryKind::Dir { path: path("/data") }]);
    image.entries[2].owner = Some("app".parse().expect("an owner"));
    image.entries[2].mode = Some("0700".parse().expect("a mode"));
    image.accounts = vec![account("app", 2000)];
    let built = bench.try_image(&image, None, &[], &[on_this_machine(&bench.path("out"))]).expect("an image");
    let listing = bench.list(&built, 0);
    let expected = "\
drwx------ 2000/2000 0 1980-01-01 00:00:00 data/
drwxr-xr-x 0/0 0 1980-01-01 00:00:00 etc/
drwxr-xr-x 0/0 0 1980-01-01 00:00:00 home/
drwx------ 2000/2000 0 1980-01-01 00:00:00 home/app/
drwxr-xr-x 0/0 0 1980-01-01 00:00:00 opt/
drwxr-xr-x 0/0 0 1980-01-01 00:00:00 opt/app/
drwxr-xr-x 0/0 0 1980-01-01 00:00:00 opt/app/bin/
-rw-r--r-- 0/0 6 1980-01-01 00:00:00 etc/app.conf
-rw-r--r-- 0/0 22 1980-01-01 00:00:00 etc/group
-rw-r----- 0/0 17 1980-01-01 00:00:00 etc/gshadow
-rw-r--r-- 0/0 85 1980-01-01 00:00:00 etc/passwd
-rw-r----- 0/0 35 1980-01-01 00:00:00 etc/shadow
-rwxr-xr-x 0/0 10 1980-01-01 00:00:00 opt/app/bin/tool
lrwxrwxrwx 0/0 0 1980-01-01 00:00:00 opt/app/link -> bin/tool
-rw-r--r-- 0/0 4 1980-01-01 00:00:00 opt/app/note
";
    assert_eq!(listing, expected);
}

#[test]
fn paths_are_followed_inside_the_image() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").dir("run", 0o755).symlink("var/run", "/run").symlink("esc", "../../.."));
    let built =
        bench.image(&with(vec![text("/var/run/x", "x"), text("/esc/y", "y"), text("/bin/z", "z")]), None, &[one]);
    let listing = bench.list(&built, 1);
    let files: Vec<&str> =
        listing.lines().filter(|line| line.starts_with('-')).filter_map(|line| line.split(' ').next_back()).collect();
    assert_eq!(files, ["bin/z", "run/x", "y"]);
}

#[test]
fn an_entry_that_cannot_be_is_an_error_at_its_place() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file("etc/file", "").symlink("loop", "loop"));
    let cases = [
        (
            text("/etc/file/x", ""),
            "cannot add `/etc/file/x` to the image: `/etc/file` is a file, so nothing can be in it",
        ),
        (text("/etc", ""), "cannot add `/etc` to the image: a folder is there already, and a file cannot replace it"),
        (
            ImageEntryKind::Dir { path: path("/etc/file") },
            "cannot add `/etc/file` to the image: a file is there already, and a folder cannot replace it",
        ),
        (
            text("/loop/x", ""),
            "cannot add `/loop/x` to the image: a link cannot be followed: `/loop/x` leads through more than 40 symbolic links of the image",
        ),
        (
            ImageEntryKind::Remove { path: path("/etc/none") },
            "cannot add `/etc/none` to the image: there is nothing at `/etc/none` that `remove` could take out",
        ),
        (
            ImageEntryKind::FileCapability {
                path: path("/etc"),
                capabilities: vec!["chown".parse().expect("a capability")],
            },
            "cannot add `/etc` to the image: `/etc` is not a regular file, and only those have capabilities",
        ),
    ];
    for (kind, message) in cases {
        let error = bench.try_image(&with(vec![kind]), None, std::slice::from_ref(&one), &[]).expect_err("impossible");
        assert_eq!(chain(&error), message);
        assert!(error.place().is_some());
    }
    let mut image = with(vec![text("/etc/x", "")]);
    image.entries[0].owner = Some("nobody".parse().expect("an owner"));
    let error = bench.try_image(&image, None, &[one], &[]).expect_err("no such user");
    assert_eq!(chain(&error), "cannot add `/etc/x` to the image: the image has no user `nobody`");
    assert_eq!(error.help().as_deref(), Some("add `account \"nobody\" uid=…`"));
}

#[test]
fn what_is_removed_of_its_own_packages_is_not_in_any_layer() {
    let bench = Bench::new();
    let one =
        bench.build(&bench.deb("one").file("usr/share/one/a", "a").file("usr/share/one/b", "b").file("etc/c", "c"));
    let built = bench.image(&with(vec![ImageEntryKind::Remove { path: path("/usr/share/one") }]), None, &[one]);
    assert_eq!(built.layers.len(), 1);
    let listing = bench.list(&built, 0);
    assert!(!listing.contains("usr/share/one") && listing.contains("etc/c\n"), "{listing}");
}

#[test]
fn one_layer_holds_each_path_once() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file("etc/c", "package").hardlink("etc/d", "etc/c"));
    let mut image = with(vec![text("/etc/c", "recipe"), text("/var/lib/dpkg/status", "")]);
    image.layers = 1;
    let built = bench.image(&image, None, &[one]);
    let listing = bench.list(&built, 0);
    for path in ["etc/c\n", "etc/d\n", "var/lib/dpkg/status\n"] {
        assert_eq!(listing.matches(path).count(), 1, "{path}{listing}");
    }
    assert_eq!(
        (read_file(&bench, &built, "etc/c"), read_file(&bench, &built, "etc/d")),
        ("recipe".into(), "package".into())
    );
}

#[test]
fn more_layers_give_the_largest_packages_their_own() {
    let bench = Bench::new();
    let noise: String = (0..20_000_u32).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect();
    let packages = ["a", "b", "c"].map(|name| {
        let text = if name == "b" { noise.as_str() } else { name };
        bench.build(&bench.deb(name).file(&format!("opt/{name}/x"), text))
    });
    let mut image = with(vec![text("/etc/x", "x")]);
    image.layers = 3;
    let built = bench.image(&image, None, &packages);
    let comments: Vec<&str> = built.layers.iter().map(|layer| layer.comment.as_str()).collect();
    assert_eq!(comments, ["package b", "2 packages and their configuration", "files of the recipe"]);
    assert!(bench.list(&built, 0).contains("opt/b/x\n") && !bench.list(&built, 1).contains("opt/b/x\n"));
}

#[test]
fn a_program_that_cannot_start_is_found() {
    let bench = Bench::new();
    let mut image = with(vec![text("/bin/x", "")]);
    let message = |image: &Image| bench.try_image(image, None, &[], &[]).expect_err("it cannot work").to_string();
    image.config.entrypoint = Some(vec!["/bin/y".into()]);
    assert_eq!(message(&image), "the image would not work: its program `/bin/y` is not in it");
    image.config.entrypoint = Some(vec!["/bin/x".into()]);
    assert_eq!(message(&image), "the image would not work: its program `/bin/x` is not executable");
    image.entries[0].mode = Some("0755".parse().expect("a mode"));
    bench.image(&image, None, &[]);
    image.config.entrypoint = Some(vec!["x".into()]);
    bench.image(&image, None, &[]);
    image.config.env = vec![EnvVar { name: "PATH".into(), value: "/opt".into(), doc: None }];
    assert_eq!(message(&image), "the image would not work: its program `x` is not in it");
    image.config.entrypoint = None;
    image.config.user =
        Some(Spanned::new(User { user: Principal::Name("me".into()), group: None, reason: None }, nowhere()));
    assert_eq!(
        message(&image),
        "the image would not work: it runs as the user `me`, which it does not know (it knows root)"
    );
    image.accounts = vec![account("me", 2000)];
    bench.image(&image, None, &[]);
}

#[test]
fn a_program_for_another_machine_or_without_its_loader_is_found() {
    let bench = Bench::new();
    // dynamic, for the machine that runs the tests, and small
    let program = std::path::PathBuf::from("/usr/bin/env");
    let mut image = with(vec![copy("/bin/x")]);
    image.config.entrypoint = Some(vec!["/bin/x".into()]);
    let error = bench.try_image(&image, None, &[], &[on_this_machine(&program.clone())]).expect_err("no loader");
    assert!(
        error.to_string().contains("needs the loader `/lib64/ld-linux-x86-64.so.2`, which is not in it"),
        "{error}"
    );
    image.waivers = vec![crate::recipe::Waiver {
        place: nowhere(),
        check: Check::Entrypoint,
        subject: None,
        reason: "test".into(),
    }];
    bench.try_image(&image, None, &[], &[on_this_machine(&program.clone())]).expect("it is excused");
    let mut bytes = fs_err::read(program).expect("it is there");
    bytes.truncate(1 << 20);
    bytes[18] = 183; // e_machine: AArch64
    fs_err::write(bench.path("foreign"), bytes).expect("a file");
    let error = bench.try_image(&image, None, &[], &[on_this_machine(&bench.path("foreign"))]).expect_err("foreign");
    assert_eq!(error.to_string(), "the image would not work: `/bin/x` is for linux/arm64, not for linux/amd64");
}

#[test]
fn a_file_capability_is_what_getcap_reads() {
    let bench = Bench::new();
    let one = bench.build(&bench.deb("one").file_with("usr/bin/tool", b"a program\n", 0o755));
    let capabilities = ["net_bind_service", "net_raw"].map(|name| name.parse().expect("a capability")).to_vec();
    let built = bench.image(
        &with(vec![ImageEntryKind::FileCapability { path: path("/bin/tool"), capabilities }]),
        None,
        &[one],
    );
    let blob = bench.store.blob_path(&built.layers[1].descriptor.digest);
    let to = bench.text("unpacked");
    fs_err::create_dir(&to).expect("a folder");
    run("tar", "tar", &["--xattrs", "--xattrs-include=*", "-xzf", blob.to_str().expect("UTF-8"), "-C", &to]);
    let shown = run("getcap", "libcap2-bin", &["-r", &to]);
    assert_eq!(shown.trim(), format!("{to}/usr/bin/tool cap_net_bind_service,cap_net_raw=ep"));
}
