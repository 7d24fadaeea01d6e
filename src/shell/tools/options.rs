//! The arguments of a program, as getopt_long(3) reads them.

use super::super::{Call, Unsupported};

/// Options and operands.
#[derive(Debug, Default)]
pub(super) struct Given {
    flags: Vec<(char, Option<String>)>,
    pub(super) operands: Vec<String>,
}

impl Given {
    /// Reads arguments. `short` is as for getopt(3): letters, each with a colon where it takes a value; `long` says which
    /// letter a long option stands for. Operands may stand before options.
    pub(super) fn read(call: &Call<'_>, short: &str, long: &[(&str, char)]) -> Result<Self, Unsupported> {
        Self::read_from(call, call.arguments(), short, long)
    }

    pub(super) fn read_from(
        call: &Call<'_>,
        arguments: &[String],
        short: &str,
        long: &[(&str, char)],
    ) -> Result<Self, Unsupported> {
        let mut given = Self::default();
        let mut rest = arguments.iter();
        let takes =
            |letter: char| short.find(letter).is_some_and(|at| short[at + letter.len_utf8()..].starts_with(':'));
        let unknown = |word: &str| call.refuse(format!("the option `{word}` is not known"));
        while let Some(word) = rest.next() {
            if word == "--" {
                given.operands.extend(rest.by_ref().cloned());
            } else if let Some(name) = word.strip_prefix("--") {
                let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                let letter = long.iter().find(|(own, _)| *own == name).map(|(_, letter)| *letter);
                let letter = letter.ok_or_else(|| unknown(word))?;
                let value = match (takes(letter), value) {
                    (true, None) => Some(rest.next().cloned().ok_or_else(|| unknown(word))?),
                    (false, Some(_)) => return Err(unknown(word)),
                    (_, value) => value.map(str::to_owned),
                };
                given.flags.push((letter, value));
            } else if word.len() > 1 && word.starts_with('-') {
                for (at, letter) in word[1..].char_indices() {
                    if letter == ':' || !short.contains(letter) {
                        return Err(unknown(word));
                    }
                    if !takes(letter) {
                        given.flags.push((letter, None));
                        continue;
                    }
                    let value = &word[1 + at + letter.len_utf8()..];
                    let value = if value.is_empty() { rest.next().cloned() } else { Some(value.to_owned()) };
                    given.flags.push((letter, Some(value.ok_or_else(|| unknown(word))?)));
                    break;
                }
            } else {
                given.operands.push(word.clone());
            }
        }
        Ok(given)
    }

    /// Whether an option is there.
    pub(super) fn has(&self, letter: char) -> bool {
        self.flags.iter().any(|(own, _)| *own == letter)
    }

    /// The last value of an option.
    pub(super) fn value(&self, letter: char) -> Option<&str> {
        self.values(letter).last()
    }

    /// All values of an option.
    pub(super) fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |(own, _)| *own == letter).filter_map(|(_, value)| value.as_deref())
    }

    /// Which of these options came last.
    pub(super) fn last_of(&self, letters: &str) -> Option<char> {
        self.flags.iter().rev().map(|(letter, _)| *letter).find(|letter| letters.contains(*letter))
    }
}
