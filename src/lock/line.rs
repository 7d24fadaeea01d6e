//! One line of a lock: a node, its arguments and its properties, and nothing that needs a general parser.

use std::io;

use thiserror::Error;

/// A lock that cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// A file could not be read or written; the cause names it.
    #[error("the lock cannot be read or written")]
    Io {
        /// Which, and why.
        source: io::Error,
    },
    /// A file is not in the canonical form.
    #[error("{file}:{}: {}", line.number, line.reason)]
    Text {
        /// The file.
        file: String,
        /// Where in it, and what.
        line: LineError,
    },
}

impl LockError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Io { .. } => "check that the `lock` folder and its files are yours".to_owned(),
            Self::Text { file, .. } => format!(
                "locks are written by `orchestrate refresh`; undo the edit (or resolve the merge conflict) in {file}, or delete it and refresh"
            ),
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub struct LineError {
    /// Counting from one.
    pub number: usize,
    /// What is wrong.
    pub reason: String,
}

/// A value: a string or a whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

/// A line, taken apart; accessors take values out so that what is left over can be refused.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) node: String,
    pub(super) opens: bool,
    arguments: std::vec::IntoIter<Value>,
    properties: Vec<(String, Value)>,
}

impl Line {
    pub(super) fn error(&self, reason: impl Into<String>) -> LineError {
        LineError { number: self.number, reason: reason.into() }
    }

    /// The next argument as a parsed text.
    pub(super) fn argument<T>(&mut self, what: &str) -> Result<T, LineError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        match self.arguments.next() {
            Some(Value::Text(text)) => text.parse().map_err(|error: T::Err| self.error(error.to_string())),
            _ => Err(self.error(format!("`{}` lacks {what}", self.node))),
        }
    }

    /// A property, when it is there.
    pub(super) fn property<T>(&mut self, name: &str) -> Result<Option<T>, LineError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let Some(index) = self.properties.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let text = match self.properties.remove(index).1 {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
        };
        text.parse().map(Some).map_err(|error: T::Err| self.error(format!("{name}: {error}")))
    }

    /// A property that must be there.
    pub(super) fn required<T>(&mut self, name: &str) -> Result<T, LineError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let node = self.node.clone();
        self.property(name)?.ok_or_else(|| self.error(format!("`{node}` lacks `{name}=`")))
    }

    /// Refuses what nobody took: a lock that says more than we understand was written by a newer version.
    pub(super) fn end(mut self) -> Result<(), LineError> {
        if self.arguments.next().is_some() {
            return Err(self.error(format!("`{}` has an argument too many", self.node)));
        }
        match self.properties.first() {
            Some((name, _)) => Err(self.error(format!("`{}` does not know `{name}=`", self.node))),
            None => Ok(()),
        }
    }
}

/// Takes a line apart; none for an empty line, a comment or a closing brace.
pub(super) fn read(number: usize, text: &str) -> Result<Option<Line>, LineError> {
    let error = |reason: &str| LineError { number, reason: reason.to_owned() };
    let mut rest = text.trim_matches(' ');
    if rest.is_empty() || rest.starts_with("//") || rest == "}" {
        return Ok(None);
    }
    let opens = rest.ends_with(" {");
    rest = rest.strip_suffix(" {").unwrap_or(rest);
    let (node, mut rest) = word(rest);
    if node.is_empty() {
        return Err(error("expected the name of a node"));
    }
    let (mut arguments, mut properties) = (Vec::new(), Vec::<(String, Value)>::new());
    while let Some(tail) = rest.strip_prefix(' ') {
        if tail.starts_with('"') {
            let (text, tail) = quoted(tail).ok_or_else(|| error("a string does not end"))?;
            arguments.push(Value::Text(text));
            rest = tail;
            continue;
        }
        let (name, tail) = word(tail);
        let tail = tail.strip_prefix('=').filter(|_| !name.is_empty()).ok_or_else(|| error("expected `name=value`"))?;
        if properties.iter().any(|(known, _)| known == name) {
            return Err(error(&format!("`{name}=` stands twice")));
        }
        let (value, tail) = value(tail).ok_or_else(|| error(&format!("`{name}=` has no value")))?;
        properties.push((name.to_owned(), value));
        rest = tail;
    }
    if !rest.is_empty() {
        return Err(error(&format!("cannot read `{}`", rest.chars().take(40).collect::<String>())));
    }
    Ok(Some(Line { number, node: node.to_owned(), opens, arguments: arguments.into_iter(), properties }))
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'));
    text.split_at(end.unwrap_or(text.len()))
}

fn value(text: &str) -> Option<(Value, &str)> {
    if text.starts_with('"') {
        return quoted(text).map(|(text, rest)| (Value::Text(text), rest));
    }
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    digits.parse().ok().map(|number| (Value::Number(number), rest))
}

/// A quoted string with the escapes that [`quote`] writes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let end = text.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
    if text.as_bytes()[end] == b'"' {
        return Some((text[..end].to_owned(), &text[end + 1..])); // nearly always
    }
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                same @ ('"' | '\\') => same,
                _ => return None,
            }),
            _ => value.push(character),
        }
    }
    None
}

/// Writes a string as KDL reads it. Other control characters never occur: no pin accepts them.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
