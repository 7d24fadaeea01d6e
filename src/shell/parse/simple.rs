//! Simple commands: assignments, words, redirections.

use super::super::Unsupported;
use super::super::ast::{Assignment, CommandKind, Piece, Redirection, Simple, Value, Word};
use super::{Parser, is_name};

/// Commands whose arguments may be assignments, which are not split.
const DECLARATIONS: &[&str] = &["export", "readonly", "local", "declare", "typeset"];

impl Parser<'_> {
    pub(super) fn simple(&mut self) -> Result<(CommandKind, Vec<Redirection>), Unsupported> {
        let (mut simple, mut redirections) = (Simple::default(), Vec::new());
        let mut declares = false;
        loop {
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            if simple.words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                simple.assignments.push(assignment);
                continue;
            }
            let begin = self.at;
            let Some(word) = (if declares { self.declared()? } else { self.word()? }) else { break };
            if simple.words.is_empty() {
                declares = DECLARATIONS.contains(&&self.text[begin..self.at]);
            }
            simple.words.push(word);
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && redirections.is_empty() {
            return Err(self.unexpected());
        }
        Ok((CommandKind::Simple(simple), redirections))
    }

    /// `NAME=VALUE` where it comes next.
    fn assignment(&mut self) -> Result<Option<Assignment>, Unsupported> {
        let rest = self.rest();
        let Some(equals) = rest.find('=') else { return Ok(None) };
        let (name, append) = match rest[..equals].strip_suffix('+') {
            Some(name) if self.bash() => (name, true),
            _ => (&rest[..equals], false),
        };
        if !is_name(name) {
            let element = self.bash() && name.split_once('[').is_some_and(|(array, _)| is_name(array));
            let one_word = !name.contains(|next: char| super::is_meta(next) || "\"'`".contains(next));
            return if element && one_word && name.ends_with(']') {
                Err(self.refuse(format!("{name}=")))
            } else {
                Ok(None)
            };
        }
        let name = name.to_owned();
        self.at += equals + 1;
        if self.bash() && self.take("(") {
            let mut words = Vec::new();
            loop {
                self.skip_lines()?;
                let Some(word) = self.word()? else { break };
                words.push(word);
            }
            if !self.take(")") {
                return Err(self.unexpected());
            }
            return Ok(Some(Assignment { name, append, value: Value::Array(words) }));
        }
        let value = Value::Word(self.assigned()?);
        Ok(Some(Assignment { name, append, value }))
    }

    /// A value, which may be empty; `~` means a folder at its beginning and after each `:`.
    fn assigned(&mut self) -> Result<Word, Unsupported> {
        Ok(self.word_with_tildes(true)?.unwrap_or_default())
    }

    /// An argument of a command that declares variables: one that is an assignment is read as a single word.
    fn declared(&mut self) -> Result<Option<Word>, Unsupported> {
        self.skip_blanks();
        let rest = self.rest();
        let assigns = rest.find('=').is_some_and(|equals| is_name(&rest[..equals]));
        let word = self.word_with_tildes(false)?;
        Ok(word.map(|word| if assigns { Word(vec![Piece::Double(word.0)]) } else { word }))
    }
}
