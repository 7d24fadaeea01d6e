//! What other programs are told of the language and of the command line: descriptions, completions, manual pages.

use std::process::Command;

use crate::support::project::Project;

const RECIPE: &str =
    "image \"router\" from=\"scratch\" { user \"1\" }\nimage \"resolver\" from=\"scratch\" { user \"1\" }\n";

#[test]
fn the_language_is_described_with_all_that_its_nodes_take() {
    let project = Project::new(None, &[]);
    let text = project.run(&["schema"]).done();
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let blocks = schema["blocks"].as_array().expect("blocks");
    let image = blocks.iter().find(|block| block["name"] == "an image").expect("an image");
    let nodes = image["nodes"].as_array().expect("nodes");
    let healthcheck = nodes.iter().find(|node| node["name"] == "healthcheck").expect("healthcheck");
    let said = healthcheck.to_string();
    for part in ["\"interval\"", "a duration", "\"reason\"", "\"retries\"", "a whole number"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    for block in blocks {
        for node in block["nodes"].as_array().expect("nodes") {
            let meaning = node["meaning"].as_str().or_else(|| node["ways"][0]["meaning"].as_str()).unwrap_or_default();
            assert!(!meaning.is_empty(), "{node}");
        }
    }
}

#[test]
fn names_are_listed_for_completions_whatever_is_wrong() {
    let project = Project::new(None, &[("net", RECIPE), ("broken", "image \"half\" {\n")]);
    assert_eq!(project.run(&["list", "--names", "images"]).done(), "resolver\nrouter\n");
    assert_eq!(project.run(&["list", "--names", "recipes"]).done(), "broken\nnet\n");
    assert_eq!(project.run(&["list", "--names", "platforms"]).done(), "linux/amd64\nlinux/arm64\n");
    let empty = tempfile::tempdir().expect("a folder");
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
    let output = nowhere.args(["list", "--names", "images"]).current_dir(empty.path()).output().expect("it runs");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// What bash offers after `words`, the last of which is not finished.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let script = project.run(&["completions", "bash"]).done();
    project.write("completions.bash", &script);
    let program = env!("CARGO_BIN_EXE_orchestrate");
    let text = format!(
        "source completions.bash\nCOMP_WORDS=({program} {})\nCOMP_CWORD={}\n_orchestrate_with_names {program} '{}' x\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len(),
        words.last().copied().unwrap_or_default(),
    );
    let output = Command::new("bash").args(["-c", &text]).current_dir(project.path("")).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_what_the_project_has() {
    let project = Project::new(None, &[("net", RECIPE)]);
    assert_eq!(offered(&project, &["build", "ro"]), ["router"]);
    assert_eq!(offered(&project, &["build", "--offline", "router", "re"]), ["resolver"]);
    assert_eq!(offered(&project, &["refresh", ""]), ["net"]);
    assert_eq!(offered(&project, &["plan", "--platform", "linux/ar"]), ["linux/arm64"]);
    assert!(offered(&project, &["build", "--off"]).contains(&"--offline".to_owned()));
    assert!(offered(&project, &["re"]).contains(&"refresh".to_owned()));
}

#[test]
fn the_other_shells_ask_the_program_as_well() {
    let project = Project::new(None, &[]);
    let zsh = project.run(&["completions", "zsh"]).done();
    assert!(zsh.starts_with("#compdef orchestrate"), "{}", &zsh[..40]);
    assert_eq!(zsh.matches(":_orchestrate_images'").count(), 3);
    assert_eq!(zsh.matches(":_orchestrate_recipes'").count(), 2);
    assert!(zsh.matches(":_orchestrate_platforms'").count() >= 4);
    let fish = project.run(&["completions", "fish"]).done();
    assert!(fish.contains("list --names images"), "{fish}");
}

#[test]
fn every_verb_has_a_manual_page() {
    let project = Project::new(None, &[]);
    let folder = project.path("man");
    project.run(&["man", folder.to_str().expect("UTF-8")]).done();
    let page = |name: &str| fs_err::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
    let first = page("orchestrate.1");
    for verb in ["build", "check", "fmt", "import", "list", "lsp", "new", "plan", "refresh", "schema", "show"] {
        let page = page(&format!("orchestrate-{verb}.1"));
        assert!(page.contains(".SH OPTIONS") && page.contains("\\-\\-project"), "{verb}: {page}");
        assert!(first.contains(&format!("orchestrate\\-{verb}(1)")), "{verb} is not in {first}");
    }
    assert!(page("orchestrate-check.1").contains("\\-\\-sarif"));
    assert_eq!(project.run(&["man"]).done(), first);
}
