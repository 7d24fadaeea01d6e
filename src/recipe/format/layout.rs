//! Pieces → lines.

use super::lines::{Comment, Line, WIDEST, column, join};
use super::spans;
use super::tokens::{Kind, Token, ends_line};

/// Spaces for each block around a node.
const STEP: usize = 4;

/// The canonical layout of what `tokens`, the tidied pieces of `text`, say.
pub(super) fn layout(text: &str, tokens: &[Token<'_>]) -> String {
    let mut layout = Layout {
        text,
        tokens,
        flat: flat_blocks(tokens),
        lines: Vec::new(),
        line: Line::default(),
        column: 0,
        level: 0,
        wrapped: false,
        flat_until: None,
        blank: false,
        opens: false,
        opened: true,
    };
    for index in 0..tokens.len() {
        layout.token(index);
    }
    layout.end_line();
    join(&layout.lines)
}

/// A block that was written on one line.
#[derive(Clone, Copy)]
struct Flat {
    close: usize,
    /// Columns from `{` to `}`, both included.
    width: usize,
}

/// The blocks that were written on one line, by their `{`.
fn flat_blocks(tokens: &[Token<'_>]) -> Vec<Option<Flat>> {
    let mut flat = vec![None; tokens.len()];
    let mut open = Vec::new();
    let (mut width, mut breaks) = (0, 0_usize);
    let mut before = Kind::Newline;
    for (index, token) in tokens.iter().enumerate() {
        width += gap(before, token.kind).len() + token.text.chars().count();
        breaks += usize::from(token.breaks());
        before = token.kind;
        if token.kind == Kind::Open {
            open.push((index, width - 1, breaks));
        } else if token.kind == Kind::Close
            && let Some((start, outside, breaks_outside)) = open.pop()
            && breaks == breaks_outside
        {
            flat[start] = Some(Flat { close: index, width: width - outside });
        }
    }
    flat
}

/// What is between two pieces on a line.
fn gap(before: Kind, next: Kind) -> &'static str {
    match (before, next) {
        (_, Kind::Semicolon) | (Kind::Open, Kind::Close) | (Kind::Word | Kind::Quoted, Kind::Equals) => "",
        (
            Kind::Slashdash | Kind::Annotation | Kind::Equals,
            Kind::Word | Kind::Quoted | Kind::Annotation | Kind::Open,
        ) => "",
        _ => " ",
    }
}

struct Layout<'t> {
    text: &'t str,
    tokens: &'t [Token<'t>],
    flat: Vec<Option<Flat>>,
    lines: Vec<Line<'t>>,
    /// The line that is being filled, and its width.
    line: Line<'t>,
    column: usize,
    /// Open blocks of several lines.
    level: usize,
    /// Whether the line goes on with the node of the line before.
    wrapped: bool,
    /// The `}` up to which a block is on this line.
    flat_until: Option<usize>,
    /// Whether lines were empty since the last one.
    blank: bool,
    /// Whether this line opens a block, and whether the last one did.
    opens: bool,
    opened: bool,
}

impl Layout<'_> {
    fn token(&mut self, index: usize) {
        match self.tokens[index].kind {
            Kind::Newline if self.line.text.is_empty() => self.blank = true,
            Kind::Newline => self.end_line(),
            Kind::Wrap => {
                self.end_line();
                self.wrapped = true;
            }
            Kind::Semicolon if self.flat_until.is_none() => self.end_line(),
            Kind::Open if self.flat_until.is_none() => self.open(index),
            Kind::Close if self.flat_until.is_none() => self.close(index),
            Kind::LineComment if !self.line.text.is_empty() => {
                let Token { start, text, .. } = self.tokens[index];
                self.line.comment = Some(Comment { text, column: column(&self.text[..start]) });
            }
            _ => {
                self.flat_until = self.flat_until.filter(|&close| close != index);
                self.begin(index);
                self.write(index);
            }
        }
    }

    fn open(&mut self, index: usize) {
        self.begin(index);
        self.flat_until = self.flat[index].filter(|flat| self.column + flat.width <= WIDEST).map(|flat| flat.close);
        self.write(index);
        if self.flat_until.is_none() {
            self.level += 1;
            self.opens = true;
            if !ends_line(self.tokens[index + 1..].iter()) {
                self.end_line();
            }
        }
    }

    fn close(&mut self, index: usize) {
        self.end_line();
        self.level = self.level.saturating_sub(1);
        self.blank = false;
        self.begin(index);
        self.write(index);
    }

    /// Goes to where the piece will stand.
    fn begin(&mut self, index: usize) {
        let before = if self.line.text.is_empty() {
            if self.blank && !self.opened {
                self.lines.push(Line::default());
            }
            &" ".repeat(STEP * (self.level + usize::from(self.wrapped)))
        } else {
            gap(self.tokens[index - 1].kind, self.tokens[index].kind)
        };
        self.line.text.push_str(before);
        self.column += before.len();
    }

    fn write(&mut self, index: usize) {
        let Token { kind, start, text } = self.tokens[index];
        let first = self.line.text.len() == self.column && self.line.text.trim_start().is_empty();
        let moved = match kind {
            Kind::Quoted if text.contains('\n') => spans::text(text, STEP * (self.level + 1)),
            Kind::BlockComment if text.contains('\n') => {
                // only at the beginning of a line: where else it stands says nothing of how its lines do
                let from = if first { column(&self.text[..start]) } else { self.column };
                Some(spans::comment(text, from, self.column))
            }
            _ => None,
        };
        let written = moved.as_deref().unwrap_or(text);
        self.line.text.push_str(written);
        self.column = if written.contains('\n') { column(written) } else { self.column + written.chars().count() };
    }

    fn end_line(&mut self) {
        self.wrapped = false;
        if !self.line.text.is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
            self.column = 0;
            self.blank = false;
            self.opened = std::mem::take(&mut self.opens);
        }
    }
}
