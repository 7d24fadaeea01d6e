//! What goes wrong, and what is said then: each case looks at the message, and that nothing half-written stays.

use crate::support::archive::{Archive, Dates, Package};
use crate::support::project::Project;
use crate::support::write;

const BASE: Package<'_> = Package {
    name: "base",
    version: "1.0",
    architecture: "all",
    fields: "",
    files: &[("/usr/share/base/file", "hello\n")],
};

const IMAGE: &str = "image \"one\" {\n    from \"scratch\"\n    distribution \"debian\" suite=\"stable\"\n    packages \"base\"\n    configure \"none\"\n    user \"1000\"\n}\n";

fn archive() -> Archive {
    Archive::new(&[BASE])
}

/// A project that is refreshed and builds.
fn good(archive: &Archive) -> Project {
    let project = Project::new(Some(archive), &[("one", IMAGE)]);
    project.run(&["refresh"]).done();
    project
}

/// The only package file of an archive.
fn package_file(archive: &Archive) -> std::path::PathBuf {
    archive.root().join("pool/base_1.0_all.deb")
}

/// Nothing that is half there: no temporary files of finished processes, no blob with a wrong hash.
fn store_is_clean(project: &Project) {
    let listed = |folder: &str| std::fs::read_dir(project.path(folder)).map(|entries| entries.count()).unwrap_or(0);
    assert!(listed("store/tmp") <= 1, "temporary files stay");
    project.run(&["cache", "verify"]).done();
}

#[test]
fn a_good_project_builds() {
    let archive = archive();
    let project = good(&archive);
    let lines = project.run(&["build"]).done();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.starts_with("one\tlinux/amd64\tsha256:"), "{lines}");
    store_is_clean(&project);
}

#[test]
fn broken_kdl() {
    Project::new(None, &[("one", "image \"one\" {\n")]).run(&["build"]).failed(&["images/one/recipe.kdl"]);
}

#[test]
fn an_unknown_node_suggests_the_nearest() {
    let recipe = IMAGE.replace("packages", "pakages");
    Project::new(Some(&archive()), &[("one", &recipe)]).run(&["build"]).failed(&[
        "pakages",
        "packages",
        "images/one/recipe.kdl:4",
    ]);
}

#[test]
fn an_unknown_package_suggests_the_nearest() {
    let archive = archive();
    let project = Project::new(Some(&archive), &[("one", &IMAGE.replace("\"base\"", "\"bass\""))]);
    project.run(&["refresh"]).failed(&["bass", "base", "images/one/recipe.kdl:4"]);
    assert!(!project.path("lock/one.kdl").exists(), "a failed refresh writes nothing");
}

#[test]
fn an_unsatisfiable_request_is_explained() {
    let archive = archive();
    let needy = Package { name: "needy", fields: "Depends: base (>= 2.0)\n", files: &[], ..BASE };
    archive.publish(&[BASE, needy], &Dates::default());
    let project = Project::new(Some(&archive), &[("one", &IMAGE.replace("\"base\"", "\"needy\""))]);
    project.run(&["refresh"]).failed(&["needy", "base", "2.0", "1.0", "images/one/recipe.kdl:4"]);
}

#[test]
fn a_release_signed_by_somebody_else_is_refused() {
    let (archive, other) = (archive(), archive());
    let project = Project::new(Some(&archive), &[("one", IMAGE)]);
    project.write("images/keys/debian.asc", &other.key());
    project.run(&["refresh"]).failed(&["local", "stable", "key"]);
}

#[test]
fn a_release_that_was_changed_after_signing_is_refused() {
    let archive = archive();
    let file = archive.root().join("dists/stable/InRelease");
    let text = fs_err::read_to_string(&file).expect("there");
    write(&file, text.replace("Origin: Test", "Origin: Tset"));
    Project::new(Some(&archive), &[("one", IMAGE)]).run(&["refresh"]).failed(&["signature"]);
}

#[test]
fn an_expired_release_is_refused() {
    let archive = archive();
    let dates = Dates { valid_until: Some("Thu, 08 Jan 2026 00:00:00 UTC"), ..Dates::default() };
    archive.publish(&[BASE], &dates);
    Project::new(Some(&archive), &[("one", IMAGE)]).run(&["refresh"]).failed(&["expired", "2026-01-08"]);
}

#[test]
fn an_index_with_another_hash_than_the_release_says_is_refused() {
    let archive = archive();
    let index = archive.root().join("dists/stable/main/binary-amd64/Packages.xz");
    let mut bytes = fs_err::read(&index).expect("there");
    bytes[20] ^= 1;
    write(&index, bytes);
    let project = Project::new(Some(&archive), &[("one", IMAGE)]);
    project.run(&["refresh"]).failed(&["Packages.xz", "sha256:"]);
    store_is_clean(&project);
}

#[test]
fn a_package_with_another_hash_is_refused() {
    let archive = archive();
    let project = good(&archive);
    let mut bytes = fs_err::read(package_file(&archive)).expect("there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    write(&package_file(&archive), bytes);
    project.run(&["build"]).failed(&["base 1.0", "sha256:"]);
    store_is_clean(&project);
}

#[test]
fn a_truncated_package_is_refused() {
    let archive = archive();
    let project = good(&archive);
    let bytes = fs_err::read(package_file(&archive)).expect("there");
    write(&package_file(&archive), &bytes[..bytes.len() / 2]);
    project.run(&["build"]).failed(&["base 1.0"]);
    store_is_clean(&project);
}

#[test]
fn a_package_that_vanished_is_named() {
    let archive = archive();
    let project = good(&archive);
    fs_err::remove_file(package_file(&archive)).expect("removed");
    project.run(&["build"]).failed(&["base 1.0", "base_1.0_all.deb"]);
}

#[test]
fn offline_lists_everything_that_is_missing() {
    let archive = archive();
    let more = Package { name: "more", ..BASE };
    archive.publish(&[BASE, Package { files: &[("/usr/share/more", "x")], ..more }], &Dates::default());
    let project = Project::new(Some(&archive), &[("one", &IMAGE.replace("\"base\"", "\"base\" \"more\""))]);
    project.run(&["refresh"]).done();
    project.run(&["build", "--offline"]).failed(&["base 1.0", "more 1.0", "network is off"]);
}

#[test]
fn images_that_are_built_on_each_other_are_refused() {
    let recipe = "image \"a\" { from \"b\"; user \"1\"; }\nimage \"b\" { from \"a\"; user \"1\"; }\n";
    Project::new(None, &[("x", recipe)]).run(&["build"]).failed(&["`a`", "`b`", "images/x/recipe.kdl"]);
}

#[test]
fn a_lock_that_no_longer_fits_says_what_to_run() {
    let archive = archive();
    let project = good(&archive);
    project.write("images/one/recipe.kdl", &IMAGE.replace("\"base\"", "\"base\" \"other\""));
    project.run(&["build"]).failed(&["orchestrate refresh one", "images/one/recipe.kdl"]);
}

#[test]
fn a_lock_that_was_edited_by_hand_is_refused() {
    let archive = archive();
    let project = good(&archive);
    let lock = project.read("lock/one.kdl");
    project.write("lock/one.kdl", &lock.replace("path=\"pool/", "path=\"../pool/"));
    project.run(&["build"]).failed(&["lock/one.kdl:", "orchestrate refresh"]);
}

#[test]
fn a_copy_that_leads_out_of_the_recipe_is_refused() {
    let recipe = "image \"a\" { from \"scratch\"; copy \"../../secret\" to=\"/secret\"; user \"1\"; }\n";
    let project = Project::new(None, &[("x", recipe)]);
    project.write("secret", "s");
    project.run(&["build"]).failed(&["../../secret", "images/x/recipe.kdl:1"]);
}

#[test]
fn a_path_that_leads_out_of_the_image_is_refused() {
    let recipe = "image \"a\" { from \"scratch\"; file \"/a/../../b\" \"text\"; user \"1\"; }\n";
    Project::new(None, &[("x", recipe)]).run(&["build"]).failed(&["..", "images/x/recipe.kdl:1"]);
}

#[test]
fn a_package_whose_files_leave_the_image_is_refused() {
    let archive = archive();
    let project = good(&archive);
    // a package made by hand, whose data archive climbs out of the root, with its own hash in the lock
    let folder = tempfile::tempdir().expect("a folder");
    let script = "set -e; cd \"$1\"; printf '2.0\\n' > debian-binary; printf 'Package: base\\nVersion: 1.0\\nArchitecture: all\\n\\n' > control; \
                  tar -cf control.tar ./control; printf x > evil; tar -P --transform 's,^evil,../../evil,' -cf data.tar evil; \
                  ar rc evil.deb debian-binary control.tar data.tar";
    crate::support::tool("binutils", std::process::Command::new("sh").args(["-c", script, "sh"]).arg(folder.path()));
    let bytes = fs_err::read(folder.path().join("evil.deb")).expect("made");
    let (old, size) = {
        let lock = project.read("lock/one.kdl");
        let line = lock.lines().find(|line| line.contains("deb \"base\"")).expect("pinned").to_owned();
        let field = |name: &str| {
            line.split(name)
                .nth(1)
                .expect("a field")
                .split([' ', '"'])
                .find(|word| !word.is_empty())
                .expect("a value")
                .to_owned()
        };
        (field("sha256="), field("size="))
    };
    let new = orchestrate::model::Digest::of(&bytes).hex();
    let lock = project
        .read("lock/one.kdl")
        .replace(&old, &new)
        .replace(&format!("size={size}"), &format!("size={}", bytes.len()));
    project.write("lock/one.kdl", &lock);
    write(&package_file(&archive), bytes);
    project.run(&["build"]).failed(&["base", ".."]);
    assert!(!project.path("evil").exists() && !project.path("../evil").exists());
}

#[test]
fn an_unknown_image_suggests_the_nearest() {
    let archive = archive();
    good(&archive).run(&["build", "onne"]).failed(&["onne", "did you mean `one`"]);
}

#[test]
fn outside_of_a_project_the_way_to_one_is_told() {
    let project = Project::new(None, &[]);
    fs_err::remove_file(project.path("images/project.kdl")).expect("removed");
    project.run(&["build"]).failed(&["images/project.kdl", "--project"]);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let project = Project::new(None, &[]);
    for arguments in
        [&["biuld"][..], &["build", "--platform", "linux/z80"], &["build", "--output", "ftp:x"], &["build", "UPPER"]]
    {
        assert_eq!(project.run(arguments).code, Some(2), "{arguments:?}");
    }
}

/// A disk that is full: a small file system of its own, in a namespace of the test's own. What is left is whole, and with
/// more room the build goes on.
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let archive = Archive::new(&[BASE]);
    let noise: String = (0..400_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let big = Package { name: "big", files: &[("/usr/share/big", &noise)], ..BASE };
    archive.publish(&[BASE, big], &Dates::default());
    let project = Project::new(Some(&archive), &[("one", &IMAGE.replace("\"base\"", "\"base\" \"big\""))]);
    project.run(&["refresh"]).done();
    let small = project.path("small");
    fs_err::create_dir(&small).expect("made");
    let script = "mount -t tmpfs -o size=1m none \"$1\"; store=\"$1/store\"; shift; \
                  \"$@\" --store \"$store\" build; code=$?; \
                  \"$@\" --store \"$store\" cache verify || exit 99; \
                  [ -z \"$(ls -A \"$store/tmp\")\" ] || exit 98; [ ! -e dist ] || exit 97; \
                  mount -o remount,size=200m none \"${store%/store}\"; \
                  \"$@\" --store \"$store\" --quiet build > /dev/null || exit 96; exit $code";
    let program = project.command(&[]);
    let arguments: Vec<_> = program.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let store = arguments.iter().position(|argument| argument == "--store").expect("a store");
    let mut command = std::process::Command::new("unshare");
    command.args(["-Urm", "sh", "-c", script, "sh"]).arg(&small).arg(program.get_program());
    let kept = arguments.iter().enumerate().filter(|(index, _)| *index != store && *index != store + 1);
    command.args(kept.map(|(_, argument)| argument)).current_dir(project.path(""));
    let output = command.env("NO_COLOR", "1").output().expect("install the package `util-linux`");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("No space left") || said.contains("space"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A machine that has no user namespaces: all of a namespace's own are used up.
#[test]
fn without_user_namespaces_a_build_step_says_what_to_do() {
    let archive = archive();
    let recipe = "image \"tools\" { from \"scratch\"; distribution \"debian\" suite=\"stable\"; packages \"base\"; user \"1\"; }\n\
                  stage \"step\" from=\"tools\" { run \"true\"; }\n\
                  image \"out\" { from \"scratch\"; copy \"/x\" from=\"step\"; user \"1\"; }\n";
    let project = Project::new(Some(&archive), &[("one", recipe)]);
    project.run(&["refresh"]).done();
    let mut command = std::process::Command::new("unshare");
    let script = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"";
    let program = project.command(&["build", "out"]);
    command.args(["-Ur", "sh", "-c", script, "sh"]).arg(program.get_program()).args(program.get_args());
    let output = command.env("NO_COLOR", "1").env("COLUMNS", "200").output().expect("install the package `util-linux`");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("user.max_user_namespaces"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn warnings_are_shown_before_work_begins() {
    let archive = archive();
    let unused: String =
        (1..=7).map(|number| format!("stage \"spare-{number}\" from=\"one\" {{ run \"true\"; }}\n")).collect();
    let project = Project::new(Some(&archive), &[("one", &format!("title \"One\"\n{unused}{IMAGE}"))]);
    for arguments in [["refresh"], ["build"]] {
        let said = project.run(&arguments);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stderr.contains("nothing needs stage `spare-1`"), "{}", said.stderr);
        assert!(said.stderr.contains("and 2 more warnings: `orchestrate check` shows all"), "{}", said.stderr);
        assert!(!said.stdout.contains("nothing needs"), "{}", said.stdout);
    }
    let quiet = project.run(&["build", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}
