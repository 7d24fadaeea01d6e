//! Results that were not made from what they are taken for: caches, locks and secrets in the hands of a pull request that
//! shares a store with the main branch.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::{text_of, tool, toolbox, write};

/// A recipe of nodes and the image `x`, whose `/app` is the output of the stage `app`.
fn recipe(nodes: &str) -> String {
    format!(
        "title \"x\"\nplatforms \"linux/amd64\"\n{nodes}\nimage \"x\" {{\n    from \"scratch\"\n    \
         copy \"/\" from=\"app\" to=\"/app\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
    )
}

/// A stage `app` in the toolbox.
fn app(body: &str) -> String {
    format!("stage \"app\" from=\"box\" {{\n    {body}\n}}")
}

fn project(archive: &Archive, nodes: &str) -> Project {
    let project = toolbox::project(archive, &[("x", &recipe(nodes))]);
    project.run(&["refresh"]).done();
    project
}

fn change(project: &Project, nodes: &str) {
    project.write("images/x/recipe.kdl", &recipe(nodes));
}

/// Adds lines to the environment file.
fn configure(project: &Project, archive: &Archive, lines: &str) {
    project.write("environment.kdl", &format!("mirror \"local\" \"{}\"\n{lines}\n", archive.url()));
}

/// Builds the image, and gives what its file `/app/said` holds.
fn said(project: &Project) -> String {
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    text_of("tar", Command::new("tar").arg("-xOf").arg(project.path("x.tar")).arg("app/said")).trim().to_owned()
}

/// What main runs: it uses what a cache holds, and works without one.
const HONEST: &str = "run \"cat /cache/answer > $OUT/said 2> /dev/null || echo honest > $OUT/said\"";
/// What a pull request runs first.
const POISON: &str = "cache \"/cache\"\n    run \"echo BACKDOORED > /cache/answer; echo BACKDOORED > $OUT/said\"";

fn cached() -> String {
    format!("cache \"/cache\"\n    {HONEST}")
}

#[test]
fn a_result_made_with_a_cache_is_offered_to_a_step_without_one() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &app(POISON));
    assert_eq!(said(&project), "BACKDOORED");
    change(&project, &app(&cached()));
    assert_eq!(said(&project), "BACKDOORED", "the cache is one of this branch");
    change(&project, &app(HONEST));
    assert_eq!(said(&project), "honest");
}

#[test]
fn a_pull_request_fills_the_cache_that_main_uses_too() {
    let archive = Archive::with_box(&[]);
    // what is made of the cache's content, directly and through others, with the same text in both branches
    let behind = "stage \"first\" from=\"box\" {\n    BODY\n}\n";
    let tool = "image \"tool\" {\n    from \"box\"\n    copy \"/said\" from=\"first\" to=\"/opt/said\"\n    user \"10001\"\n    \
                healthcheck \"none\" reason=\"a test\"\n}\n";
    let shapes = [
        ("a step with a cache", app("BODY")),
        (
            "a step that sees its output",
            format!(
                "{behind}{}",
                app("copy \"/said\" from=\"first\" to=\"/in/said\"\n    run \"cp /in/said $OUT/said\"")
            ),
        ),
        (
            "a step that runs in a toolchain with its output",
            format!("{behind}{tool}stage \"app\" from=\"tool\" {{ run \"cp /opt/said $OUT/said\"; }}"),
        ),
    ];
    for (what, shape) in shapes {
        let main = shape.replace("BODY", &cached());
        let project = project(&archive, &shape.replace("BODY", POISON));
        configure(&project, &archive, "trust-domain \"pull-request-7\"");
        assert_eq!(said(&project), "BACKDOORED", "{what}");
        change(&project, &main);
        assert_eq!(said(&project), "BACKDOORED", "{what}: the pull request fools itself");
        configure(&project, &archive, "trust-domain \"main\"");
        assert_eq!(said(&project), "honest", "{what}");
        // and what the main branch made is no reason to believe the pull request's cache less
        configure(&project, &archive, "trust-domain \"pull-request-7\"");
        assert_eq!(said(&project), "BACKDOORED", "{what}");
    }
}

#[test]
fn what_no_cache_touched_is_shared_between_branches() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &app("run \"echo pure > $OUT/said\""));
    configure(&project, &archive, "trust-domain \"pull-request-7\"");
    assert_eq!(said(&project), "pure");
    configure(&project, &archive, "trust-domain \"main\"");
    let again = project.run(&["build", "x", "--output", "rootfs:x.tar"]);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
}

#[test]
fn limits_are_part_of_what_a_result_is_known_by() {
    let archive = Archive::with_box(&[]);
    let limited = "run \"ulimit -d > $OUT/said\"";
    let project = project(&archive, &app(&format!("{limited}\n    memory \"512MiB\"")));
    assert_eq!(said(&project), "524288");
    change(&project, &app(&format!("{limited}\n    memory \"256MiB\"")));
    assert_eq!(said(&project), "262144");
}

#[test]
fn a_cache_lies_over_what_steps_run_or_read() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &app(HONEST));
    for path in [
        "/usr/local/bin",
        "/usr",
        "/usr/include",
        "/bin",
        "/sbin/x",
        "/lib",
        "/lib64",
        "/etc",
        "/etc/ld.so.conf.d",
        "/run/secrets",
        "/run",
        "/dev/shm",
        "/proc",
        "/sys/x",
        "/orchestrate",
        "/build",
        "/out",
        "/out/said",
        "/tmp",
        "/tmp/home",
        "/var",
        "/var/run/secrets",
    ] {
        change(&project, &app(&format!("cache \"{path}\"\n    {HONEST}")));
        let text = project.run(&["check"]).failed(&[&format!("`{path}` cannot be a cache"), "choose a folder below"]);
        assert!(text.contains("images/x/recipe.kdl:4"), "{path}: {text}");
    }
    let source = "source \"s\" { local \"src\"; }\n";
    project.write("images/x/src/file", "text");
    for path in ["/src/target", "/opt"] {
        let at = if path == "/opt" { "/opt/src" } else { "/src" };
        change(
            &project,
            &format!("{source}{}", app(&format!("use \"s\" at=\"{at}\"\n    cache \"{path}\"\n    {HONEST}"))),
        );
        project.run(&["check"]).failed(&[&format!("`{path}` cannot be a cache"), "something else is here"]);
    }
    change(&project, &app(&format!("env PATH \"/cache/bin:/bin\"\n    cache \"/cache\"\n    {HONEST}")));
    project.run(&["build", "x"]).failed(&["the cache `/cache` cannot be kept", "`PATH` names `/cache/bin`"]);
}

#[test]
fn a_cache_lies_over_files_or_behind_links_of_the_root() {
    let files = [("/opt/tool/program", "#!/bin/sh\n"), ("/cache", "-> /bin"), ("/empty/folder/", "")];
    let archive =
        Archive::with_box(&[Package { name: "more", version: "1.0", architecture: "all", fields: "", files: &files }]);
    let stage =
        |path: &str| app(&format!("packages \"more\"\n    cache \"{path}\"\n    run \"echo honest > $OUT/said\""));
    let project = project(&archive, &stage("/empty/folder"));
    assert_eq!(said(&project), "honest");
    for (path, what) in [
        ("/opt/tool", "the root has a folder with files in it at `/opt/tool`"),
        ("/opt", "the root has a folder with files in it at `/opt`"),
        ("/opt/tool/program", "the root has a file at `/opt/tool/program`"),
        ("/cache/x", "the root has a link at `/cache`"),
        ("/cache", "the root has a link at `/cache`"),
    ] {
        change(&project, &stage(path));
        project.run(&["build", "x"]).failed(&[what, "choose a folder for the cache"]);
    }
}

/// The trees of a kind in the store.
fn trees(project: &Project, kind: &str) -> BTreeSet<String> {
    let folder = project.path("store/trees").join(kind);
    let entries = fs_err::read_dir(folder).map(|entries| entries.map(|entry| entry.expect("an entry").file_name()));
    entries.map(|names| names.map(|name| name.to_string_lossy().into_owned()).collect()).unwrap_or_default()
}

/// The digest that a lock says after `name=`, of the line that has `what`.
fn locked(project: &Project, what: &str, name: &str) -> String {
    let lock = project.read("lock/x.kdl");
    let line = lock.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {lock}"));
    line.split_once(&format!("{name}=\"")).expect(name).1.split('"').next().expect("a digest").to_owned()
}

fn relock(project: &Project, old: &str, new: &str) {
    let lock = project.read("lock/x.kdl");
    assert!(lock.contains(old), "{old}: {lock}");
    project.write("lock/x.kdl", &lock.replace(old, new));
}

/// The digest of the one tree that came with `does`, in the form of the lock.
fn added(project: &Project, kind: &str, old: &str, does: impl FnOnce()) -> String {
    let before = trees(project, kind);
    does();
    let new: Vec<String> = trees(project, kind).difference(&before).cloned().collect();
    assert_eq!(new.len(), 1, "{new:?}");
    old.split_once(':').map_or_else(|| new[0].clone(), |(algorithm, _)| format!("{algorithm}:{}", new[0]))
}

/// A repository with one commit on the branch `main`, and the id of that.
fn repository(folder: &Path, said: &str) -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        text_of("git", command.args(arguments))
    };
    write(&folder.join("said"), said);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    git(&["rev-parse", "HEAD"]).trim().to_owned()
}

#[test]
fn a_lock_names_the_official_commit_and_another_tree() {
    let archive = Archive::with_box(&[]);
    let upstream = tempfile::tempdir().expect("a folder");
    let commit = repository(upstream.path(), "official\n");
    let source = format!("source \"up\" {{ git \"file://{}\" commit=\"{commit}\"; }}\n", upstream.path().display());
    let uses = app("use \"up\" at=\"/src\"\n    run \"cp /src/said $OUT/said\"");
    let main = format!("{source}{uses}");
    let project = project(&archive, &main);
    let official = locked(&project, &commit, "tree");
    let lock = project.read("lock/x.kdl");
    assert_eq!(said(&project), "official");

    // a pull request brings the other tree into the store
    project.write("images/x/src/said", "BACKDOORED\n");
    change(&project, &format!("source \"up\" {{ local \"src\"; }}\n{uses}"));
    let evil = added(&project, "source", &official, || assert_eq!(said(&project), "BACKDOORED"));
    change(&project, &main);
    project.write("lock/x.kdl", &lock.replace(&official, &evil));
    for _ in 0..2 {
        let text = project.run(&["build", "x"]).failed(&[&format!("commit {commit} of file://")]);
        assert!(text.contains(&official) && text.contains(&evil), "{text}");
    }
    assert_eq!(project.run(&["refresh", "--check"]).code, Some(3));
    project.run(&["refresh"]).done();
    assert_eq!(project.read("lock/x.kdl"), lock);
    assert_eq!(said(&project), "official");

    // nor is it believed when a result was made from it by others who did, or by an older version
    relock(&project, &official, &evil);
    fs_err::remove_dir_all(project.path("store/steps/checkout")).expect("removed");
    project.run(&["build", "x"]).failed(&[&format!("commit {commit} of file://")]);
}

#[test]
fn a_lock_names_a_commit_of_a_fork_as_one_of_the_official_repository() {
    let archive = Archive::with_box(&[]);
    let (official, fork) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (good, evil) = (repository(official.path(), "official\n"), repository(fork.path(), "BACKDOORED\n"));
    let nodes = |folder: &Path| {
        let source = format!("source \"up\" {{ git \"file://{}\" branch=\"main\"; }}\n", folder.display());
        format!("{source}{}", app("use \"up\" at=\"/src\"\n    run \"cp /src/said $OUT/said\""))
    };
    let project = project(&archive, &nodes(fork.path()));
    assert_eq!(said(&project), "BACKDOORED");
    let evil_tree = locked(&project, &evil, "tree");
    change(&project, &nodes(official.path()));
    project.run(&["refresh"]).done();
    let good_tree = locked(&project, &good, "tree");
    relock(&project, &good, &evil);
    relock(&project, &good_tree, &evil_tree);
    project.run(&["build", "x"]).failed(&[&format!("fetch commit {evil}")]);
}

const VENDOR: &str = "source \"deps\" { vendor from=\"box\" { run \"echo official > $OUT/said\"; }; }\n";

fn vendored() -> String {
    format!("{VENDOR}{}", app("use \"deps\" at=\"/src\"\n    run \"cp /src/said $OUT/said\""))
}

#[test]
fn a_lock_names_the_output_of_another_step_as_the_vendored_tree() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &vendored());
    let official = locked(&project, "deps", "tree");
    let lock = project.read("lock/x.kdl");
    assert_eq!(said(&project), "official");
    change(&project, &app("run \"echo BACKDOORED > $OUT/said\""));
    let evil = added(&project, "output", &official, || assert_eq!(said(&project), "BACKDOORED"));
    change(&project, &vendored());
    project.write("lock/x.kdl", &lock.replace(&official, &evil));
    let text = project.run(&["build", "x"]).failed(&["the output of vendor x/deps is"]);
    assert!(text.contains(&official) && text.contains(&evil), "{text}");
    for option in ["--offline", "--no-vendor"] {
        project.run(&["build", "x", option]).failed(&[option, "vendor x/deps", "orchestrate fetch"]);
    }
    assert_eq!(project.run(&["refresh", "--check"]).code, Some(3));
    project.run(&["refresh"]).done();
    assert_eq!(project.read("lock/x.kdl"), lock);
    for option in ["--offline", "--no-vendor"] {
        project.run(&["build", "x", option]).done();
    }
}

#[test]
fn another_recipe_gives_the_tree_that_a_lock_says_a_vendor_step_gave() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &vendored());
    let official = locked(&project, "deps", "tree");
    assert_eq!(said(&project), "official");
    // honest about itself: it vendors what it says, and is built in the same run
    let other = recipe(&vendored().replace("echo official", "echo BACKDOORED")).replace("image \"x\"", "image \"y\"");
    project.write("images/y/recipe.kdl", &other);
    project.run(&["refresh", "y"]).done();
    project.run(&["build", "y"]).done();
    let lock = project.read("lock/y.kdl");
    let line = lock.lines().find(|line| line.contains("deps")).expect("a pin");
    let evil = line.split_once("tree=\"").expect("a tree").1.split('"').next().expect("a digest").to_owned();
    relock(&project, &official, &evil);
    project.run(&["build", "y", "x"]).failed(&["the output of vendor x/deps is"]);
}

#[test]
fn a_vendor_step_fills_a_cache_for_the_one_of_main() {
    let archive = Archive::with_box(&[]);
    let nodes = |run: &str| {
        format!(
            "source \"deps\" {{ vendor from=\"box\" {{ cache \"/cache\"; run \"{run}\"; }}; }}\n{}",
            app("use \"deps\" at=\"/src\"\n    run \"cp /src/said $OUT/said\"")
        )
    };
    let main = nodes("cat /cache/answer > $OUT/said 2> /dev/null || echo honest > $OUT/said");
    let project = toolbox::project(
        &archive,
        &[("x", &recipe(&nodes("echo BACKDOORED > /cache/answer; cp /cache/answer $OUT/said")))],
    );
    configure(&project, &archive, "trust-domain \"pull-request-7\"");
    project.run(&["refresh"]).done();
    change(&project, &main);
    project.run(&["refresh"]).done();
    assert_eq!(said(&project), "BACKDOORED");
    // the lock of the pull request, in the hands of main
    configure(&project, &archive, "trust-domain \"main\"");
    project.run(&["build", "x"]).failed(&["the output of vendor x/deps is"]);
    assert_eq!(project.run(&["refresh", "--check"]).code, Some(3));
}

#[test]
fn a_step_asks_for_a_secret_that_is_another_ones() {
    let archive = Archive::with_box(&[]);
    let signs = "secret \"signing-key\"\n    run \"wc -c < /run/secrets/signing-key > $OUT/said\"";
    let project = project(&archive, &app(signs));
    project.write("key", "hunter2-key");
    let secret = |block: &str| configure(&project, &archive, &format!("secret \"signing-key\" file=\"key\"{block}"));
    let refused = |line: &str, step: &str, arguments: &[&str]| {
        let denied = format!("does not let {step} have the secret `signing-key`");
        project.run(arguments).failed(&[&denied, line, "environment.kdl"]);
    };
    let (build, line) = (["build", "x", "--output", "rootfs:x.tar"], "allow recipe=\"x\" stage=\"app\"");
    secret("");
    refused(line, "stage x/app linux/amd64", &build);
    for other in ["recipe=\"y\" stage=\"app\"", "recipe=\"x\" stage=\"other\"", "recipe=\"x\" vendor=\"app\""] {
        secret(&format!(" {{ allow {other}; }}"));
        refused(line, "stage x/app linux/amd64", &build);
    }
    secret(&format!(" {{ {line}; }}"));
    assert_eq!(said(&project), "11");

    // the very same step in another recipe is not the one that may, nor has it its result
    project.write("images/y/recipe.kdl", &recipe(&app(signs)).replace("image \"x\"", "image \"y\""));
    project.run(&["refresh", "y"]).done();
    for images in [&["build", "y"][..], &["build", "x", "y"]] {
        refused("allow recipe=\"y\" stage=\"app\"", "stage y/app linux/amd64", images);
    }

    // a vendor step has a network as well, so it has nothing unless the file says so
    change(
        &project,
        "source \"deps\" { vendor from=\"box\" { secret \"signing-key\"; run \"cp /run/secrets/signing-key $OUT/said\"; }; }\n\
         stage \"app\" from=\"box\" { use \"deps\" at=\"/src\"; run \"cp /src/said $OUT/said\"; }",
    );
    fs_err::remove_dir_all(project.path("images/y")).expect("removed");
    refused("allow recipe=\"x\" vendor=\"deps\"", "vendor x/deps", &["refresh"]);
}

#[test]
fn a_result_made_with_the_secret_of_a_pull_request_is_offered_to_main() {
    let archive = Archive::with_box(&[]);
    let project = project(&archive, &app("secret \"token\"\n    run \"cp /run/secrets/token $OUT/said\""));
    let grant = "allow recipe=\"x\" stage=\"app\"";
    for (domain, value) in [("pull-request-7", "worthless"), ("main", "real")] {
        project.write(domain, value);
        configure(
            &project,
            &archive,
            &format!("trust-domain \"{domain}\"\nsecret \"token\" file=\"{domain}\" {{ {grant}; }}"),
        );
        assert_eq!(said(&project), value);
    }
}

#[test]
fn a_secret_that_a_script_prints_reaches_the_disk() {
    let archive = Archive::with_box(&[]);
    let prints = "cache \"/cache\"\n    secret \"token\"\n    \
                  run \"set -x; token=$(cat /run/secrets/token); echo \\\"got $token\\\"; cat /run/secrets/token; ls /nowhere\"";
    let project = project(&archive, &app(prints));
    project.write("token", "hunter2-token\n");
    configure(&project, &archive, "secret \"token\" file=\"token\" { allow recipe=\"x\" stage=\"app\"; }");
    let failed = project.run(&["build", "x"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("got ***") && !failed.stderr.contains("hunter2"), "{}", failed.stderr);
    let found = Command::new("grep").args(["-rla", "hunter2"]).arg(project.path("store")).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "nothing of it is in the store");
}

#[test]
fn a_vendor_step_prints_the_password_of_the_proxy() {
    let archive = Archive::with_box(&[]);
    let nodes = "source \"deps\" { vendor from=\"box\" { run \"env | grep -i proxy > $OUT/said\"; }; }\n\
                 stage \"app\" from=\"box\" { use \"deps\" at=\"/src\"; run \"cp /src/said $OUT/said\"; }";
    let project = toolbox::project(&archive, &[("x", &recipe(nodes))]);
    for arguments in [&["refresh"][..], &["build", "x", "--output", "rootfs:x.tar"]] {
        let mut command = project.command(arguments);
        command.env("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:9").env("GOPROXY", "https://u:hunter2@127.0.0.1:9");
        tool("orchestrate", &mut command);
    }
    let bare = text_of("tar", Command::new("tar").arg("-xOf").arg(project.path("x.tar")).arg("app/said"));
    assert!(bare.contains("HTTPS_PROXY=http://127.0.0.1:9") && !bare.contains("hunter2"), "{bare}");
}

#[test]
fn caches_and_logs_fill_the_disk() {
    let archive = Archive::with_box(&[]);
    let project = project(
        &archive,
        &app("cache \"/cache\"\n    run \"dd if=/dev/zero of=/cache/big bs=1024 count=3000; echo > $OUT/said\""),
    );
    said(&project);
    let status = || -> serde_json::Value {
        serde_json::from_str(&project.run(&["cache", "status", "--json"]).done()).expect("JSON")
    };
    let before = status();
    assert_eq!(before["caches"]["default"]["entries"], 1);
    assert!(before["caches"]["default"]["bytes"].as_u64().expect("a number") >= 3000 * 1024, "{before}");
    assert!(before["logs"]["entries"].as_u64().expect("a number") >= 1, "{before}");
    let table = project.run(&["cache", "status"]).done();
    assert!(table.contains("caches/default") && table.contains("logs"), "{table}");
    project.run(&["cache", "clean", "--keep-days", "0"]).done();
    let after = status();
    assert_eq!((after["logs"]["entries"].as_u64(), after["caches"]["default"]["entries"].as_u64()), (Some(0), Some(0)));
}
