//! `check` and `show`: what is told of a project without a network.

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::tool;

const STAGE: &str = r#"
image "tool" {
    from "scratch"
    user "root" reason="it builds"
    healthcheck "none" reason="a toolchain"
}
"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Rule, file, line and message of each finding.
fn findings(project: &Project) -> Vec<(String, String, u64, String)> {
    let said = project.run(&["check", "--json"]);
    let report = json(&said.stdout);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().expect("a list").iter();
    all.map(|one| (text(&one["rule"]), text(&one["file"]), one["line"].as_u64().unwrap_or(0), text(&one["message"])))
        .collect()
}

#[test]
fn a_project_without_mistakes_is_told_so() {
    let project = Project::new(None, &[("tool", STAGE)]);
    let said = project.run(&["check"]);
    assert!(
        said.stderr.contains("1 recipes, 1 images") && said.stderr.contains("nothing was found"),
        "{}",
        said.stderr
    );
    said.done();
}

#[test]
fn every_kind_of_finding_has_its_place() {
    let recipe = r#"image "app" {
    from "scratch"
    user "1"
    copy "files/run.sh" to="/run.sh"
    copy "files/fine" to="/fine"
    copy "/x" from="make"
    entrypoint "/run.sh"
}
stage "make" from="tool" {
    run """
        if true; then
            echo yes
        """
    run "echo 'open"
}
source "unpinned" { git "https://example.org/a" tag="v1" }
stage "needs" from="tool" { use "unpinned" at="/src"; run "true" }
image "other" { from "scratch"; user "2"; copy "/" from="needs" }
let nobody "asks"
"#;
    let project = Project::new(None, &[("tool", STAGE), ("app", recipe)]);
    project.write("images/app/files/run.sh", "#!/bin/sh\necho start\ncase $1 in\n");
    project.write("images/app/files/fine", "#!/usr/bin/env sh\necho fine\n");
    let found = findings(&project);
    let app = "images/app/recipe.kdl";
    let has = |rule: &str, file: &str, line: u64, part: &str| {
        let same = |one: &&(String, String, u64, String)| one.0 == rule && one.1 == file && one.2 == line;
        assert!(found.iter().filter(same).any(|one| one.3.contains(part)), "{rule} {file}:{line} {part}: {found:#?}");
    };
    has("shell", "images/app/files/run.sh", 3, "no shell script");
    has("shell", app, 14, "no shell script");
    assert!(found.iter().any(|one| one.0 == "shell" && one.1 == app && (11..=13).contains(&one.2)), "{found:#?}");
    has("lock", app, 16, "unpinned");
    has("recipe", app, 19, "nothing uses the value `nobody`");
    assert!(!found.iter().any(|one| one.1.ends_with("fine")), "{found:#?}");
    let drawn = project.run(&["check"]).failed(&["no shell script", "orchestrate refresh app", "mistakes, 1 warning"]);
    assert!(drawn.contains("images/app/files/run.sh:3"), "{drawn}");
}

#[test]
fn warnings_fail_a_strict_check_alone() {
    let project = Project::new(None, &[("tool", &format!("{STAGE}let nobody \"asks\"\n"))]);
    project.run(&["check"]).done();
    project.run(&["check", "--strict"]).failed(&["nothing uses the value `nobody`"]);
}

#[test]
fn broken_recipes_are_findings_as_well() {
    let project = Project::new(None, &[("tool", "image \"tool\" {\n    form \"scratch\"\n}\n")]);
    let found = findings(&project);
    assert!(
        found.iter().any(|one| one.0 == "recipe" && one.2 == 2 && one.3.contains("unknown node `form`")),
        "{found:?}"
    );
    project.run(&["check"]).failed(&["did you mean `from`?"]);
}

/// The parts of SARIF 2.1.0 that its schema requires, and that code hosts read.
#[test]
fn sarif_points_at_lines_and_columns() {
    let project = Project::new(None, &[("tool", "let ü \"x\"; image \"tool\" { form \"scratch\" }\n")]);
    let said = project.run(&["check", "--sarif"]);
    let sarif = json(&said.stdout);
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "orchestrate");
    let results = run["results"].as_array().expect("results");
    let form = results.iter().find(|one| one["message"]["text"].as_str().is_some_and(|text| text.contains("`form`")));
    let form = form.unwrap_or_else(|| panic!("{sarif:#}"));
    assert_eq!((form["ruleId"].as_str(), form["level"].as_str()), (Some("recipe"), Some("error")));
    let place = &form["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "images/tool/recipe.kdl");
    let region = &place["region"];
    assert_eq!(
        (region["startLine"].as_u64(), region["startColumn"].as_u64(), region["endColumn"].as_u64()),
        (Some(1), Some(27), Some(31))
    );
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["id"] == "recipe"), "{sarif:#}");
}

/// What `shellcheck` says is a warning with the number of its rule; needs the Debian package `shellcheck`.
#[test]
fn scripts_are_linted() {
    tool("shellcheck", std::process::Command::new("shellcheck").arg("--version"));
    let recipe = r#"image "app" { from "scratch"; user "1"; copy "/x" from="make" }
stage "make" from="tool" {
    run """
        cd "$OUT"
        files=$(echo *)
        for file in $(ls *.c); do
            echo "$file"
        done
        """
}
"#;
    let project = Project::new(None, &[("tool", STAGE), ("app", recipe)]);
    let found = findings(&project);
    let linted: Vec<_> =
        found.iter().filter(|one| one.0.starts_with("SC")).map(|one| (one.0.as_str(), one.2)).collect();
    // neither `cd` without `|| exit` nor the variable of the step is one
    assert_eq!(linted, [("SC2034", 5), ("SC2045", 6)], "{found:#?}");
}

fn archive() -> Archive {
    let big = "x".repeat(4096);
    let files = [("/usr/share/base/file", big.as_str())];
    Archive::new(&[Package { name: "base", version: "1.0", architecture: "all", fields: "", files: &files }])
}

const IMAGE: &str = r#"image "one" {
    from "scratch"
    distribution "debian" suite="stable"
    packages "base"
    configure "none"
    user "1000"
}
"#;

#[test]
fn the_policy_of_the_project_is_held_against_its_images() {
    let archive = archive();
    let project = Project::new(Some(&archive), &[("one", IMAGE)]);
    project.run(&["refresh"]).done();
    let plain = project.read("images/project.kdl");
    project.write("images/project.kdl", &format!("{plain}policy {{ size \"500B\" }}\n"));
    // the package alone is smaller than its layer with the package's database
    project.run(&["build"]).failed(&["the image `one` has", "the project's policy allows 500 B", "policy-size"]);
    project.write("images/project.kdl", &format!("{plain}policy {{ size \"100B\" }}\n"));
    let found = findings(&project);
    assert!(found.iter().any(|one| one.0 == "size" && one.1 == "images/one/recipe.kdl" && one.2 == 1), "{found:?}");
    project.write("images/one/recipe.kdl", &IMAGE.replace("user", "waive \"policy-size\" reason=\"a test\"\n    user"));
    assert!(findings(&project).is_empty());
    project.run(&["build"]).done();
    project.write("images/one/recipe.kdl", IMAGE);
    project.write("images/project.kdl", &format!("{plain}policy {{ archive \"other\" }}\n"));
    let found = findings(&project);
    assert!(found.iter().any(|one| one.2 == 3 && one.3.contains("does not allow")), "{found:?}");
}

#[test]
fn show_prints_what_a_recipe_comes_to() {
    let recipe = r#"define "service" { param "port" type="port"; env PORT "${port}"; user (default)"7" }
image "app" from="scratch" { is "service" port=80 }
image "other" from="app" { env A "1" }
"#;
    let project = Project::new(None, &[("app", recipe)]);
    let text = project.run(&["show", "app:app"]).done();
    assert!(
        text.contains("user \"7\"  // images/app/recipe.kdl:1, definition service used in line 2, default"),
        "{text}"
    );
    let plain = project.run(&["show", "--plain", "--platform", "linux/amd64"]).done();
    assert!(plain.starts_with("platforms \"linux/amd64\"\n") && !plain.contains("//"), "{plain}");
    let data = json(&project.run(&["show", "app", "--json"]).done());
    assert_eq!(data[0]["recipe"], "app");
    project.run(&["show", "ap"]).failed(&["there is no recipe or image `ap`", "did you mean `app`?"]);
    project
        .run(&["show", "app", "--platform", "linux/s390x"])
        .failed(&["is not for linux/s390x", "it is for linux/amd64"]);
    // what is shown is a recipe that means the same
    let before = project.run(&["show", "app", "--plain"]).done();
    project.write("images/app/recipe.kdl", &before);
    assert_eq!(project.run(&["show", "app", "--plain"]).done(), before);
}
