//! Redirections and the bodies of here-documents.

use std::cell::OnceCell;
use std::rc::Rc;

use super::super::Unsupported;
use super::super::ast::{Piece, Redirection, RedirectionKind, Word};
use super::word::Context;
use super::{Parser, Pending, is_meta};

impl Parser<'_> {
    /// The next redirection, if one comes next.
    pub(super) fn redirection(&mut self) -> Result<Option<Redirection>, Unsupported> {
        self.skip_blanks();
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|next: char| next.is_ascii_digit()).len();
        let operator = &rest[digits..];
        if self.bash() && digits == 0 && operator.starts_with("&>") {
            let append = operator.starts_with("&>>");
            self.at += if append { 3 } else { 2 };
            let word = self.target()?;
            return Ok(Some(Redirection { descriptor: 1, kind: RedirectionKind::WriteBoth { word, append } }));
        }
        if !operator.starts_with(['<', '>']) || digits > 2 {
            return Ok(None);
        }
        let given = rest[..digits].parse().ok();
        self.at += digits;
        let input = self.rest().starts_with('<');
        let kind = if self.take("<<<") {
            RedirectionKind::HereString(self.target()?)
        } else if self.take("<<") {
            let strips_tabs = self.take("-");
            self.here(strips_tabs)?
        } else if self.take("<&") || self.take(">&") {
            RedirectionKind::Duplicate(self.target()?)
        } else if self.take("<>") {
            {
                self.target()?;
                RedirectionKind::ReadWrite
            }
        } else if self.take(">>") {
            RedirectionKind::Append(self.target()?)
        } else if self.take(">|") || self.take(">") {
            RedirectionKind::Write(self.target()?)
        } else {
            self.take("<");
            RedirectionKind::Read(self.target()?)
        };
        Ok(Some(Redirection { descriptor: given.unwrap_or(if input { 0 } else { 1 }), kind }))
    }

    fn target(&mut self) -> Result<Word, Unsupported> {
        self.skip_blanks();
        self.word()?.ok_or_else(|| self.unexpected())
    }

    fn here(&mut self, strips_tabs: bool) -> Result<RedirectionKind, Unsupported> {
        self.skip_blanks();
        let (mut end, mut quoted) = (String::new(), false);
        while let Some(next) = self.peek().filter(|next| !is_meta(*next)) {
            self.next();
            match next {
                '\'' | '"' => {
                    quoted = true;
                    while let Some(inside) = self.next().filter(|inside| *inside != next) {
                        end.push(inside);
                    }
                }
                '\\' => {
                    quoted = true;
                    end.extend(self.next());
                }
                _ => end.push(next),
            }
        }
        if end.is_empty() {
            return Err(self.unexpected());
        }
        let body = Rc::new(OnceCell::new());
        self.pending.push(Pending { body: Rc::clone(&body), end, strips_tabs, quoted });
        Ok(RedirectionKind::Here(body))
    }

    /// Reads the here-documents of the line that has just ended.
    pub(super) fn here_documents(&mut self) -> Result<(), Unsupported> {
        for Pending { body, end, strips_tabs, quoted } in std::mem::take(&mut self.pending) {
            let (first, mut text) = (self.line, String::new());
            loop {
                let rest = self.rest();
                let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
                let whole = &rest[..length];
                let line = if strips_tabs { whole.trim_start_matches('\t') } else { whole };
                self.at += length;
                self.line += u32::from(whole.ends_with('\n'));
                if line.trim_end_matches('\n') == end || length == 0 {
                    break;
                }
                text.push_str(line);
            }
            let word =
                if quoted { Word(vec![Piece::Quoted(text)]) } else { self.expanded(&text, first, Context::Here)? };
            let _ = body.set(word); // nobody else has it
        }
        Ok(())
    }

    /// A text of its own in which parameters, commands and sums are expanded.
    pub(super) fn expanded(&self, text: &str, line: u32, context: Context) -> Result<Word, Unsupported> {
        let mut parser = Parser::new(text, self.dialect, line, self.depth);
        let pieces = parser.pieces(context)?;
        Ok(Word(vec![Piece::Double(pieces)]))
    }
}
