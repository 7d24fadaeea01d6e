//! The terminal: the only file of this room that writes to standard output and standard error.
//!
//! What goes to standard error is for people, and passes [`crate::model::printable`] on its way: names, messages and
//! output of other people hold whatever they like. Standard output is data and keeps its bytes, unless it is a
//! terminal: then a person reads it, and the same holds.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use crate::model::{colour_sequence, printable};

/// What a tab becomes for people: the column it leads to depends on what a line begins with, and those vary.
const TAB: &str = "    ";

/// Whether colours that this program draws may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    /// They may.
    Pass,
    /// Nothing that a terminal obeys may.
    Stop,
}

impl Colours {
    /// Whether they may pass.
    pub(super) fn when(colour: bool) -> Self {
        if colour { Self::Pass } else { Self::Stop }
    }
}

/// Says something to people, and ends the line.
pub(super) fn say(text: impl Display) {
    draw(&format!("{text}\n"), Colours::Stop);
}

/// Shows people what was drawn for them. Whoever draws with colours has made all text in it printable before.
pub(super) fn draw(drawing: &str, colours: Colours) {
    let shown = for_people(drawing, colours).replace('\t', TAB);
    // a reader that went away is no reason to fail
    let _ = io::stderr().lock().write_all(shown.as_bytes());
}

/// Whether standard error is a terminal.
pub(super) fn people_have_a_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output is a terminal.
pub(super) fn data_goes_to_a_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal, within what can be read.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let found = rustix::termios::tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col));
    columns.or(found.filter(|&width| width > 0)).unwrap_or(80).clamp(60, 120)
}

/// Standard output as it is, for a protocol: nobody reads it.
pub(super) fn protocol() -> io::StdoutLock<'static> {
    io::stdout().lock()
}

/// Standard output: data, or, on a terminal, text for people.
pub(super) fn data() -> Data {
    coloured_data(Colours::Stop)
}

/// The same for what is drawn with colours: whoever does so has made all text in it printable before.
pub(super) fn coloured_data(colours: Colours) -> Data {
    Data { people: data_goes_to_a_terminal(), colours, waiting: Vec::new(), out: protocol() }
}

/// Prints a value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> io::Result<()> {
    let mut out = data();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// Takes data on its way to standard output.
pub(super) struct Data {
    people: bool,
    colours: Colours,
    /// For people: the beginning of a line that is not complete yet.
    waiting: Vec<u8>,
    out: io::StdoutLock<'static>,
}

impl Data {
    fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        self.out.write_all(for_people(&text, self.colours).as_bytes())
    }
}

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.people {
            return self.out.write(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        // a character, or a colour, may come in parts, but no line ends within one
        if let Some(end) = self.waiting.iter().rposition(|&byte| byte == b'\n') {
            let rest = self.waiting.split_off(end + 1);
            let lines = std::mem::replace(&mut self.waiting, rest);
            self.show(&lines)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.waiting);
        self.show(&rest)?;
        self.out.flush()
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = self.flush(); // who wants to know flushes
    }
}

/// A text without anything that a terminal obeys, but for line ends, tabs and, when they may pass, colours.
fn for_people(text: &str, colours: Colours) -> String {
    if colours == Colours::Stop {
        return printable(text).into_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        shown.push_str(&printable(&rest[..at]));
        let length = colour_sequence(&rest[at..]).max(1);
        let sequence = &rest[at..at + length];
        match length {
            1 => shown.push_str(&printable(sequence)),
            _ => shown.push_str(sequence),
        }
        rest = &rest[at + length..];
    }
    shown.push_str(&printable(rest));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_where_they_may_and_nothing_else_does() {
        let drawing = "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{9b}2J\u{202e}\n\tend\r";
        let escaped = " \\u{1b}]0;title\\u{7} \\u{9b}2J\\u{202e}\n\tend\\r";
        assert_eq!(for_people(drawing, Colours::Pass), format!("\u{1b}[31mred\u{1b}[0m{escaped}"));
        assert_eq!(for_people(drawing, Colours::Stop), format!("\\u{{1b}}[31mred\\u{{1b}}[0m{escaped}"));
    }
}
