use camino::Utf8Path;

use super::*;

const ALL: [Template; 4] = [Template::Go, Template::Rust, Template::C, Template::Packages];

fn name(text: &str) -> RecipeName {
    RecipeName::new(text).expect("a name")
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
    (folder, root)
}

#[test]
fn every_template_is_read_without_mistakes_or_warnings() {
    for template in ALL {
        let (_folder, root) = folder();
        let report = new(&root, &name("my.app-1"), template).expect("created");
        assert!(report.project && report.looked && report.missing.is_empty());
        let loaded = recipe::load(&root).unwrap_or_else(|mistakes| panic!("{template:?}: {mistakes}"));
        assert!(loaded.warnings.is_empty(), "{template:?}: {}", loaded.warnings);
        assert!(loaded.project.recipes.contains_key("my.app-1"));
        for path in &report.created {
            assert!(root.join(path).is_file(), "{path}");
        }
    }
}

#[test]
fn nothing_that_exists_is_written_over() {
    let (_folder, root) = folder();
    new(&root, &name("app"), Template::Packages).expect("created");
    let before = fs_err::read_to_string(root.join("images/project.kdl")).expect("a file");
    let again = new(&root, &name("app"), Template::Go);
    assert!(matches!(again, Err(OpsError::ImageExists { .. })), "{again:?}");
    fs_err::write(root.join("images/app/recipe.kdl"), "broken {").expect("written");
    let again = new(&root, &name("app"), Template::Go);
    assert!(matches!(&again, Err(OpsError::Exists { path }) if path == "images/app/recipe.kdl"), "{again:?}");
    assert!(!Utf8Path::new(&root.join("images/app/src")).exists());
    assert_eq!(fs_err::read_to_string(root.join("images/project.kdl")).expect("a file"), before);
}

#[test]
fn images_that_are_missing_are_named() {
    let (_folder, root) = folder();
    new(&root, &name("app"), Template::Packages).expect("created");
    let report = new(&root, &name("other"), Template::Go).expect("created");
    assert_eq!((report.project, report.missing), (false, vec!["builder-go".to_owned()]));
    let taken = new(&folder().1, &name("builder-go"), Template::Go);
    assert!(matches!(taken, Err(OpsError::ImageExists { .. })), "{taken:?}");
}
