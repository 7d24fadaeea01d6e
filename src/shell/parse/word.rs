//! Words: quotes, substitutions, and plain text between them.

use std::rc::Rc;

use super::super::Unsupported;
use super::super::ast::{Piece, Word};
use super::{Parser, is_meta, is_name};

/// Where pieces stand, which decides what ends them and what quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// An unquoted word.
    Plain,
    /// Between double quotes.
    Double,
    /// The body of a here-document, up to its end.
    Here,
    /// The word of `${NAME:-WORD}`, up to the brace.
    Braces {
        /// Whether the whole parameter is between double quotes, where single ones mean themselves.
        quoted: bool,
    },
    /// A bash pattern up to `/` or the brace.
    Slash,
    /// A sum, up to `))`.
    Arithmetic,
    /// A sum up to `:` or the brace.
    Offset,
}

impl Context {
    /// Whether text means itself rather than a pattern, and backslashes quote few characters.
    fn quotes(self) -> bool {
        matches!(self, Self::Double | Self::Here | Self::Arithmetic | Self::Offset | Self::Braces { quoted: true })
    }

    fn single_quotes(self) -> bool {
        matches!(self, Self::Plain | Self::Slash | Self::Braces { quoted: false })
    }

    fn ends_at(self, rest: &str, open: u32) -> bool {
        let Some(next) = rest.chars().next() else { return true };
        match self {
            Self::Plain => is_meta(next),
            Self::Double => next == '"',
            Self::Here => false,
            Self::Braces { .. } => next == '}',
            Self::Slash => next == '/' || next == '}',
            Self::Arithmetic => open == 0 && rest.starts_with("))"),
            Self::Offset => open == 0 && (next == ':' || next == '}'),
        }
    }
}

impl Parser<'_> {
    /// The next word; none where something else comes next.
    pub(super) fn word(&mut self) -> Result<Option<Word>, Unsupported> {
        self.word_with_tildes(false)
    }

    /// The next word. In an assignment, `~` means a folder after each `:` as well.
    pub(super) fn word_with_tildes(&mut self, assignment: bool) -> Result<Option<Word>, Unsupported> {
        if !assignment {
            self.skip_blanks();
        }
        let begin = self.at;
        if Context::Plain.ends_at(self.rest(), 0) {
            let substitution = self.rest().starts_with("<(") || self.rest().starts_with(">(");
            return if substitution && self.bash() {
                Err(self.refuse("a substitution of processes"))
            } else {
                Ok(None)
            };
        }
        let pieces = self.deeper(|parser| parser.pieces(Context::Plain))?;
        let raw = &self.text[begin..self.at];
        if raw.contains('\u{fffd}') {
            return Err(self.refuse("a word that is not UTF-8"));
        }
        if self.bash() && braces_expand(raw) {
            return Err(self.refuse(format!("the expansion of braces in `{raw}`")));
        }
        Ok(Some(Word(with_tilde(pieces, assignment))))
    }

    /// A word without quotes and substitutions.
    pub(super) fn plain_word(&mut self) -> Result<String, Unsupported> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|next| is_meta(next) || "\\'\"$`".contains(next)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.unexpected());
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// Everything up to the end of the context, which stays.
    pub(super) fn pieces(&mut self, context: Context) -> Result<Vec<Piece>, Unsupported> {
        let (mut pieces, mut open) = (Vec::new(), 0_u32);
        while !context.ends_at(self.rest(), open) {
            let Some(next) = self.next() else { break };
            match next {
                '\\' => self.escape(context, &mut pieces),
                '\'' if context.single_quotes() => {
                    let mut text = String::new();
                    loop {
                        match self.next() {
                            Some('\'') => break,
                            Some(inside) => text.push(inside),
                            None => return Err(self.unexpected()),
                        }
                    }
                    pieces.push(Piece::Quoted(text));
                }
                '"' if !matches!(context, Context::Here | Context::Double) => {
                    let inside = self.deeper(|parser| parser.pieces(Context::Double))?;
                    if !self.take("\"") {
                        return Err(self.unexpected());
                    }
                    pieces.push(Piece::Double(inside));
                }
                '`' => pieces.push(self.backquoted(context)?),
                '$' => pieces.push(self.deeper(|parser| parser.dollar(context))?),
                _ => {
                    open = match next {
                        '(' => open + 1,
                        ')' => open.saturating_sub(1),
                        _ => open,
                    };
                    push(&mut pieces, next, context.quotes());
                }
            }
        }
        Ok(pieces)
    }

    fn escape(&mut self, context: Context, pieces: &mut Vec<Piece>) {
        let special = match context {
            Context::Here => "$`\\",
            Context::Double | Context::Arithmetic | Context::Offset => "$`\"\\",
            Context::Braces { quoted: true } => "$`\"\\}",
            Context::Plain | Context::Slash | Context::Braces { quoted: false } => "",
        };
        match self.peek() {
            Some('\n') => {
                self.next(); // the line goes on
            }
            Some(next) if special.is_empty() || special.contains(next) => {
                self.next();
                pieces.push(Piece::Quoted(next.to_string()));
            }
            _ => push(pieces, '\\', true),
        }
    }

    /// What follows `$`.
    fn dollar(&mut self, context: Context) -> Result<Piece, Unsupported> {
        if self.rest().starts_with("((") {
            let (at, line) = (self.at, self.line);
            self.at += 2;
            if let Ok(sum) = self.arithmetic() {
                return Ok(Piece::Arithmetic(Rc::new(sum)));
            }
            (self.at, self.line) = (at, line); // `$( ( … ) )` without the blank
        }
        if self.take("(") {
            let list = self.list()?;
            self.skip_blanks();
            return if self.take(")") { Ok(Piece::Command(Rc::new(list))) } else { Err(self.unexpected()) };
        }
        if self.take("{") {
            let quoted = context.quotes();
            return self.parameter(quoted).map(|parameter| Piece::Parameter(Rc::new(parameter)));
        }
        if self.bash() && context.single_quotes() && self.rest().starts_with(['\'', '"']) {
            return Err(self.refuse("`$'` or `$\"`"));
        }
        Ok(match self.unbraced_name() {
            Some(name) => Piece::Parameter(Rc::new(super::parameter::plain(name))),
            None => Piece::Quoted("$".to_owned()),
        })
    }

    /// The inside of `$(( … ))`, whose opening brackets are taken; takes the closing ones.
    pub(super) fn arithmetic(&mut self) -> Result<Word, Unsupported> {
        let pieces = self.pieces(Context::Arithmetic)?;
        if self.take("))") { Ok(Word(vec![Piece::Double(pieces)])) } else { Err(self.unexpected()) }
    }

    /// The old form of a command substitution, in which backslashes quote the signs that would end it.
    fn backquoted(&mut self, context: Context) -> Result<Piece, Unsupported> {
        let (line, mut text) = (self.line, String::new());
        loop {
            match self.next() {
                None => return Err(self.unexpected()),
                Some('`') => break,
                Some('\\') => {
                    let quoted = matches!(self.peek(), Some('`' | '\\' | '$'))
                        || context == Context::Double && self.peek() == Some('"');
                    if !quoted {
                        text.push('\\');
                    }
                    text.extend(self.next());
                }
                Some(next) => text.push(next),
            }
        }
        let mut parser = Parser::new(&text, self.dialect, line, self.depth);
        let list = parser.list()?;
        if parser.peek().is_some() { Err(parser.unexpected()) } else { Ok(Piece::Command(Rc::new(list))) }
    }
}

fn push(pieces: &mut Vec<Piece>, letter: char, quoted: bool) {
    match (pieces.last_mut(), quoted) {
        (Some(Piece::Quoted(text)), true) | (Some(Piece::Text(text)), false) => text.push(letter),
        (_, true) => pieces.push(Piece::Quoted(letter.to_string())),
        (_, false) => pieces.push(Piece::Text(letter.to_string())),
    }
}

/// Takes `~USER` from the beginning of the text of a word.
fn with_tilde(mut pieces: Vec<Piece>, assignment: bool) -> Vec<Piece> {
    let Some(Piece::Text(text)) = pieces.first() else { return pieces };
    let Some(rest) = text.strip_prefix('~') else { return pieces };
    let end = rest.find(|next| next == '/' || assignment && next == ':').unwrap_or(rest.len());
    let user = &rest[..end];
    if end == rest.len() && pieces.len() > 1 || !(user.is_empty() || is_name(&user.replace('-', "_"))) {
        return pieces; // a quoted part belongs to the name, which then means itself
    }
    let (user, after) = (user.to_owned(), rest[end..].to_owned());
    pieces[0] = Piece::Text(after);
    pieces.insert(0, Piece::Tilde(user));
    pieces
}

/// Whether bash would make several words of `{a,b}` or `{1..3}` in this text.
fn braces_expand(raw: &str) -> bool {
    raw.match_indices('{').any(|(at, _)| {
        let quoted = raw[..at].ends_with(['$', '\\']) || raw[..at].contains(['\'', '"', '`']);
        let inside = raw[at..].split('}').next().unwrap_or_default();
        !quoted && inside.len() < raw[at..].len() && (inside.contains(',') || inside.contains(".."))
    })
}
