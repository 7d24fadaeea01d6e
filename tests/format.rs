//! `orchestrate fmt` on the files of a project, on files that are named, and on standard input.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::project::Project;

const ODD: &str = "image  \"one\" {   // why\n  from \"scratch\";  user \"1000\" ; // who\n\n\n}\n";
const NEAT: &str = "image \"one\" { // why\n    from \"scratch\"\n    user \"1000\" // who\n}\n";

/// A project with one file in each place that `fmt` looks into, of which two are as they should be.
fn project() -> Project {
    let project = Project::new(None, &[("one", ODD), ("two", NEAT)]);
    project.write("images/lib/go/deep.kdl", "a{b;}");
    project.write("images/lib/neat.kdl", "a { b }\n");
    project.write("images/lib/notes.txt", "a{b;}");
    project.write("images/one/files/other.kdl", "a{b;}");
    project
}

#[test]
fn fmt_writes_what_differs_and_nothing_else() {
    let project = project();
    let modified = |name: &str| fs_err::metadata(project.path(name)).and_then(|data| data.modified()).expect("there");
    let (recipe, library) = (modified("images/two/recipe.kdl"), modified("images/lib/neat.kdl"));
    let said = project.run(&["fmt"]);
    assert_eq!(said.stderr, "2 of 5 files changed\n");
    assert_eq!(said.done(), "images/lib/go/deep.kdl\nimages/one/recipe.kdl\n");
    assert_eq!(project.read("images/one/recipe.kdl"), NEAT);
    assert_eq!(project.read("images/lib/go/deep.kdl"), "a { b }\n");
    assert_eq!(project.read("images/lib/notes.txt"), "a{b;}");
    assert_eq!(project.read("images/one/files/other.kdl"), "a{b;}");
    assert_eq!((recipe, library), (modified("images/two/recipe.kdl"), modified("images/lib/neat.kdl")));
    let said = project.run(&["fmt"]);
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (Some(0), "", "5 files: nothing to change\n"));
    let folder = fs_err::read_dir(project.path("images/one")).expect("there");
    assert_eq!(folder.count(), 2, "a temporary file stays");
}

#[test]
fn fmt_check_writes_nothing_and_says_what_would_change() {
    let project = project();
    let said = project.run(&["fmt", "--check"]);
    assert_eq!(said.code, Some(3));
    assert_eq!(said.stdout, "images/lib/go/deep.kdl\nimages/one/recipe.kdl\n");
    assert_eq!(said.stderr, "2 of 5 files would change\n");
    assert_eq!(project.read("images/one/recipe.kdl"), ODD);
    project.run(&["fmt", "--quiet"]).done();
    let said = project.run(&["--quiet", "fmt", "--check"]);
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (Some(0), "", ""));
}

#[test]
fn fmt_takes_files_also_outside_of_any_project() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let project = project();
    let named = project.path("images/one/files/other.kdl");
    fs_err::set_permissions(&named, std::fs::Permissions::from_mode(0o640)).expect("set");
    fs_err::os::unix::fs::symlink(&named, project.path("link.kdl")).expect("linked");
    let changed = project.run(&["fmt", "link.kdl", "images/one/files/other.kdl", "images/two/recipe.kdl"]).done();
    assert_eq!(changed, "images/one/files/other.kdl\n");
    assert_eq!(project.read("images/one/recipe.kdl"), ODD);
    assert_eq!(fs_err::metadata(&named).expect("there").mode() & 0o777, 0o640);
    assert!(fs_err::symlink_metadata(project.path("link.kdl")).expect("there").is_symlink());

    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("a.kdl");
    fs_err::write(&file, "a{b;}").expect("written");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orchestrate"));
    let output = command.arg("fmt").arg("a.kdl").current_dir(elsewhere.path()).output().expect("the program starts");
    let path = file.canonicalize().expect("there");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", path.display()));
    assert_eq!(fs_err::read_to_string(&file).expect("there"), "a { b }\n");
    project.run(&["fmt", "no-such-file.kdl"]).failed(&["no-such-file.kdl"]);
}

#[test]
fn fmt_shows_the_mistakes_of_all_files_and_writes_none() {
    let project = project();
    project.write("images/two/recipe.kdl", "title \"x\"\nimage \"two\" {\n");
    project.write("images/lib/go/deep.kdl", "a b=true");
    let said = project.run(&["fmt"]);
    let stderr = said.failed(&["images/two/recipe.kdl:2", "never closed", "images/lib/go/deep.kdl:1", "2 mistakes"]);
    assert!(!stderr.contains("images/one"), "{stderr}");
    assert_eq!(project.read("images/one/recipe.kdl"), ODD);
}

#[test]
fn fmt_lays_out_standard_input() {
    let project = project();
    let with = |arguments: &[&str], text: &str| {
        let mut command = project.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("the program starts");
        program.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        let output = program.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let said = |code: i32, stdout: &str| (Some(code), stdout.to_owned(), String::new());
    assert_eq!(with(&["fmt", "-"], ODD), said(0, NEAT));
    assert_eq!(with(&["fmt", "-", "--check"], ODD), said(3, "-\n"));
    assert_eq!(with(&["fmt", "-", "--check"], NEAT), said(0, ""));
    let (code, stdout, stderr) = with(&["fmt", "-"], "a {");
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("standard input:1:3"), "{stderr}");
    project.run(&["fmt", "-", "images/one/recipe.kdl"]).failed(&["stands alone"]);
}

#[test]
fn the_recipes_of_this_repository_are_in_their_one_layout() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orchestrate"));
    command.args(["--project", env!("CARGO_MANIFEST_DIR"), "fmt", "--check"]);
    let output = command.output().expect("it runs");
    assert!(output.status.success() && output.stdout.is_empty(), "run `orchestrate fmt`: {output:?}");
    // it looked at them: recipes, the project's file and the libraries
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    assert!(count.is_some_and(|count| count > 10), "{said}");
}
