//! `${…}`.

use super::super::Unsupported;
use super::super::ast::{End, Name, Operation, Parameter, Place, Unless, Word};
use super::Parser;
use super::word::Context;

/// A parameter's value as it is.
pub(super) const fn plain(name: Name) -> Parameter {
    Parameter { name, operation: Operation::Value }
}

impl Parser<'_> {
    /// The name after a `$` without braces.
    pub(super) fn unbraced_name(&mut self) -> Option<Name> {
        let next = self.peek()?;
        if let Some(digit) = next.to_digit(10) {
            self.next();
            return Some(Name::Position(digit as usize));
        }
        self.special().or_else(|| self.variable().map(Name::Variable))
    }

    fn special(&mut self) -> Option<Name> {
        let name = match self.peek()? {
            '@' => Name::All,
            '*' => Name::Joined,
            '#' => Name::Count,
            '?' => Name::Status,
            '-' => Name::Flags,
            '$' => Name::Process,
            '!' => Name::Background,
            _ => return None,
        };
        self.next();
        Some(name)
    }

    fn variable(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        let name = &rest[..end];
        if !super::is_name(name) {
            return None;
        }
        self.at += end;
        Some(name.to_owned())
    }

    /// The inside of `${…}`, whose opening brace is taken; takes the closing one.
    pub(super) fn parameter(&mut self, quoted: bool) -> Result<Parameter, Unsupported> {
        let rest = self.rest();
        let length = rest.starts_with('#') && !rest.starts_with("#}") && !is_operator(rest[1..].chars().next());
        let indirect = self.bash() && rest.starts_with('!') && !rest.starts_with("!}");
        if length || indirect {
            self.next();
        }
        let name = self.name()?;
        let operation = match (length, indirect) {
            (true, _) => Operation::Length,
            (_, true) => Operation::Indirect,
            _ => self.operation(quoted)?,
        };
        if !self.take("}") {
            return Err(self.refuse(format!("an expansion with `{}`", self.rest().chars().next().unwrap_or(' '))));
        }
        Ok(Parameter { name, operation })
    }

    fn name(&mut self) -> Result<Name, Unsupported> {
        let rest = self.rest();
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let position = rest[..digits].parse().map_err(|_| self.refuse("a parameter with so large a number"))?;
            self.at += digits;
            return Ok(Name::Position(position));
        }
        let Some(name) = self.variable() else { return self.special().ok_or_else(|| self.unexpected()) };
        if !self.bash() || !self.take("[") {
            return Ok(Name::Variable(name));
        }
        let end = self.rest().find([']', '\n']).unwrap_or(0);
        let index = self.rest()[..end].to_owned();
        self.at += end;
        if !self.take("]") {
            return Err(self.unexpected());
        }
        Ok(match index.as_str() {
            "@" => Name::Elements(name, false),
            "*" => Name::Elements(name, true),
            _ if index.chars().all(|letter| letter.is_ascii_digit()) => Name::Element(name, index),
            _ => return Err(self.refuse(format!("the element {index} of an array"))),
        })
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation, Unsupported> {
        let empty = self.rest().starts_with(':') && is_unless(self.rest()[1..].chars().next()) && self.take(":");
        let action = match self.peek() {
            Some('-') => Some(Unless::Default),
            Some('=') => Some(Unless::Assign),
            Some('?') => Some(Unless::Fail),
            Some('+') => Some(Unless::Alternative),
            _ => None,
        };
        if let Some(action) = action {
            self.next();
            return Ok(Operation::Unless { action, empty, word: self.inside(Context::Braces { quoted })? });
        }
        for (sign, end) in [("#", End::Prefix), ("%", End::Suffix)] {
            if self.take(sign) {
                let longest = self.take(sign);
                // quotes count inside of a pattern, wherever it stands
                let pattern = self.inside(Context::Braces { quoted: false })?;
                return Ok(Operation::Trim { end, longest, pattern });
            }
        }
        if self.bash() { self.operation_of_bash(quoted) } else { Ok(Operation::Value) }
    }

    fn operation_of_bash(&mut self, quoted: bool) -> Result<Operation, Unsupported> {
        if self.take("/") {
            let place = match () {
                () if self.take("/") => Place::All,
                () if self.take("#") => Place::Prefix,
                () if self.take("%") => Place::Suffix,
                () => Place::First,
            };
            let pattern = self.inside(Context::Slash)?;
            let with = if self.take("/") { self.inside(Context::Braces { quoted })? } else { Word::default() };
            return Ok(Operation::Replace { pattern, with, place });
        }
        if self.take(":") {
            let offset = self.inside(Context::Offset)?;
            let length = if self.take(":") { Some(self.inside(Context::Offset)?) } else { None };
            return Ok(Operation::Slice { offset, length });
        }
        for (sign, upper) in [("^", true), (",", false)] {
            if self.take(sign) {
                let all = self.take(sign);
                return Ok(Operation::Case { upper, all });
            }
        }
        Ok(Operation::Value)
    }

    fn inside(&mut self, context: Context) -> Result<Word, Unsupported> {
        self.deeper(|parser| parser.pieces(context)).map(Word)
    }
}

fn is_unless(next: Option<char>) -> bool {
    matches!(next, Some('-' | '=' | '?' | '+'))
}

/// Whether `${#` is the number of parameters with an operation rather than a length.
fn is_operator(next: Option<char>) -> bool {
    is_unless(next) || matches!(next, Some('#' | '%' | ':'))
}
