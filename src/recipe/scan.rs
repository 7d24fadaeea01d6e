//! Looks over a text before the KDL parser does.
//!
//! The parser recurses (5,000 nested blocks end the process), takes time exponential in nested `/-` blocks, and names
//! few of the mistakes that people make. So this scanner bounds the nesting, reports the usual habits in our words, and
//! hands the parser a text of the same length in which they are mended, so that the rest of the file is checked in the
//! same run. Comments become spaces.

use crate::model::{FileId, Place};

use super::Mistake;
use super::habits;

/// Deepest nesting of blocks.
const DEEPEST: usize = 64;
/// Deepest nesting of blocks that `/-` comments out: each level doubles the time that the parser takes.
const DEEPEST_HIDDEN: usize = 4;
/// Most nodes in a file.
const MOST_NODES: usize = 20_000;
/// Most names, values and properties in a file: the parser takes some hundred bytes for each.
const MOST_WORDS: usize = 60_000;
/// Most mistakes worth reporting of one file's syntax.
const MOST_MISTAKES: usize = 100;

/// What the scanner found.
pub(super) struct Scan {
    /// The text with comments and habits mended, of the same length in bytes.
    pub(super) text: String,
    pub(super) mistakes: Vec<Mistake>,
    /// Whether the parser can make sense of the mended text.
    pub(super) parseable: bool,
}

/// Looks over `text`.
pub(super) fn scan(file: FileId, text: &str) -> Scan {
    let mut scanner = Scanner::new(file, text);
    scanner.strange_characters();
    scanner.run();
    scanner.unclosed();
    if scanner.mistakes.len() >= MOST_MISTAKES {
        scanner.mistakes.truncate(MOST_MISTAKES);
        let place = scanner.place(scanner.at, scanner.at);
        let message = format!("this file has more mistakes than the {MOST_MISTAKES} that are shown");
        let help = "correct what is shown: the rest is shown after that";
        scanner.mistakes.push(Mistake::new(place, message, "reading stopped here", help));
    }
    // only whole characters are ever replaced, and by ASCII
    let text = String::from_utf8(scanner.mended);
    let parseable = !scanner.broken && text.is_ok();
    Scan { text: text.unwrap_or_default(), mistakes: scanner.mistakes, parseable }
}

/// A block that is open.
struct Open {
    at: usize,
    hidden: bool,
}

pub(super) struct Scanner<'t> {
    file: FileId,
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    mended: Vec<u8>,
    pub(super) mistakes: Vec<Mistake>,
    open: Vec<Open>,
    /// Words and strings of the current node so far.
    pub(super) position: usize,
    /// Where the last word or string began and ended.
    last: (usize, usize),
    /// Whether a `/-` hides the block that comes, and whether nothing came since.
    hidden: (bool, bool),
    nodes: usize,
    words: usize,
    /// Before this no `(` has its `)`.
    unannotated: usize,
    /// Whether the rest cannot be understood.
    broken: bool,
}

impl<'t> Scanner<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        let bytes = text.as_bytes();
        Self {
            file,
            text,
            bytes,
            at: 0,
            mended: bytes.to_vec(),
            mistakes: Vec::new(),
            open: Vec::new(),
            position: 0,
            last: (0, 0),
            hidden: (false, false),
            nodes: 0,
            words: 0,
            unannotated: 0,
            broken: false,
        }
    }

    pub(super) fn place(&self, start: usize, end: usize) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX); // files are limited to a megabyte
        Place { file: self.file, offset: number(start), length: number(end.saturating_sub(start)) }
    }

    pub(super) fn mistake(
        &mut self,
        range: (usize, usize),
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        let place = self.place(range.0, range.1);
        self.mistakes.push(Mistake::new(place, message, label, help));
    }

    /// The same, for what makes the rest of the file unreadable.
    pub(super) fn stop(
        &mut self,
        range: (usize, usize),
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        self.mistake(range, message, label, help);
        self.broken = true;
    }

    /// Puts `byte` in the place of every byte of the range, for the parser.
    pub(super) fn mend(&mut self, range: (usize, usize), byte: u8) {
        if let Some(slice) = self.mended.get_mut(range.0..range.1) {
            slice.fill(byte);
        }
    }

    /// Makes the range one harmless word or string, for the parser.
    pub(super) fn mend_as_string(&mut self, range: (usize, usize)) {
        self.mend(range, b'x');
        if range.1 - range.0 >= 2 {
            self.mend((range.0, range.0 + 1), b'"');
            self.mend((range.1 - 1, range.1), b'"');
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// The first byte after `from` that is no space or tab.
    fn after_spaces(&self, from: usize) -> Option<u8> {
        self.bytes.get(from..)?.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'))
    }

    /// Control characters and those that change the direction of the text around them, which KDL forbids.
    fn strange_characters(&mut self) {
        for (at, character) in self.text.char_indices() {
            let allowed = match character {
                '\u{feff}' => at == 0,
                '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => true,
                '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
                other => !other.is_control() || other == '\u{85}',
            };
            if !allowed {
                let range = (at, at + character.len_utf8());
                let code = u32::from(character);
                self.mistake(
                    range,
                    format!("the invisible character U+{code:04X} is not allowed"),
                    "here",
                    format!("remove it; inside a string write `\\u{{{code:x}}}`"),
                );
                self.mend(range, b' ');
            }
            if self.mistakes.len() >= MOST_MISTAKES {
                break;
            }
        }
    }

    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            if self.open.len() > DEEPEST
                || self.nodes > MOST_NODES
                || self.words > MOST_WORDS
                || self.mistakes.len() >= MOST_MISTAKES
            {
                self.broken = true;
                break;
            }
            match byte {
                b'\n' | b';' => self.end_node(),
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'{' => self.open_block(),
                b'}' => self.close_block(),
                b'"' => self.string(0),
                b'#' => self.hash(),
                b'/' => self.slash(),
                b'=' => self.equals(),
                b'(' => self.annotation(),
                b'\\' => self.continuation(),
                _ => self.word(),
            }
        }
    }

    fn end_node(&mut self) {
        self.at += 1;
        self.position = 0;
        if !self.hidden.1 {
            self.hidden.0 = false;
        }
    }

    /// A word or string from `start` to here.
    fn token(&mut self, start: usize) {
        self.nodes += usize::from(self.position == 0);
        if self.nodes > MOST_NODES {
            self.stop(
                (start, self.at),
                format!("the file has more than {MOST_NODES} nodes"),
                "this is one too many",
                "split the recipe",
            );
        }
        self.words += 1;
        if self.words > MOST_WORDS {
            let message = format!("the file has more than {MOST_WORDS} words and texts");
            self.stop((start, self.at), message, "this is one too many", "split the recipe");
        }
        self.position += 1;
        self.last = (start, self.at);
        self.hidden.1 = false;
    }

    fn open_block(&mut self) {
        let at = self.at;
        self.at += 1;
        if self.position == 0 && !self.hidden.0 {
            self.lonely_block(at);
        }
        self.open.push(Open { at, hidden: self.hidden.0 });
        self.hidden = (false, false);
        self.position = 0;
        if self.open.len() > DEEPEST {
            let message = format!("blocks are nested more than {DEEPEST} deep");
            self.stop((at, at + 1), message, "this one is too deep", "no recipe needs more than a handful of levels");
        } else if self.open.iter().filter(|open| open.hidden).count() > DEEPEST_HIDDEN {
            let message = format!("`/-` blocks are nested more than {DEEPEST_HIDDEN} deep");
            self.stop((at, at + 1), message, "this one is too deep", "remove what is commented out, or use `/* … */`");
            self.open.truncate(0);
            self.at = self.bytes.len();
        }
    }

    /// A block without a node: most often its brace was put on a line of its own.
    fn lonely_block(&mut self, at: usize) {
        let before = self.last.1;
        let between = &self.mended[before..at];
        let continues = self.last.1 > 0 && between.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if continues {
            self.mistake(
                (at, at + 1),
                "this block belongs to no node",
                "on a line of its own",
                "put `{` on the line of its node",
            );
            self.mend((before, at), b' ');
        } else {
            self.stop(
                (at, at + 1),
                "this block belongs to no node",
                "a name is missing before it",
                "write a node's name before `{`",
            );
        }
    }

    fn close_block(&mut self) {
        let at = self.at;
        self.at += 1;
        self.position = 0;
        self.hidden = (false, false);
        if self.open.pop().is_none() {
            self.stop(
                (at, at + 1),
                "there is no open block to close here",
                "not opened",
                "remove this `}`, or add the `{` it closes",
            );
        }
        let gap = matches!(self.peek(0), Some(b' ' | b'\t'));
        if !matches!(self.after_spaces(self.at), None | Some(b'\n' | b';' | b'}' | b'/' | b'\\')) {
            let help = "begin a new line or write `;` after `}`";
            if gap {
                self.mistake((at, at + 1), "something follows a block on the same line", "the block ends here", help);
                self.mend((self.at, self.at + 1), b';');
            } else {
                self.stop((at, at + 1), "something follows a block on the same line", "the block ends here", help);
            }
        }
    }

    fn unclosed(&mut self) {
        let stopped = self.nodes > MOST_NODES || self.words > MOST_WORDS || self.mistakes.len() >= MOST_MISTAKES;
        if stopped || self.open.len() > DEEPEST {
            return; // said already
        }
        for index in 0..self.open.len() {
            let at = self.open[index].at;
            self.stop((at, at + 1), "this block is never closed", "opened here", "write `}` where it ends");
        }
    }

    fn slash(&mut self) {
        let start = self.at;
        match self.peek(1) {
            Some(b'/') => {
                let end = self.bytes[start..]
                    .iter()
                    .position(|&byte| byte == b'\n')
                    .map_or(self.bytes.len(), |end| start + end);
                self.mend((start, end), b' ');
                self.at = end;
            }
            Some(b'*') => self.block_comment(),
            Some(b'-') => {
                self.at += 2;
                self.hidden = (true, true);
            }
            _ => self.word(),
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => (depth, self.at) = (depth + 1, self.at + 2),
                (Some(b'*'), Some(b'/')) => (depth, self.at) = (depth - 1, self.at + 2),
                (Some(_), _) => self.at += 1,
                (None, _) => {
                    self.stop(
                        (start, start + 2),
                        "this comment is never closed",
                        "opened here",
                        "write `*/` where it ends",
                    );
                    return;
                }
            }
            if depth == 0 {
                break;
            }
        }
        self.mend((start, self.at), b' ');
    }

    /// `\` at the end of a line: the node goes on.
    fn continuation(&mut self) {
        self.at += 1;
        match self.after_spaces(self.at) {
            Some(b'\n') => {
                self.at += self.bytes[self.at..].iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1)
            }
            None | Some(b'/') => {}
            Some(_) => {
                let help = "put the text in quotes, with `\\\\` for `\\`; outside quotes `\\` only joins lines";
                self.mistake((self.at - 1, self.at), "text with `\\` needs quotes", "not in quotes", help);
                self.mend((self.at - 1, self.at), b' ');
            }
        }
    }

    fn annotation(&mut self) {
        if self.at >= self.unannotated {
            let rest = &self.bytes[self.at..];
            let end = rest.iter().position(|byte| matches!(byte, b')' | b'\n' | b'"' | b'{'));
            match end {
                Some(end) if rest[end] == b')' => {
                    self.at += end + 1;
                    return;
                }
                // the next `(` looks no further: a line of them would take time without end
                other => self.unannotated = self.at + other.unwrap_or(rest.len()),
            }
        }
        self.at += 1;
    }

    fn equals(&mut self) {
        let at = self.at;
        self.at += 1;
        let name = self.text.get(self.last.0..self.last.1).unwrap_or_default().to_owned();
        if self.position <= 1 {
            self.mistake(
                (at, at + 1),
                "a node is not an assignment",
                "not needed",
                if self.position == 0 {
                    "remove this `=`".to_owned()
                } else {
                    format!("write `{name} …` without `=`")
                },
            );
            self.mend((at, at + 1), b' ');
        } else if matches!(self.after_spaces(self.at), None | Some(b'\n' | b';' | b'}' | b'{')) {
            self.mistake(
                (self.last.0, at + 1),
                format!("the property `{name}` has no value"),
                "its value is missing",
                format!("write `{name}=\"…\"` without a space, or remove it"),
            );
            self.mend((at, at + 1), b' ');
        }
    }

    /// `#true` and the like, `#"raw strings"#`, and what other languages use `#` for.
    fn hash(&mut self) {
        let hashes = self.bytes[self.at..].iter().take_while(|&&byte| byte == b'#').count();
        if self.peek(hashes) == Some(b'"') {
            self.string(hashes);
        } else {
            let start = self.at;
            self.at = habits::end_of_word(self.bytes, self.at);
            habits::keyword(self, start);
            self.token(start);
        }
    }

    fn word(&mut self) {
        let start = self.at;
        self.at = habits::end_of_word(self.bytes, self.at).max(start + 1);
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        habits::word(self, start);
        self.token(start);
    }

    fn string(&mut self, hashes: usize) {
        let start = self.at;
        habits::string(self, hashes);
        habits::after_string(self);
        self.token(start);
    }
}
