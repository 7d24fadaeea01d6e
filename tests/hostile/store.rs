//! The store in the hands of packages and of other users.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::archive::{Archive, Package};
use crate::support::{text_of, toolbox};

const RECIPE: &str = "title \"X\"\nplatforms \"linux/amd64\"\nimage \"pr\" {\n    from \"scratch\"\n    \
    distribution \"debian\" suite=\"stable\"\n    packages \"box\" \"dpkg\" \"other\"\n    configure \"scripts\"\n    \
    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}\nimage \"victim\" {\n    from \"scratch\"\n    \
    distribution \"debian\" suite=\"stable\"\n    packages \"other\"\n    user \"10001\"\n    \
    healthcheck \"none\" reason=\"a test\"\n}\n";

#[test]
fn a_maintainer_script_rewrites_the_packages_of_other_images() {
    // a shell of the attacker's, which runs instead of the one that is to install packages
    let does = "#!/bin/busybox sh\nfor deb in /orchestrate/*/*.deb; do\n\
                chmod u+w $deb; echo BACKDOORED > $deb; mv $deb /tmp/x; rm -f $deb; mount -o remount,rw /orchestrate/others\n\
                echo BACKDOORED > $deb; done\n/bin/busybox touch /was-here\nexit 0\n";
    let package = |name, files| Package {
        name,
        version: "1",
        architecture: "all",
        fields: if name == "dpkg" { "Essential: yes\nReplaces: box\nDepends: box\n" } else { "" },
        files,
    };
    let dpkg = [("/bin/sh", does)];
    let archive =
        Archive::with_box(&[package("dpkg", &dpkg), package("other", &[("/usr/share/other/file", "honest")])]);
    let project = toolbox::project(&archive, &[("x", RECIPE)]);
    project.run(&["refresh"]).done();
    project.run(&["build", "pr", "--output", "rootfs:pr.tar"]).done();
    let listed = text_of("tar", Command::new("tar").arg("-tf").arg(project.path("pr.tar")));
    assert!(listed.contains("was-here"), "the attack did not run:\n{listed}");
    project.run(&["cache", "verify"]).done();
    project.run(&["build", "victim", "--output", "rootfs:victim.tar"]).done();
    let content =
        text_of("tar", Command::new("tar").arg("-xOf").arg(project.path("victim.tar")).arg("usr/share/other/file"));
    assert_eq!(content, "honest");
}

#[test]
fn what_was_changed_in_the_store_is_found_when_it_is_used() {
    let package = Package { name: "other", version: "1", architecture: "all", fields: "", files: &[("/x", "honest")] };
    let archive = Archive::with_box(&[package]);
    let recipe = "title \"X\"\nplatforms \"linux/amd64\"\nstage \"app\" from=\"box\" { run \"echo honest > $OUT/file\" }\n\
        image \"x\" {\n    from \"scratch\"\n    copy \"/\" from=\"app\" to=\"/app\"\n    NEXT\n    user \"10001\"\n    \
        healthcheck \"none\" reason=\"a test\"\n}\n";
    let project = toolbox::project(&archive, &[("x", &recipe.replace("NEXT", ""))]);
    project.run(&["refresh"]).done();
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    let outputs = project.path("store/trees/output");
    let output = fs_err::read_dir(&outputs).expect("there").next().expect("an output").expect("listed").path();
    fs_err::write(output.join("tree/file"), "BACKDOORED").expect("written");
    // another image with the same output
    project.write("images/x/recipe.kdl", &recipe.replace("NEXT", "file \"/next\" \"x\""));
    project
        .run(&["build", "x", "--output", "rootfs:x.tar"])
        .failed(&["was changed after it was stored", "run the command again"]);
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    let content = text_of("tar", Command::new("tar").arg("-xOf").arg(project.path("x.tar")).arg("app/file"));
    assert_eq!(content, "honest\n");
}

#[test]
fn another_user_enters_the_store() {
    let archive = Archive::with_box(&[]);
    let project = toolbox::project(&archive, &[]);
    project.run(&["list"]).done();
    project.run(&["cache", "status"]).done();
    let store = project.path("store");
    let mode = |path| fs_err::metadata(path).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode(&store), 0o700, "closed to all others, with scratch and locks");
    fs_err::set_permissions(&store, std::fs::Permissions::from_mode(0o777)).expect("changed");
    project
        .run(&["cache", "status"])
        .failed(&["other users of this machine may have written to the store", "chmod 0700"]);
    fs_err::set_permissions(&store, std::fs::Permissions::from_mode(0o700)).expect("changed");
    if rustix::process::geteuid().is_root() {
        let nobody = Some(rustix::fs::Uid::from_raw(65534));
        rustix::fs::chown(&store, nobody, None).expect("root may");
        project.run(&["cache", "status"]).failed(&["belongs to user 65534", "a store of their own"]);
        rustix::fs::chown(&store, Some(rustix::fs::Uid::ROOT), None).expect("root may");
    }
}

#[test]
fn something_that_cannot_be_removed_is_left_in_the_store() {
    let archive = Archive::with_box(&[]);
    let project = toolbox::project(&archive, &[]);
    project.run(&["cache", "status"]).done();
    // as an attribute or another user's folder would: a mount is in use, and cannot be removed
    let stuck = project.path("store/tmp/1-1-1/sandbox/tmp/cargo");
    fs_err::create_dir_all(&stuck).expect("made");
    rustix::mount::mount("none", &stuck, "tmpfs", rustix::mount::MountFlags::empty(), None).expect("root may");
    let said = project.run(&["cache", "status"]);
    let said_again = project.run(&["cache", "status"]);
    for place in [project.path("store/tmp")] {
        let mounted = fs_err::read_to_string("/proc/self/mounts").expect("text");
        for line in mounted.lines().filter(|line| line.contains(&place.display().to_string())) {
            let at = line.split(' ').nth(1).expect("a mount");
            rustix::mount::unmount(at, rustix::mount::UnmountFlags::DETACH).expect("unmounted");
        }
    }
    said.done();
    said_again.done();
}
