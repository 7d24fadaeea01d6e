//! Programs that start others: `env`, `nice`, `sh`, `which`, `xargs`.

use std::rc::Rc;

use super::super::machine::{Trouble, absolute, shown};
use super::super::run::{Run, Shell, Stop};
use super::super::stream::Stream;
use super::super::{Dialect, Unsupported, parse};

/// `env [-i] [-u NAME] [NAME=VALUE…] COMMAND…`.
pub(super) fn env(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut rest = &words[1..];
    let mut sets = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        match first.split_once('=') {
            Some((name, value)) if parse::is_name(name) => sets.push((name.to_owned(), value.to_owned())),
            _ if first.starts_with('-') => return Err(unknown(shell, words)),
            _ => break,
        }
        rest = after;
    }
    if rest.is_empty() {
        return Err(shell.refuse("`env`, which prints the environment").into());
    }
    shell.subshell(|shell| {
        for (name, value) in sets {
            shell.set(&name, value)?;
            shell.state.export(&name);
        }
        shell.state.functions.clear();
        shell.call_program(rest)
    })
}

/// `nice` and `nohup`: only how a command runs is different.
pub(super) fn prefix(shell: &mut Shell<'_>, words: &[String]) -> Run {
    match words.get(1) {
        Some(first) if !first.starts_with('-') => shell.call_program(&words[1..]),
        _ => Err(unknown(shell, words)),
    }
}

/// `sh -c TEXT` and `sh FILE`.
pub(super) fn shell(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let dialect = if words[0].ends_with("bash") { Dialect::Bash } else { Dialect::Posix };
    let mut rest = &words[1..];
    let (mut errexit, mut from_text) = (false, false);
    while let Some((first, after)) = rest.split_first().filter(|(first, _)| first.starts_with('-') && first.len() > 1) {
        for letter in first[1..].chars() {
            match letter {
                'e' => errexit = true,
                'c' => from_text = true,
                'x' => {}
                _ => return Err(unknown(shell, words)),
            }
        }
        rest = after;
    }
    let (text, name, arguments) = match rest {
        [text, rest @ ..] if from_text => {
            (text.clone(), rest.first().map_or(words[0].clone(), String::clone), rest.get(1..).unwrap_or_default())
        }
        [file, rest @ ..] => {
            let path = absolute(&shell.state.folder, file);
            match shell.machine.read(&path) {
                Ok(content) => {
                    let text = String::from_utf8(content).map_err(|_| shell.refuse(format!("{path} is not UTF-8")))?;
                    (text, file.clone(), rest)
                }
                Err(Trouble::Broken(why)) => return Err(shell.refuse(format!("{path}: {why}")).into()),
                Err(_) => {
                    shell.complain(format!("cannot open {file}"))?;
                    return Ok(2);
                }
            }
        }
        [] => {
            let text = match shell.state.descriptors.get(&0) {
                Some(Stream::Input(input)) => input.borrow_mut().rest(),
                _ => Vec::new(),
            };
            let text = String::from_utf8(text).map_err(|_| shell.refuse("a script that is not UTF-8"))?;
            (text, words[0].clone(), &[][..])
        }
    };
    shell.make(text.len())?;
    let list = parse::program(&text, dialect).map_err(|refusal| Unsupported { line: shell.line, ..refusal })?;
    let line = shell.line;
    let status = shell.subshell(|shell| {
        let state = shell.state.of_program();
        shell.state = state;
        shell.state.name = name.as_str().into();
        shell.state.positional = Rc::new(arguments.to_vec());
        shell.state.options.errexit = errexit;
        for (name, value) in [("IFS", " \t\n"), ("OPTIND", "1")] {
            shell.state.assign(name, value.to_owned());
        }
        (shell.dialect, shell.tested) = (dialect, 0);
        shell.until_end(&list).map_err(Stop::from)
    });
    shell.line = line;
    status
}

/// `which`.
pub(super) fn which(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut status = 0;
    for name in &words[1..] {
        if name.starts_with('-') && name != "-a" {
            return Err(unknown(shell, words));
        }
        match super::path_of(&*shell.machine, name) {
            _ if name == "-a" => {}
            Some(path) => {
                shell.write(1, format!("{path}\n").as_bytes())?;
            }
            None => status = 1,
        }
    }
    Ok(status)
}

/// `xargs [-0] [-r] [-n N] [-I TEXT] COMMAND…`.
pub(super) fn xargs(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut rest = &words[1..];
    let (mut zero, mut unless_empty, mut most, mut replaced, mut separator) = (false, false, usize::MAX, None, None);
    while let Some((first, after)) = rest.split_first().filter(|(first, _)| first.starts_with('-')) {
        rest = after;
        let mut value = |short: &str| {
            if first.len() > short.len() {
                return Some(first[short.len()..].to_owned());
            }
            let (value, after) = rest.split_first()?;
            rest = after;
            Some(value.clone())
        };
        match first.as_str() {
            "-0" | "--null" => zero = true,
            "-r" | "--no-run-if-empty" => unless_empty = true,
            "-0r" | "-r0" => (zero, unless_empty) = (true, true),
            _ if first.starts_with("-n") || first.starts_with("-L") => {
                let count = value("-n").and_then(|text| text.parse().ok()).filter(|count| *count > 0);
                most = count.ok_or_else(|| unknown(shell, words))?;
            }
            _ if first.starts_with("-I") => replaced = value("-I"),
            _ if first.starts_with("-d") => separator = value("-d"),
            _ => return Err(unknown(shell, words)),
        }
    }
    let input = match shell.state.descriptors.get(&0) {
        Some(Stream::Input(input)) => input.borrow_mut().rest(),
        _ => Vec::new(),
    };
    let text = String::from_utf8(input).map_err(|_| shell.refuse("names that are not UTF-8"))?;
    let separator = match separator.as_deref() {
        Some("\\n") => Some("\n"),
        None if zero => Some("\0"),
        Some(other) if other.len() == 1 => Some(other),
        Some(_) => return Err(unknown(shell, words)),
        None if replaced.is_some() => Some("\n"),
        None => None,
    };
    let names: Vec<String> = match separator {
        Some(separator) => text
            .strip_suffix(separator)
            .unwrap_or(&text)
            .split(separator)
            .filter(|name| !name.is_empty() || zero)
            .map(str::to_owned)
            .collect(),
        None if text.contains(['"', '\'', '\\']) => {
            return Err(shell.refuse("`xargs` with quotes in what it reads").into());
        }
        None => text.split_whitespace().map(str::to_owned).collect(),
    };
    let echo = ["echo".to_owned()];
    let command = if rest.is_empty() { &echo[..] } else { rest };
    let calls: Vec<Vec<String>> = match &replaced {
        Some(mark) => names.iter().map(|name| command.iter().map(|word| word.replace(mark, name)).collect()).collect(),
        None if names.is_empty() && !unless_empty && !text.contains('\0') => vec![command.to_vec()],
        None => names.chunks(most.min(5000)).map(|names| [command, names].concat()).collect(),
    };
    let mut status = 0;
    for words in calls {
        let ran = shell.subshell(|shell| {
            shell.state.descriptors.insert(0, Stream::Null);
            shell.state.functions.clear();
            shell.tested = 1;
            shell.call_program(&words)
        })?;
        status = match ran {
            0 => status,
            126 | 127 => ran,
            _ => 123,
        };
    }
    Ok(status)
}

fn unknown(shell: &Shell<'_>, words: &[String]) -> Stop {
    shell.refuse(format!("`{}`: an option that is not known", shown(words))).into()
}
