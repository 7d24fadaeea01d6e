//! From the text of a script to its commands: the grammar of POSIX.1-2024 (XCU 2.10) with what bash adds and maintainer
//! scripts use. A recursive descent over the text itself: words end where their grammar says, so a substitution inside of
//! quotes is read once, with the lines it stands on.

mod compound;
mod parameter;
mod redirection;
mod simple;
mod word;

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{AndOr, Connector, List, Pipeline, Word};
use super::{Dialect, Unsupported};

/// How deep commands, substitutions and parameters may stand in one another. Scripts of packages stay below 20.
const DEPTH: u32 = 60;

/// Longest text of a program in bytes. The longest script of a package has some 100 KB.
const LONGEST: usize = 1 << 20;

/// Parses a whole program.
pub(super) fn program(text: &str, dialect: Dialect) -> Result<List, Unsupported> {
    if text.len() > LONGEST {
        return Err(Unsupported::new(1, format!("a script of more than {LONGEST} bytes")));
    }
    let mut parser = Parser::new(text, dialect, 1, 0);
    let list = parser.list()?;
    match parser.peek() {
        None => Ok(list),
        Some(_) => Err(parser.unexpected()),
    }
}

/// A here-document whose body has not been read yet.
struct Pending {
    body: Rc<OnceCell<Word>>,
    end: String,
    /// `<<-`.
    strips_tabs: bool,
    /// Whether a part of the end was quoted, so that nothing in the body is expanded.
    quoted: bool,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    depth: u32,
    dialect: Dialect,
    pending: Vec<Pending>,
}

/// Words that mean something at the beginning of a command.
const RESERVED: &[&str] =
    &["!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while"];

/// Words that end a list of commands.
const CLOSING: &[&str] = &["}", "do", "done", "elif", "else", "esac", "fi", "then"];

impl<'t> Parser<'t> {
    fn new(text: &'t str, dialect: Dialect, line: u32, depth: u32) -> Self {
        Self { text, at: 0, line, depth, dialect, pending: Vec::new() }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += u32::from(next == '\n');
        Some(next)
    }

    /// Takes `text` if it comes next; it has no line break.
    fn take(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        self.at += if there { text.len() } else { 0 };
        there
    }

    fn bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }

    fn refuse(&self, what: impl Into<String>) -> Unsupported {
        Unsupported::new(self.line, what)
    }

    fn unexpected(&self) -> Unsupported {
        match self.peek() {
            None => self.refuse("a script that ends in the middle of a command"),
            Some('\n') => self.refuse("an unexpected end of the line"),
            Some(next) => self.refuse(format!("an unexpected `{next}`")),
        }
    }

    /// Runs `parse` one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Unsupported>) -> Result<T, Unsupported> {
        if self.depth == DEPTH {
            return Err(self.refuse(format!("commands nested more than {DEPTH} deep")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Skips blanks, continued lines and a comment, not the end of a line.
    fn skip_blanks(&mut self) {
        loop {
            if self.take("\\\n") {
                self.line += 1;
            } else if !self.take(" ") && !self.take("\t") {
                break;
            }
        }
        if self.peek() == Some('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Takes the end of a line, and the here-documents that follow it.
    fn end_of_line(&mut self) -> Result<bool, Unsupported> {
        self.skip_blanks();
        if self.peek() != Some('\n') {
            return Ok(false);
        }
        self.next();
        self.here_documents()?;
        Ok(true)
    }

    fn skip_lines(&mut self) -> Result<(), Unsupported> {
        while self.end_of_line()? {}
        Ok(())
    }

    /// The word at the beginning of a command, where it may be a reserved one.
    fn reserved(&mut self) -> Option<&'t str> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|next| is_meta(next) || "\\'\"$`".contains(next)).unwrap_or(rest.len());
        let follows = rest[end..].chars().next();
        let whole = follows.is_none_or(is_meta);
        RESERVED
            .iter()
            .chain(BASH_RESERVED.iter().filter(|_| self.bash()))
            .find(|word| whole && **word == &rest[..end])?;
        Some(&rest[..end])
    }

    /// Takes a reserved word if it comes next.
    fn keyword(&mut self, word: &str) -> bool {
        let there = self.reserved() == Some(word);
        self.at += if there { word.len() } else { 0 };
        there
    }

    fn expect(&mut self, word: &str) -> Result<(), Unsupported> {
        if self.keyword(word) {
            return Ok(());
        }
        let found = self.unexpected();
        Err(Unsupported::new(found.line, format!("{} where `{word}` must be", found.what)))
    }

    /// Commands up to a word or sign that closes them.
    fn list(&mut self) -> Result<List, Unsupported> {
        self.deeper(Self::list_inside)
    }

    fn list_inside(&mut self) -> Result<List, Unsupported> {
        let mut list = List::default();
        loop {
            self.skip_lines()?;
            if matches!(self.peek(), None | Some(')' | ';'))
                || self.reserved().is_some_and(|word| CLOSING.contains(&word))
            {
                return Ok(list);
            }
            let mut commands = self.and_or()?;
            self.skip_blanks();
            let more = match self.peek() {
                Some('&') => {
                    self.next();
                    commands.asynchronous = true;
                    true
                }
                Some(';') if !self.rest().starts_with(";;") && !self.rest().starts_with(";&") => {
                    self.next();
                    true
                }
                _ => self.end_of_line()?,
            };
            list.0.push(commands);
            if !more {
                return Ok(list);
            }
        }
    }

    /// [`Self::list`] with at least one command in it.
    fn commands(&mut self) -> Result<List, Unsupported> {
        let list = self.list()?;
        if list.0.is_empty() { Err(self.unexpected()) } else { Ok(list) }
    }

    fn and_or(&mut self) -> Result<AndOr, Unsupported> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let connector = match () {
                () if self.take("&&") => Connector::And,
                () if self.take("||") => Connector::Or,
                () => return Ok(AndOr { first, rest, asynchronous: false }),
            };
            self.skip_lines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Unsupported> {
        let negated = self.keyword("!");
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.rest().starts_with("||") || !self.take("|") {
                return Ok(Pipeline { negated, commands });
            }
            if self.peek() == Some('&') {
                return Err(self.refuse("`|&`"));
            }
            self.skip_lines()?;
            commands.push(self.command()?);
        }
    }
}

/// Words that bash adds.
const BASH_RESERVED: &[&str] = &["[[", "function", "select"];

/// Whether a character ends an unquoted word.
fn is_meta(next: char) -> bool {
    " \t\n;&|()<>".contains(next)
}

/// Whether `text` can name a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
