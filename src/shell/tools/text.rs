//! `cat`, `cmp`, `head`, `tail`, `tee`, `tr`, `wc`.

use super::super::pattern::is_of_class;
use super::super::{Call, Files, Unsupported};
use super::files::failed;
use super::options::Given;

/// Names and contents of inputs, and the status: 1 where one cannot be read.
pub(super) type Inputs = (Vec<(String, Vec<u8>)>, i32);

/// The contents of operands, or of the standard input where there is none or it is `-`; what cannot be read is said, and
/// the status is then 1.
pub(super) fn inputs(call: &mut Call<'_>, files: &dyn Files, operands: &[String]) -> Result<Inputs, Unsupported> {
    if operands.is_empty() {
        let content = call.input();
        call.handle(content.len())?;
        return Ok((vec![("-".to_owned(), content)], 0));
    }
    let (mut all, mut status) = (Vec::new(), 0);
    for operand in operands {
        match operand.as_str() {
            "-" | "/dev/stdin" => all.push((operand.clone(), call.input())),
            "/dev/null" => all.push((operand.clone(), Vec::new())),
            "/dev/random" | "/dev/urandom" => return Err(call.refuse("random bytes")),
            _ => match files.read(&call.path(operand)) {
                Ok(content) => {
                    call.handle(content.len())?;
                    all.push((operand.clone(), content));
                }
                Err(trouble) => status = failed(call, operand, trouble)?,
            },
        }
    }
    Ok((all, status))
}

/// The lines of a text, each with its line break where it has one.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// A line without its line break.
pub(super) fn bare(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

pub(super) fn cat(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "us", &[("squeeze-blank", 's')])?;
    let (all, status) = inputs(call, files, &given.operands)?;
    let mut blanks = 0;
    for (_, content) in all {
        for line in lines(&content) {
            blanks = if line == b"\n" { blanks + 1 } else { 0 };
            if !(given.has('s') && blanks > 1) {
                call.print(line);
            }
        }
    }
    Ok(status)
}

pub(super) fn cmp(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "s", &[("quiet", 's'), ("silent", 's')])?;
    if given.operands.len() != 2 {
        return Err(call.refuse("it compares two files"));
    }
    let (all, status) = inputs(call, files, &given.operands)?;
    let ([(left_name, left), (right_name, right)], 0) = (&all[..], status) else { return Ok(2) };
    if left == right {
        return Ok(0);
    }
    if !given.has('s') {
        let at = left.iter().zip(right).take_while(|(one, other)| one == other).count();
        if at == left.len().min(right.len()) {
            return Err(call.refuse("files that differ in their length"));
        }
        let line = 1 + left[..at].iter().filter(|byte| **byte == b'\n').count();
        call.print(format!("{left_name} {right_name} differ: char {}, line {line}\n", at + 1));
    }
    Ok(1)
}

/// `diff`, where nothing differs or `-q` asks for no more than whether it does.
pub(super) fn diff(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "qNua", &[("brief", 'q'), ("new-file", 'N')])?;
    let [left, right] = &given.operands[..] else { return Err(call.refuse("it compares two files")) };
    let (all, status) = inputs(call, files, &given.operands)?;
    let ([(_, one), (_, other)], 0) = (&all[..], status) else { return Ok(2) };
    if one == other {
        return Ok(0);
    }
    if !given.has('q') {
        return Err(call.refuse("files that differ"));
    }
    call.print(format!("Files {left} and {right} differ\n"));
    Ok(1)
}

pub(super) fn tac(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "", &[])?;
    let (all, status) = inputs(call, files, &given.operands)?;
    for (_, content) in all {
        let mut reversed: Vec<&[u8]> = lines(&content).collect();
        reversed.reverse();
        call.print(reversed.concat());
    }
    Ok(status)
}

/// `-n N`, `-c N`, and the old form `-N`.
fn amounts(call: &Call<'_>) -> Result<(Given, Option<String>, bool), Unsupported> {
    let mut words = call.arguments().to_vec();
    if let Some(first) = words.first_mut() {
        let digits = first.strip_prefix('-').filter(|digits| !digits.is_empty());
        if let Some(digits) = digits.filter(|digits| digits.chars().all(|digit| digit.is_ascii_digit())) {
            *first = format!("-n{digits}");
        }
    }
    let long = [("lines", 'n'), ("bytes", 'c'), ("quiet", 'q'), ("silent", 'q'), ("verbose", 'v')];
    let given = Given::read_from(call, &words, "n:c:qv", &long)?;
    let bytes = given.has('c');
    let amount = given.value(if bytes { 'c' } else { 'n' }).map(str::to_owned);
    Ok((given, amount, bytes))
}

/// Ends of the units of a text: of bytes or lines.
fn ends(content: &[u8], bytes: bool) -> Vec<usize> {
    if bytes {
        return (1..=content.len()).collect();
    }
    let mut at = 0;
    lines(content)
        .map(|line| {
            at += line.len();
            at
        })
        .collect()
}

fn number(call: &Call<'_>, text: &str) -> Result<usize, Unsupported> {
    text.parse().map_err(|_| call.refuse(format!("the number `{text}`")))
}

pub(super) fn head(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let (given, amount, bytes) = amounts(call)?;
    let amount = amount.unwrap_or_else(|| "10".to_owned());
    let count = number(call, amount.trim_start_matches('-'))?;
    let (all, status) = inputs(call, files, &given.operands)?;
    parts(call, &given, all, |content| {
        let ends = ends(content, bytes);
        let kept = if amount.starts_with('-') { ends.len().saturating_sub(count) } else { count.min(ends.len()) };
        &content[..if kept == 0 { 0 } else { ends[kept - 1] }]
    });
    Ok(status)
}

pub(super) fn tail(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let (given, amount, bytes) = amounts(call)?;
    let amount = amount.unwrap_or_else(|| "10".to_owned());
    let count = number(call, amount.trim_start_matches(['-', '+']))?;
    let (all, status) = inputs(call, files, &given.operands)?;
    parts(call, &given, all, |content| {
        let ends = ends(content, bytes);
        let skipped = if amount.starts_with('+') {
            count.saturating_sub(1).min(ends.len())
        } else {
            ends.len().saturating_sub(count)
        };
        &content[if skipped == 0 { 0 } else { ends[skipped - 1] }..]
    });
    Ok(status)
}

/// Prints a part of each input, with headings where there are several.
fn parts(call: &mut Call<'_>, given: &Given, all: Vec<(String, Vec<u8>)>, part: impl Fn(&[u8]) -> &[u8]) {
    let headings = given.has('v') || all.len() > 1 && !given.has('q');
    for (index, (name, content)) in all.iter().enumerate() {
        if headings {
            let name = if name == "-" { "standard input" } else { name };
            call.print(format!("{}==> {name} <==\n", if index > 0 { "\n" } else { "" }));
        }
        call.print(part(content));
    }
}

pub(super) fn tee(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "ai", &[("append", 'a')])?;
    let input = call.input();
    let mut status = 0;
    for operand in &given.operands {
        let path = call.path(operand);
        if path == "/dev/null" {
            continue;
        }
        let mut content = if given.has('a') { files.read(&path).unwrap_or_default() } else { Vec::new() };
        content.extend_from_slice(&input);
        call.handle(content.len())?;
        if let Err(trouble) = files.write(&path, content, 0o666 & !call.umask()) {
            status = failed(call, operand, trouble)?;
        }
    }
    call.print(input);
    Ok(status)
}

/// `tr`, on bytes, as the GNU program does.
pub(super) fn tr(call: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "dscC", &[("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c')])?;
    let set = |index: usize| given.operands.get(index).map(|text| byte_set(call, text)).transpose();
    let (first, second) = (set(0)?.unwrap_or_default(), set(1)?);
    let first: Vec<u8> = match given.has('c') || given.has('C') {
        true => (0..=255).filter(|byte| !first.contains(byte)).collect(),
        false => first,
    };
    let (deletes, squeezes) = (given.has('d'), given.has('s'));
    let mut squeezed: &[u8] = &[];
    if squeezes {
        squeezed = second.as_deref().unwrap_or(&first);
    }
    if second.is_none() && !deletes && !squeezes {
        call.complain("missing operand");
        return Ok(1);
    }
    let (mut made, mut last) = (Vec::new(), None);
    for byte in call.input() {
        let place = first.iter().rposition(|own| *own == byte);
        if deletes && place.is_some() {
            continue;
        }
        let byte = match (place, &second) {
            (Some(place), Some(second)) if !deletes => match second.get(place).or(second.last()) {
                Some(byte) => *byte,
                None => return Err(call.refuse("an empty set")),
            },
            _ => byte,
        };
        if squeezed.contains(&byte) && last == Some(byte) {
            continue;
        }
        last = Some(byte);
        made.push(byte);
    }
    call.print(made);
    Ok(0)
}

/// The bytes of a set: ranges, classes, escapes.
fn byte_set(call: &Call<'_>, text: &str) -> Result<Vec<u8>, Unsupported> {
    let mut set: Vec<u8> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    let one = |at: &mut usize| -> u8 {
        let byte = bytes[*at];
        *at += 1;
        if byte != b'\\' || *at >= bytes.len() {
            return byte;
        }
        let digits = bytes[*at..].iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
        if digits > 0 {
            let value = bytes[*at..*at + digits].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            *at += digits;
            return value.to_le_bytes()[0];
        }
        *at += 1;
        match bytes[*at - 1] {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            other => other,
        }
    };
    while at < bytes.len() {
        if text[at..].starts_with("[:")
            && let Some(end) = text[at..].find(":]")
        {
            let name = &text[at + 2..at + end];
            set.extend((0..=127_u8).filter(|byte| is_of_class(char::from(*byte), name)));
            at += end + 2;
            continue;
        }
        if text[at..].starts_with("[=") {
            return Err(call.refuse(format!("the set `{text}`")));
        }
        let first = one(&mut at);
        if bytes.get(at) == Some(&b'-') && at + 1 < bytes.len() {
            at += 1;
            let last = one(&mut at);
            if last < first {
                return Err(call.refuse(format!("the set `{text}`")));
            }
            set.extend(first..=last);
        } else {
            set.push(first);
        }
    }
    Ok(set)
}

pub(super) fn wc(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "lwcm", &[("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm')])?;
    if given.operands.len() > 1 {
        return Err(call.refuse("several files"));
    }
    let (all, status) = inputs(call, files, &given.operands)?;
    for (_, content) in all {
        let every = !"lwcm".chars().any(|letter| given.has(letter));
        let counts = [
            ('l', content.iter().filter(|byte| **byte == b'\n').count()),
            ('w', content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count()),
            ('m', String::from_utf8_lossy(&content).chars().count()),
            ('c', content.len()),
        ];
        let shown: Vec<String> = counts
            .iter()
            .filter(|(letter, _)| given.has(*letter) || every && *letter != 'm')
            .map(|(_, count)| count.to_string())
            .collect();
        let name = given.operands.first().map_or(String::new(), |name| format!(" {name}"));
        if shown.len() > 1 {
            return Err(call.refuse("several counts, whose columns differ"));
        }
        call.print(format!("{}{name}\n", shown.join(" ")));
    }
    Ok(status)
}
