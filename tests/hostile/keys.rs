//! Results that were not made from what they are taken for: caches, locks and secrets in the hands of a pull request.

use crate::support::archive::Archive;
use crate::support::toolbox;

/// An image with the output of the stage `app`.
fn recipe(stages: &str) -> String {
    format!(
        "title \"x\"\nplatforms \"linux/amd64\"\n{stages}\nimage \"x\" {{\n    from \"scratch\"\n    \
         copy \"/\" from=\"app\" to=\"/app\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
    )
}

#[test]
fn a_stage_runs_in_the_toolbox() {
    let archive = Archive::with_box(&[]);
    let project =
        toolbox::project(&archive, &[("x", &recipe("stage \"app\" from=\"box\" { run \"echo hello > $OUT/said\"; }"))]);
    project.run(&["refresh"]).done();
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
}
