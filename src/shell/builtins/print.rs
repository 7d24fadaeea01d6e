//! `echo` and `printf`.

use super::super::run::{Run, Shell};

/// `echo` of dash: `-n` alone is an option, and backslashes mean something. Bash has `-e` for that.
pub(super) fn echo(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut words = &words[1..];
    let bash = shell.dialect == super::Dialect::Bash;
    let (mut line, mut escapes) = (true, !bash);
    while let Some((option, rest)) = words.split_first() {
        let letters = option.strip_prefix('-').unwrap_or_default();
        let known = if bash { "neE" } else { "n" };
        let one = bash || letters.len() == 1;
        if letters.is_empty() || !one || !letters.chars().all(|letter| known.contains(letter)) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => line = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        words = rest;
        if !bash {
            break;
        }
    }
    let mut text = words.join(" ").into_bytes();
    if escapes {
        let (expanded, ended) = unescape(&text, true);
        text = expanded;
        line &= !ended;
    }
    if line {
        text.push(b'\n');
    }
    written(shell, &text)
}

pub(super) fn printf(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let words = if words.get(1).is_some_and(|word| word == "--") { &words[1..] } else { words };
    let Some(text) = words.get(1) else {
        shell.complain("usage: printf format [arg ...]")?;
        return Ok(2);
    };
    if text.starts_with('-') && text.len() == 2 {
        return Err(shell.refuse(format!("`printf {text}`")).into());
    }
    let cost = words.iter().map(String::len).sum::<usize>() as u64;
    shell.step(cost / 16)?;
    match format(text, &words[2..]) {
        Ok((text, status)) => written(shell, &text).map(|written| written.max(status)),
        Err(what) => Err(shell.refuse(format!("`printf`: {what}")).into()),
    }
}

fn written(shell: &mut Shell<'_>, text: &[u8]) -> Run {
    if shell.write(1, text)? {
        return Ok(0);
    }
    shell.complain("write error: Bad file descriptor")?;
    Ok(1)
}

/// What the escapes in a text stand for, and whether `\c` ended it. In arguments of `%b` and in `echo`, octal numbers
/// begin with a zero.
fn unescape(text: &[u8], zero: bool) -> (Vec<u8>, bool) {
    let mut made = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let Some(&next) = text.get(at).filter(|_| byte == b'\\') else {
            made.push(byte);
            continue;
        };
        at += 1;
        match next {
            b'a' => made.push(7),
            b'b' => made.push(8),
            b'c' if zero => return (made, true),
            b'f' => made.push(12),
            b'n' => made.push(b'\n'),
            b'r' => made.push(b'\r'),
            b't' => made.push(b'\t'),
            b'v' => made.push(11),
            b'\\' => made.push(b'\\'),
            b'0'..=b'7' if !zero || next == b'0' => {
                let begin = if zero { at } else { at - 1 };
                let digits = text[begin..].iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
                let value =
                    text[begin..begin + digits].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                made.push(value.to_le_bytes()[0]);
                at = begin + digits;
            }
            b'"' if !zero => made.push(b'"'),
            _ => made.extend([b'\\', next]),
        }
    }
    (made, false)
}

/// Longest text that a width or a precision may ask for.
const WIDEST: usize = 1000;

/// What `printf` makes of a format and its arguments, and its status; says what it does not know.
fn format(format: &str, arguments: &[String]) -> Result<(Vec<u8>, i32), String> {
    let (mut made, mut status) = (Vec::new(), 0);
    let mut rest = arguments.iter();
    loop {
        let left = rest.len();
        let mut text = format;
        while let Some(at) = text.find('%') {
            made.extend(unescape(&text.as_bytes()[..at], false).0);
            let (directive, after) = Directive::read(&text[at + 1..], &mut rest)?;
            text = after;
            if directive.conversion == '%' {
                made.push(b'%');
                continue;
            }
            let argument = rest.next().map_or("", String::as_str);
            if directive.write(argument, &mut made, &mut status)? {
                return Ok((made, status));
            }
        }
        made.extend(unescape(text.as_bytes(), false).0);
        if rest.len() == 0 || rest.len() == left {
            return Ok((made, status));
        }
    }
}

struct Directive {
    left: bool,
    zero: bool,
    plus: bool,
    alternative: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Directive {
    fn read<'f>(text: &'f str, arguments: &mut std::slice::Iter<'_, String>) -> Result<(Self, &'f str), String> {
        let flags = text.len() - text.trim_start_matches(['-', '+', ' ', '#', '0']).len();
        let (flags, mut rest) = text.split_at(flags);
        let mut number = |rest: &mut &'f str| {
            if let Some(after) = rest.strip_prefix('*') {
                *rest = after;
                return arguments.next().and_then(|argument| argument.parse().ok()).unwrap_or(0);
            }
            let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
            let value = rest[..digits].parse().unwrap_or(0);
            *rest = &rest[digits..];
            value
        };
        let width = number(&mut rest);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            precision = Some(number(&mut rest));
        }
        let conversion = rest.chars().next().ok_or("a `%` at the end")?;
        if width > WIDEST || precision.is_some_and(|precision| precision > WIDEST) {
            return Err(format!("a width of more than {WIDEST}"));
        }
        let has = |flag| flags.contains(flag);
        let (left, zero, plus, alternative) = (has('-'), has('0'), has('+'), has('#'));
        let directive = Self { left, zero, plus, alternative, width, precision, conversion };
        Ok((directive, &rest[conversion.len_utf8()..]))
    }

    /// Writes an argument; tells whether it ends all output.
    fn write(&self, argument: &str, made: &mut Vec<u8>, status: &mut i32) -> Result<bool, String> {
        let mut ended = false;
        let text = match self.conversion {
            's' => argument.as_bytes()[..self.precision.unwrap_or(argument.len()).min(argument.len())].to_vec(),
            'c' => argument.bytes().take(1).collect(),
            'b' => {
                let (text, stops) = unescape(argument.as_bytes(), true);
                ended = stops;
                text
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                let value = number(argument).unwrap_or_else(|value| {
                    *status = 1;
                    value
                });
                self.digits(value).into_bytes()
            }
            other => return Err(format!("`%{other}`")),
        };
        let padding = self.width.saturating_sub(text.len());
        let (mut before, mut after) = (if self.left { 0 } else { padding }, if self.left { padding } else { 0 });
        let number = matches!(self.conversion, 'd' | 'i' | 'u' | 'o' | 'x' | 'X');
        if self.zero && !self.left && number && self.precision.is_none() {
            let sign = usize::from(text.starts_with(b"-") || text.starts_with(b"+"));
            made.extend(&text[..sign]);
            made.extend(std::iter::repeat_n(b'0', std::mem::take(&mut before)));
            made.extend(&text[sign..]);
        } else {
            made.extend(std::iter::repeat_n(b' ', std::mem::take(&mut before)));
            made.extend(text);
            made.extend(std::iter::repeat_n(b' ', std::mem::take(&mut after)));
        }
        Ok(ended)
    }

    fn digits(&self, value: i64) -> String {
        let digits = match self.conversion {
            'o' => format!("{value:o}"),
            'x' => format!("{value:x}"),
            'X' => format!("{value:X}"),
            'u' => value.cast_unsigned().to_string(),
            _ => value.unsigned_abs().to_string(),
        };
        let digits = format!("{digits:0>width$}", width = self.precision.unwrap_or(0));
        let sign = match self.conversion {
            'd' | 'i' if value < 0 => "-",
            'd' | 'i' if self.plus => "+",
            'x' if self.alternative && value != 0 => "0x",
            'o' if self.alternative => "0",
            _ => "",
        };
        format!("{sign}{digits}")
    }
}

/// A number as printf reads one: with a base, or a quoted character; what could be read of it otherwise.
fn number(text: &str) -> Result<i64, i64> {
    if let Some(letter) = text.strip_prefix(['\'', '"']) {
        return Ok(letter.chars().next().map_or(0, |letter| i64::from(u32::from(letter))));
    }
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let end = digits.find(|digit: char| !digit.is_digit(base)).unwrap_or(digits.len());
    let value = i64::from_str_radix(&digits[..end], base).unwrap_or(0).wrapping_mul(sign);
    if end == digits.len() { Ok(value) } else { Err(value) }
}
