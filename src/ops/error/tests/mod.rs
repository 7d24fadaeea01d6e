//! Every error that a room can give, as people see it: drawn at 80 columns by the renderer of the program, and compared
//! with what was reviewed in `tests/cases/errors`. `BLESS=1` writes the drawings anew. An error without a drawing fails.

mod archives;
mod images;
mod inputs;
mod steps;
mod verbs;
mod words;

use std::any::type_name;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{OpsError, StepError};
use crate::diagnostic::{Diagnostic, Style};
use crate::model::{Digest, ImagePath, Place, SourceMap};
use crate::plan::{Part, Subject};

const RECIPE: &str = r#"image "web" from="runtime" {
  packages "nginx"
  user "www-data"
}
"#;
const OTHER: &str = "image \"runtime\" from=\"scratch\" {\n}\n";

/// Errors that no verb gives as they are, and what becomes of them.
const INSIDE: [(&str, &str); 2] = [
    ("Failure", "travels inside of an `io::Error`, whose text it is"),
    ("SetupError", "its text becomes that of `SandboxError::Setup`"),
];

/// Drawings, and which errors they are of.
struct Gallery {
    sources: SourceMap,
    /// In `packages` of one recipe, and in the first line of another.
    place: Place,
    elsewhere: Place,
    drawn: String,
    seen: BTreeSet<String>,
}

impl Gallery {
    fn new() -> Self {
        let mut sources = SourceMap::default();
        let (first, second) =
            (sources.add("images/web/recipe.kdl", RECIPE), sources.add("images/runtime/recipe.kdl", OTHER));
        let place = Place { file: first, offset: 29, length: 16 };
        Self {
            sources,
            place,
            elsewhere: Place { file: second, offset: 0, length: 15 },
            drawn: String::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Draws an error of a room inside of what the verb makes of it.
    fn add<E: Error + 'static>(&mut self, error: E, verb: impl FnOnce(E) -> OpsError) {
        self.title(&error);
        for diagnostic in verb(error).diagnostics() {
            self.draw(&diagnostic);
        }
    }

    /// Draws an error that is met in reading a recipe.
    fn mistake<E: Error + 'static>(&mut self, error: &E) {
        self.title(error);
        self.draw(&Diagnostic::new(&error.to_string()).at(self.place, "here"));
    }

    /// Names an error by its type and its variant.
    fn title<E: Error + 'static>(&mut self, error: &E) {
        let kind = type_name::<E>().rsplit("::").next().unwrap_or_default().to_owned();
        let variant: String = format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect();
        let name = if kind == variant { kind } else { format!("{kind}::{variant}") };
        writeln!(self.drawn, "== {name}").expect("a string takes everything");
        self.seen.insert(name);
    }

    fn draw(&mut self, diagnostic: &Diagnostic) {
        self.drawn += &diagnostic.draw(Some(&self.sources), Style { width: 80, colour: false });
        self.drawn.push('\n');
    }

    /// An error of a step of the recipe.
    fn step(&self) -> impl Fn(StepError) -> OpsError + use<> {
        let place = self.place;
        move |source| OpsError::Step { subject: subject(), place: Some(place), source: Box::new(source) }
    }
}

fn subject() -> Subject {
    Subject {
        recipe: Some("web".parse().expect("a name")),
        part: Part::Image("web".parse().expect("a name")),
        platform: Some("linux/arm64".parse().expect("a platform")),
    }
}

fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

fn path(text: &str) -> ImagePath {
    ImagePath::absolute(text).expect("a path")
}

fn io(kind: std::io::ErrorKind) -> std::io::Error {
    kind.into()
}

fn denied() -> std::io::Error {
    io(std::io::ErrorKind::PermissionDenied)
}

fn parse<T: std::str::FromStr>(text: &str) -> T::Err {
    match text.parse::<T>() {
        Ok(_) => panic!("`{text}` is no mistake"),
        Err(error) => error,
    }
}

/// Draws the errors of some rooms.
type Drawing = fn(&mut Gallery);

#[test]
fn every_error_is_drawn_as_reviewed() {
    let rooms: [(&str, Drawing); 6] = [
        ("words", words::draw),
        ("archives", archives::draw),
        ("inputs", inputs::draw),
        ("steps", steps::draw),
        ("images", images::draw),
        ("verbs", verbs::draw),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/errors");
    let (mut seen, mut different) = (BTreeSet::new(), Vec::new());
    for (room, draw) in rooms {
        let mut gallery = Gallery::new();
        draw(&mut gallery);
        seen.append(&mut gallery.seen);
        let file = folder.join(room).with_extension("txt");
        // trailing spaces do not survive editors
        let drawn: String = gallery.drawn.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        if std::env::var_os("BLESS").is_some() {
            fs_err::write(&file, &drawn).expect("written");
        } else if fs_err::read_to_string(&file).unwrap_or_default() != drawn {
            different.push(format!("{}:\n{drawn}", file.display()));
        }
    }
    assert!(different.is_empty(), "BLESS=1 writes these anew:\n{}", different.join("\n"));
    let declared = declared();
    seen.extend(INSIDE.iter().map(|(name, _)| (*name).to_owned()));
    let missing: Vec<_> = declared.difference(&seen).collect();
    assert!(missing.is_empty(), "these errors have no drawing: {missing:#?}");
    assert!(declared.len() > 200, "the errors were not found");
}

/// All errors that `thiserror` makes in the sources: `Type`, or `Type::Variant`.
fn declared() -> BTreeSet<String> {
    let (mut folders, mut found) = (vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                declared_in(&fs_err::read_to_string(&path).expect("text"), &mut found);
            }
        }
    }
    found
}

fn declared_in(text: &str, found: &mut BTreeSet<String>) {
    let word = |line: &str| line.chars().take_while(|letter| letter.is_alphanumeric()).collect::<String>();
    let (mut kind, mut waits) = (String::new(), false);
    for line in text.lines() {
        let code = line.trim_start();
        let bare = code.trim_start_matches("pub(super) ").trim_start_matches("pub ");
        if let Some(name) = bare.strip_prefix("enum ") {
            kind = word(name);
        }
        if code.starts_with("#[error(") {
            waits = true;
        } else if waits && let Some(name) = bare.strip_prefix("struct ") {
            found.insert(word(name));
            waits = false;
        } else if waits
            && line.starts_with("    ")
            && !line.starts_with("     ")
            && code.starts_with(char::is_uppercase)
        {
            found.insert(format!("{kind}::{}", word(code)));
            waits = false;
        }
    }
}
