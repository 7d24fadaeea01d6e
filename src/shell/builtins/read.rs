//! `read` and `getopts`.

use super::super::machine::shown;
use super::super::run::{Run, Shell};
use super::super::stream::Stream;

/// `read [-r] NAME…`: a line of the standard input, split at `IFS`.
pub(super) fn read(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut names: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let mut raw = false;
    while let Some(option) = names.first().filter(|name| name.starts_with('-')) {
        match *option {
            "-r" => raw = true,
            "--" => {}
            _ => return Err(shell.refuse(format!("`{}`", shown(words))).into()),
        }
        names.remove(0);
    }
    if names.is_empty() {
        names.push("REPLY");
    }
    let Some(Stream::Input(input)) = shell.state.descriptors.get(&0).cloned() else {
        for name in names {
            shell.set(name, String::new())?;
        }
        return Ok(1);
    };
    let (mut line, mut ended) = (Vec::new(), false);
    loop {
        let next = input.borrow_mut().next();
        match next {
            None => break,
            Some(b'\n') => {
                ended = true;
                break;
            }
            Some(b'\\') if !raw => {
                let quoted = input.borrow_mut().next();
                match quoted {
                    None => break,
                    Some(b'\n') => {}
                    Some(quoted) => line.push((quoted, true)),
                }
            }
            Some(0) => {}
            Some(next) => line.push((next, false)),
        }
    }
    shell.step(1 + line.len() as u64 / 64)?;
    let separators = shell.state.variable("IFS").unwrap_or(" \t\n").as_bytes().to_vec();
    for (name, value) in names.iter().zip(split(&line, &separators, names.len())) {
        let value = String::from_utf8(value).map_err(|_| shell.refuse("a line that is not UTF-8"))?;
        shell.set(name, value)?;
    }
    Ok(i32::from(!ended))
}

/// A line in `count` parts; the last one has all that is left, without blanks around it.
fn split(line: &[(u8, bool)], separators: &[u8], count: usize) -> Vec<Vec<u8>> {
    let separates = |(byte, quoted): &(u8, bool)| !quoted && separators.contains(byte);
    let blank = |one: &(u8, bool)| separates(one) && matches!(one.0, b' ' | b'\t' | b'\n');
    let mut rest = line;
    let skip = |rest: &mut &[(u8, bool)]| {
        while let Some((_, after)) = rest.split_first().filter(|(first, _)| blank(first)) {
            *rest = after;
        }
    };
    let plain = |part: &[(u8, bool)]| part.iter().map(|(byte, _)| *byte).collect::<Vec<_>>();
    let mut parts = Vec::new();
    skip(&mut rest);
    while parts.len() + 1 < count {
        let end = rest.iter().position(separates).unwrap_or(rest.len());
        parts.push(plain(&rest[..end]));
        rest = &rest[end..];
        skip(&mut rest);
        if let Some((_, after)) = rest.split_first().filter(|(first, _)| separates(first)) {
            rest = after;
            skip(&mut rest);
        }
    }
    while let Some((_, before)) = rest.split_last().filter(|(last, _)| blank(last)) {
        rest = before;
    }
    // a single separator at the end only ends the last part
    if let Some((last, before)) = rest.split_last()
        && separates(last)
        && !before.iter().any(separates)
    {
        rest = before;
    }
    parts.push(plain(rest));
    parts
}

/// `getopts OPTIONS NAME [ARGUMENT…]`.
pub(super) fn getopts(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let (Some(options), Some(name)) = (words.get(1).cloned(), words.get(2).cloned()) else {
        return Err(shell.refuse("`getopts` without options").into());
    };
    let given = if words.len() > 3 { words[3..].to_vec() } else { shell.state.positional.to_vec() };
    let mut index: usize = shell.state.variable("OPTIND").and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
    if index == 1 && shell.state.option_at == 0 {
        shell.state.option_at = 1;
    }
    let at = shell.state.option_at.max(1);
    let word = given.get(index - 1).map_or("", String::as_str);
    let letter = word.strip_prefix('-').and_then(|_| word.get(at..)).and_then(|rest| rest.chars().next());
    let Some(letter) = letter.filter(|_| word != "--") else {
        index += usize::from(word == "--");
        shell.state.option_at = 1;
        shell.set("OPTIND", index.to_string())?;
        shell.set(&name, "?".to_owned())?;
        return Ok(1);
    };
    let (quiet, known) = (options.starts_with(':'), options.find(letter).filter(|_| letter != ':'));
    let takes = known.is_some_and(|at| options[at + letter.len_utf8()..].starts_with(':'));
    let mut rest = word[at + letter.len_utf8()..].to_owned();
    let mut value = None;
    let mut found = known.map_or("?".to_owned(), |_| letter.to_string());
    if takes {
        if rest.is_empty() {
            index += 1;
            value = given.get(index - 1).cloned();
        } else {
            value = Some(std::mem::take(&mut rest));
        }
        if value.is_none() {
            found = if quiet { ":" } else { "?" }.to_owned();
        }
        rest.clear();
    }
    let wrong = known.is_none() || takes && value.is_none();
    if wrong && quiet {
        value = Some(letter.to_string());
    } else if wrong {
        let what =
            if known.is_none() { format!("Illegal option -{letter}") } else { format!("No arg for -{letter} option") };
        shell.complain(what)?;
    }
    if rest.is_empty() {
        index += 1;
        shell.state.option_at = 1;
    } else {
        shell.state.option_at = at + letter.len_utf8();
    }
    match value {
        Some(value) => shell.set("OPTARG", value)?,
        None if shell.dialect == super::Dialect::Posix => shell.set("OPTARG", String::new())?,
        None => shell.state.unset("OPTARG"),
    }
    shell.set("OPTIND", index.to_string())?;
    shell.set(&name, found)?;
    Ok(0)
}
