//! Text of other people that a terminal would obey: escape sequences, bells, text that turns its direction.

use std::process::Command;

use crate::support::project::Project;
use crate::support::text_of;

/// Sets the clipboard, rings, colours, clears, turns the text around.
const NASTY: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{9b}31m\r\u{8}\u{202e}\u{2066}\u{200b}\u{e0041}";
/// The same as a recipe writes it.
const WRITTEN: &str =
    "\\u{1b}]52;c;ZXZpbA==\\u{7}\\u{1b}[2J\\u{9b}31m\\u{d}\\u{8}\\u{202e}\\u{2066}\\u{200b}\\u{e0041}";

/// Asserts that a terminal obeys nothing in a text but its line ends.
fn harmless(what: &str, text: &str) {
    let obeyed = text.chars().find(|&character| {
        let hidden = matches!(u32::from(character), 0x61c | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe0fff);
        hidden || (character.is_control() && character != '\n')
    });
    assert_eq!(obeyed, None, "{what}: {text:?}");
}

/// Runs the program with its standard output on a terminal (script(1)), and gives what came there.
fn on_a_terminal(project: &Project, arguments: &[&str]) -> String {
    let command = project.command(arguments);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''")));
    let line = quoted.collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{line} 2>/dev/null"), "/dev/null"]).env("NO_COLOR", "1");
    text_of("util-linux", script.current_dir(project.path(""))).replace("\r\n", "\n")
}

#[test]
fn names_and_texts_in_mistakes_are_escaped() {
    for recipe in [
        format!("stage \"s{WRITTEN}\" from=\"a\" {{ run \"x\"; }}\n"),
        format!("\"node{WRITTEN}\" \"x\"\n"),
        format!("image \"a\" from=\"scratch\" {{ user \"1\"; copy \"{WRITTEN}\" to=\"/x\"; }}\n"),
        format!("image \"a\" from=\"scratch\" {{ user \"1\"; label \"x\" \"${{{WRITTEN}}}\"; }}\n"),
        format!("image \"a\" from=\"scratch\" {{ user \"1\"; expose \"{WRITTEN}\"; }}\n"),
        format!("status \"{WRITTEN}\"\n"),
        format!("// a comment {NASTY}\nfoo \"{NASTY}\" // {NASTY}\n"),
        format!("image \"a\" from=\"scratch\" {{ user \"1\" \"{NASTY}"),
    ] {
        let project = Project::new(None, &[("evil", &recipe)]);
        let said = project.run(&["check"]);
        harmless(&recipe, &said.failed(&["images/evil/recipe.kdl"]));
        let mut coloured = project.command(&["--color", "always", "check"]);
        let said = String::from_utf8(coloured.output().expect("starts").stderr).expect("text");
        let mut plain = String::new();
        for part in said.split("\u{1b}[") {
            // what this program colours: digits and `;`, up to an `m`
            plain.push_str(
                part.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == ';').trim_start_matches('m'),
            );
        }
        harmless(&recipe, &plain);
    }
}

#[test]
fn what_is_marked_stays_under_its_mark() {
    let project = Project::new(None, &[("evil", &format!("image \"a\" /* {NASTY} */ foo=\"x\"\n"))]);
    let said = project.run(&["check"]).failed(&["foo"]);
    let lines: Vec<&str> = said.lines().collect();
    let at = lines.iter().position(|line| line.contains("foo=\"x\"") && line.contains("1 │")).expect("the line");
    let column = |line: &str, what: char| line.chars().position(|character| character == what);
    let marks = lines[at + 1..].iter().find_map(|line| column(line, '┬').or_else(|| column(line, '─')));
    let foo = lines[at].find("foo=").map(|byte| lines[at][..byte].chars().count()).expect("there");
    assert!(marks.is_some_and(|mark| (foo..foo + 7).contains(&mark) || mark < foo), "{said}");
    harmless("marks", &said);
}

#[test]
fn folders_and_arguments_are_escaped() {
    let project = Project::new(None, &[("good", "title \"x\"\n")]);
    project.write(&format!("images/evil{NASTY}/recipe.kdl"), "foo\n");
    harmless("a folder", &project.run(&["check"]).failed(&["images/evil"]));
    for arguments in [&["build", NASTY][..], &[NASTY], &["show", NASTY], &["fmt", NASTY], &["import", NASTY]] {
        let said = project.run(arguments);
        assert!(matches!(said.code, Some(1 | 2)), "{arguments:?}");
        harmless(&format!("{arguments:?}"), &said.stderr);
    }
}

#[test]
fn titles_are_data_in_a_pipe_and_text_on_a_terminal() {
    let recipe = format!(
        "title \"T{WRITTEN}\"\nimage \"a\" from=\"scratch\" {{ user \"1\"; healthcheck \"none\" reason=\"x\"; }}\n"
    );
    let project = Project::new(None, &[("evil", &recipe)]);
    let piped = project.run(&["list"]).done();
    assert!(piped.contains("\u{1b}]52"), "data keeps its bytes: {piped:?}");
    for arguments in [&["list"][..], &["list", "--json"], &["show"], &["--color", "always", "show", "--plain"]] {
        let shown = on_a_terminal(&project, arguments);
        harmless(&format!("{arguments:?}"), &shown.replace('\t', " "));
    }
    let shown = on_a_terminal(&project, &["list"]);
    assert!(shown.contains("T\\u{1b}]52"), "{shown}");
}

#[test]
fn findings_of_import_are_escaped() {
    let project = Project::new(None, &[("good", "title \"x\"\n")]);
    project
        .write("Dockerfile", &format!("FROM scratch\nONBUILD RUN {NASTY}\nLABEL a=\"{NASTY}\"\nSHELL [\"{NASTY}\"]\n"));
    let said = project.run(&["import", "--name", "x", "Dockerfile"]);
    harmless("import", &said.stderr);
}
