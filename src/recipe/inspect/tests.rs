//! What an editor is told, also of texts that are not finished.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::super::{Inspected, inspect};

const PROJECT: &str = r#"platforms "linux/amd64" "linux/arm64"
define "service" {
    param "port" type="port" default=8080 doc="where it listens"
    image { expose "${port}"; user (default)"7" }
}
"#;
const RECIPE: &str = r#"license "MIT"
let version "1.2"
on "linux/arm64" { let kind "a" }
on "linux/amd64" { let kind "b" }
source "src" { local "src" }
stage "make" from="app" { use "src" at="/src"; run "true" }
is "service" port=80
image "app" from="scratch" {
    env VERSION "${version} ${kind}"
    healthcheck "/x" interval="30s"
    copy "/x" from="make"
}
image "half" from="app" {
"#;

fn files(recipe: &str) -> BTreeMap<String, String> {
    let files = [("images/project.kdl", PROJECT), ("images/a/recipe.kdl", recipe)];
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

fn project(recipe: &str) -> Inspected {
    inspect(Utf8Path::new("/nowhere"), &files(recipe))
}

/// The offset of `word` within the only line that has `line`.
fn at(text: &str, line: &str, word: &str) -> usize {
    let start = text.find(line).expect("the line");
    start + line.find(word).expect("the word") + 1
}

#[test]
fn hovering_tells_meaning_values_and_what_an_image_comes_to() {
    let text = RECIPE.replace("image \"half\" from=\"app\" {\n", "");
    let project = project(&text);
    let hover = |line: &str, word: &str| {
        let found = project.hover("images/a/recipe.kdl", at(&text, line, word));
        found.unwrap_or_else(|| panic!("nothing at {word}")).text
    };
    assert!(hover("healthcheck \"/x\"", "healthcheck").contains("```kdl\nhealthcheck"));
    assert!(hover("interval=\"30s\"", "interval").contains("a duration"));
    let definition = hover("is \"service\"", "service");
    assert!(definition.contains("images/project.kdl:2") && definition.contains("where it listens"), "{definition}");
    assert!(hover("port=80", "port").contains("type=\"port\""));
    let values = hover("\"${version} ${kind}\"", "version");
    assert!(values.contains("`${version}` is `1.2`") && values.contains("is `a` for linux/arm64"), "{values}");
    let image = hover("image \"app\"", "app");
    assert!(image.contains("user \"7\"  // images/project.kdl:4, definition service"), "{image}");
    assert_eq!(project.hover("images/a/recipe.kdl", text.len() + 10), None);
    assert_eq!(project.hover("images/other.kdl", 0), None);
}

#[test]
fn what_is_named_is_found_where_it_is_declared() {
    let text = RECIPE.replace("image \"half\" from=\"app\" {\n", "");
    let project = project(&text);
    let line = |line: &str, word: &str| {
        let place = project.declaration("images/a/recipe.kdl", at(&text, line, word));
        place.map(|place| project.sources().line(place))
    };
    let found = |place: &str| Some(place.to_owned());
    assert_eq!(line("is \"service\"", "service"), found("images/project.kdl:2"));
    assert_eq!(line("port=80", "port"), found("images/project.kdl:3"));
    assert_eq!(line("use \"src\"", "\"src"), found("images/a/recipe.kdl:5"));
    assert_eq!(line("from=\"make\"", "make"), found("images/a/recipe.kdl:6"));
    assert_eq!(line("from=\"app\" { use", "app"), found("images/a/recipe.kdl:8"));
    assert_eq!(line("${version}", "version"), found("images/a/recipe.kdl:2"));
    assert_eq!(line("healthcheck \"/x\"", "health"), None);
    let place = project.declaration("images/project.kdl", at(PROJECT, "expose \"${port}\"", "${port"));
    assert_eq!(place.map(|place| project.sources().line(place)), found("images/project.kdl:3"));
}

#[test]
fn a_text_that_is_not_finished_has_mistakes_and_is_no_obstacle() {
    let project = project(RECIPE);
    assert!(
        project.mistakes.list.iter().any(|mistake| mistake.message.contains("never closed")),
        "{}",
        project.mistakes
    );
    for offset in 0..RECIPE.len() + 2 {
        let _ = project.hover("images/a/recipe.kdl", offset);
        let _ = project.declaration("images/a/recipe.kdl", offset);
        let _ = project.proposals("images/a/recipe.kdl", offset);
    }
}

#[test]
fn what_may_be_written_depends_on_the_block() {
    let text = RECIPE.replace("image \"half\" from=\"app\" {\n", "");
    let project = project(&text);
    let names = |line: &str, word: &str| {
        let all = project.proposals("images/a/recipe.kdl", at(&text, line, word));
        all.into_iter().map(|proposal| proposal.name).collect::<Vec<_>>()
    };
    let image = names("    copy \"/x\" from", "copy");
    assert!(image.contains(&"entrypoint".to_owned()) && image.contains(&"is \"service\"".to_owned()), "{image:?}");
    let stage = names("run \"true\"", "run");
    assert!(stage.contains(&"target-packages".to_owned()) && !stage.contains(&"entrypoint".to_owned()), "{stage:?}");
    assert!(names("license", "license").contains(&"source".to_owned()));
}
