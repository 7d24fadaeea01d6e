//! From the text of a `sed` script to its commands.

use super::super::regular::{Regular, is_ambiguous};
use super::{Action, Address, Command, Part, Substitute};

/// Reads a script; says what is not understood.
pub(super) fn commands(text: &str, extended: bool) -> Result<Vec<Command>, String> {
    let mut reader = Reader { rest: text, extended };
    let (mut commands, mut open) = (Vec::new(), Vec::new());
    loop {
        reader.rest = reader.rest.trim_start_matches([' ', '\t', '\n', ';']);
        if reader.rest.starts_with('#') {
            if commands.is_empty() && reader.rest.starts_with("#n\n") {
                return Err("`#n`".to_owned());
            }
            reader.line();
            continue;
        }
        if reader.rest.is_empty() {
            break;
        }
        let command = reader.command()?;
        match command.action {
            Action::Open(_) => open.push(commands.len()),
            Action::Close => {
                let begin: usize = open.pop().ok_or("an unexpected `}`")?;
                let end = commands.len();
                if let Some(Command { action: Action::Open(to), .. }) = commands.get_mut(begin) {
                    *to = end;
                }
            }
            _ => {}
        }
        commands.push(command);
    }
    if open.is_empty() { Ok(commands) } else { Err("a `{` without `}`".to_owned()) }
}

struct Reader<'t> {
    rest: &'t str,
    extended: bool,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take(&mut self, letter: char) -> bool {
        let there = self.rest.starts_with(letter);
        self.rest = &self.rest[if there { letter.len_utf8() } else { 0 }..];
        there
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// The rest of the line.
    fn line(&mut self) -> &'t str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    fn command(&mut self) -> Result<Command, String> {
        let first = self.address()?;
        let mut last = None;
        self.blanks();
        if first.is_some() && self.take(',') {
            self.blanks();
            last = Some(self.address()?.ok_or("an address after `,`")?);
        }
        self.blanks();
        let mut negated = false;
        while self.take('!') {
            negated = true;
            self.blanks();
        }
        let letter = self.next().ok_or("an address without a command")?;
        let action = self.action(letter)?;
        Ok(Command { first, last, negated, action })
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        if let Some(number) = self.number()? {
            if !self.take('~') {
                return Ok(Some(Address::Line(number)));
            }
            let step = self.number()?.ok_or("an address `FIRST~STEP` without a step")?;
            return Ok(Some(Address::Every(number, step)));
        }
        if self.take('+') {
            return Ok(Some(Address::After(self.number()?.ok_or("an address with `+` alone")?)));
        }
        if self.take('$') {
            return Ok(Some(Address::Last));
        }
        let delimiter = match self.rest.chars().next() {
            Some('/') => self.next(),
            Some('\\') => {
                self.next();
                self.next()
            }
            Some('~') => return Err("an address with `~`".to_owned()),
            _ => return Ok(None),
        };
        let delimiter = delimiter.ok_or("an address that ends")?;
        let text = self.delimited(delimiter, true)?;
        let ignores = self.take('I');
        let pattern = if text.is_empty() { None } else { Some(self.regular(&text, ignores)?) };
        Ok(Some(Address::Pattern(pattern)))
    }

    fn number(&mut self) -> Result<Option<usize>, String> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let (digits, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if digits.is_empty() { Ok(None) } else { digits.parse().map(Some).map_err(|_| format!("the number {digits}")) }
    }

    fn regular(&self, text: &str, ignores: bool) -> Result<Regular, String> {
        if self.extended { Regular::extended(text, ignores) } else { Regular::basic(text, ignores) }
    }

    /// Text up to a delimiter, which is taken. In an expression, the delimiter may stand in brackets.
    fn delimited(&mut self, delimiter: char, expression: bool) -> Result<String, String> {
        let mut text = String::new();
        let mut bracket: Option<usize> = None;
        loop {
            let next = self.next().ok_or("a text that does not end")?;
            match (next, bracket) {
                ('\\', None) => {
                    let quoted = self.next().ok_or("a text that does not end")?;
                    match quoted {
                        // a quoted delimiter is the delimiter itself
                        _ if quoted == delimiter && !(expression && ".*[]^$+?(){}|".contains(delimiter)) => {
                            text.push(quoted)
                        }
                        'n' if expression => text.push_str("\\n"),
                        _ => text.extend(['\\', quoted]),
                    }
                }
                _ if next == delimiter && bracket.is_none() => return Ok(text),
                ('[', None) if expression => {
                    bracket = Some(text.len() + 1);
                    text.push(next);
                }
                (']', Some(begin))
                    if text.len() > begin && !matches!(&text[begin..], "^") && !text[begin..].ends_with("[:") =>
                {
                    let class = text[begin..]
                        .rfind("[:")
                        .is_some_and(|at| !text[begin + at..].contains(":]") && text.ends_with(':'));
                    text.push(next);
                    if !class {
                        bracket = None;
                    }
                }
                _ => text.push(next),
            }
        }
    }

    fn action(&mut self, letter: char) -> Result<Action, String> {
        let action = match letter {
            '{' => return Ok(Action::Open(0)),
            '}' => Action::Close,
            's' => Action::Substitute(Box::new(self.substitute()?)),
            'y' => self.translate()?,
            'a' => return self.text().map(Action::Append),
            'i' => return self.text().map(Action::Insert),
            'c' => return self.text().map(Action::Change),
            ':' => Action::Label(self.label()),
            'b' => Action::Branch(self.label()),
            't' => Action::BranchIfReplaced(self.label()),
            'd' => Action::Delete,
            'D' => Action::DeleteFirst,
            'p' => Action::Print,
            'P' => Action::PrintFirst,
            'n' => Action::Next,
            'N' => Action::AppendNext,
            'q' | 'Q' => {
                self.blanks();
                let digits = self.rest.len() - self.rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
                let status = self.rest[..digits].parse().unwrap_or(0);
                self.rest = &self.rest[digits..];
                Action::Quit { prints: letter == 'q', status }
            }
            '=' => Action::Number,
            'h' => Action::Hold,
            'H' => Action::HoldAppend,
            'g' => Action::Get,
            'G' => Action::GetAppend,
            'x' => Action::Exchange,
            other => return Err(format!("the command `{other}`")),
        };
        self.blanks();
        match self.rest.chars().next() {
            None | Some(';' | '\n' | '}' | '#') => Ok(action),
            Some(other) => Err(format!("`{other}` after the command `{letter}`")),
        }
    }

    /// A label; none is the end of the script.
    fn label(&mut self) -> String {
        self.blanks();
        let end = self.rest.find([';', '\n', '}', ' ']).unwrap_or(self.rest.len());
        let label = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        label
    }

    /// The text of `a`, `i` and `c`: after a backslash on the next lines, or on this one.
    fn text(&mut self) -> Result<String, String> {
        self.blanks();
        if self.take('\\') {
            self.blanks();
            self.take('\n');
        }
        if self.rest.is_empty() {
            return Err("a text that is missing".to_owned());
        }
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => break,
                Some('\\') => text.extend(self.next()),
                Some(letter) => text.push(letter),
            }
        }
        text.push('\n');
        Ok(text)
    }

    fn translate(&mut self) -> Result<Action, String> {
        let delimiter = self.next().ok_or("`y` without sets")?;
        let plain = |text: String| {
            let mut letters = Vec::new();
            let mut rest = text.chars();
            while let Some(letter) = rest.next() {
                letters.push(match letter {
                    '\\' => match rest.next() {
                        Some('n') => '\n',
                        Some(other) => other,
                        None => letter,
                    },
                    _ => letter,
                });
            }
            letters
        };
        let from = plain(self.delimited(delimiter, false)?);
        let to = plain(self.delimited(delimiter, false)?);
        if from.len() != to.len() {
            return Err("`y` with sets of different sizes".to_owned());
        }
        Ok(Action::Translate(from.into_iter().zip(to).collect()))
    }

    fn substitute(&mut self) -> Result<Substitute, String> {
        let delimiter = self.next().ok_or("`s` without an expression")?;
        let text = self.delimited(delimiter, true)?;
        let replacement = self.delimited(delimiter, false)?;
        let (mut number, mut global, mut prints, mut ignores) = (1, false, false, false);
        loop {
            match self.rest.chars().next() {
                Some('g') => global = true,
                Some('p') => prints = true,
                Some('i' | 'I') => ignores = true,
                Some(digit) if digit.is_ascii_digit() => {
                    number = digit
                        .to_digit(10)
                        .and_then(|digit| usize::try_from(digit).ok())
                        .filter(|number| *number > 0)
                        .ok_or("`s` with 0")?;
                }
                Some(letter) if letter.is_ascii_alphabetic() => return Err(format!("the flag `{letter}` of `s`")),
                _ => break,
            }
            self.next();
        }
        if is_ambiguous(&text, self.extended) {
            return Err(format!("an alternation in `{text}` whose longest match may not be the first"));
        }
        let pattern = if text.is_empty() { None } else { Some(self.regular(&text, ignores)?) };
        Ok(Substitute { pattern, replacement: parts(&replacement)?, number, global, prints })
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let part = match letter {
            '&' => Part::Group(0),
            '\\' => match rest.next() {
                Some(digit) if digit.is_ascii_digit() => Part::Group(digit as usize - '0' as usize),
                Some(case @ ('U' | 'L' | 'u' | 'l' | 'E')) => Part::Case(case),
                Some('n') => {
                    plain.push('\n');
                    continue;
                }
                Some('t') => {
                    plain.push('\t');
                    continue;
                }
                Some(other) if other.is_ascii_alphabetic() => return Err(format!("`\\{other}` in a replacement")),
                other => {
                    plain.extend(other);
                    continue;
                }
            },
            _ => {
                plain.push(letter);
                continue;
            }
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(part);
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}
