//! Values of parameters, and what `${…}` makes of them (XCU 2.6.2).

use super::super::ast::{End, Name, Operation, Parameter, Place, Unless, Word};
use super::super::pattern::Pattern;
use super::super::run::{Run, Shell, Stop};
use super::fields::Fields;

/// Variables that bash and dash make up from the machine.
const OF_THE_MACHINE: &[&str] = &[
    "BASHPID",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "HOSTNAME",
    "HOSTTYPE",
    "MACHTYPE",
    "OSTYPE",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SRANDOM",
    "UID",
    "EUID",
];

/// What a parameter stands for.
enum Content {
    Unset,
    Text(String),
    /// Several fields: of `$@` (false) or `$*` (true).
    Several(Vec<String>, bool),
}

impl Shell<'_> {
    pub(super) fn parameter(&mut self, parameter: &Parameter, quoted: bool, fields: &mut Fields) -> Run<()> {
        let Parameter { name, operation } = parameter;
        let mut content = self.content(name)?;
        if let Operation::Unless { action, empty, word } = operation {
            let missing = match &content {
                Content::Unset => true,
                Content::Text(text) => *empty && text.is_empty(),
                Content::Several(all, _) => all.is_empty() || *empty && all.iter().all(String::is_empty),
            };
            match (action, missing) {
                (Unless::Alternative, true) => return Ok(()),
                (Unless::Alternative, false) | (Unless::Default, true) => return self.pieces(&word.0, quoted, fields),
                (Unless::Assign, true) => {
                    let text = self.text(word)?;
                    let Name::Variable(variable) = name else { return Err(self.bad(parameter)) };
                    self.set(variable, text.clone())?;
                    content = Content::Text(text);
                }
                (Unless::Fail, true) => {
                    let text = self.text(word)?;
                    let text = if text.is_empty() { "parameter not set or null".to_owned() } else { text };
                    self.complain(format!("{}: {text}", shown(name)))?;
                    return Err(Stop::Exit(2));
                }
                _ => {}
            }
        } else if let (Content::Unset, true) = (&content, self.state.options.nounset) {
            self.complain(format!("{}: parameter not set", shown(name)))?;
            return Err(Stop::Exit(2));
        }
        match content {
            Content::Unset => self.changed(String::new(), operation).map(|text| fields.value(&text, quoted)),
            Content::Text(text) => self.changed(text, operation).map(|text| fields.value(&text, quoted)),
            Content::Several(all, _) if matches!(operation, Operation::Length) => {
                fields.value(&all.len().to_string(), quoted);
                Ok(())
            }
            Content::Several(all, joined) => self.several(all, joined, operation, quoted, fields),
        }
    }

    fn several(
        &mut self,
        all: Vec<String>,
        joined: bool,
        operation: &Operation,
        quoted: bool,
        fields: &mut Fields,
    ) -> Run<()> {
        let mut changed = Vec::new();
        for text in all {
            changed.push(self.changed(text, operation)?);
        }
        if !fields.splits() || quoted && joined {
            let separators = self.state.variable("IFS").unwrap_or(" \t\n");
            let separator =
                if joined { separators.chars().next().map_or(String::new(), String::from) } else { " ".to_owned() };
            fields.value(&changed.join(&separator), quoted);
            return Ok(());
        }
        for (index, text) in changed.iter().enumerate() {
            if index > 0 {
                fields.end();
            }
            fields.value(text, quoted);
        }
        Ok(())
    }

    fn content(&mut self, name: &Name) -> Run<Content> {
        let text = |text: &str| Content::Text(text.to_owned());
        Ok(match name {
            Name::Variable(name) => match self.state.variable(name) {
                Some(value) => text(value),
                None if OF_THE_MACHINE.contains(&name.as_str()) => {
                    return Err(self.refuse(format!("the variable {name}, which comes from the machine")).into());
                }
                None => Content::Unset,
            },
            Name::Position(0) => text(&self.state.name),
            Name::Position(number) => self.state.positional.get(number - 1).map_or(Content::Unset, |value| text(value)),
            Name::All => Content::Several(self.state.positional.to_vec(), false),
            Name::Joined => Content::Several(self.state.positional.to_vec(), true),
            Name::Count => Content::Text(self.state.positional.len().to_string()),
            Name::Status => Content::Text(self.state.status.to_string()),
            Name::Flags => Content::Text(self.flags()),
            Name::Process => return Err(self.refuse("`$$`, the number of a process").into()),
            Name::Background => return Err(self.refuse("`$!`, the number of a process").into()),
            Name::Element(name, index) => {
                let index: usize = index.parse().unwrap_or(usize::MAX);
                self.state.elements(name).get(index).map_or(Content::Unset, |value| text(value))
            }
            Name::Elements(name, joined) => Content::Several(self.state.elements(name), *joined),
        })
    }

    fn flags(&self) -> String {
        let options = self.state.options;
        let of = |on: bool, letter: &'static str| if on { letter } else { "" };
        [of(options.errexit, "e"), of(options.noglob, "f"), of(options.nounset, "u")].concat()
    }

    /// A value after an operation.
    fn changed(&mut self, text: String, operation: &Operation) -> Run<String> {
        Ok(match operation {
            Operation::Value | Operation::Unless { .. } => text,
            Operation::Length => text.chars().count().to_string(),
            Operation::Trim { end, longest, pattern } => {
                let pattern = self.pattern(pattern)?;
                self.trimmed(&text, &pattern, *end, *longest)?
            }
            Operation::Replace { pattern, with, place } => {
                let pattern = self.pattern(pattern)?;
                let with = self.text(with)?;
                self.replaced(&text, &pattern, &with, *place)?
            }
            Operation::Slice { offset, length } => self.sliced(&text, offset, length.as_ref())?,
            Operation::Case { upper, all } => cased(&text, *upper, *all),
            Operation::Indirect => self.state.variable(&text).unwrap_or_default().to_owned(),
        })
    }

    fn trimmed(&mut self, text: &str, pattern: &Pattern, end: End, longest: bool) -> Run<String> {
        let letters: Vec<char> = text.chars().collect();
        self.step(pattern.cost(letters.len()).saturating_mul(letters.len() as u64 + 1) / 64)?;
        let kept = match end {
            End::Prefix => &letters[pattern.prefix(&letters, longest).unwrap_or(0)..],
            End::Suffix => &letters[..pattern.suffix(&letters, longest).unwrap_or(letters.len())],
        };
        Ok(kept.iter().collect())
    }

    fn replaced(&mut self, text: &str, pattern: &Pattern, with: &str, place: Place) -> Run<String> {
        let letters: Vec<char> = text.chars().collect();
        let length = letters.len() as u64 + 1;
        self.step(pattern.cost(letters.len()).saturating_mul(length).saturating_mul(length) / 64)?;
        let (mut made, mut at) = (String::new(), 0);
        while at <= letters.len() {
            let rest = &letters[at..];
            let found = match place {
                Place::Suffix => pattern.matches(rest).then_some(rest.len()),
                _ => pattern.prefix(rest, true),
            };
            if let Some(taken) = found.filter(|taken| *taken > 0) {
                made.push_str(with);
                self.make(with.len())?;
                at += taken;
                if place == Place::All {
                    continue;
                }
                break;
            }
            let Some(letter) = rest.first().filter(|_| place != Place::Prefix) else { break };
            made.push(*letter);
            at += 1;
        }
        made.extend(&letters[at.min(letters.len())..]);
        Ok(made)
    }

    fn sliced(&mut self, text: &str, offset: &Word, length: Option<&Word>) -> Run<String> {
        let letters: Vec<char> = text.chars().collect();
        let count = i64::try_from(letters.len()).unwrap_or(i64::MAX);
        let offset = self.text(offset)?;
        let offset = self.sum(&offset)?;
        let begin = if offset < 0 { count + offset } else { offset };
        let end = match length {
            None => count,
            Some(length) => {
                let length = self.text(length)?;
                let length = self.sum(&length)?;
                if length < 0 { count.saturating_add(length) } else { begin.saturating_add(length) }
            }
        };
        let place = |at: i64| usize::try_from(at.clamp(0, count)).unwrap_or(0);
        Ok(letters.get(place(begin)..place(end)).unwrap_or_default().iter().collect())
    }

    fn bad(&self, parameter: &Parameter) -> Stop {
        self.refuse(format!("an assignment to {}", shown(&parameter.name))).into()
    }
}

fn cased(text: &str, upper: bool, all: bool) -> String {
    let change = |letter: char| if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
    text.chars().enumerate().map(|(index, letter)| if all || index == 0 { change(letter) } else { letter }).collect()
}

fn shown(name: &Name) -> String {
    match name {
        Name::Variable(name) | Name::Element(name, _) | Name::Elements(name, _) => name.clone(),
        Name::Position(number) => number.to_string(),
        Name::All => "@".to_owned(),
        Name::Joined => "*".to_owned(),
        Name::Count => "#".to_owned(),
        Name::Status => "?".to_owned(),
        Name::Flags => "-".to_owned(),
        Name::Process => "$".to_owned(),
        Name::Background => "!".to_owned(),
    }
}
