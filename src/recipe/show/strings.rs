//! Texts as KDL strings (KDL 2, §3.9 to §3.12).

use std::fmt::Write as _;

/// A text as a string of one line, quoted, with escapes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other if must_be_escaped(other) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other)); // writing to a string cannot fail
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// What may not stand in a document, ends a line, or changes the direction of what is around it.
fn must_be_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of several lines as they are, indented by `indentation`; none when that would change it.
pub(super) fn of_lines(text: &str, indentation: &str) -> Option<String> {
    let plain = text.chars().all(|character| matches!(character, '\n' | '\t') || !must_be_escaped(character));
    // lines of spaces alone are read as empty
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    if !plain || !text.contains('\n') || text.split('\n').any(blank) {
        return None;
    }
    let hashes = (1..).map(|count| "#".repeat(count)).find(|hashes| !text.contains(&format!("\"\"\"{hashes}")))?;
    let mut out = format!("{hashes}\"\"\"\n");
    for line in text.split('\n') {
        if !line.is_empty() {
            out.push_str(indentation);
        }
        out.push_str(line);
        out.push('\n');
    }
    let _ = write!(out, "{indentation}\"\"\"{hashes}"); // writing to a string cannot fail
    Some(out)
}
