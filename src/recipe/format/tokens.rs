//! The pieces of a text: everything but the spaces between them.
//!
//! Only texts without mistakes of syntax come here. Comments begin and end where `scan` sees them, words end where
//! `habits` says, and line ends are those of KDL, of which there are more than `scan` cares about.

use crate::recipe::habits::end_of_word;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, number or keyword.
    Word,
    /// A string with quotes, of any kind.
    Quoted,
    /// `(type)` before a node or value.
    Annotation,
    /// `=`
    Equals,
    /// `/-`
    Slashdash,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `;`
    Semicolon,
    /// From `//` to the end of the line, without it.
    LineComment,
    /// `/* … */`
    BlockComment,
    /// `\` before a line end: the node goes on.
    Backslash,
    /// The end of a line, and of a node when one is there.
    Newline,
    /// The end of a line within a node, after `\` or after `/-`.
    Wrap,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// As written; a line end has no text.
    pub(super) text: &'t str,
}

impl Token<'_> {
    /// Whether a block with this in it takes several lines.
    pub(super) fn breaks(&self) -> bool {
        match self.kind {
            Kind::Newline | Kind::Wrap | Kind::LineComment | Kind::Backslash => true,
            _ => self.text.contains('\n'),
        }
    }
}

/// Takes `text` apart.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut tokenizer = Tokenizer { text, at: start, tokens: Vec::new(), wraps: false, hides: false };
    while tokenizer.at < text.len() {
        tokenizer.step();
    }
    tokenizer.line_end(text.len());
    tokenizer.tokens
}

struct Tokenizer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token<'t>>,
    /// Whether the node goes on after the end of this line.
    wraps: bool,
    /// Whether what `/-` hides is still to come: until then, line ends mean nothing.
    hides: bool,
}

impl<'t> Tokenizer<'t> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let (kind, length) = match rest.as_bytes() {
            [b' ' | b'\t', ..] => return self.at += 1,
            [b'\r', b'\n', ..] => return self.newline(2),
            [b'\r' | b'\n', ..] => return self.newline(1),
            [b'{', ..] => (Kind::Open, 1),
            [b'}', ..] => (Kind::Close, 1),
            [b';', ..] => (Kind::Semicolon, 1),
            [b'=', ..] => (Kind::Equals, 1),
            [b'\\', ..] => (Kind::Backslash, 1),
            [b'/', b'/', ..] => (Kind::LineComment, rest.find('\n').unwrap_or(rest.len())),
            [b'/', b'*', ..] => (Kind::BlockComment, block_comment(rest)),
            [b'/', b'-', ..] => (Kind::Slashdash, 2),
            [b'(', ..] => annotation(rest).map_or((Kind::Word, 1), |length| (Kind::Annotation, length)),
            _ => match quoted(rest) {
                Some(length) => (Kind::Quoted, length),
                None => return self.words(),
            },
        };
        self.push(kind, self.at, self.at + length);
        self.at += length;
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        match kind {
            Kind::LineComment | Kind::BlockComment => {}
            // before what `/-` hides, lines may end as they like
            Kind::Backslash if self.hides => return,
            Kind::Backslash => self.wraps = true,
            other => self.hides = other == Kind::Slashdash,
        }
        let text = &self.text[start..end];
        let text = if kind == Kind::LineComment { text.trim_end() } else { text };
        self.tokens.push(Token { kind, start, text });
    }

    fn newline(&mut self, length: usize) {
        self.line_end(self.at);
        self.at += length;
    }

    fn line_end(&mut self, start: usize) {
        let after_comment = self.tokens.last().is_some_and(|last| last.kind == Kind::LineComment);
        let kind = match (self.wraps, self.hides) {
            (true, _) => Kind::Wrap,
            (false, false) => Kind::Newline,
            (false, true) if after_comment => Kind::Wrap,
            (false, true) => return,
        };
        self.wraps = false;
        self.tokens.push(Token { kind, start, text: "" });
    }

    /// What `habits` takes for a word: KDL knows spaces and line ends beyond ASCII that may be in it.
    fn words(&mut self) {
        let first = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        let end = end_of_word(self.text.as_bytes(), self.at).max(self.at + first);
        let mut start = self.at;
        for (offset, space) in self.text[self.at..end].match_indices(char::is_whitespace) {
            self.word(start, self.at + offset);
            if is_newline(space) {
                self.line_end(self.at + offset);
            }
            start = self.at + offset + space.len();
        }
        self.word(start, end);
        self.at = end;
    }

    fn word(&mut self, start: usize, end: usize) {
        if start < end {
            self.push(Kind::Word, start, end);
        }
    }
}

/// Whether KDL ends a line here (KDL 2, §3.18); CR and LF are seen elsewhere.
fn is_newline(space: &str) -> bool {
    matches!(space, "\u{b}" | "\u{c}" | "\u{85}" | "\u{2028}" | "\u{2029}")
}

/// The length of the comment that `text` begins with, and of those within it.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of the annotation that `text` begins with, when it is closed on its line.
fn annotation(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        let rest = text.get(at..)?;
        at += match rest.chars().next()? {
            ')' => return Some(at + 1),
            '\n' | '(' | '{' => return None,
            '"' | '#' => quoted(rest).unwrap_or(1),
            other => other.len_utf8(),
        };
    }
}

/// The length of the string in quotes that `text` begins with, when it does.
fn quoted(text: &str) -> Option<usize> {
    let hashes = text.bytes().take_while(|&byte| byte == b'#').count();
    let quotes = match &text[hashes..] {
        long if long.starts_with("\"\"\"") => 3,
        short if short.starts_with('"') => 1,
        _ => return None,
    };
    let body = &text[hashes + quotes..];
    let closing = format!("{}{}", "\"".repeat(quotes), "#".repeat(hashes));
    let length = if hashes > 0 { body.find(&closing) } else { unescaped(body, &closing) };
    Some(length.map_or(text.len(), |length| hashes + quotes + length + closing.len()))
}

/// Where `closing` stands in `body` without a `\` before it.
fn unescaped(body: &str, closing: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(closing.as_bytes()) {
            return Some(at);
        }
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    None
}

/// Leaves out each `;` and `\` that says nothing, and the line ends in blocks that have nothing else.
pub(super) fn tidy<'t>(tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut kept: Vec<Token<'t>> = Vec::with_capacity(tokens.len()); // the last first
    for (index, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            Kind::Semicolon if ends_line(kept.iter().rev()) => {}
            Kind::Backslash => {
                let before = index.checked_sub(1).map(|before| tokens[before].kind);
                backslash(*token, before, &mut kept);
            }
            Kind::Open => {
                let nothing = kept.iter().rev().take_while(|token| token.kind == Kind::Newline).count();
                let end = kept.len() - nothing;
                if end.checked_sub(1).is_some_and(|after| kept[after].kind == Kind::Close) {
                    kept.truncate(end);
                }
                kept.push(*token);
            }
            _ => kept.push(*token),
        }
    }
    kept.reverse();
    kept
}

/// Whether nothing but comments comes before the end of a line or block.
pub(super) fn ends_line<'a, 't: 'a>(mut tokens: impl Iterator<Item = &'a Token<'t>>) -> bool {
    let next = tokens.find(|token| token.kind != Kind::BlockComment);
    next.is_none_or(|next| matches!(next.kind, Kind::Newline | Kind::LineComment | Kind::Close | Kind::Semicolon))
}

/// Keeps a `\` that joins two lines of a node; `kept` has what follows, the last first.
fn backslash<'t>(token: Token<'t>, before: Option<Kind>, kept: &mut Vec<Token<'t>>) {
    let begins = matches!(before, None | Some(Kind::Newline | Kind::Semicolon | Kind::Open | Kind::Wrap));
    if begins && kept.last().is_some_and(|next| next.kind == Kind::Wrap) {
        kept.pop(); // alone on its line
        return;
    }
    let end = kept.iter().rposition(|token| !matches!(token.kind, Kind::BlockComment | Kind::LineComment));
    if let Some(end) = end.filter(|&end| kept[end].kind == Kind::Wrap) {
        let after = end.checked_sub(1).map(|after| kept[after].kind);
        if matches!(after, None | Some(Kind::Newline | Kind::LineComment | Kind::Close | Kind::Semicolon)) {
            kept[end].kind = Kind::Newline; // the node does not go on
            return;
        }
    }
    kept.push(token);
}
