//! Regular expressions as of POSIX.1-2024 (XBD 9) with the GNU additions that scripts use, matched in linear time.
//!
//! POSIX wants the longest match from the left; the engine takes the first alternative that fits. Where that may differ
//! in what is replaced, the expression is refused.

use regex::bytes::{Regex, RegexBuilder};

/// An expression that is ready to be compared.
pub(super) struct Regular(Regex);

/// Largest compiled expression in bytes.
const SIZE: usize = 1 << 20;

impl Regular {
    /// A basic expression.
    pub(super) fn basic(text: &str, ignores_case: bool) -> Result<Self, String> {
        Self::compiled(text, &Reader { text: text.chars().collect(), extended: false }.translated()?, ignores_case)
    }

    /// An extended expression.
    pub(super) fn extended(text: &str, ignores_case: bool) -> Result<Self, String> {
        Self::compiled(text, &Reader { text: text.chars().collect(), extended: true }.translated()?, ignores_case)
    }

    /// Text that means itself.
    pub(super) fn fixed(text: &str, ignores_case: bool) -> Result<Self, String> {
        Self::compiled(text, &regex::escape(text), ignores_case)
    }

    fn compiled(shown: &str, translated: &str, ignores_case: bool) -> Result<Self, String> {
        let mut builder = RegexBuilder::new(translated);
        builder.unicode(false).size_limit(SIZE).case_insensitive(ignores_case);
        builder.build().map(Self).map_err(|_| format!("the regular expression `{shown}`"))
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// Where groups match, the whole first, beginning at `at` or after it.
    pub(super) fn groups_at(&self, text: &[u8], at: usize) -> Option<Vec<Option<(usize, usize)>>> {
        let found = self.0.captures_at(text, at)?;
        Some(found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect())
    }

    /// What groups match, the whole first.
    pub(super) fn captures(&self, text: &str) -> Option<Vec<Option<String>>> {
        let groups = self.groups_at(text.as_bytes(), 0)?;
        let part = |(begin, end): (usize, usize)| String::from_utf8_lossy(&text.as_bytes()[begin..end]).into_owned();
        Some(groups.into_iter().map(|group| group.map(part)).collect())
    }
}

/// Whether an alternation can make the first alternative differ from the longest one: where it stands in a text that is
/// replaced, that matters.
pub(super) fn is_ambiguous(text: &str, extended: bool) -> bool {
    let mark = if extended { "|" } else { "\\|" };
    if !text.contains(mark) {
        return false;
    }
    // alternatives of plain letters, none of which begins another one
    let plain = |part: &str| part.chars().all(|letter| letter.is_alphanumeric() || "-_ /,:=\"'".contains(letter));
    let (open, close) = if extended { ("(", ")") } else { ("\\(", "\\)") };
    let groups: Vec<&str> = match text.contains(open) {
        true => text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect(),
        false => vec![text],
    };
    let mut checked = 0;
    for group in groups.into_iter().filter(|group| group.contains(mark)) {
        let parts: Vec<&str> = group.split(mark).collect();
        checked += parts.len() - 1;
        let begins = |one: &str| parts.iter().filter(|other| other.starts_with(one)).count() > 1;
        if !parts.iter().all(|part| plain(part)) || parts.iter().any(|part| begins(part)) {
            return true;
        }
    }
    checked != text.matches(mark).count()
}

struct Reader {
    text: Vec<char>,
    extended: bool,
}

impl Reader {
    fn translated(&self) -> Result<String, String> {
        let mut made = String::from("(?s-u)");
        let mut at = 0;
        let mut begins = true; // of the expression or a group: there `*` means itself and `^` is an anchor
        while let Some(&letter) = self.text.get(at) {
            at += 1;
            let escaped = letter == '\\';
            let letter = if escaped {
                *self.text.get(at).ok_or("a backslash at the end of a regular expression")?
            } else {
                letter
            };
            at += usize::from(escaped);
            let operator = match letter {
                '(' | ')' | '{' | '}' | '|' | '+' | '?' => escaped != self.extended,
                '.' | '[' | '*' | '^' | '$' => !escaped,
                _ => false,
            };
            let was_beginning = std::mem::replace(&mut begins, false);
            match letter {
                _ if escaped && (letter.is_ascii_alphanumeric() || letter == '<' || letter == '>') => {
                    made.push_str(self.class_letter(letter)?)
                }
                _ if !operator => push_literal(&mut made, letter),
                '[' => at = self.bracket(at, &mut made)?,
                '*' | '+' | '?' if was_beginning => push_literal(&mut made, letter),
                '{' if was_beginning => return Err("a repetition of nothing in a regular expression".to_owned()),
                '{' => {
                    let end = self.text[at..]
                        .iter()
                        .position(|letter| *letter == '}')
                        .ok_or("an open brace in a regular expression")?;
                    let range: String = self.text[at..at + end].iter().filter(|letter| **letter != '\\').collect();
                    let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit()) && text.len() < 4;
                    let (least, most) = range.split_once(',').unwrap_or((&range, ""));
                    if range.is_empty() || !digits(least) || !digits(most) {
                        return Err(format!("the repetition `{{{range}}}` in a regular expression"));
                    }
                    made.push_str(&format!("{{{}}}", if range.starts_with(',') { format!("0{range}") } else { range }));
                    at += end + 1;
                }
                '}' => push_literal(&mut made, letter),
                '^' if self.extended || was_beginning => {
                    begins = true;
                    made.push('^');
                }
                '^' => push_literal(&mut made, letter),
                '$' if self.extended || self.ends(at) => made.push('$'),
                '$' => push_literal(&mut made, letter),
                '(' | '|' => {
                    begins = true;
                    made.push(letter);
                }
                _ => made.push(letter),
            }
        }
        Ok(made)
    }

    /// Whether a basic expression, a group or an alternative ends here.
    fn ends(&self, at: usize) -> bool {
        match self.text[at..] {
            [] => true,
            ['\\', next, ..] => next == ')' || next == '|',
            _ => false,
        }
    }

    fn class_letter(&self, letter: char) -> Result<&'static str, String> {
        Ok(match letter {
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            's' => "[ \\t\\n\\r\\f\\v]",
            'S' => "[^ \\t\\n\\r\\f\\v]",
            'b' => "\\b",
            'B' => "\\B",
            '<' => "\\b{start}",
            '>' => "\\b{end}",
            'n' => "\\n",
            't' => "\\t",
            '0'..='9' => return Err("a reference in a regular expression".to_owned()),
            _ => return Err(format!("`\\{letter}` in a regular expression")),
        })
    }

    /// Translates a bracket expression whose `[` was taken; gives the place after it.
    fn bracket(&self, begin: usize, made: &mut String) -> Result<usize, String> {
        let open = || "an open bracket in a regular expression".to_owned();
        let mut at = begin;
        made.push('[');
        if self.text.get(at) == Some(&'^') {
            made.push('^');
            at += 1;
        }
        let first = at;
        loop {
            let letter = *self.text.get(at).ok_or_else(open)?;
            if letter == ']' && at > first {
                made.push(']');
                return Ok(at + 1);
            }
            let next = self.text.get(at + 1).copied();
            if letter == '[' && matches!(next, Some(':' | '.' | '=')) {
                let rest: String = self.text[at..].iter().collect();
                let end = rest.find(":]").ok_or_else(open)?;
                let name = &rest[2..end];
                if next != Some(':') || !name.chars().all(|letter| letter.is_ascii_lowercase()) {
                    return Err(format!("`{}` in a regular expression", &rest[..end + 2]));
                }
                made.push_str(&rest[..end + 2]);
                at += rest[..end + 2].chars().count();
                continue;
            }
            match (letter, next) {
                // what the GNU programs understand although POSIX does not
                ('\\', Some('n')) => {
                    made.push_str("\\n");
                    at += 1;
                }
                ('\\', Some('t')) => {
                    made.push_str("\\t");
                    at += 1;
                }
                ('-', _) if at == first || next == Some(']') => made.push_str("\\-"),
                ('-', _) => made.push('-'),
                _ if letter.is_ascii_alphanumeric() || !letter.is_ascii() => made.push(letter),
                _ => {
                    made.push('\\');
                    made.push(letter);
                }
            }
            at += 1;
        }
    }
}

fn push_literal(made: &mut String, letter: char) {
    let mut text = [0; 4];
    made.push_str(&regex::escape(letter.encode_utf8(&mut text)));
}
