//! `test`, `[`, and `[[` of bash.

use super::super::ast::Test;
use super::super::machine::{FileKind, Stat, absolute, shown};
use super::super::run::{Run, Shell};

/// `test` and `[`: 2 where the expression is none.
pub(super) fn run(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut arguments = &words[1..];
    if words[0] == "[" {
        match arguments.split_last() {
            Some((last, rest)) if last == "]" => arguments = rest,
            _ => {
                shell.complain("[: missing ]")?;
                return Ok(2);
            }
        }
    }
    let mut expression = Expression { shell, rest: arguments };
    let result = match arguments {
        [] => return Ok(1),
        // three words with an operator between them are a comparison, whatever the first one looks like
        [left, operator, right] if is_binary(operator) => expression.binary(left, operator, right),
        [not, left, operator, right] if not == "!" && is_binary(operator) => {
            expression.binary(left, operator, right).map(|result| result.map(|holds| !holds))
        }
        _ => expression.or(),
    };
    let left_over = expression
        .rest
        .first()
        .filter(|_| arguments.len() > 4 || !matches!(arguments, [_, operator, _] if is_binary(operator)));
    let left_over =
        left_over.filter(|_| !matches!(arguments, [not, _, operator, _] if not == "!" && is_binary(operator))).cloned();
    match (result?, left_over) {
        (Ok(holds), None) => Ok(i32::from(!holds)),
        (Ok(_), Some(word)) => {
            shell.complain(format!("{}: {word}: unexpected operator", words[0]))?;
            Ok(2)
        }
        (Err(what), _) => {
            shell.complain(format!("{}: {what}", words[0]))?;
            Ok(2)
        }
    }
}

struct Expression<'a, 's, 'w> {
    shell: &'s mut Shell<'w>,
    rest: &'a [String],
}

/// Whether it holds, or what is wrong with it.
type Holds = Result<bool, String>;

const UNARY: &str = "bcdefghkLnOGpNrsStuwxz";

fn is_unary(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letter| letter.len() == 1 && UNARY.contains(letter))
}

fn is_binary(word: &str) -> bool {
    matches!(
        word,
        "=" | "==" | "!=" | "<" | ">" | "-eq" | "-ne" | "-gt" | "-ge" | "-lt" | "-le" | "-nt" | "-ot" | "-ef"
    )
}

impl Expression<'_, '_, '_> {
    fn next(&mut self) -> Option<String> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first.clone())
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.rest.first().is_some_and(|next| next == word);
        self.rest = &self.rest[usize::from(there)..];
        there
    }

    fn or(&mut self) -> Run<Holds> {
        let mut holds = self.and()?;
        while holds.is_ok() && self.take("-o") {
            let right = self.and()?;
            holds = right.map(|right| right || holds == Ok(true));
        }
        Ok(holds)
    }

    fn and(&mut self) -> Run<Holds> {
        let mut holds = self.not()?;
        while holds.is_ok() && self.take("-a") {
            let right = self.not()?;
            holds = right.map(|right| right && holds == Ok(true));
        }
        Ok(holds)
    }

    fn not(&mut self) -> Run<Holds> {
        if self.rest.len() > 1 && self.take("!") {
            return self.shell_deeper(|expression| Ok(expression.not()?.map(|holds| !holds)));
        }
        self.primary()
    }

    fn shell_deeper(&mut self, run: impl FnOnce(&mut Self) -> Run<Holds>) -> Run<Holds> {
        self.shell.step(1)?;
        if self.rest.len() > 200 {
            return Err(self.shell.refuse("a test with more than 200 words").into());
        }
        run(self)
    }

    fn primary(&mut self) -> Run<Holds> {
        if let [left, operator, right, ..] = self.rest
            && is_binary(operator)
        {
            let (left, operator, right) = (left.clone(), operator.clone(), right.clone());
            self.rest = &self.rest[3..];
            return self.binary(&left, &operator, &right);
        }
        if self.rest.len() > 2 && self.take("(") {
            let holds = self.shell_deeper(Self::or)?;
            return Ok(if self.take(")") { holds } else { Err("closing paren expected".to_owned()) });
        }
        let Some(word) = self.next() else { return Ok(Err("argument expected".to_owned())) };
        if is_unary(&word)
            && let Some(operand) = self.next()
        {
            return self.shell.unary(&word, &operand);
        }
        Ok(Ok(!word.is_empty()))
    }

    fn binary(&mut self, left: &str, operator: &str, right: &str) -> Run<Holds> {
        self.shell.binary(left, operator, right)
    }
}

impl Shell<'_> {
    fn unary(&mut self, operator: &str, operand: &str) -> Run<Holds> {
        let path = absolute(&self.state.folder, operand);
        let node = |shell: &Self, follow| if operand.is_empty() { None } else { shell.at(&path, follow) };
        let is = |shell: &Self, kind: FileKind| node(shell, true).is_some_and(|node| node.kind == kind);
        let bits = |shell: &Self, bits: u32| node(shell, true).is_some_and(|node| node.mode & bits != 0);
        Ok(Ok(match operator {
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            "-e" => node(self, true).is_some(),
            "-f" => is(self, FileKind::File),
            "-d" => is(self, FileKind::Folder),
            "-h" | "-L" => node(self, false).is_some_and(|node| matches!(node.kind, FileKind::Link(_))),
            "-s" => node(self, true).is_some_and(|node| node.kind != FileKind::File || node.size > 0),
            // root may read and write everything
            "-r" | "-w" => node(self, true).is_some(),
            "-x" => node(self, true).is_some_and(|node| node.kind == FileKind::Folder || node.mode & 0o111 != 0),
            "-u" => bits(self, 0o4000),
            "-g" => bits(self, 0o2000),
            "-k" => bits(self, 0o1000),
            "-O" => node(self, true).is_some_and(|node| node.uid == 0),
            "-G" => node(self, true).is_some_and(|node| node.gid == 0),
            "-t" => false, // nobody watches
            "-b" | "-c" | "-p" | "-S" => match path.as_str() {
                "/dev/null" => operator == "-c",
                _ => false,
            },
            _ => return Err(self.refuse(format!("`test {operator}`")).into()),
        }))
    }

    /// What is at a path; the usual devices are there although no image holds them.
    fn at(&self, path: &str, follow: bool) -> Option<Stat> {
        let device = matches!(path, "/dev/null" | "/dev/stdin" | "/dev/stdout" | "/dev/stderr");
        let null = Stat { kind: FileKind::Other, mode: 0o666, uid: 0, gid: 0, size: 0, mtime: 0 };
        self.machine.look(path, follow).or_else(|| device.then_some(null))
    }

    fn binary(&mut self, left: &str, operator: &str, right: &str) -> Run<Holds> {
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("Illegal number: {text}"));
        let numbers = || Ok::<_, String>((number(left)?, number(right)?));
        let time =
            |shell: &Self, name: &str| shell.at(&absolute(&shell.state.folder, name), true).map(|node| node.mtime);
        Ok(match operator {
            "=" | "==" => Ok(left == right),
            "!=" => Ok(left != right),
            "<" => Ok(left < right),
            ">" => Ok(left > right),
            "-eq" => numbers().map(|(left, right)| left == right),
            "-ne" => numbers().map(|(left, right)| left != right),
            "-gt" => numbers().map(|(left, right)| left > right),
            "-ge" => numbers().map(|(left, right)| left >= right),
            "-lt" => numbers().map(|(left, right)| left < right),
            "-le" => numbers().map(|(left, right)| left <= right),
            "-nt" => Ok(time(self, left) > time(self, right)),
            "-ot" => Ok(time(self, left) < time(self, right)),
            _ => {
                return Err(self
                    .refuse(format!("`test {}`", shown(&[left.into(), operator.into(), right.into()])))
                    .into());
            }
        })
    }

    /// `[[ … ]]`.
    pub(in super::super) fn conditional(&mut self, test: &Test) -> Run<bool> {
        let holds = match test {
            Test::Not(test) => return self.deeper(|shell| shell.conditional(test)).map(|holds| !holds),
            Test::And(left, right) => {
                return Ok(self.deeper(|shell| shell.conditional(left))? && self.conditional(right)?);
            }
            Test::Or(left, right) => {
                return Ok(self.deeper(|shell| shell.conditional(left))? || self.conditional(right)?);
            }
            Test::Word(word) => return Ok(!self.text(word)?.is_empty()),
            Test::Unary(operator, word) => {
                let operand = self.text(word)?;
                self.unary(operator, &operand)?
            }
            Test::Binary(left, operator, right) if matches!(operator.as_str(), "=" | "==" | "!=") => {
                let left: Vec<char> = self.text(left)?.chars().collect();
                let pattern = self.pattern(right)?;
                self.step(pattern.cost(left.len()) / 64)?;
                Ok(pattern.matches(&left) == (operator != "!="))
            }
            Test::Binary(left, operator, right) => {
                let (left, right) = (self.text(left)?, self.text(right)?);
                self.binary(&left, operator, &right)?
            }
        };
        holds.map_err(|what| self.refuse(format!("`[[`: {what}")).into())
    }
}
