//! The debconf database in `/var/cache/debconf`: templates that packages bring, and the questions made from them with
//! the answers that a non-interactive installation gives (debconf 1.5.82 to 1.5.91, its file driver).

use std::collections::{BTreeMap, BTreeSet};

use super::ConfigureError;
use super::tree::{Root, at};

/// Templates and questions by name.
#[derive(Default)]
pub(super) struct Debconf {
    templates: BTreeMap<String, BTreeMap<String, String>>,
    questions: BTreeMap<String, Question>,
}

#[derive(Default)]
struct Question {
    owners: BTreeSet<String>,
    value: Option<String>,
    seen: bool,
    variables: BTreeMap<String, String>,
}

impl Debconf {
    /// Loads the templates of a package. `owner` is what debconf calls the script that loads them.
    pub(super) fn load(&mut self, text: &str, owner: &str) {
        for stanza in text.split("\n\n").filter(|stanza| !stanza.trim().is_empty()) {
            let mut fields = template(stanza);
            if let Some(name) = fields.remove("template") {
                self.questions.entry(name.clone()).or_default().owners.insert(owner.to_owned());
                self.templates.insert(name, fields);
            }
        }
    }

    /// Answers a question; nothing when no package has brought it.
    pub(super) fn answer(&mut self, name: &str, value: &str, seen: bool) {
        if let Some(question) = self.questions.get_mut(name) {
            question.value = Some(value.to_owned());
            question.seen = seen;
        }
    }

    /// The value of a question: its answer, or the default of its template; none where there is no such question.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let question = self.questions.get(name)?;
        let default = || self.field(name, "default").unwrap_or_default();
        Some(question.value.clone().unwrap_or_else(default))
    }

    /// A field of a question's template, by its name in any case.
    pub(super) fn field(&self, name: &str, field: &str) -> Option<String> {
        self.templates.get(name)?.get(&field.to_ascii_lowercase()).cloned()
    }

    /// Whether a question counts as seen by a person.
    pub(super) fn is_seen(&self, name: &str) -> bool {
        self.questions.get(name).is_some_and(|question| question.seen)
    }

    /// Says whether a question counts as seen.
    pub(super) fn see(&mut self, name: &str, seen: bool) {
        if let Some(question) = self.questions.get_mut(name) {
            question.seen = seen;
        }
    }

    /// Takes an answer back.
    pub(super) fn reset(&mut self, name: &str) {
        if let Some(question) = self.questions.get_mut(name) {
            (question.value, question.seen) = (None, false);
        }
    }

    /// Removes a question.
    pub(super) fn forget(&mut self, name: &str) {
        self.questions.remove(name);
    }

    /// Fills in a variable of a question's texts.
    pub(super) fn substitute(&mut self, name: &str, variable: &str, value: &str) {
        if let Some(question) = self.questions.get_mut(name) {
            question.variables.insert(variable.to_owned(), value.to_owned());
        }
    }

    /// Writes the three files.
    pub(super) fn write(&self, root: &mut Root<'_>) -> Result<(), ConfigureError> {
        let (mut config, mut passwords, mut templates) = (String::new(), String::new(), String::new());
        for (name, question) in &self.questions {
            let fields = self.templates.get(name);
            let secret = fields.and_then(|fields| fields.get("type")).is_some_and(|kind| kind == "password");
            question.write(name, if secret { &mut passwords } else { &mut config });
        }
        for (name, fields) in &self.templates {
            templates.push_str(&format!("Name: {name}\n"));
            for (field, value) in fields {
                templates.push_str(&format!("{}: {}\n", first_upper(field), escape(value)));
            }
            templates.push_str(&format!("Owners: {name}\n\n"));
        }
        let below = |name: &str| at(&format!("/var/cache/debconf/{name}"));
        root.write(&below("config.dat")?, 0o644, (0, 0), config);
        root.write(&below("passwords.dat")?, 0o600, (0, 0), passwords);
        root.write(&below("templates.dat")?, 0o644, (0, 0), templates);
        Ok(())
    }
}

impl Question {
    fn write(&self, name: &str, out: &mut String) {
        out.push_str(&format!("Name: {name}\nTemplate: {name}\n"));
        if let Some(value) = &self.value {
            out.push_str(&format!("Value: {}\n", escape(value)));
        }
        let owners: Vec<&str> = self.owners.iter().map(String::as_str).collect();
        out.push_str(&format!("Owners: {}\n", owners.join(", ")));
        if self.seen {
            out.push_str("Flags: seen\n");
        }
        if !self.variables.is_empty() {
            out.push_str("Variables:\n");
            for (variable, value) in &self.variables {
                out.push_str(&format!(" {variable} = {}\n", escape(value)));
            }
        }
        out.push('\n');
    }
}

fn escape(value: &str) -> String {
    value.replace('\n', "\\n")
}

fn first_upper(field: &str) -> String {
    let mut letters = field.chars();
    letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// The fields of a template in lower case; the text below a field is another one, `extended_…`, with paragraphs
/// joined and verbatim lines kept.
fn template(stanza: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut extended = String::new();
    let finish = |current: Option<String>, extended: &mut String, fields: &mut BTreeMap<String, String>| {
        let text = std::mem::take(extended);
        let text = text.trim_end_matches('\n');
        if let (Some(field), false) = (current, text.is_empty()) {
            fields.insert(format!("extended_{field}"), text.to_owned());
        }
    };
    for line in stanza.trim_matches('\n').split('\n') {
        let spaced = !extended.is_empty() && !extended.ends_with(['\n', ' ']);
        if let Some((name, value)) = field(line) {
            finish(current.take(), &mut extended, &mut fields);
            let name = name.to_ascii_lowercase();
            fields.insert(name.clone(), value.trim_end().to_owned());
            current = Some(name);
        } else if line == " ." {
            extended.push_str("\n\n");
        } else if let Some(text) = line.strip_prefix(' ') {
            let verbatim = text.starts_with(char::is_whitespace);
            if spaced {
                extended.push(if verbatim { '\n' } else { ' ' });
            }
            extended.push_str(text.trim_end());
            if verbatim {
                extended.push('\n');
            }
        }
    }
    finish(current.take(), &mut extended, &mut fields);
    fields
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_@.".contains(letter));
    plain.then(|| (name, value.strip_prefix(char::is_whitespace).unwrap_or(value)))
}
