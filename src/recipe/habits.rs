//! The words and strings that people write out of habit with other languages, or with KDL 1, and what KDL 2 wants.

use super::scan::Scanner;

/// Where the word at `start` ends. A comment ends it as well, but not the `//` of an address.
pub(super) fn end_of_word(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let ends = |index: usize, byte: u8| match byte {
        b'{' | b'}' | b';' | b'(' | b')' | b'=' | b'"' | b'\\' => true,
        b'/' if index > 0 => matches!(rest.get(index + 1), Some(b'/' | b'*')) && rest[index - 1] != b':',
        other => other.is_ascii_whitespace(),
    };
    start + rest.iter().enumerate().position(|(index, &byte)| ends(index, byte)).unwrap_or(rest.len())
}

/// A word that begins with `#` and is no raw string.
pub(super) fn keyword(scanner: &mut Scanner<'_>, start: usize) {
    let range = (start, scanner.at);
    let word = &scanner.text[start..scanner.at];
    match word {
        "#true" | "#false" | "#null" | "#inf" | "#-inf" | "#nan" => {}
        _ if scanner.position == 0 => {
            let end = scanner.text[start..].find('\n').map_or(scanner.text.len(), |end| start + end);
            scanner.mistake((start, end), "`#` begins no comment", "not a node", "write `//` before a comment");
            scanner.mend((start, end), b' ');
            scanner.at = end;
        }
        _ => {
            let message = format!("`{word}` is no value");
            scanner.mistake(
                range,
                message,
                "not known to KDL",
                "write `#true` or `#false`, `//` before a comment, or text in quotes",
            );
            scanner.mend(range, b'x');
        }
    }
}

/// A bare word.
pub(super) fn word(scanner: &mut Scanner<'_>, start: usize) {
    let range = (start, scanner.at);
    let word = &scanner.text[start..scanner.at];
    if word.strip_prefix('r').is_some_and(|hashes| hashes.bytes().all(|byte| byte == b'#'))
        && scanner.peek(0) == Some(b'"')
    {
        return old_raw_string(scanner, start, word.len() - 1);
    }
    if scanner.position > 0 && matches!(word, "true" | "false" | "null" | "inf" | "-inf" | "nan") {
        let message = format!("`{word}` is not a value of KDL 2");
        let help = format!("write `#{word}`, or `\"{word}\"` for the text");
        scanner.mistake(range, message, "without its `#`", help);
        scanner.mend((start, start + 1), b'x');
    } else if looks_like_number(word) {
        number(scanner, start);
    } else if let Some(wrong) = word.chars().find(|character| matches!(character, '/' | '[' | ']' | '#')) {
        let message = format!("text with `{wrong}` needs quotes");
        let help = format!("write `\"{}\"`", word.trim_end_matches(','));
        scanner.mistake(range, message, "not in quotes", help);
        scanner.mend(range, b'x');
    } else if word.ends_with(',') {
        comma(scanner, scanner.at - 1);
    }
}

fn comma(scanner: &mut Scanner<'_>, at: usize) {
    scanner.mistake((at, at + 1), "values are not separated by commas", "not needed", "put a space between values");
    scanner.mend((at, at + 1), b' ');
}

fn looks_like_number(word: &str) -> bool {
    let digits = word.trim_start_matches(['+', '-']);
    digits.trim_start_matches('.').bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && word.len() - digits.len() <= 1
}

/// Whether KDL reads the word as a number (KDL 2, §3.14), and the parser in 128 bits.
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix(['+', '-']).unwrap_or(word);
    let run = |text: &str, digit: fn(&u8) -> bool, most: usize| {
        text.bytes().next().is_some_and(|byte| digit(&byte))
            && text.bytes().all(|byte| digit(&byte) || byte == b'_')
            && text.bytes().filter(digit).count() <= most
    };
    if let Some(digits) = word.strip_prefix("0x") {
        return run(digits, u8::is_ascii_hexdigit, 31);
    }
    if let Some(digits) = word.strip_prefix("0o") {
        return run(digits, |byte| (b'0'..=b'7').contains(byte), 42);
    }
    if let Some(digits) = word.strip_prefix("0b") {
        return run(digits, |byte| matches!(byte, b'0' | b'1'), 126);
    }
    let (word, exponent) = word.split_once(['e', 'E']).map_or((word, None), |(word, exponent)| (word, Some(exponent)));
    let (whole, fraction) = word.split_once('.').map_or((word, None), |(whole, fraction)| (whole, Some(fraction)));
    let decimal = |text: &str| run(text, u8::is_ascii_digit, 38);
    decimal(whole)
        && fraction.is_none_or(decimal)
        && exponent.is_none_or(|exponent| decimal(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn number(scanner: &mut Scanner<'_>, start: usize) {
    let range = (start, scanner.at);
    let word = scanner.text[start..scanner.at].to_owned();
    if scanner.position == 0 {
        scanner.mistake(
            range,
            format!("`{word}` is no name of a node"),
            "a name begins with a letter",
            "write the node's name first",
        );
        scanner.mend(range, b'x');
    } else if let Some(word) = word.strip_suffix(',') {
        comma(scanner, scanner.at - 1);
        if !is_number(word) {
            scanner.mend((start, scanner.at - 1), b'x');
        }
    } else if !is_number(&word) {
        let message = format!("`{word}` is neither a number nor text");
        scanner.mistake(range, message, "not in quotes", format!("write `\"{word}\"`"));
        scanner.mend(range, b'x');
    }
}

/// A raw string as KDL 1 wrote it.
fn old_raw_string(scanner: &mut Scanner<'_>, start: usize, hashes: usize) {
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = scanner.text[scanner.at + 1..].find(&closing).map(|end| scanner.at + 1 + end + closing.len());
    let Some(end) = end else {
        return scanner.stop((start, scanner.at + 1), "this text is never closed", "opened here", "write `#\"…\"#`");
    };
    let hashes = "#".repeat(hashes.max(1));
    let help = format!("write `{hashes}\"…\"{hashes}`, without the `r`");
    scanner.mistake((start, end), "raw text is written otherwise in KDL 2", "as in KDL 1", help);
    scanner.mend_as_string((start, end));
    scanner.at = end;
}

/// A quoted string of any kind, from its first `#` or quote.
pub(super) fn string(scanner: &mut Scanner<'_>, hashes: usize) {
    let start = scanner.at;
    let multi = scanner.bytes[start + hashes..].starts_with(b"\"\"\"");
    let quotes = if multi { 3 } else { 1 };
    scanner.at += hashes + quotes;
    let body = scanner.at;
    let closing = format!("{}{}", "\"".repeat(quotes), "#".repeat(hashes));
    let mut wrong_escape = None;
    loop {
        let rest = &scanner.bytes[scanner.at..];
        match rest.first() {
            _ if rest.starts_with(closing.as_bytes()) => break,
            Some(b'\\') if hashes == 0 => {
                let (length, valid) = escape(&scanner.text[scanner.at..]);
                if !valid {
                    wrong_escape = wrong_escape.or(Some((scanner.at, scanner.at + length)));
                }
                scanner.at += length;
            }
            Some(b'\n') if !multi => return not_closed_on_its_line(scanner, start, &closing),
            Some(_) => scanner.at += 1,
            None => {
                let help = format!("write `{closing}` where it ends");
                return scanner.stop((start, body), "this text is never closed", "opened here", help);
            }
        }
    }
    let end = scanner.at;
    scanner.at += closing.len();
    let whole = (start, scanner.at);
    if let Some(range) = wrong_escape {
        let written = scanner.text[range.0..range.1].to_owned();
        let help = format!("write `\\{written}` for the characters themselves, or raw text: `#\"…\"#`");
        scanner.mistake(range, format!("`{written}` is no escape"), "not known to KDL", help);
        scanner.mend_as_string(whole);
    }
    if multi && !indented(scanner, whole, (body, end), hashes == 0) {
        scanner.mend_as_string(whole);
    }
}

/// The length of the escape that `text` begins with, and whether it is one (KDL 2, §3.12).
fn escape(text: &str) -> (usize, bool) {
    let mut characters = text[1..].chars();
    match characters.next() {
        Some('n' | 'r' | 't' | '\\' | '"' | 'b' | 'f' | 's') => (2, true),
        Some('u') => {
            // a bound on where the `}` may be: a line of these that never close would take time without end
            let end = text.bytes().take(10).position(|byte| byte == b'}');
            let digits = end.and_then(|end| text[2..end].strip_prefix('{')).filter(|digits| !digits.is_empty());
            let valid = digits
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .is_some_and(|code| char::from_u32(code).is_some());
            (digits.map_or(2, |digits| digits.len() + 4), valid)
        }
        Some(space) if space.is_whitespace() => {
            let rest = text[1..].trim_start();
            (text.len() - rest.len(), true)
        }
        Some(other) => (1 + other.len_utf8(), false),
        None => (1, false),
    }
}

fn not_closed_on_its_line(scanner: &mut Scanner<'_>, start: usize, closing: &str) {
    let end = scanner.at - usize::from(scanner.bytes[scanner.at - 1] == b'\r');
    let opening: String = closing.chars().rev().collect();
    let help =
        format!("write `{closing}` at its end, or `\"\"\"` around text of several lines, each `\"\"\"` ending a line");
    scanner.mistake((start, end), "this text is not closed on its line", &format!("`{opening}` without its end"), help);
    scanner.mend_as_string((start, end));
}

/// Whether text of several lines begins on a line of its own, and has its indentation on each.
fn indented(scanner: &mut Scanner<'_>, whole: (usize, usize), body: (usize, usize), escapes: bool) -> bool {
    let text = &scanner.text[body.0..body.1];
    let Some(lines) = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')) else {
        scanner.mistake(
            (whole.0, body.0),
            "text in `\"\"\"` begins on the next line",
            "the line must end here",
            "put the text on lines of its own, and the closing `\"\"\"` too",
        );
        return false;
    };
    if escapes && lines.contains('\\') {
        return true; // an escape may join lines: the parser knows
    }
    let indentation = lines.rsplit('\n').next().unwrap_or_default();
    if !indentation.trim().is_empty() {
        scanner.mistake(
            (body.1, whole.1),
            "the closing `\"\"\"` stands on a line of its own",
            "after text",
            "begin a new line before it",
        );
        return false;
    }
    let mut at = body.1 - lines.len();
    for line in lines.split('\n') {
        let blank = line.trim().is_empty();
        if !blank && !line.starts_with(indentation) {
            let width = line.len() - line.trim_start().len();
            scanner.mistake(
                (at, at + width),
                "this line is indented less than the closing `\"\"\"`",
                "indented too little",
                "indent every line of the text at least as far as the closing `\"\"\"`, with the same characters",
            );
            return false;
        }
        at += line.len() + 1;
    }
    true
}

/// What may not follow a string.
pub(super) fn after_string(scanner: &mut Scanner<'_>) {
    match scanner.peek(0) {
        Some(b',') => {
            comma(scanner, scanner.at);
            scanner.at += 1;
        }
        Some(byte @ (b'"' | b'#' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_')) => {
            let range = (scanner.at - 1, scanner.at + 1);
            let message = "a space is missing between two values";
            let help = "put a space there, or `\\\"` for a quote inside text";
            match byte {
                b'"' if !scanner.bytes[scanner.at - 2..].starts_with(b"\"\"") && scanner.peek(1) != Some(b'"') => {
                    scanner.mistake(range, message, "between these", help);
                    scanner.mend(range, b'x');
                }
                b'"' | b'#' => scanner.stop(range, message, "between these", help),
                _ => {
                    scanner.mistake(range, message, "between these", help);
                    let end = end_of_word(scanner.bytes, scanner.at);
                    scanner.mend((scanner.at, end), b' ');
                    scanner.at = end;
                }
            }
        }
        _ => {}
    }
}
