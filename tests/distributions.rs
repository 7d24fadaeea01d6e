//! Distributions of a project, on a small archive.

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;

#[test]
fn two_distributions_may_use_one_suite() {
    let package = |name| Package { name, version: "1.0", architecture: "all", fields: "", files: &[("/usr/x", "")] };
    let archive = Archive::new(&[package("one"), package("two")]);
    let image = |name: &str, distribution: &str| {
        format!(
            "image \"{name}\" {{\n    from \"scratch\"\n    distribution \"{distribution}\" suite=\"stable\"\n    \
             packages \"{name}\"\n    user \"1\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
        )
    };
    let recipe = format!("title \"x\"\n{}{}", image("one", "debian"), image("two", "other"));
    let project = Project::new(Some(&archive), &[("x", &recipe)]);
    let more = "distribution \"other\" suite=\"stable\" { use \"local\" suite=\"stable\"; }\n";
    project.write("images/project.kdl", &format!("{}{more}", project.read("images/project.kdl")));
    project.run(&["refresh"]).done();
    let lock = project.read("lock/x.kdl");
    for name in ["one", "two"] {
        assert!(lock.contains(&format!("\"{name}\" \"1.0\"")), "{name} is missing:\n{lock}");
    }
}
