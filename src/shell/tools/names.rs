//! `basename`, `dirname`, `ls`, `mktemp`, `readlink`, `stat`.

use super::super::machine::FileKind;
use super::super::{Call, Files, Unsupported};
use super::accounts::name_of;
use super::files::{below, is_folder};
use super::options::Given;

pub(super) fn basename(call: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "as:z", &[("multiple", 'a'), ("suffix", 's')])?;
    let many = given.has('a') || given.has('s');
    let (paths, suffix) = match &given.operands[..] {
        [path, suffix] if !many => (std::slice::from_ref(path), suffix.as_str()),
        paths => (paths, given.value('s').unwrap_or_default()),
    };
    for path in paths {
        let trimmed = path.trim_end_matches('/');
        let name = trimmed.rsplit('/').next().unwrap_or_default();
        let name = if trimmed.is_empty() && !path.is_empty() { "/" } else { name };
        let name = name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name);
        call.print(format!("{name}\n"));
    }
    Ok(0)
}

pub(super) fn dirname(call: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    for path in Given::read(call, "z", &[])?.operands {
        let trimmed = path.trim_end_matches('/');
        let folder = match trimmed.rfind('/') {
            None if trimmed.is_empty() && path.starts_with('/') => "/",
            None => ".",
            Some(at) => match trimmed[..at].trim_end_matches('/') {
                "" => "/",
                folder => folder,
            },
        };
        call.print(format!("{folder}\n"));
    }
    Ok(0)
}

/// `ls`, as scripts read it: a name a line.
pub(super) fn ls(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "1aAd", &[("all", 'a'), ("almost-all", 'A'), ("directory", 'd')])?;
    let mut operands = given.operands.clone();
    if operands.is_empty() {
        operands.push(".".to_owned());
    }
    operands.sort();
    let (mut status, mut shown, mut listed) = (0, Vec::new(), Vec::new());
    for operand in &operands {
        let path = call.path(operand);
        if !given.has('d') && is_folder(files, &path) {
            listed.push((operand, path));
        } else if files.look(&path, false).is_some() {
            shown.push(operand.clone());
        } else {
            call.complain(format!("cannot access '{operand}': No such file or directory"));
            status = 2;
        }
    }
    let headings = operands.len() > 1;
    let mut sections: Vec<String> = Vec::new();
    if !shown.is_empty() {
        sections.push(shown.iter().map(|name| format!("{name}\n")).collect());
    }
    for (operand, path) in listed {
        let names = files.names(&path).unwrap_or_default();
        call.spend(names.len() as u64)?;
        let hidden = given.has('a') || given.has('A');
        let mut lines: Vec<String> = names.into_iter().filter(|name| hidden || !name.starts_with('.')).collect();
        if given.has('a') {
            lines.splice(0..0, [".".to_owned(), "..".to_owned()]);
        }
        let heading = if headings { format!("{operand}:\n") } else { String::new() };
        sections.push(heading + &lines.iter().map(|name| format!("{name}\n")).collect::<String>());
    }
    call.print(sections.join("\n"));
    Ok(status)
}

/// `mktemp`: a name that is free, the first one in a fixed order.
pub(super) fn mktemp(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [("directory", 'd'), ("dry-run", 'u'), ("quiet", 'q'), ("tmpdir", 'p'), ("suffix", 's')];
    let words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| if word == "--tmpdir" { "--tmpdir=/tmp".to_owned() } else { word.clone() })
        .collect();
    let given = Given::read_from(call, &words, "duqp:ts:", &long)?;
    let template = given.operands.first().map_or("tmp.XXXXXXXXXX", String::as_str).to_owned();
    let suffix = given.value('s').unwrap_or_default();
    let marks = template.rfind('X').map_or(0, |last| {
        let before = &template[..=last];
        before.len() - before.trim_end_matches('X').len()
    });
    if marks < 3 {
        call.complain(format!("too few X's in template '{template}'"));
        return Ok(1);
    }
    let end = template.rfind('X').map_or(0, |last| last + 1);
    let folder = match given.value('p') {
        Some(folder) => Some(folder.to_owned()),
        None if given.has('t') || given.operands.is_empty() => {
            Some(call.variable("TMPDIR").unwrap_or("/tmp").to_owned())
        }
        None => None,
    };
    for number in 0..10_000_u32 {
        let name = format!("{}{number:0>marks$}{}{suffix}", &template[..end - marks], &template[end..]);
        let name = folder.as_ref().map_or(name.clone(), |folder| below(folder, &name));
        let path = call.path(&name);
        if files.look(&path, false).is_some() {
            continue;
        }
        let made = match () {
            () if given.has('u') => Ok(()),
            () if given.has('d') => files.make_folder(&path, 0o700),
            () => files.write(&path, Vec::new(), 0o600),
        };
        return match made {
            Ok(()) => {
                call.print(format!("{name}\n"));
                Ok(0)
            }
            Err(trouble) => {
                super::files::failed(call, &format!("failed to create file via template '{template}'"), trouble)
            }
        };
    }
    Err(call.refuse("10,000 temporary files"))
}

/// `readlink` and `realpath`.
pub(super) fn readlink(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("canonicalize", 'f'),
        ("canonicalize-existing", 'e'),
        ("canonicalize-missing", 'm'),
        ("no-newline", 'n'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("verbose", 'v'),
        ("no-symlinks", 's'),
        ("strip", 's'),
    ];
    let given = Given::read(call, "femnqvs", &long)?;
    if given.has('s') {
        return Err(call.refuse("an option that is not known"));
    }
    let (mut status, mut shown) = (0, Vec::new());
    let resolves = call.name().ends_with("realpath") || given.has('f') || given.has('e') || given.has('m');
    for operand in &given.operands {
        let path = call.path(operand);
        let found = if resolves {
            let real = real(files, &path, LINKS);
            real.filter(|real| match () {
                () if given.has('m') => true,
                () if given.has('e') => real == "/" || files.look(real, false).is_some(),
                () => is_folder(files, &real[..real.rfind('/').unwrap_or(0).max(1)]),
            })
        } else {
            match files.look(path.trim_end_matches('/'), false).map(|node| node.kind) {
                Some(FileKind::Link(target)) => Some(target),
                _ => None,
            }
        };
        match found {
            Some(path) => shown.push(path),
            None => {
                if call.name().ends_with("realpath") && !given.has('q') {
                    call.complain(format!("{operand}: No such file or directory"));
                }
                status = 1;
            }
        }
    }
    let lines = shown.join("\n");
    if !shown.is_empty() {
        call.print(if given.has('n') && given.operands.len() == 1 { lines } else { lines + "\n" });
    }
    Ok(status)
}

const LINKS: u32 = 40;

/// A path without symbolic links; parts that are missing stay as they are.
pub(super) fn real(files: &dyn Files, path: &str, links: u32) -> Option<String> {
    let mut done: Vec<String> = Vec::new();
    let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut links = links;
    while let Some(part) = left.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(part),
        }
        let here = format!("/{}", done.join("/"));
        if let Some(FileKind::Link(target)) = files.look(&here, false).map(|node| node.kind) {
            links = links.checked_sub(1)?;
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            left.extend(target.split('/').rev().map(str::to_owned));
        }
    }
    Some(format!("/{}", done.join("/")))
}

/// `stat -c FORMAT`.
pub(super) fn stat(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "c:L", &[("format", 'c'), ("dereference", 'L'), ("printf", 'c')])?;
    let Some(format) = given.value('c') else { return Err(call.refuse("no format")) };
    let mut status = 0;
    for operand in &given.operands {
        let path = call.path(operand);
        let Some(node) = files.look(&path, given.has('L')) else {
            call.complain(format!("cannot statx '{operand}': No such file or directory"));
            status = 1;
            continue;
        };
        let mut line = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                line.push(letter);
                continue;
            }
            match letters.next() {
                Some('a') => line.push_str(&format!("{:o}", node.mode)),
                Some('u') => line.push_str(&node.uid.to_string()),
                Some('g') => line.push_str(&node.gid.to_string()),
                Some('U') => line.push_str(&name_of(files, "/etc/passwd", node.uid).unwrap_or("UNKNOWN".to_owned())),
                Some('G') => line.push_str(&name_of(files, "/etc/group", node.gid).unwrap_or("UNKNOWN".to_owned())),
                Some('s') if node.kind == FileKind::File => line.push_str(&node.size.to_string()),
                Some('n') => line.push_str(operand),
                Some('%') => line.push('%'),
                Some('F') => line.push_str(match node.kind {
                    FileKind::File if node.size == 0 => "regular empty file",
                    FileKind::File => "regular file",
                    FileKind::Folder => "directory",
                    FileKind::Link(_) => "symbolic link",
                    FileKind::Other => return Err(call.refuse("a device")),
                }),
                other => return Err(call.refuse(format!("`%{}`", other.map_or(String::new(), String::from)))),
            }
        }
        call.print(line + "\n");
    }
    Ok(status)
}
