//! From words to fields: POSIX.1-2024, XCU 2.6.

mod fields;
mod glob;
mod parameter;

use super::arithmetic::{self, Variables, Wrong};
use super::ast::{List, Piece, Word};
use super::pattern::Pattern;
use super::run::{Run, Shell};
use super::state::State;
use super::stream::Stream;
use fields::Fields;

impl Shell<'_> {
    /// The fields that words become: expanded, split, and compared with the names of files.
    pub(super) fn fields(&mut self, words: &[Word]) -> Run<Vec<String>> {
        let mut all = Vec::new();
        for word in words {
            let mut fields = Fields::new(self.state.variable("IFS"));
            self.pieces(&word.0, false, &mut fields)?;
            for field in fields.done() {
                self.make(field.len() + 64)?;
                self.step(1)?;
                self.file_names(field, &mut all)?;
            }
        }
        Ok(all)
    }

    /// A word as one text, without splitting.
    pub(super) fn text(&mut self, word: &Word) -> Run<String> {
        let text: String = self.letters(word)?.into_iter().map(|(letter, _)| letter).collect();
        self.make(text.len())?;
        Ok(text)
    }

    /// A word as a pattern: what is quoted means itself.
    pub(super) fn pattern(&mut self, word: &Word) -> Run<Pattern> {
        Ok(Pattern::new(&self.letters(word)?))
    }

    fn letters(&mut self, word: &Word) -> Run<Vec<(char, bool)>> {
        let mut fields = Fields::whole();
        self.pieces(&word.0, false, &mut fields)?;
        Ok(fields.done().into_iter().next().unwrap_or_default())
    }

    fn pieces(&mut self, pieces: &[Piece], quoted: bool, fields: &mut Fields) -> Run<()> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => fields.text(text, quoted),
                Piece::Quoted(text) => fields.text(text, true),
                Piece::Double(inside) => {
                    if !self.is_no_parameters(inside) {
                        fields.text("", true);
                    }
                    self.pieces(inside, true, fields)?;
                }
                Piece::Tilde(user) => {
                    let home = self.home(user);
                    fields.text(&home, true);
                }
                Piece::Parameter(parameter) => self.parameter(parameter, quoted, fields)?,
                Piece::Command(list) => {
                    let output = self.substitute(list)?;
                    fields.value(&output, quoted);
                }
                Piece::Arithmetic(word) => {
                    let text = self.text(word)?;
                    let value = self.sum(&text)?.to_string();
                    fields.value(&value, quoted);
                }
            }
        }
        Ok(())
    }

    /// Whether `"$@"` stands for nothing at all.
    fn is_no_parameters(&self, inside: &[Piece]) -> bool {
        let [Piece::Parameter(parameter)] = inside else { return false };
        match &parameter.name {
            super::ast::Name::All => self.state.positional.is_empty(),
            super::ast::Name::Elements(name, false) => self.state.elements(name).is_empty(),
            _ => false,
        }
    }

    fn home(&self, user: &str) -> String {
        let of_account = |name: &str| {
            let accounts = String::from_utf8(self.machine.read("/etc/passwd").ok()?).ok()?;
            let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
            line.split(':').nth(5).map(str::to_owned)
        };
        match user {
            "" => self.state.variable("HOME").map_or_else(|| "~".to_owned(), str::to_owned),
            _ => of_account(user).unwrap_or_else(|| format!("~{user}")),
        }
    }

    /// What a command writes, without the line breaks at its end.
    fn substitute(&mut self, list: &List) -> Run<String> {
        let (output, bytes) = Stream::output();
        let line = self.line;
        let tested = std::mem::take(&mut self.tested);
        let ran = self.subshell(|shell| {
            shell.state.descriptors.insert(1, output);
            shell.list(list)
        });
        (self.line, self.tested) = (line, tested);
        self.substitutions += 1;
        self.state.status = ran?;
        let text =
            String::from_utf8(bytes.take()).map_err(|_| self.refuse("the output of a command that is not UTF-8"))?;
        self.make(text.len())?;
        Ok(text.replace('\0', "").trim_end_matches('\n').to_owned())
    }

    /// The value of a sum; the script ends where it has none.
    pub(super) fn sum(&mut self, text: &str) -> Run<i64> {
        self.step(text.len() as u64 / 16)?;
        let nounset = self.state.options.nounset;
        let mut variables = InSum { state: &mut self.state, nounset };
        match arithmetic::evaluate(text, &mut variables) {
            Ok(value) => Ok(value),
            Err(Wrong::TooDeep) => Err(self.refuse("a sum that is nested too deep").into()),
            Err(Wrong::Said(what)) => {
                self.complain(format!("arithmetic expression: {what}"))?;
                Err(super::run::Stop::Exit(2))
            }
        }
    }
}

struct InSum<'s> {
    state: &'s mut State,
    nounset: bool,
}

impl Variables for InSum<'_> {
    fn value(&self, name: &str) -> Option<String> {
        let value = self.state.variable(name).map(str::to_owned);
        // the sum says that this is no number
        if value.is_none() && self.nounset { Some("parameter not set".to_owned()) } else { value }
    }

    fn set(&mut self, name: &str, value: i64) -> Result<(), String> {
        if self.state.is_readonly(name) {
            return Err(format!("{name}: is read only"));
        }
        self.state.assign(name, value.to_string());
        Ok(())
    }
}
