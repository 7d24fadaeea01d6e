//! Text on its way to a terminal: the one place that decides which characters a person may be shown as they are.
//!
//! Names, versions, paths, scripts and the output of build steps come from other people. A terminal obeys the control
//! characters in them (ECMA-48), and characters that nobody sees, or that turn the direction of the text around them
//! (Unicode Standard Annex #9), make a line look like another one. Such characters are written as `\u{1b}` instead, the
//! way a recipe writes them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Ranges of characters that are invisible, or that change how the text around them is shown: format controls,
/// fillers, separators, variation selectors and tags (Unicode 17, `Default_Ignorable_Code_Point` and `Bidi_Control`).
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a terminal may be given this character as it is. Line ends and tabs are not: whoever lays text out decides
/// about them.
#[must_use]
pub fn is_printable(character: char) -> bool {
    let ascii = matches!(character, ' '..='~');
    ascii || !character.is_control() && !INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&character))
}

/// The text with every character escaped that [`is_printable`] does not allow, but for line ends and tabs.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// The same for what belongs on one line: line ends and tabs are escaped too.
#[must_use]
pub fn printable_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A line of a program's output: its colours (`ESC [ … m`, ECMA-48 §8.3.117) and the carriage return at its end say
/// nothing that matters here and are dropped, everything else is escaped.
#[must_use]
pub fn printable_output(line: &str) -> String {
    let mut rest = line.trim_end_matches('\r');
    let mut plain = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        let colour = colour_sequence(&rest[at..]);
        if colour == 0 {
            plain.push('\u{1b}');
        }
        rest = &rest[at + colour.max(1)..];
    }
    plain.push_str(rest);
    escaped(&plain, |character| character == '\t').into_owned()
}

/// The length of the sequence that sets colours at the beginning of `text`; zero when there is none.
#[must_use]
pub fn colour_sequence(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let parameters = rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    if rest.as_bytes().get(parameters) == Some(&b'm') { parameters + 3 } else { 0 }
}

fn escaped(text: &str, kept: fn(char) -> bool) -> Cow<'_, str> {
    let allowed = |character: char| is_printable(character) || kept(character);
    let Some(first) = text.char_indices().find(|(_, character)| !allowed(*character)) else {
        return Cow::Borrowed(text);
    };
    let mut result = String::with_capacity(text.len() + 16);
    result.push_str(&text[..first.0]);
    for character in text[first.0..].chars() {
        push(&mut result, character, allowed(character));
    }
    Cow::Owned(result)
}

/// Adds a character, escaped unless it is `allowed`.
fn push(to: &mut String, character: char, allowed: bool) {
    match character {
        _ if allowed => to.push(character),
        '\n' => to.push_str("\\n"),
        '\t' => to.push_str("\\t"),
        '\r' => to.push_str("\\r"),
        other => drop(write!(to, "\\u{{{:x}}}", u32::from(other))), // writing to a string cannot fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_given_nothing_that_it_obeys() {
        assert_eq!(printable("\u{1b}]52;c;YQ==\u{7}"), "\\u{1b}]52;c;YQ==\\u{7}");
        assert_eq!(printable("a\rb\u{8}\u{7f}\u{9b}31m"), "a\\rb\\u{8}\\u{7f}\\u{9b}31m");
        assert_eq!(printable("two\nlines\tand a tab"), "two\nlines\tand a tab");
        assert_eq!(printable_line("two\nlines\t"), "two\\nlines\\t");
    }

    #[test]
    fn text_that_hides_or_turns_is_seen() {
        for hidden in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}', '\u{feff}', '\u{200b}', '\u{e0041}', '\u{2028}'] {
            assert_eq!(printable(&format!("a{hidden}b")), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
    }

    #[test]
    fn text_of_any_script_stays() {
        for text in ["déjà vu", "каша", "日本語", "مرحبا", "🦀", "→ ×", ""] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn colours_of_programs_go_and_nothing_else_does() {
        assert_eq!(printable_output("\u{1b}[1;31merror\u{1b}[0m: x\r"), "error: x");
        assert_eq!(printable_output("\u{1b}[2Ja\u{1b}[31"), "\\u{1b}[2Ja\\u{1b}[31");
        assert_eq!(printable_output("\u{1b}\u{1b}[m[m"), "\\u{1b}[m");
    }
}
