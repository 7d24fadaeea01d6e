//! `grep`, `egrep`, `fgrep`.

use super::super::{Call, FileKind, Files, Unsupported};
use super::files::below;
use super::options::Given;
use super::regular::Regular;
use super::text::{Inputs, bare, inputs, lines};

pub(super) fn grep(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("quiet", 'q'),
        ("silent", 'q'),
        ("no-messages", 's'),
        ("invert-match", 'v'),
        ("ignore-case", 'i'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("basic-regexp", 'G'),
        ("line-regexp", 'x'),
        ("word-regexp", 'w'),
        ("count", 'c'),
        ("regexp", 'e'),
        ("only-matching", 'o'),
        ("files-with-matches", 'l'),
        ("files-without-match", 'L'),
        ("max-count", 'm'),
        ("line-number", 'n'),
        ("no-filename", 'h'),
        ("with-filename", 'H'),
        ("recursive", 'r'),
        ("text", 'a'),
        ("file", 'f'),
    ];
    let given = Given::read(call, "qsviEFGxwce:olLm:nhHraf:", &long)?;
    let mut operands = given.operands.clone();
    let mut patterns: Vec<String> = given.values('e').flat_map(|text| text.split('\n')).map(str::to_owned).collect();
    for file in given.values('f') {
        let content = files.read(&call.path(file)).map_err(|trouble| call.refuse(trouble))?;
        patterns.extend(String::from_utf8_lossy(&content).lines().map(str::to_owned));
    }
    if !given.has('e') && !given.has('f') {
        if operands.is_empty() {
            return Err(call.refuse("no pattern"));
        }
        patterns.extend(operands.remove(0).split('\n').map(str::to_owned));
    }
    let patterns: Vec<Regular> = patterns.iter().map(|text| pattern(call, &given, text)).collect::<Result<_, _>>()?;
    let headed = operands.len() > 1 || given.has('r');
    let operands = if given.has('r') { all_files(call, files, &operands) } else { operands };
    let (all, mut status) = inputs_quietly(call, files, &operands, given.has('s'))?;
    let most: usize =
        given.value('m').map_or(Ok(usize::MAX), |text| text.parse().map_err(|_| call.refuse("a number of lines")))?;
    let mut found = false;
    for (name, content) in &all {
        let heading = if (headed || given.has('H')) && !given.has('h') { format!("{name}:") } else { String::new() };
        let mut count = 0;
        for (number, line) in lines(content).map(bare).enumerate() {
            if count >= most {
                break;
            }
            let matches = patterns.iter().any(|pattern| pattern.is_match(line)) != given.has('v');
            count += usize::from(matches);
            if !matches || "qclL".chars().any(|letter| given.has(letter)) {
                continue;
            }
            let prefix = if given.has('n') { format!("{heading}{}:", number + 1) } else { heading.clone() };
            if given.has('o') {
                only_matching(call, &patterns, line, &prefix);
            } else {
                call.print(&prefix);
                call.print(line);
                call.print("\n");
            }
        }
        let listed = given.has('l') && count > 0 || given.has('L') && count == 0;
        if listed && !given.has('q') {
            call.print(format!("{name}\n"));
        } else if given.has('c') && !given.has('q') {
            call.print(format!("{heading}{count}\n"));
        }
        found |= if given.has('L') { listed } else { count > 0 };
    }
    if status != 0 {
        status = if found && given.has('q') { 0 } else { 2 };
        return Ok(status);
    }
    Ok(i32::from(!found))
}

fn pattern(call: &Call<'_>, given: &Given, text: &str) -> Result<Regular, Unsupported> {
    let kind = match call.name().rsplit('/').next() {
        Some("egrep") => 'E',
        Some("fgrep") => 'F',
        _ => given.last_of("EFG").unwrap_or('G'),
    };
    let ignores = given.has('i');
    let around = |text: &str, open: &str, close: &str| match () {
        () if given.has('x') => format!("^{open}{text}{close}$"),
        () if given.has('w') => format!("\\b{open}{text}{close}\\b"),
        () => text.to_owned(),
    };
    let compiled = match kind {
        'E' => Regular::extended(&around(text, "(", ")"), ignores),
        'F' if given.has('x') || given.has('w') => {
            let escaped: String = text
                .chars()
                .flat_map(|letter| {
                    if letter.is_alphanumeric() || " /_-=:,\"'".contains(letter) {
                        vec![letter]
                    } else {
                        vec!['\\', letter]
                    }
                })
                .collect();
            Regular::extended(&around(&escaped, "(", ")"), ignores)
        }
        'F' => Regular::fixed(text, ignores),
        _ => Regular::basic(&around(text, "\\(", "\\)"), ignores),
    };
    compiled.map_err(|what| call.refuse(what))
}

fn only_matching(call: &mut Call<'_>, patterns: &[Regular], line: &[u8], prefix: &str) {
    let mut at = 0;
    while at <= line.len() {
        let found = patterns.iter().filter_map(|pattern| pattern.groups_at(line, at)?.first().copied().flatten());
        // the leftmost, and of those the longest
        let Some((begin, end)) = found.min_by_key(|(begin, end)| (*begin, usize::MAX - end)) else { break };
        if end > begin {
            call.print(prefix);
            call.print(&line[begin..end]);
            call.print("\n");
        }
        at = end.max(begin + 1);
    }
}

fn inputs_quietly(
    call: &mut Call<'_>,
    files: &dyn Files,
    operands: &[String],
    quiet: bool,
) -> Result<Inputs, Unsupported> {
    let said = call.errors.len();
    let result = inputs(call, files, operands);
    if quiet {
        call.errors.truncate(said);
    }
    result
}

/// All files below folders, in the order of their names; links in them are not followed.
fn all_files(call: &Call<'_>, files: &dyn Files, operands: &[String]) -> Vec<String> {
    let mut left: Vec<(String, bool)> = operands.iter().rev().map(|operand| (operand.clone(), true)).collect();
    let mut found = Vec::new();
    while let Some((operand, named)) = left.pop() {
        let path = call.path(&operand);
        match files.look(&path, named).map(|node| node.kind) {
            Some(FileKind::Folder) => {
                let names = files.names(&path).unwrap_or_default();
                left.extend(names.into_iter().rev().map(|name| (below(&operand, &name), false)));
            }
            Some(FileKind::Link(_) | FileKind::Other) if !named => {}
            _ => found.push(operand),
        }
    }
    found
}
