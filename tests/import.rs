//! Files of others in the shape of real ones, the recipes that they become, and what is said about the rest.
//! `BLESS=1` writes the expectations anew.
//!
//! A case is `tests/cases/import/NAME.Dockerfile`, `NAME.apko.yaml` or `NAME.melange.yaml`, with the recipe in `.kdl`
//! and the findings in `.stderr` behind its name.

use std::collections::BTreeSet;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use orchestrate::import::{Imported, import};
use orchestrate::recipe;

use crate::support::project::Project;

const PROJECT: &str = r#"platforms "linux/amd64" "linux/arm64"
archive "debian" kind="deb" { component "main"; keyring "keys/debian.asc" }
distribution "debian" suite="trixie" { use "debian" suite="trixie" }
"#;
const BASES: &str = r#"
image "static" from="scratch" { distribution "debian" suite="trixie"; user "65532" }
image "runtime" from="static"
image "builder" from="runtime" { user "root" reason="it builds" }
image "builder-go" from="builder"
image "builder-rust" from="builder"
"#;

/// Mistakes that a recipe may still have, and the finding that announces each.
const ANNOUNCED: &[(&str, &str)] =
    &[("has no digest", "add its digest"), ("unknown distribution", "cannot be built yet")];

fn cases() -> Vec<Utf8PathBuf> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/import");
    let entries = folder.read_dir_utf8().expect("the cases").map(|entry| entry.expect("a case").into_path());
    let mut cases: Vec<_> =
        entries.filter(|path| path.as_str().ends_with(".Dockerfile") || path.as_str().ends_with(".yaml")).collect();
    cases.sort();
    cases
}

fn imported(case: &Utf8Path) -> Imported {
    let text = fs_err::read_to_string(case).expect("a case");
    import(case, &text, None, None).unwrap_or_else(|error| panic!("{case}: {error}"))
}

fn findings(case: &Utf8Path, imported: &Imported) -> String {
    let file = case.file_name().unwrap_or_default();
    let lines = imported.findings.iter();
    lines.map(|finding| format!("{file}:{}: {}: {}\n", finding.line, finding.what, finding.why)).collect()
}

#[test]
fn files_of_others_become_recipes_as_reviewed() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 16, "only {} cases were found", cases.len());
    for case in &cases {
        let imported = imported(case);
        let found = [("kdl", imported.recipe.clone()), ("stderr", findings(case, &imported))];
        for (extension, text) in found {
            let expected = Utf8PathBuf::from(format!("{case}.{extension}"));
            if bless {
                fs_err::write(&expected, &text).expect("blessed");
            } else if fs_err::read_to_string(&expected).unwrap_or_default() != text {
                different.push(format!("{expected}:\n{text}"));
            }
        }
    }
    assert!(different.is_empty(), "{}\nBLESS=1 accepts these", different.join("\n"));
}

/// What is printed is a recipe: its mistakes are those that were announced, and no others.
#[test]
fn recipes_have_only_the_mistakes_that_were_announced() {
    let mut wrong = Vec::new();
    for case in cases() {
        let imported = imported(&case);
        let files = vec![
            ("images/project.kdl".to_owned(), PROJECT.to_owned()),
            ("images/bases/recipe.kdl".to_owned(), BASES.to_owned()),
            (format!("images/{}/recipe.kdl", imported.name), imported.recipe.clone()),
        ];
        let said = findings(&case, &imported);
        let announced: BTreeSet<&str> =
            ANNOUNCED.iter().filter(|(_, finding)| said.contains(finding)).map(|(_, finding)| *finding).collect();
        let mut found = BTreeSet::new();
        let mistakes = match recipe::parse(files, Utf8Path::new("/nowhere")) {
            Ok(loaded) => loaded.warnings,
            Err(mistakes) => mistakes,
        };
        for mistake in &mistakes.list {
            match ANNOUNCED.iter().find(|(message, _)| mistake.message.contains(message)) {
                Some((_, finding)) => drop(found.insert(*finding)),
                None => wrong.push(format!("{case}: {}: {}", mistakes.sources.line(mistake.place), mistake.message)),
            }
        }
        if found != announced {
            wrong.push(format!("{case}: announced were {announced:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each finding stands in the recipe as well, where it matters.
#[test]
fn findings_stand_in_the_recipe() {
    for case in cases() {
        let imported = imported(&case);
        let formatted = orchestrate::recipe::format("recipe.kdl", &imported.recipe);
        assert!(formatted.is_ok_and(|text| text == imported.recipe), "{case}: `orchestrate fmt` would change it");
        let file = case.file_name().unwrap_or_default();
        for finding in &imported.findings {
            let comment = format!("// TODO {file}:{}: {}: {}", finding.line, finding.what, finding.why);
            assert!(imported.recipe.contains(&comment), "{case}: `{comment}` is not in\n{}", imported.recipe);
        }
    }
}

fn case(name: &str) -> String {
    format!("{}/tests/cases/import/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_recipe_is_printed_or_written() {
    let project = Project::new(None, &[]);
    let file = case("go-web.Dockerfile");
    let expected = fs_err::read_to_string(format!("{file}.kdl")).expect("the recipe");
    let said = project.run(&["import", &file]);
    assert!(said.stderr.contains("go-web.Dockerfile:3: "), "{}", said.stderr);
    assert_eq!(said.done(), expected);
    assert_eq!(project.run(&["import", &file, "--write", "--name", "web"]).done(), "images/web/recipe.kdl\n");
    let written = fs_err::read_to_string(project.path("images/web/recipe.kdl")).expect("written");
    assert!(written.contains("image \"web\" {"), "{written}");
    let again = project.run(&["import", &file, "--write", "--name", "web"]);
    again.failed(&["`images/web/recipe.kdl` exists", "another name"]);
    let json: serde_json::Value =
        serde_json::from_str(&project.run(&["import", &file, "--json"]).done()).expect("JSON");
    assert_eq!(json["recipe"], expected);
    assert!(json["findings"][0]["line"].is_u64() && json["findings"][0]["why"].is_string());
}

#[test]
fn what_is_no_such_file_is_refused() {
    let project = Project::new(None, &[]);
    project.write("notes.txt", "nothing of this kind\n");
    project.write("Dockerfile", "FROM a\nHELLO\n");
    project.write("x.apko.yaml", "a: [\n");
    let path = |name: &str| project.path(name).display().to_string();
    project.run(&["import", &path("notes.txt")]).failed(&["neither its name nor its content", "--kind dockerfile"]);
    project.run(&["import", &path("Dockerfile")]).failed(&["line 2: `HELLO` is not an instruction"]);
    project.run(&["import", &path("x.apko.yaml")]).failed(&["this is not YAML"]);
    project.run(&["import", &path("absent")]).failed(&["absent"]);
}

/// Two commands make a project whose recipes can be read.
#[test]
fn new_makes_a_project() {
    for template in ["go", "rust", "c", "packages"] {
        let folder = tempfile::tempdir().expect("a folder");
        let run = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
            command.args(words).current_dir(folder.path()).output().expect("the program runs")
        };
        let output = run(&["new", "hello", "--from", template]);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{stderr}");
        assert!(stdout.starts_with("images/project.kdl\n") && stdout.contains("images/hello/recipe.kdl\n"), "{stdout}");
        assert!(stderr.contains("next: orchestrate refresh && orchestrate build hello"), "{stderr}");
        let listed = run(&["list", "--json"]);
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        assert_eq!(run(&["new", "hello"]).status.code(), Some(1));
        assert_eq!(run(&["new", "Hello World"]).status.code(), Some(2));
    }
}
