//! `cut`, `sort`, `uniq`.

use std::cmp::Ordering;

use super::super::{Call, Files, Unsupported};
use super::files::failed;
use super::options::Given;
use super::text::{bare, inputs, lines};

pub(super) fn cut(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [("fields", 'f'), ("delimiter", 'd'), ("characters", 'c'), ("bytes", 'b'), ("only-delimited", 's')];
    let given = Given::read(call, "f:d:c:b:s", &long)?;
    let (letter, list) = match ['f', 'c', 'b'].into_iter().find_map(|letter| Some((letter, given.value(letter)?))) {
        Some(found) => found,
        None => return Err(call.refuse("no list")),
    };
    let ranges = ranges(call, list)?;
    let delimiter = given.value('d').map_or(b'\t', |text| text.bytes().next().unwrap_or(0));
    let (all, status) = inputs(call, files, &given.operands)?;
    for (_, content) in &all {
        for line in lines(content) {
            let line = bare(line);
            let chosen = |index: usize| ranges.iter().any(|(first, last)| (*first..=*last).contains(&(index + 1)));
            let kept: Vec<u8> = if letter != 'f' {
                line.iter().enumerate().filter(|(index, _)| chosen(*index)).map(|(_, byte)| *byte).collect()
            } else if !line.contains(&delimiter) {
                if given.has('s') {
                    continue;
                }
                line.to_vec()
            } else {
                let fields = line.split(|byte| *byte == delimiter).enumerate().filter(|(index, _)| chosen(*index));
                fields.map(|(_, field)| field).collect::<Vec<_>>().join(&delimiter)
            };
            call.print(kept);
            call.print("\n");
        }
    }
    Ok(status)
}

/// `N`, `N-M`, `N-` and `-M`, separated by commas.
fn ranges(call: &Call<'_>, list: &str) -> Result<Vec<(usize, usize)>, Unsupported> {
    let number = |text: &str, otherwise: usize| match text {
        "" => Some(otherwise),
        text => text.parse().ok().filter(|number| *number > 0),
    };
    let range = |text: &str| match text.split_once('-') {
        Some(("", "")) => None,
        Some((first, last)) => Some((number(first, 1)?, number(last, usize::MAX)?)),
        None => number(text, 0).filter(|number| *number > 0).map(|number| (number, number)),
    };
    list.split([',', ' ']).map(|text| range(text).ok_or_else(|| call.refuse(format!("the list `{list}`")))).collect()
}

/// A key of `sort`: fields, and how they are compared.
struct Key {
    first: usize,
    last: usize,
    numeric: bool,
    reverse: bool,
    folds: bool,
}

pub(super) fn sort(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("unique", 'u'),
        ("reverse", 'r'),
        ("numeric-sort", 'n'),
        ("field-separator", 't'),
        ("key", 'k'),
        ("output", 'o'),
        ("stable", 's'),
        ("ignore-case", 'f'),
        ("version-sort", 'V'),
    ];
    let given = Given::read(call, "urnt:k:o:sfb", &long)?;
    let (numeric, reverse, folds) = (given.has('n'), given.has('r'), given.has('f'));
    let mut keys = Vec::new();
    for text in given.values('k') {
        keys.push(key(text, numeric, reverse, folds).ok_or_else(|| call.refuse(format!("the key `{text}`")))?);
    }
    let (all, status) = inputs(call, files, &given.operands)?;
    let separator = given.value('t').and_then(|text| text.bytes().next());
    let mut all_lines: Vec<&[u8]> = all.iter().flat_map(|(_, content)| lines(content)).map(bare).collect();
    let by_keys = |left: &&[u8], right: &&[u8]| {
        if keys.is_empty() {
            return compare(left, right, numeric, reverse, folds);
        }
        let of = |key: &Key, line: &[u8]| fields(line, separator, key.first, key.last).to_vec();
        let ordered =
            keys.iter().map(|key| compare(&of(key, left), &of(key, right), key.numeric, key.reverse, key.folds));
        ordered.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    let whole = |left: &&[u8], right: &&[u8]| match by_keys(left, right) {
        Ordering::Equal if !given.has('u') && !given.has('s') => {
            if reverse {
                right.cmp(left)
            } else {
                left.cmp(right)
            }
        }
        order => order,
    };
    all_lines.sort_by(whole);
    if given.has('u') {
        all_lines.dedup_by(|right, left| by_keys(&&**left, &&**right).is_eq());
    }
    let sorted: Vec<u8> = all_lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect();
    match given.value('o') {
        None => call.print(sorted),
        Some(output) => {
            if let Err(trouble) = files.write(&call.path(output), sorted, 0o666 & !call.umask()) {
                return failed(call, output, trouble);
            }
        }
    }
    Ok(status)
}

fn key(text: &str, numeric: bool, reverse: bool, folds: bool) -> Option<Key> {
    let (first, last) = text.split_once(',').map_or((text, None), |(first, last)| (first, Some(last)));
    let parse = |text: &str| {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let letters = text[digits.len()..].to_owned();
        letters.chars().all(|letter| "nrfb".contains(letter)).then_some(())?;
        Some((digits.parse::<usize>().ok().filter(|number| *number > 0)?, letters))
    };
    let (first, mut letters) = parse(first)?;
    let mut end = usize::MAX;
    if let Some(last) = last {
        let (last, more) = parse(last)?;
        end = last;
        letters.push_str(&more);
    }
    let own = !letters.is_empty();
    let of = |letter: char, usual: bool| if own { letters.contains(letter) } else { usual };
    Some(Key { first, last: end, numeric: of('n', numeric), reverse: of('r', reverse), folds: of('f', folds) })
}

/// Fields of a line, from one to another; without a separator, blanks before a field belong to it.
fn fields(line: &[u8], separator: Option<u8>, first: usize, last: usize) -> &[u8] {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let mut bounds = Vec::new();
    let mut at = 0;
    while at <= line.len() {
        let end = match separator {
            Some(separator) => {
                line[at..].iter().position(|byte| *byte == separator).map_or(line.len(), |next| at + next)
            }
            None => {
                let begin = line[at..].iter().position(|byte| !blank(byte)).map_or(line.len(), |next| at + next);
                line[begin..].iter().position(blank).map_or(line.len(), |next| begin + next)
            }
        };
        bounds.push((at, end));
        if end == line.len() {
            break;
        }
        at = end + usize::from(separator.is_some());
    }
    let Some((begin, _)) = bounds.get(first - 1) else { return &[] };
    let (_, end) = bounds[last.min(bounds.len()) - 1];
    &line[*begin..end.max(*begin)]
}

fn compare(left: &[u8], right: &[u8], numeric: bool, reverse: bool, folds: bool) -> Ordering {
    let order = match (numeric, folds) {
        (true, _) => number(left).total_cmp(&number(right)),
        (false, true) => left.to_ascii_uppercase().cmp(&right.to_ascii_uppercase()),
        (false, false) => left.cmp(right),
    };
    if reverse { order.reverse() } else { order }
}

fn number(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, letter)| !(letter.is_ascii_digit() || *letter == '.' || *letter == '-' && *at == 0));
    text[..end.map_or(text.len(), |(at, _)| at)].parse().unwrap_or(0.0)
}

pub(super) fn uniq(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "cdu", &[("count", 'c'), ("repeated", 'd'), ("unique", 'u')])?;
    if given.operands.len() > 1 {
        return Err(call.refuse("a file to write to"));
    }
    let (all, status) = inputs(call, files, &given.operands)?;
    let content: Vec<u8> = all.into_iter().flat_map(|(_, content)| content).collect();
    let mut groups: Vec<(&[u8], usize)> = Vec::new();
    for line in lines(&content).map(bare) {
        match groups.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => groups.push((line, 1)),
        }
    }
    for (line, count) in groups {
        if given.has('d') && count == 1 || given.has('u') && count > 1 {
            continue;
        }
        if given.has('c') {
            call.print(format!("{count:7} "));
        }
        call.print(line);
        call.print("\n");
    }
    Ok(status)
}
