//! `expr`, `seq`, `md5sum` and its kin.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::super::{Call, Files, Unsupported};
use super::options::Given;
use super::regular::Regular;
use super::text::inputs;
use crate::model::Digest;

/// `md5sum`, `sha1sum`, `sha256sum`.
pub(super) fn checksum(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "bt", &[("binary", 'b'), ("text", 't')])?;
    let (all, status) = inputs(call, files, &given.operands)?;
    for (name, content) in all {
        let line = match call.name().rsplit('/').next() {
            Some("md5sum") => hex(&Md5::digest(&content)),
            Some("sha1sum") => hex(&Sha1::digest(&content)),
            _ => Digest::of(&content).hex(),
        };
        let mark = if given.has('b') { '*' } else { ' ' };
        call.print(format!("{line} {mark}{name}\n"));
    }
    Ok(status)
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `base64` and `base64 -d`.
pub(super) fn base64(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let given = Given::read(call, "dw:i", &[("decode", 'd'), ("wrap", 'w')])?;
    let (all, status) = inputs(call, files, &given.operands)?;
    let content: Vec<u8> = all.into_iter().flat_map(|(_, content)| content).collect();
    if given.has('d') {
        let (mut made, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
        for byte in content.iter().filter(|byte| !matches!(byte, b'\n' | b'=')) {
            let Some(value) = LETTERS.iter().position(|letter| letter == byte).and_then(|at| u32::try_from(at).ok())
            else {
                call.complain("invalid input");
                return Ok(1);
            };
            (bits, count) = ((bits << 6 | value) & 0xff_ffff, count + 6);
            if count >= 8 {
                count -= 8;
                made.push((bits >> count).to_le_bytes()[0]);
            }
        }
        call.print(made);
        return Ok(status);
    }
    let mut text = Vec::new();
    for three in content.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0)];
            text.push(if place <= three.len() { letter } else { b'=' });
        }
    }
    let width =
        given.value('w').map_or(Ok(76), |text| text.parse().map_err(|_| call.refuse("a width that is none")))?;
    for line in text.chunks(if width == 0 { text.len().max(1) } else { width }) {
        call.print(line);
        call.print(if width == 0 { "" } else { "\n" });
    }
    Ok(status)
}

pub(super) fn seq(call: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    let words = call.arguments().to_vec();
    let numbers: Vec<i64> = words
        .iter()
        .map(|word| word.parse().map_err(|_| call.refuse(format!("the number `{word}`"))))
        .collect::<Result<_, _>>()?;
    let (first, step, last) = match numbers[..] {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, step, last] if step != 0 => (first, step, last),
        _ => return Err(call.refuse("which numbers is not clear")),
    };
    let count = (i128::from(last) - i128::from(first)) / i128::from(step);
    if count > 100_000 {
        return Err(call.refuse("more than 100,000 numbers"));
    }
    let mut number = first;
    while if step > 0 { number <= last } else { number >= last } {
        call.print(format!("{number}\n"));
        number += step;
    }
    Ok(0)
}

/// `expr`.
pub(super) fn expr(call: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    let words = call.arguments().to_vec();
    if words.len() > 100 {
        return Err(call.refuse("more than 100 words"));
    }
    let mut expression = Expression { rest: &words };
    match expression.row(0) {
        Ok(value) if expression.rest.is_empty() => {
            call.print(format!("{value}\n"));
            Ok(i32::from(
                value.is_empty() || value.trim_start_matches('-').chars().all(|digit| digit == '0') && value != "-",
            ))
        }
        Ok(_) => {
            call.complain("syntax error: unexpected argument");
            Ok(2)
        }
        Err(Wrong::Refused(what)) => Err(call.refuse(what)),
        Err(Wrong::Said(what)) => {
            call.complain(what);
            Ok(2)
        }
    }
}

enum Wrong {
    Said(&'static str),
    Refused(String),
}

struct Expression<'a> {
    rest: &'a [String],
}

const ROWS: &[&[&str]] =
    &[&["|"], &["&"], &["<", "<=", "=", "==", "!=", ">=", ">"], &["+", "-"], &["*", "/", "%"], &[":"]];

impl Expression<'_> {
    fn next(&mut self) -> Option<String> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first.clone())
    }

    fn row(&mut self, row: usize) -> Result<String, Wrong> {
        let Some(operators) = ROWS.get(row) else { return self.operand() };
        let mut left = self.row(row + 1)?;
        while let Some(operator) = self.rest.first().filter(|next| operators.contains(&next.as_str())).cloned() {
            self.rest = &self.rest[1..];
            let right = self.row(row + 1)?;
            left = apply(&left, &operator, &right)?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<String, Wrong> {
        let word = self.next().ok_or(Wrong::Said("syntax error: missing argument"))?;
        let missing = || Wrong::Said("syntax error: missing argument");
        match word.as_str() {
            "(" => {
                let value = self.row(0)?;
                if self.next().as_deref() == Some(")") {
                    Ok(value)
                } else {
                    Err(Wrong::Said("syntax error: expecting ')'"))
                }
            }
            "length" if !self.rest.is_empty() => Ok(self.operand()?.chars().count().to_string()),
            "match" if self.rest.len() > 1 => {
                let (text, pattern) = (self.operand()?, self.operand()?);
                apply(&text, ":", &pattern)
            }
            "substr" if self.rest.len() > 2 => {
                let (text, at, length) = (self.operand()?, self.operand()?, self.operand()?);
                let number = |text: &str| text.parse::<usize>().unwrap_or(0);
                let (at, length) = (number(&at), number(&length));
                Ok(if at == 0 { String::new() } else { text.chars().skip(at - 1).take(length).collect() })
            }
            "index" if self.rest.len() > 1 => {
                let (text, letters) = (self.operand()?, self.operand()?);
                Ok(text.chars().position(|letter| letters.contains(letter)).map_or(0, |at| at + 1).to_string())
            }
            "+" => self.next().ok_or_else(missing),
            _ => Ok(word),
        }
    }
}

fn apply(left: &str, operator: &str, right: &str) -> Result<String, Wrong> {
    let null = |text: &str| text.is_empty() || text == "0";
    let numbers = left.parse::<i64>().ok().zip(right.parse::<i64>().ok());
    Ok(match operator {
        "|" => if null(left) { if null(right) { "0" } else { right } } else { left }.to_owned(),
        "&" => if null(left) || null(right) { "0" } else { left }.to_owned(),
        "<" | "<=" | "=" | "==" | "!=" | ">=" | ">" => {
            let order = numbers.map_or_else(|| left.cmp(right), |(left, right)| left.cmp(&right));
            let holds = match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                ">" => order.is_gt(),
                _ => order.is_eq(),
            };
            i32::from(holds).to_string()
        }
        ":" => {
            let regular = Regular::basic(&format!("^\\({right}\\)"), false).or_else(|_| Regular::basic(right, false));
            let regular = regular.map_err(Wrong::Refused)?;
            let groups = right.matches("\\(").count();
            let found = regular.captures(left);
            match (found, groups) {
                (Some(groups), 1..) => groups.get(2).cloned().flatten().unwrap_or_default(),
                (None, 1..) => String::new(),
                (Some(groups), 0) => groups[0].as_deref().unwrap_or_default().chars().count().to_string(),
                (None, 0) => "0".to_owned(),
            }
        }
        _ => {
            let (left, right) = numbers.ok_or(Wrong::Said("non-integer argument"))?;
            let value = match operator {
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                _ if right == 0 => return Err(Wrong::Said("division by zero")),
                "/" => left.checked_div(right),
                _ => left.checked_rem(right),
            };
            value.ok_or_else(|| Wrong::Refused("a number that is too large".to_owned()))?.to_string()
        }
    })
}
