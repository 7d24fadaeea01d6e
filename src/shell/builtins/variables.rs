//! Builtins that change what the shell knows.

use std::rc::Rc;

use super::super::machine::{FileKind, LONGEST, Stat, absolute, shown};
use super::super::parse::is_name;
use super::super::run::{Run, Shell, Stop};

/// `export` and `readonly`.
pub(super) fn declare(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let exports = words[0] == "export";
    for word in &words[1..] {
        if word == "-p" || word == "--" {
            continue;
        }
        if word.starts_with('-') {
            return Err(shell.refuse(format!("`{}`", shown(words))).into());
        }
        let name = assigned(shell, word)?;
        if exports {
            shell.state.export(&name);
        } else {
            shell.state.make_readonly(&name);
        }
    }
    Ok(0)
}

/// `declare` of bash: `-r`, `-x` and `-a`; in a function, the variables are local.
pub(super) fn declare_in_bash(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let (mut exports, mut fixes) = (false, false);
    for word in &words[1..] {
        match word.strip_prefix('-') {
            Some(letters) if letters.chars().all(|letter| "rxag".contains(letter)) => {
                exports |= letters.contains('x');
                fixes |= letters.contains('r');
            }
            Some(_) => return Err(shell.refuse(format!("`{}`", shown(words))).into()),
            None => {
                let name = word.split('=').next().unwrap_or(word).to_owned();
                if shell.state.in_function() {
                    shell.state.make_local(&name);
                }
                let name = assigned(shell, word)?;
                if exports {
                    shell.state.export(&name);
                }
                if fixes {
                    shell.state.make_readonly(&name);
                }
            }
        }
    }
    Ok(0)
}

pub(super) fn local(shell: &mut Shell<'_>, words: &[String]) -> Run {
    if !shell.state.in_function() {
        shell.complain("not in a function")?;
        return Err(Stop::Exit(2));
    }
    if shell.dialect == super::Dialect::Bash && words.get(1).is_some_and(|word| word.starts_with('-')) {
        return declare_in_bash(shell, words);
    }
    for word in &words[1..] {
        if word.starts_with('-') {
            return Err(shell.refuse(format!("`{}`", shown(words))).into());
        }
        let name = word.split('=').next().unwrap_or(word).to_owned();
        shell.state.make_local(&name);
        if shell.dialect == super::Dialect::Bash && !word.contains('=') {
            shell.state.unset(&name); // dash keeps the value
        }
        assigned(shell, word)?;
    }
    Ok(0)
}

/// Carries out `NAME=VALUE`; gives the name.
fn assigned(shell: &mut Shell<'_>, word: &str) -> Run<String> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if !is_name(name) {
        shell.complain(format!("{name}: bad variable name"))?;
        return Err(Stop::Exit(2));
    }
    if let Some(value) = value {
        shell.set(name, value.to_owned())?;
    }
    Ok(name.to_owned())
}

pub(super) fn unset(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut functions = false;
    for word in &words[1..] {
        match word.as_str() {
            "-f" => functions = true,
            "-v" | "--" => {}
            name if functions => {
                shell.state.functions.remove(name);
            }
            name if shell.state.is_readonly(name) => {
                shell.complain(format!("{name}: is read only"))?;
                return Err(Stop::Exit(2));
            }
            name => shell.state.unset(name),
        }
    }
    Ok(0)
}

/// `set`: options, then parameters.
pub(super) fn set(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut rest = words[1..].iter();
    let mut parameters: Option<Vec<String>> = None;
    if words.len() == 1 {
        return Err(shell.refuse("`set` without arguments").into());
    }
    while let Some(word) = rest.next() {
        let on = word.starts_with('-');
        let letters = word.strip_prefix(['-', '+']).unwrap_or_default();
        if word == "--" || word == "-" {
            if word == "--" || rest.len() > 0 {
                parameters = Some(rest.by_ref().cloned().collect());
            }
            break;
        }
        if letters.is_empty() {
            parameters = Some(std::iter::once(word.clone()).chain(rest.by_ref().cloned()).collect());
            break;
        }
        for letter in letters.chars() {
            let options = &mut shell.state.options;
            match letter {
                'e' => options.errexit = on,
                'u' => options.nounset = on,
                'f' => options.noglob = on,
                'C' => options.noclobber = on,
                'a' => options.allexport = on,
                'h' | 'v' | 'x' | 'b' | 'm' | 'B' | 'H' => {} // what is shown, or how jobs are kept
                'o' => {
                    let name = rest.next().map_or("", String::as_str);
                    match name {
                        "errexit" => options.errexit = on,
                        "nounset" => options.nounset = on,
                        "noglob" => options.noglob = on,
                        "allexport" => options.allexport = on,
                        "pipefail" => options.pipefail = on,
                        "xtrace" | "verbose" | "posix" => {}
                        _ => return Err(shell.refuse(format!("`set -o {name}`")).into()),
                    }
                }
                _ => return Err(shell.refuse(format!("`{}`", shown(words))).into()),
            }
        }
    }
    if shell.state.options.noclobber {
        return Err(shell.refuse("`set -C`").into());
    }
    if let Some(parameters) = parameters {
        shell.state.positional = Rc::new(parameters);
    }
    Ok(0)
}

pub(super) fn shift(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let count: Option<usize> = words.get(1).map_or(Some(1), |count| count.parse().ok());
    match count.filter(|count| *count <= shell.state.positional.len()) {
        Some(count) => {
            shell.state.positional = Rc::new(shell.state.positional[count..].to_vec());
            Ok(0)
        }
        None => {
            shell.complain("can't shift that many")?;
            if shell.dialect == super::Dialect::Bash { Ok(1) } else { Err(Stop::Exit(2)) }
        }
    }
}

pub(super) fn change_folder(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let words: Vec<&String> = words[1..].iter().filter(|word| !matches!(word.as_str(), "-L" | "-P" | "--")).collect();
    let target = match words.first() {
        Some(word) if *word == "-" => shell.state.variable("OLDPWD").unwrap_or("/").to_owned(),
        Some(word) => (*word).clone(),
        None => shell.state.variable("HOME").unwrap_or("/").to_owned(),
    };
    let path = plain(&absolute(&shell.state.folder, &target));
    match shell.machine.look(&path, true) {
        Some(Stat { kind: FileKind::Folder, .. }) if path.len() <= LONGEST => {}
        _ if path == "/" => {}
        _ => {
            shell.complain(format!("cd: can't cd to {target}"))?;
            return Ok(if shell.dialect == super::Dialect::Bash { 1 } else { 2 });
        }
    }
    let before = std::mem::replace(&mut shell.state.folder, path.clone());
    shell.set("OLDPWD", before)?;
    shell.set("PWD", path.clone())?;
    if words.first().is_some_and(|word| *word == "-") {
        shell.write(1, format!("{path}\n").as_bytes())?;
    }
    Ok(0)
}

/// A path without `.`, `..` and double slashes, as `cd` keeps the one of the folder.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

pub(super) fn print_folder(shell: &mut Shell<'_>, _: &[String]) -> Run {
    let line = format!("{}\n", shell.state.folder);
    shell.write(1, line.as_bytes())?;
    Ok(0)
}

pub(super) fn umask(shell: &mut Shell<'_>, words: &[String]) -> Run {
    match words.get(1) {
        None => {
            let line = format!("{:04o}\n", shell.state.umask);
            shell.write(1, line.as_bytes())?;
            Ok(0)
        }
        Some(text) => match u32::from_str_radix(text, 8) {
            Ok(mask) if mask <= 0o777 => {
                shell.state.umask = mask;
                Ok(0)
            }
            _ => Err(shell.refuse(format!("`{}`", shown(words))).into()),
        },
    }
}
