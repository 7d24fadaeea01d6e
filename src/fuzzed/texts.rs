//! Texts that people write.

use std::str::FromStr;

use super::{parts, text};
use crate::diagnostic::Style;
use crate::import::{ImportKind, import as imported};
use crate::lock as locks;
use crate::model::{
    ByteSize, Digest, Glob, ImagePath, ImageReference, Mode, Ownership, Platform, Principal, RecipeName, Seconds,
    Timestamp,
};
use crate::ops::{Environment, HostSources};
use crate::recipe as recipes;

/// Files of a project, in the order in which they stand in the bytes.
const FILES: [&str; 3] = ["images/fuzz/recipe.kdl", "images/project.kdl", "images/lib/a.kdl"];

/// Any texts as a recipe, a project's file, and a file that both include: what has mistakes can be drawn, whatever their
/// spans; what has none can be shown.
pub fn recipe(bytes: &[u8]) {
    // a zero byte, which no recipe has, parts the files
    let files: Vec<(String, String)> =
        FILES.iter().zip(parts(bytes)).map(|(name, part)| ((*name).to_owned(), text(part).into_owned())).collect();
    match recipes::parse(files, "/".into()) {
        Ok(loaded) => {
            for name in loaded.project.recipes.keys() {
                let shown = loaded.unified.show(name, None, None, &loaded.project.sources).map(|shown| shown.text());
                assert!(shown.is_some());
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty() && !mistakes.to_string().is_empty());
            assert!(!mistakes.draw(Style { width: 80, colour: true }).is_empty());
        }
    }
}

/// Any text laid out: what is laid out once stays so, and says what it said before.
pub fn format(bytes: &[u8]) {
    match recipes::format("fuzz.kdl", &text(bytes)) {
        Ok(once) => {
            let twice = recipes::format("fuzz.kdl", &once).unwrap_or_else(|mistakes| panic!("{mistakes}\n{once}"));
            assert_eq!(once, twice, "laid out twice");
        }
        // the formatter compares what both texts say, and calls a difference a bug
        Err(mistakes) => {
            assert!(!mistakes.is_empty() && !mistakes.list.iter().any(|mistake| mistake.help.contains("bug")));
        }
    }
}

/// Any text as a lock: what is accepted is in the one form that is written.
pub fn lock(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(parsed) = locks::parse_recipe(&text) {
        assert_eq!(locks::parse_recipe(&locks::render_recipe(&parsed)).expect("was just written"), parsed);
    }
    if let Ok(parsed) = locks::parse_archives(&text) {
        assert_eq!(locks::parse_archives(&locks::render_archives(&parsed)).expect("was just written"), parsed);
    }
}

/// Any text as a file of others: what comes out can be read as a recipe or refused with mistakes.
pub fn import(bytes: &[u8]) {
    let text = text(bytes);
    for kind in [ImportKind::Dockerfile, ImportKind::Apko, ImportKind::Melange] {
        let name = RecipeName::new("fuzz").ok();
        if let Ok(imported) = imported("File".into(), &text, Some(kind), name) {
            let files = vec![("images/fuzz/recipe.kdl".to_owned(), imported.recipe)];
            if let Err(mistakes) = recipes::parse(files, "/".into()) {
                assert!(!mistakes.is_empty());
            }
        }
    }
}

/// Any bytes as an environment file.
pub fn environment(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("environment.kdl");
    fs_err::write(&file, bytes).expect("written");
    let _ = Environment::load(&file, true).map_err(|error| error.to_string());
}

/// Any bytes as the lists of archives of the host's package manager, in both formats.
pub fn apt_sources(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::write(folder.path().join("sources.list"), bytes).expect("written");
    fs_err::create_dir(folder.path().join("sources.list.d")).expect("made");
    fs_err::write(folder.path().join("sources.list.d/a.sources"), bytes).expect("written");
    let _ = HostSources::read(folder.path());
}

/// Each line as every word of the model: what is accepted is written as something that is accepted as the same.
pub fn model(bytes: &[u8]) {
    for line in text(bytes).lines() {
        again::<Digest>(line);
        again::<Platform>(line);
        again::<Mode>(line);
        again::<Principal>(line);
        again::<ImageReference>(line);
        again::<Timestamp>(line);
        let _ = (line.parse::<Ownership>(), line.parse::<ByteSize>(), line.parse::<Seconds>());
        let _ = Timestamp::from_rfc2822(line);
        if let Ok(path) = ImagePath::absolute(line) {
            assert_eq!(ImagePath::new(path.as_bytes()).as_ref(), Ok(&path));
            if let Ok(glob) = Glob::new(line) {
                let _ = glob.matches(&path);
            }
        }
    }
}

fn again<T: FromStr + ToString + PartialEq + std::fmt::Debug>(word: &str) {
    if let Ok(value) = word.parse::<T>() {
        let written = value.to_string();
        let read = written.parse::<T>().ok();
        assert_eq!(read.as_ref(), Some(&value), "`{word}` is written as `{written}`");
    }
}
