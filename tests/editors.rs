//! What other programs are told of the language and of the command line: descriptions, completions, manual pages.

use std::process::Command;

use crate::support::project::Project;
use crate::support::tool;

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
            let ways = node["ways"].as_array().expect("ways");
            assert!(!ways.is_empty(), "{node}");
            for way in ways {
                let text = |name: &str| way[name].as_str().unwrap_or_default();
                let name = node["name"].as_str().expect("a name");
                assert!(text("written").starts_with(name) && text("example").starts_with(name), "{way}");
                assert!(!text("meaning").is_empty(), "{way}");
                let arguments = way["arguments"].as_array().expect("arguments");
                let properties = way["properties"].as_object().expect("properties");
                assert!(!arguments.is_empty() || !properties.is_empty() || node["block"].is_string(), "{way}");
                for taken in arguments.iter().chain(properties.values()) {
                    assert!(
                        ["word", "type", "example"]
                            .iter()
                            .all(|part| taken[part].as_str().is_some_and(|text| !text.is_empty())),
                        "{taken}"
                    );
                }
            }
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

/// What bash offers at the end of a line after the program's name, whose words it breaks as it does by itself.
fn offered(project: &Project, line: &str) -> Vec<String> {
    let script = project.run(&["completions", "bash"]).done();
    project.write("completions.bash", &script);
    let program = env!("CARGO_BIN_EXE_orchestrate");
    let broken = line.replace(':', " : ").replace('=', " = ");
    let mut words: Vec<&str> = broken.split_whitespace().collect();
    if line.is_empty() || line.ends_with([' ', '=', ':']) {
        words.push("");
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let (last, previous) = (words[words.len() - 1], words.iter().rev().nth(1).copied().unwrap_or(program));
    let text = format!(
        "source completions.bash\nCOMP_WORDS=({program} {})\nCOMP_CWORD={}\nCOMP_LINE='{program} {line}'\n\
         COMP_POINT=${{#COMP_LINE}}\n_orchestrate_with_names {program} '{last}' '{previous}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len(),
    );
    let output = Command::new("bash").args(["-c", &text]).current_dir(project.path("")).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_what_the_project_has() {
    let project = Project::new(None, &[("net", RECIPE)]);
    assert_eq!(offered(&project, "build ro"), ["router"]);
    assert_eq!(offered(&project, "build "), ["resolver", "router"]);
    assert_eq!(offered(&project, "audit --scripts re"), ["resolver"]);
    assert_eq!(offered(&project, "build --offline "), ["resolver", "router"]);
    assert_eq!(offered(&project, "build --offline router re"), ["resolver"]);
    assert_eq!(offered(&project, "-j 4 refresh "), ["net"]);
    assert_eq!(offered(&project, "plan --platform linux/ar"), ["linux/arm64"]);
    assert_eq!(offered(&project, "plan -p linux/amd64,linux/ar"), ["linux/amd64,linux/arm64"]);
    assert_eq!(offered(&project, "plan --platform=linux/ar"), ["linux/arm64"]);
    assert!(offered(&project, "build --off").contains(&"--offline".to_owned()));
    assert!(offered(&project, "re").contains(&"refresh".to_owned()));
}

#[test]
fn bash_completes_variants_and_looks_into_the_project_that_is_named() {
    let recipe = "variant \"8.3\" { let php \"8.3\" }\nvariant \"8.4\" { let php \"8.4\" }\n\
                  image \"php\" from=\"scratch\" { user \"1\"; env PHP \"${php}\" }\n";
    let (here, there) = (Project::new(None, &[("net", RECIPE)]), Project::new(None, &[("php", recipe)]));
    let folder = there.path("");
    let folder = folder.to_str().expect("UTF-8").trim_end_matches('/');
    assert_eq!(offered(&there, "build p"), ["php:8.3", "php:8.4"]);
    // what is before the colon is there already
    assert_eq!(offered(&there, "build php:8."), ["8.3", "8.4"]);
    assert_eq!(offered(&there, "refresh php:8.4"), ["8.4"]);
    assert_eq!(offered(&here, &format!("--project {folder} build p")), ["php:8.3", "php:8.4"]);
    assert_eq!(offered(&here, &format!("build --project={folder} p")), ["php:8.3", "php:8.4"]);
}

#[test]
fn the_other_shells_ask_the_program_as_well() {
    let project = Project::new(None, &[]);
    let zsh = project.run(&["completions", "zsh"]).done();
    assert!(zsh.starts_with("#compdef orchestrate"), "{}", &zsh[..40]);
    assert_eq!(zsh.matches(":_orchestrate_images'").count(), 4);
    assert_eq!(zsh.matches(":_orchestrate_recipes'").count(), 2);
    assert!(zsh.matches(":_orchestrate_platforms'").count() >= 4);
    let fish = project.run(&["completions", "fish"]).done();
    assert!(fish.contains("list --names images"), "{fish}");
    for (shell, script) in [("zsh", zsh), ("fish", fish)] {
        project.write("script", &script);
        let output = tool(shell, Command::new(shell).args(["-n", "script"]).current_dir(project.path("")));
        assert!(output.stderr.is_empty(), "{shell}: {output:?}");
    }
}

#[test]
fn every_verb_has_a_manual_page() {
    let project = Project::new(None, &[]);
    let folder = project.path("man");
    project.run(&["man", folder.to_str().expect("UTF-8")]).done();
    let page = |name: &str| fs_err::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
    let first = page("orchestrate.1");
    for verb in
        ["audit", "build", "check", "find", "fmt", "import", "list", "lsp", "new", "plan", "refresh", "schema", "show"]
    {
        let page = page(&format!("orchestrate-{verb}.1"));
        assert!(page.contains(".SH OPTIONS") && page.contains("\\-\\-project"), "{verb}: {page}");
        assert!(first.contains(&format!("orchestrate\\-{verb}(1)")), "{verb} is not in {first}");
    }
    assert!(page("orchestrate-check.1").contains("\\-\\-sarif"));
    assert_eq!(project.run(&["man"]).done(), first);
}
