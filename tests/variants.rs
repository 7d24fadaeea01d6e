//! A recipe with variants, from its lock to the images that others find under its tags.

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::text_of;

fn archive() -> Archive {
    let package = |name, files| Package { name, version: "1.0", architecture: "all", fields: "", files };
    Archive::new(&[
        package("tool-a", &[("/usr/share/tool/file", "a\n")]),
        package("tool-b", &[("/usr/share/tool/file", "b\n")]),
    ])
}

const RECIPE: &str = r#"variant "a" { let letter "a" }
variant "b" { let letter "b"; image "tool" { label "org.example.channel" "beta" } }
image "tool" {
    from "scratch"
    distribution "debian" suite="stable"
    packages "tool-${letter}"
    configure "none"
    user "1000"
    env LETTER "${letter}"
}
image "more" { from "tool"; env MORE "${letter}" }
"#;
const USER: &str = "image \"user\" { from \"tool:b\"; env USER \"u\" }\n";

#[test]
fn each_variant_has_its_lock_its_images_and_its_tag() {
    let archive = archive();
    let project = Project::new(Some(&archive), &[("tool", RECIPE), ("user", USER)]);
    project.run(&["refresh"]).done();
    let pins = |variant: &str| project.read(&format!("lock/tool@{variant}.kdl"));
    assert!(pins("a").contains("\"tool-a\"") && !pins("a").contains("\"tool-b\""), "{}", pins("a"));
    assert!(pins("b").contains("\"tool-b\""), "{}", pins("b"));
    project.run(&["check"]).done();

    let built = project.run(&["build"]).done();
    let names: Vec<&str> =
        built.lines().filter(|line| line.contains("\tindex\t")).filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["more:a", "more:b", "tool:a", "tool:b", "user"]);
    let inspect = |name: &str| {
        let image = format!("oci:{}:{name}", project.path("dist").display());
        text_of("skopeo", std::process::Command::new("skopeo").args(["inspect", "--config", &image]))
    };
    assert!(inspect("tool:a").contains("LETTER=a") && !inspect("tool:a").contains("beta"));
    assert!(inspect("tool:b").contains("LETTER=b") && inspect("tool:b").contains("beta"));
    assert!(inspect("more:b").contains("LETTER=b") && inspect("more:b").contains("MORE=b"));
    assert!(inspect("user").contains("LETTER=b"));
    // a name without a variant means all of them
    let one = project.run(&["build", "tool"]).done();
    assert_eq!(one.lines().filter(|line| line.contains("\tindex\t")).count(), 2, "{one}");
    let one = project.run(&["build", "tool:a", "--platform", "linux/amd64"]).done();
    assert_eq!(one.lines().count(), 2, "{one}");
    project.run(&["refresh", "tool", "--check"]).done();
    project.run(&["refresh", "tool:a", "--check"]).done();
    project.run(&["build", "tool:c"]).failed(&["there is no image `tool:c`"]);
    // its archive is loaded under its tag
    let tar = format!("docker-archive:{}", project.path("tool.tar").display());
    project.run(&["build", "tool:a", "--platform", "linux/amd64", "--output", &tar]).done();
    let image = format!("{tar}:tool:a");
    let said = text_of("skopeo", std::process::Command::new("skopeo").args(["inspect", "--config", &image]));
    assert!(said.contains("LETTER=a"), "{said}");

    // a variant that is gone leaves no lock behind
    project.write("images/tool/recipe.kdl", &RECIPE.replace("variant \"a\" { let letter \"a\" }\n", ""));
    project.run(&["refresh"]).done();
    assert!(!project.path("lock/tool@a.kdl").exists() && project.path("lock/tool@b.kdl").exists());
}
