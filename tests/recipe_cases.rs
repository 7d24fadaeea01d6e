//! One file per mistake that a recipe can hold, and the message as it is drawn: what a reviewer reads here is what a
//! person will read. `BLESS=1` writes the messages anew.
//!
//! A case is `tests/cases/recipe/NAME.kdl`. It is one recipe, `images/case/recipe.kdl`, beside a project file and base
//! images that have no mistakes, unless lines `// ==> images/…` split it into files of its own.

use camino::Utf8Path;
use orchestrate::diagnostic::Style;
use orchestrate::recipe::{self, Mistakes};

const PROJECT: &str = r#"platforms "linux/amd64" "linux/arm64"
archive "debian" kind="deb" { component "main"; keyring "keys/debian.asc" }
distribution "debian" suite="trixie" { use "debian" suite="trixie" }
"#;
const BASES: &str = r#"image "runtime" from="scratch" { distribution "debian" suite="trixie"; user "65532" }
image "builder" from="runtime" { user "root" reason="it builds" }
"#;

fn files(case: &str) -> Vec<(String, String)> {
    let mut files = vec![
        ("images/project.kdl".to_owned(), PROJECT.to_owned()),
        ("images/bases/recipe.kdl".to_owned(), BASES.to_owned()),
    ];
    if !case.starts_with("// ==> ") {
        files.push(("images/case/recipe.kdl".to_owned(), case.to_owned()));
        return files;
    }
    for part in case.split("// ==> ").skip(1) {
        let (name, text) = part.split_once('\n').expect("a name ends its line");
        files.retain(|(known, _)| known != name);
        files.push((name.to_owned(), text.to_owned()));
    }
    files
}

fn draw(mistakes: &Mistakes) -> String {
    // miette fills lines with spaces, which editors take away
    mistakes.draw(Style { width: 80, colour: false }).lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn every_mistake_is_drawn_as_reviewed() {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/recipe");
    let bless = std::env::var_os("BLESS").is_some();
    let mut cases: Vec<_> =
        folder.read_dir_utf8().expect("the cases").map(|entry| entry.expect("a case").into_path()).collect();
    cases.sort();
    let mut different = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|path| path.extension() == Some("kdl")) {
        count += 1;
        let text = fs_err::read_to_string(case).expect("a case");
        let warning = case.file_stem().is_some_and(|name| name.starts_with("warning-"));
        let mistakes = match recipe::parse(files(&text), Utf8Path::new("/nowhere")) {
            Ok(loaded) if warning => loaded.warnings,
            Ok(_) => panic!("{case} has no mistake"),
            Err(mistakes) => mistakes,
        };
        assert!(!mistakes.is_empty(), "{case} has no mistake");
        for mistake in &mistakes.list {
            let file = &mistakes.sources.file(mistake.place.file);
            assert!(mistake.place.length > 0 || file.text.is_empty(), "{case}: `{}` has no span", mistake.message);
            assert!(file.name.starts_with("images/"), "{case}: `{}` names no file", mistake.message);
            assert!(!mistake.help.is_empty(), "{case}: `{}` has no help", mistake.message);
        }
        let drawn = draw(&mistakes);
        let expected = case.with_extension("stderr");
        if bless {
            fs_err::write(&expected, &drawn).expect("blessed");
        } else if fs_err::read_to_string(&expected).unwrap_or_default() != drawn {
            different.push(format!("{case}:\n{drawn}"));
        }
    }
    assert!(count >= 180, "only {count} cases were found");
    assert!(different.is_empty(), "{}\nBLESS=1 accepts these", different.join("\n"));
}

/// A folder with a recipe and what the test puts beside it.
fn folder(recipe: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let case = root.path().join("images/case");
    fs_err::create_dir_all(case.join("files")).expect("a folder");
    fs_err::write(root.path().join("images/project.kdl"), "platforms \"linux/amd64\"\n").expect("a file");
    fs_err::write(case.join("recipe.kdl"), recipe).expect("a file");
    fs_err::write(case.join("files/app.conf"), "x").expect("a file");
    root
}

fn load(root: &tempfile::TempDir) -> Vec<String> {
    let path = Utf8Path::from_path(root.path()).expect("a path in UTF-8");
    match recipe::load(path) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.list.iter().map(|mistake| format!("{}; {}", mistake.message, mistake.help)).collect(),
    }
}

const COPY: &str = r#"image "a" from="scratch" { user "1"; copy "files/app.conf" to="/etc/" }"#;

#[test]
fn a_file_beside_the_recipe_must_be_there() {
    let root = folder(COPY);
    assert_eq!(load(&root), [""; 0]);
    let conf = root.path().join("images/case/files/app.conf");
    fs_err::rename(&conf, conf.with_file_name("app.cnf")).expect("renamed");
    assert_eq!(load(&root), ["there is no `files/app.conf`; did you mean `files/app.cnf`?"]);
}

#[test]
fn a_link_that_leads_out_of_the_folder_is_refused() {
    let root = folder(COPY);
    let conf = root.path().join("images/case/files/app.conf");
    fs_err::remove_file(&conf).expect("removed");
    fs_err::os::unix::fs::symlink("/etc/passwd", &conf).expect("linked");
    let mistakes = load(&root);
    assert!(mistakes.len() == 1 && mistakes[0].contains("leads out of the folder"), "{mistakes:?}");
    fs_err::write(root.path().join("images/case/other"), "y").expect("a file");
    fs_err::remove_file(&conf).expect("removed");
    fs_err::os::unix::fs::symlink("../other", &conf).expect("linked");
    assert_eq!(load(&root), [""; 0]);
}

#[test]
fn files_that_cannot_be_read_are_mistakes_among_others() {
    let root = folder("titel \"x\"\n");
    fs_err::write(root.path().join("images/project.kdl"), b"platforms \"linux/amd64\"\n\xff").expect("a file");
    let mistakes = load(&root);
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes.iter().any(|mistake| mistake.contains("line 2 is not UTF-8")), "{mistakes:?}");
    let empty = tempfile::tempdir().expect("a folder");
    let mistakes = load(&empty);
    assert!(mistakes.len() == 1 && mistakes[0].contains("there is no folder `images`"), "{mistakes:?}");
}

#[test]
fn a_file_that_is_too_long_is_not_read_whole() {
    let root = folder(&format!("title \"{}\"\n", "x".repeat(3 << 20)));
    let mistakes = load(&root);
    assert!(mistakes.len() == 1 && mistakes[0].contains("are allowed"), "{mistakes:?}");
}
