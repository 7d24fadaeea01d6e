//! Runs the commands of a `sed` script over lines.

use super::super::regular::Regular;
use super::{Action, Address, Command, Part, Substitute, lines};

/// Most bytes of the pattern space, of the hold space, and of the output.
const BYTES: usize = 16 << 20;

/// What `sed` knows while it edits.
pub(super) struct Editor<'c> {
    commands: &'c [Command],
    quiet: bool,
    /// For each command, the line at which its range ends, while it is in one; 0 where the end is an expression.
    ranges: Vec<Option<usize>>,
    space: Vec<u8>,
    hold: Vec<u8>,
    output: Vec<u8>,
    appended: Vec<u8>,
    number: usize,
    last: bool,
    /// Whether the line had a line break.
    broken: bool,
    replaced: bool,
    used: Option<&'c Regular>,
    steps: u64,
    most: u64,
}

/// What follows a command.
enum Then {
    Next,
    To(usize),
    /// The line is done; false: without printing.
    Done(bool),
    /// Again with what is left, without reading a line.
    Again,
    Quit(bool, i32),
}

impl<'c> Editor<'c> {
    /// Commands for a text; they may take `most` steps.
    pub(super) fn new(commands: &'c [Command], quiet: bool, most: u64) -> Self {
        let ranges = commands.iter().map(|_| None).collect();
        let (space, hold, output, appended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (number, last, broken, replaced, used, steps) = (0, false, true, false, None, 0);
        Self {
            commands,
            quiet,
            ranges,
            space,
            hold,
            output,
            appended,
            number,
            last,
            broken,
            replaced,
            used,
            steps,
            most,
        }
    }

    /// What comes of a text, the status, and the steps it took.
    pub(super) fn run(mut self, content: &[u8]) -> Result<(Vec<u8>, i32, u64), String> {
        let mut rest = lines(content).peekable();
        let mut again = false;
        while again || self.read(&mut rest, false) {
            again = false;
            self.replaced = false;
            match self.line(&mut rest)? {
                Then::Done(prints) => self.end_line(prints),
                Then::Again => {
                    self.end_line(false);
                    again = true;
                }
                Then::Quit(prints, status) => {
                    self.end_line(prints);
                    return Ok((self.output, status, self.steps));
                }
                Then::Next | Then::To(_) => self.end_line(true),
            }
            if self.output.len() > BYTES || self.space.len() > BYTES || self.hold.len() > BYTES {
                return Err(format!("more than {BYTES} bytes"));
            }
        }
        Ok((self.output, 0, self.steps))
    }

    fn read<'l>(&mut self, rest: &mut std::iter::Peekable<impl Iterator<Item = &'l [u8]>>, append: bool) -> bool {
        let Some(line) = rest.next() else { return false };
        self.broken = line.ends_with(b"\n");
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        if append {
            self.space.push(b'\n');
        } else {
            self.space.clear();
        }
        self.space.extend_from_slice(bare);
        self.number += 1;
        self.last = rest.peek().is_none();
        true
    }

    fn end_line(&mut self, prints: bool) {
        if prints && !self.quiet {
            self.show();
        }
        let appended = std::mem::take(&mut self.appended);
        if !appended.is_empty() && !self.output.is_empty() && !self.output.ends_with(b"\n") {
            self.output.push(b'\n');
        }
        self.output.extend(appended);
    }

    fn show(&mut self) {
        self.output.extend_from_slice(&self.space);
        if self.broken || !self.last {
            self.output.push(b'\n');
        }
    }

    fn line<'l>(&mut self, rest: &mut std::iter::Peekable<impl Iterator<Item = &'l [u8]>>) -> Result<Then, String> {
        let mut at = 0;
        while let Some(command) = self.commands.get(at) {
            // a command may look at all of the line
            self.steps += 1 + self.space.len() as u64 / 256;
            if self.steps > self.most {
                return Err(format!("more than {} steps", self.most));
            }
            let applies = self.applies(at, command)? != command.negated;
            at += 1;
            if !applies {
                if let Action::Open(end) = command.action {
                    at = end;
                }
                continue;
            }
            match self.act(command, at - 1, rest)? {
                Then::Next => {}
                Then::To(place) => at = place,
                then => return Ok(then),
            }
        }
        Ok(Then::Done(true))
    }

    fn act<'l>(
        &mut self,
        command: &'c Command,
        at: usize,
        rest: &mut std::iter::Peekable<impl Iterator<Item = &'l [u8]>>,
    ) -> Result<Then, String> {
        match &command.action {
            Action::Open(_) | Action::Close | Action::Label(_) => {}
            Action::Substitute(substitute) => self.substitute(substitute)?,
            Action::Translate(pairs) => {
                let text = String::from_utf8_lossy(&self.space).into_owned();
                let change = |letter| pairs.iter().find(|(from, _)| *from == letter).map_or(letter, |(_, to)| *to);
                self.space = text.chars().map(change).collect::<String>().into_bytes();
            }
            Action::Append(text) => self.appended.extend_from_slice(text.as_bytes()),
            Action::Insert(text) => self.output.extend_from_slice(text.as_bytes()),
            Action::Change(text) => {
                // of a range, the last line is replaced by the text
                if command.last.is_none() || command.negated || self.ranges[at].is_none() {
                    self.output.extend_from_slice(text.as_bytes());
                }
                return Ok(Then::Done(false));
            }
            Action::Branch(label) => return self.find(label),
            Action::BranchIfReplaced(label) => {
                if std::mem::take(&mut self.replaced) {
                    return self.find(label);
                }
            }
            Action::Delete => return Ok(Then::Done(false)),
            Action::DeleteFirst => match self.space.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.space.drain(..=end);
                    return Ok(Then::Again);
                }
                None => return Ok(Then::Done(false)),
            },
            Action::Print => self.show(),
            Action::PrintFirst => {
                let end = self.space.iter().position(|byte| *byte == b'\n').unwrap_or(self.space.len());
                self.output.extend_from_slice(&self.space[..end]);
                self.output.push(b'\n');
            }
            Action::Next => {
                if rest.peek().is_none() {
                    return Ok(Then::Quit(true, 0));
                }
                self.end_line(true);
                self.read(rest, false);
            }
            Action::AppendNext => {
                if rest.peek().is_none() {
                    return Ok(Then::Quit(true, 0));
                }
                self.read(rest, true);
            }
            Action::Quit { prints, status } => return Ok(Then::Quit(*prints, *status)),
            Action::Number => self.output.extend_from_slice(format!("{}\n", self.number).as_bytes()),
            Action::Hold => self.hold.clone_from(&self.space),
            Action::HoldAppend => {
                self.hold.push(b'\n');
                self.hold.extend_from_slice(&self.space);
            }
            Action::Get => self.space.clone_from(&self.hold),
            Action::GetAppend => {
                self.space.push(b'\n');
                self.space.extend_from_slice(&self.hold);
            }
            Action::Exchange => std::mem::swap(&mut self.space, &mut self.hold),
        }
        Ok(Then::Next)
    }

    /// Where a label is; the end of the script where none is named.
    fn find(&self, label: &str) -> Result<Then, String> {
        if label.is_empty() {
            return Ok(Then::To(self.commands.len()));
        }
        let is_it = |command: &Command| matches!(&command.action, Action::Label(own) if own == label);
        let place = self.commands.iter().position(is_it);
        place.map(Then::To).ok_or_else(|| format!("a branch to `{label}`, which is not there"))
    }

    fn applies(&mut self, at: usize, command: &'c Command) -> Result<bool, String> {
        let Some(first) = &command.first else { return Ok(true) };
        let Some(last) = &command.last else { return self.is_at(first) };
        if let Some(end) = self.ranges[at] {
            let ends = if end == 0 { self.is_at(last)? } else { self.number >= end };
            if ends {
                self.ranges[at] = None;
            }
            // a range that ended on an earlier line begins nothing new here
            return Ok(end == 0 || self.number <= end);
        }
        if !self.is_at(first)? {
            return Ok(false);
        }
        self.ranges[at] = match last {
            Address::Line(line) if *line <= self.number => None,
            Address::Line(line) => Some(*line),
            Address::After(0) => None,
            Address::After(count) => Some(self.number + count),
            Address::Every(..) => return Err("a range that ends at a multiple".to_owned()),
            Address::Last if self.last => None,
            Address::Last | Address::Pattern(_) => Some(0),
        };
        Ok(true)
    }

    fn is_at(&mut self, address: &'c Address) -> Result<bool, String> {
        Ok(match address {
            Address::Line(line) => self.number == *line,
            Address::Every(first, 0) => self.number == *first,
            Address::Every(first, step) => self.number >= *first && (self.number - first).is_multiple_of(*step),
            Address::After(_) => return Err("an address with `+` that ends no range".to_owned()),
            Address::Last => self.last,
            Address::Pattern(pattern) => {
                let pattern = self.pattern(pattern.as_ref())?;
                pattern.is_match(&self.space)
            }
        })
    }

    fn pattern(&mut self, pattern: Option<&'c Regular>) -> Result<&'c Regular, String> {
        self.used = pattern.or(self.used);
        self.used.ok_or_else(|| "an empty expression before all others".to_owned())
    }

    fn substitute(&mut self, substitute: &'c Substitute) -> Result<(), String> {
        let pattern = self.pattern(substitute.pattern.as_ref())?;
        let (mut made, mut at, mut count, mut changed) = (Vec::new(), 0, 0, false);
        let mut last_end = None;
        while at <= self.space.len() {
            let Some(groups) = pattern.groups_at(&self.space, at) else { break };
            let Some((begin, end)) = groups.first().copied().flatten() else { break };
            made.extend_from_slice(&self.space[at..begin]);
            let empty_after_match = begin == end && last_end == Some(begin);
            if !empty_after_match {
                count += 1;
            }
            if count >= substitute.number && !empty_after_match {
                changed = true;
                replace(&substitute.replacement, &groups, &self.space, &mut made);
            } else {
                made.extend_from_slice(&self.space[begin..end]);
            }
            last_end = Some(end);
            at = end;
            if begin == end {
                made.extend(self.space.get(at));
                at += 1;
            }
            if changed && !substitute.global || made.len() > BYTES {
                break;
            }
        }
        if changed {
            made.extend_from_slice(self.space.get(at..).unwrap_or_default());
            self.space = made;
            self.replaced = true;
            if substitute.prints {
                self.show();
            }
        }
        Ok(())
    }
}

fn replace(parts: &[Part], groups: &[Option<(usize, usize)>], text: &[u8], made: &mut Vec<u8>) {
    let (mut all, mut once): (Option<char>, Option<char>) = (None, None);
    let mut add = |bytes: &[u8], all: Option<char>, once: &mut Option<char>| {
        for byte in bytes {
            made.push(match once.take().or(all) {
                Some('U' | 'u') => byte.to_ascii_uppercase(),
                Some('L' | 'l') => byte.to_ascii_lowercase(),
                _ => *byte,
            });
        }
    };
    for part in parts {
        match part {
            Part::Text(plain) => add(plain.as_bytes(), all, &mut once),
            Part::Group(number) => {
                if let Some((begin, end)) = groups.get(*number).copied().flatten() {
                    add(&text[begin..end], all, &mut once);
                }
            }
            Part::Case('E') => all = None,
            Part::Case(case @ ('u' | 'l')) => once = Some(*case),
            Part::Case(case) => all = Some(*case),
        }
    }
}
