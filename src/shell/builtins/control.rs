//! Builtins that say what runs next.

use std::rc::Rc;

use super::super::machine::{Program, Trouble, absolute, shown};
use super::super::run::{Run, Shell, Stop};
use super::super::{Dialect, parse, tools};
use super::find as builtin;

pub(super) fn succeed(_: &mut Shell<'_>, _: &[String]) -> Run {
    Ok(0)
}

pub(super) fn fail(_: &mut Shell<'_>, _: &[String]) -> Run {
    Ok(1)
}

pub(super) fn refuse(shell: &mut Shell<'_>, words: &[String]) -> Run {
    Err(shell.refuse(format!("`{}`", shown(words))).into())
}

/// `break` and `continue`.
pub(super) fn leave_loops(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let loops = words.get(1).map_or(Some(1), |count| count.parse::<u32>().ok().filter(|count| *count > 0));
    let Some(loops) = loops else {
        shell.complain(format!("Illegal number: {}", words[1]))?;
        return Err(Stop::Exit(2));
    };
    match loops.min(shell.loops) {
        0 => Ok(0),
        loops if words[0] == "break" => Err(Stop::Break(loops)),
        loops => Err(Stop::Continue(loops)),
    }
}

/// `exit` and `return`.
pub(super) fn exit(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let status = match words.get(1) {
        None => shell.state.status,
        Some(text) => match text.parse::<i32>() {
            Ok(status) if status >= 0 => status & 0xff,
            _ => {
                shell.complain(format!("Illegal number: {text}"))?;
                return Err(Stop::Exit(2));
            }
        },
    };
    Err(if words[0] == "return" { Stop::Return(status) } else { Stop::Exit(status) })
}

pub(super) fn eval(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let text = words[1..].join(" ");
    let line = shell.line;
    let list =
        parse::program(&text, shell.dialect).map_err(|refusal| shell.refuse(format!("`eval`: {}", refusal.what)))?;
    let status = shell.deeper(|shell| shell.list(&list));
    shell.line = line;
    status
}

/// `. FILE`: runs the file in this shell. Arguments after the file are left alone, as dash leaves them.
pub(super) fn source(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let Some(name) = words.get(1) else { return Err(shell.refuse("`.` without a file").into()) };
    let path = absolute(&shell.state.folder, name);
    if shell.machine.source(&path).is_some() {
        return Ok(0);
    }
    shell.unpredictable(&path)?;
    let text = match shell.machine.read(&path) {
        Ok(content) => String::from_utf8(content).map_err(|_| shell.refuse(format!("{path} is not UTF-8")))?,
        Err(Trouble::Broken(why)) => return Err(shell.refuse(format!("{path}: {why}")).into()),
        Err(trouble) => {
            shell.complain(format!(".: cannot open {name}: {trouble}"))?;
            return Err(Stop::Exit(2));
        }
    };
    shell.make(text.len())?;
    let (line, file) = (shell.line, shell.file.replace(path.clone().into()));
    let list = parse::program(&text, shell.dialect)
        .map_err(|refusal| super::super::Unsupported { file: Some(path), ..refusal });
    let status = match list {
        Ok(list) => shell.deeper(|shell| shell.list(&list)),
        Err(refusal) => Err(refusal.into()),
    };
    (shell.line, shell.file) = (line, file);
    match status {
        Err(Stop::Return(status)) => Ok(status),
        other => other,
    }
}

/// `exec`: without a command, its redirections stay; with one, nothing follows it.
pub(super) fn exec(shell: &mut Shell<'_>, words: &[String]) -> Run {
    match words.get(1) {
        None => Ok(0),
        Some(_) => {
            let status = shell.call_program(&words[1..])?;
            shell.state.trap = None; // the process is another one
            Err(Stop::Exit(status))
        }
    }
}

/// `trap`: what runs at the end is kept; signals never come.
pub(super) fn trap(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let words: Vec<&str> = words[1..].iter().map(String::as_str).filter(|word| *word != "--").collect();
    let Some((action, signals)) = words.split_first() else { return Ok(0) };
    let at_end = |signal: &&str| matches!(*signal, "EXIT" | "0");
    if signals.is_empty() && at_end(action) || *action == "-" && signals.iter().any(at_end) {
        shell.state.trap = None;
    } else if signals.iter().any(at_end) {
        shell.state.trap = Some((*action).into()).filter(|action: &Rc<str>| !action.is_empty());
    } else if signals.contains(&"ERR") || signals.contains(&"DEBUG") {
        return Err(shell.refuse("`trap` for ERR or DEBUG").into());
    }
    Ok(0)
}

/// `command`, with `-v` and `-V`.
pub(super) fn command(shell: &mut Shell<'_>, words: &[String]) -> Run {
    match words.get(1).map(String::as_str) {
        None => Ok(0),
        Some("-v" | "-V") => {
            let mut status = 0;
            let all = if shell.dialect == Dialect::Posix { 1 } else { usize::MAX }; // dash looks at one name
            for name in words[2..].iter().take(all) {
                match place(shell, name)? {
                    Some(place) => {
                        shell.write(1, format!("{place}\n").as_bytes())?;
                    }
                    None => status = 127,
                }
            }
            Ok(status)
        }
        Some("-p" | "--") if words.len() > 2 => shell.call_program(&words[2..]),
        Some(option) if option.starts_with('-') => Err(shell.refuse(format!("`{}`", shown(words))).into()),
        Some(_) => shell.call_program(&words[1..]),
    }
}

/// `type`.
pub(super) fn find(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut status = 0;
    for name in &words[1..] {
        if name.starts_with('-') {
            return Err(shell.refuse(format!("`{}`", shown(words))).into());
        }
        match place(shell, name)? {
            Some(place) => {
                shell.write(1, format!("{name} is {place}\n").as_bytes())?;
            }
            None => {
                shell.write(1, format!("{name}: not found\n").as_bytes())?;
                status = 127;
            }
        }
    }
    Ok(status)
}

/// Where a command is: its path, or its name where the shell has it itself.
fn place(shell: &mut Shell<'_>, name: &str) -> Run<Option<String>> {
    if shell.state.functions.contains_key(name) || builtin(name, shell.dialect).is_some() {
        return Ok(Some(name.to_owned()));
    }
    if let Program::Missing = shell.machine.program(name) {
        return Ok(None);
    }
    Ok(Some(tools::path_of(shell.machine, name).unwrap_or_else(|| name.to_owned())))
}
