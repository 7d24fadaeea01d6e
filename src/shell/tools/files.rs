//! `ln`, `mkdir`, `rm`, `rmdir`, `touch`.

use super::super::machine::{FileKind, Trouble};
use super::super::{Call, Files, Unsupported};
use super::modes::{apply, parse};
use super::options::Given;

/// The last part of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// A path below a folder.
pub(super) fn below(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

pub(super) fn is_folder(files: &dyn Files, path: &str) -> bool {
    path == "/" || files.look(path, true).is_some_and(|node| node.kind == FileKind::Folder)
}

/// What a trouble means for a call: a message and a status, or its end.
pub(super) fn failed(call: &mut Call<'_>, what: &str, trouble: Trouble) -> Result<i32, Unsupported> {
    if let Trouble::Broken(why) = trouble {
        return Err(call.refuse(why));
    }
    call.complain(format!("{what}: {trouble}"));
    Ok(1)
}

pub(super) fn sync(_: &mut Call<'_>, _: &mut dyn Files) -> Result<i32, Unsupported> {
    Ok(0)
}

pub(super) fn mkdir(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "pm:vZ", &[("parents", 'p'), ("mode", 'm'), ("verbose", 'v')])?;
    let usual = 0o777 & !call.umask();
    let mode = match given.value('m') {
        Some(text) => match parse(text) {
            Some(mode) => apply(&mode, 0o777, true, call.umask()),
            None => {
                call.complain(format!("invalid mode '{text}'"));
                return Ok(1);
            }
        },
        None => usual,
    };
    let mut status = 0;
    for operand in &given.operands {
        let path = call.path(operand);
        let path = path.trim_end_matches('/');
        let made = if given.has('p') { with_parents(files, path, usual, mode) } else { files.make_folder(path, mode) };
        if let Err(trouble) = made {
            status = failed(call, &format!("cannot create directory '{operand}'"), trouble)?;
        } else if given.has('m') && !given.has('p') {
            files.change(path, true, Some(mode), (None, None)).map_err(|trouble| call.refuse(trouble))?;
        }
    }
    Ok(status)
}

/// Makes a folder and those above it; `mode` is for itself alone, and only where it is new.
pub(super) fn with_parents(files: &mut dyn Files, path: &str, usual: u32, mode: u32) -> Result<(), Trouble> {
    let mut at = 0;
    let path = path.trim_end_matches('/');
    while at < path.len() {
        at = path[at + 1..].find('/').map_or(path.len(), |next| at + 1 + next);
        let part = &path[..at];
        if part.is_empty() || is_folder(files, part) {
            continue;
        }
        if files.look(part, true).is_some() {
            return Err(if at == path.len() { Trouble::Exists } else { Trouble::NotFolder });
        }
        files.make_folder(part, if at == path.len() { mode } else { usual })?;
    }
    Ok(())
}

pub(super) fn rmdir(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "pv", &[("parents", 'p'), ("ignore-fail-on-non-empty", 'I'), ("verbose", 'v')])?;
    let mut status = 0;
    for operand in &given.operands {
        let mut path = call.path(operand.trim_end_matches('/'));
        let mut parts = if given.has('p') { operand.trim_matches('/').split('/').count() } else { 1 };
        while parts > 0 {
            let removed = match files.look(&path, false).map(|node| node.kind) {
                Some(FileKind::Folder) => files.remove(&path),
                Some(_) => Err(Trouble::NotFolder),
                None => Err(Trouble::Missing),
            };
            match removed {
                Ok(()) => {}
                Err(Trouble::NotEmpty) if given.has('I') => break,
                Err(trouble) => {
                    status = failed(call, &format!("failed to remove '{operand}'"), trouble)?;
                    break;
                }
            }
            path = path[..path.rfind('/').unwrap_or(0)].to_owned();
            parts -= 1;
        }
    }
    Ok(status)
}

pub(super) fn rm(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [("force", 'f'), ("recursive", 'r'), ("verbose", 'v'), ("dir", 'd'), ("one-file-system", 'x')];
    let given = Given::read(call, "frRvdix", &long)?;
    if given.has('i') {
        return Err(call.refuse("nobody answers"));
    }
    let recursive = given.has('r') || given.has('R');
    let mut status = 0;
    for operand in &given.operands {
        let path = call.path(operand);
        let plain = path.trim_end_matches('/');
        let folder = files
            .look(if path.ends_with('/') { &path } else { plain }, false)
            .map(|node| node.kind == FileKind::Folder);
        let removed = match folder {
            _ if plain.is_empty() => return Err(call.refuse("it removes everything")),
            None if given.has('f') => Ok(()),
            None => Err(Trouble::Missing),
            Some(true) if recursive => remove_all(call, files, plain),
            Some(true) if !given.has('d') => Err(Trouble::IsFolder),
            Some(_) => files.remove(plain),
        };
        if let Err(trouble) = removed {
            status = failed(call, &format!("cannot remove '{operand}'"), trouble)?;
        }
    }
    Ok(status)
}

/// Removes a path and all that is below it.
fn remove_all(call: &mut Call<'_>, files: &mut dyn Files, path: &str) -> Result<(), Trouble> {
    let mut left = vec![(path.to_owned(), false)];
    while let Some((path, emptied)) = left.pop() {
        call.spend(1).map_err(|refusal| Trouble::Broken(refusal.what))?;
        let is_folder = files.look(&path, false).is_some_and(|node| node.kind == FileKind::Folder);
        if emptied || !is_folder {
            files.remove(&path)?;
            continue;
        }
        left.push((path.clone(), true));
        left.extend(files.names(&path).unwrap_or_default().into_iter().map(|name| (below(&path, &name), false)));
    }
    Ok(())
}

pub(super) fn ln(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("symbolic", 's'),
        ("force", 'f'),
        ("no-dereference", 'n'),
        ("no-target-directory", 'T'),
        ("relative", 'r'),
        ("verbose", 'v'),
        ("target-directory", 't'),
    ];
    let given = Given::read(call, "sfnTrvt:", &long)?;
    let mut operands = given.operands.clone();
    let folder = match given.value('t') {
        Some(folder) => Some(folder.to_owned()),
        None => {
            let last = operands.last().cloned().unwrap_or_default();
            let path = call.path(&last);
            let link = files
                .look(path.trim_end_matches('/'), false)
                .is_some_and(|node| matches!(node.kind, FileKind::Link(_)));
            let into = operands.len() > 1 && !given.has('T') && !(given.has('n') && link) && is_folder(files, &path);
            if into { operands.pop() } else { None }
        }
    };
    let pairs: Vec<(String, String)> = match (&folder, &operands[..]) {
        (Some(folder), targets) => targets.iter().map(|one| (one.clone(), below(folder, name_of(one)))).collect(),
        (None, [target]) => vec![(target.clone(), name_of(target).to_owned())],
        (None, [target, link]) => vec![(target.clone(), link.clone())],
        _ => return Err(call.refuse("which link it makes is not clear")),
    };
    let mut status = 0;
    for (target, link) in pairs {
        let path = call.path(&link);
        if given.has('f') && files.look(&path, false).is_some_and(|node| node.kind != FileKind::Folder) {
            files.remove(&path).map_err(|trouble| call.refuse(trouble))?;
        }
        let made = if given.has('s') {
            let target = if given.has('r') { relative(&call.path(&target), &path) } else { target.clone() };
            files.make_link(&path, &target)
        } else {
            return Err(call.refuse("a hard link"));
        };
        if let Err(trouble) = made {
            status = failed(call, &format!("failed to create symbolic link '{link}'"), trouble)?;
        }
    }
    Ok(status)
}

/// How `target` is reached from the folder of `link`; both are absolute.
fn relative(target: &str, link: &str) -> String {
    let parts = |path: &str| {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect::<Vec<_>>()
    };
    let (target, mut folder) = (parts(target), parts(link));
    folder.pop();
    let shared = target.iter().zip(&folder).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), folder.len() - shared);
    let path: Vec<String> = up.chain(target[shared..].iter().cloned()).collect();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}

pub(super) fn touch(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "acmhd:r:t:", &[("no-create", 'c'), ("reference", 'r'), ("date", 'd')])?;
    let mut status = 0;
    for operand in &given.operands {
        let path = call.path(operand);
        if files.look(&path, true).is_some() || given.has('c') {
            continue; // times are those of the image
        }
        let mode = 0o666 & !call.umask();
        if let Err(trouble) = files.write(&path, Vec::new(), mode) {
            status = failed(call, &format!("cannot touch '{operand}'"), trouble)?;
        }
    }
    Ok(status)
}
