//! What others write, as recipes: a Dockerfile, an apko or a melange file → a recipe in our language, and a list of what
//! could not be said in it. Pure: text in, text out. Nothing is looked up, so what only a network or a disk could tell
//! is a [`ImportFinding`] as well.
//!
//! A file goes through a parser of its own (`dockerfile::lines`, `yaml`), is translated into nodes, and these are
//! written by `recipe`. Shell scripts are taken apart by `shell` where they are plain lists of commands.

mod about;
mod accounts;
mod apko;
mod bases;
mod dockerfile;
mod durations;
mod findings;
mod melange;
mod options;
mod packages;
mod recipe;
mod shell;
mod signals;
mod yaml;

use camino::Utf8Path;
use serde::Serialize;
use thiserror::Error;

use crate::model::RecipeName;

pub use findings::ImportFinding;

/// Largest file that is read, in bytes.
pub(crate) const LARGEST: usize = 1 << 20;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// A Dockerfile, or Containerfile.
    Dockerfile,
    /// What apko makes an image of.
    Apko,
    /// What melange makes packages of.
    Melange,
}

/// A recipe, and what it does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Its name, as asked or as found.
    pub name: RecipeName,
    /// Its text.
    pub recipe: String,
    /// What could not be translated, by line.
    pub findings: Vec<ImportFinding>,
}

/// Why a file cannot be read as its kind.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum ImportError {
    #[error("it has more than {LARGEST} bytes")]
    TooLong,
    #[error("line {line} is not UTF-8 text")]
    NotText { line: usize },
    #[error("line {line}: `{word}` is not an instruction of a Dockerfile")]
    Instruction { line: usize, word: String },
    #[error("line {line}: the text after `<<{name}` never ends: no line is `{name}`")]
    Heredoc { line: usize, name: String },
    #[error("it has no `FROM`")]
    NoFrom,
    #[error("it has more than {most} {what}")]
    TooMuch { most: usize, what: &'static str },
    #[error("line {line}: this is not YAML: {reason}")]
    Yaml { line: usize, reason: String },
    #[error("it has neither {wanted}, as {kind} files do")]
    OtherYaml { wanted: &'static str, kind: &'static str },
    #[error("neither its name nor its content says which kind of file it is")]
    UnknownKind,
    #[error("the recipe has no name")]
    NoName,
}

impl ImportError {
    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UnknownKind => "say what it is with `--kind dockerfile`, `--kind apko` or `--kind melange`",
            Self::NoName => "name the recipe with `--name NAME`",
            Self::TooLong | Self::TooMuch { .. } => "split the file, or write the recipe by hand: `orchestrate new`",
            Self::NotText { .. } => "convert it to UTF-8, for example with `iconv`",
            Self::Heredoc { .. } | Self::Yaml { .. } => "correct the file, and import it again",
            Self::Instruction { .. } | Self::NoFrom | Self::OtherYaml { .. } => {
                "is it a file of another kind? `--kind` says which"
            }
        }
        .to_owned()
    }
}

/// Reads bytes as text; they may be too many, or no text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ImportError> {
    if bytes.len() > LARGEST {
        return Err(ImportError::TooLong);
    }
    let line = |end: usize| bytes[..end].iter().filter(|&&byte| byte == b'\n').count() + 1;
    if let Some(zero) = bytes.iter().position(|&byte| byte == 0) {
        return Err(ImportError::NotText { line: line(zero) });
    }
    std::str::from_utf8(bytes).map_err(|error| ImportError::NotText { line: line(error.valid_up_to()) })
}

/// What the file at `path` is likely to be, by its name, else by what it holds.
fn guess(path: &Utf8Path, text: &str) -> Option<ImportKind> {
    let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    if !yaml && (name.contains("dockerfile") || name.contains("containerfile")) {
        return Some(ImportKind::Dockerfile);
    }
    if yaml && name.contains("apko.") {
        return Some(ImportKind::Apko);
    }
    if yaml && name.contains("melange.") {
        return Some(ImportKind::Melange);
    }
    let begins = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    if begins(&["package:"]) && begins(&["pipeline:"]) {
        Some(ImportKind::Melange)
    } else if begins(&["contents:", "entrypoint:"]) {
        Some(ImportKind::Apko)
    } else {
        let from = |line: &str| line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("from"));
        text.lines().any(from).then_some(ImportKind::Dockerfile)
    }
}

/// Translates the text of the file at `path`; the recipe is called `name`, or after the file.
///
/// # Errors
/// When the text is not of its kind.
pub fn import(
    path: &Utf8Path,
    text: &str,
    kind: Option<ImportKind>,
    name: Option<RecipeName>,
) -> Result<Imported, ImportError> {
    if text.len() > LARGEST {
        return Err(ImportError::TooLong);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let file = path.file_name().unwrap_or("file");
    let kind = kind.or_else(|| guess(path, &text)).ok_or(ImportError::UnknownKind)?;
    match kind {
        ImportKind::Melange => melange::translate(file, &text, name, name_of(path)),
        other => {
            let name = name.or_else(|| name_of(path)).ok_or(ImportError::NoName)?;
            match other {
                ImportKind::Apko => apko::translate(file, &text, name),
                _ => dockerfile::translate(file, &text, name),
            }
        }
    }
}

/// What a recipe of the file at `path` is called: `app` for `app/Dockerfile`, `app.Dockerfile`, `Dockerfile.app` and
/// `app.apko.yaml`.
fn name_of(path: &Utf8Path) -> Option<RecipeName> {
    let file = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let says_nothing =
        ["dockerfile", "containerfile", "apko", "melange", "yaml", "yml", "latest", "config", "template", ""];
    let words: Vec<&str> = file.split('.').filter(|word| !says_nothing.contains(word)).collect();
    let folder = path.parent().and_then(Utf8Path::file_name).unwrap_or_default().to_ascii_lowercase();
    let named = if words.is_empty() { folder } else { words.join(".") };
    findings::named(&named)
}

#[cfg(test)]
mod tests;
