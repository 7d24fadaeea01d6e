//! `cp`, `mv`, `install`.

use super::super::machine::{FileKind, Stat, Trouble};
use super::super::{Call, Files, Unsupported};
use super::accounts::{group_number, user_number};
use super::files::{below, failed, is_folder, name_of, with_parents};
use super::modes::{apply, parse};
use super::options::Given;

/// Sources, and where each goes.
fn pairs(call: &Call<'_>, files: &dyn Files, given: &Given) -> Result<Vec<(String, String)>, Unsupported> {
    let mut operands = given.operands.clone();
    let folder = match given.value('t') {
        Some(folder) => Some(folder.to_owned()),
        None => {
            let path = operands.last().map(|last| call.path(last)).unwrap_or_default();
            let into = operands.len() > 1 && !given.has('T') && is_folder(files, &path);
            if into { operands.pop() } else { None }
        }
    };
    match (folder, &operands[..]) {
        (Some(folder), sources) if !sources.is_empty() => {
            Ok(sources.iter().map(|source| (source.clone(), below(&folder, name_of(source)))).collect())
        }
        (None, [source, target]) => Ok(vec![(source.clone(), target.clone())]),
        _ => Err(call.refuse("what goes where is not clear")),
    }
}

/// What a copy keeps.
#[derive(Clone, Copy)]
struct Keeps {
    mode: bool,
    owner: bool,
    /// Links are copied, not followed.
    links: bool,
    recursive: bool,
    umask: u32,
}

pub(super) fn cp(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("archive", 'a'),
        ("force", 'f'),
        ("no-clobber", 'n'),
        ("preserve", 'Q'),
        ("recursive", 'r'),
        ("no-dereference", 'P'),
        ("dereference", 'L'),
        ("target-directory", 't'),
        ("no-target-directory", 'T'),
        ("verbose", 'v'),
        ("update", 'u'),
        ("remove-destination", 'D'),
    ];
    let words: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| word.split_once("--preserve=").map_or(word.clone(), |_| "--preserve".to_owned()))
        .collect();
    for word in call.arguments().iter().filter_map(|word| word.strip_prefix("--preserve=")) {
        if word
            .split(',')
            .any(|what| !matches!(what, "mode" | "ownership" | "timestamps" | "all" | "links" | "context" | "xattr"))
        {
            return Err(call.refuse(format!("`--preserve={word}`")));
        }
    }
    let given = Given::read_from(call, &words, "afnprRPLdt:TvuQDH", &long)?;
    if given.has('u') {
        return Err(call.refuse("it compares times"));
    }
    let has = |letters: &str| letters.chars().any(|letter| given.has(letter));
    let recursive = has("arR");
    let keeps = Keeps {
        mode: has("apQ"),
        owner: has("apQ"),
        links: !given.has('L') && (has("aPd") || recursive && !given.has('H')),
        recursive,
        umask: call.umask(),
    };
    let mut status = 0;
    for (source, target) in pairs(call, files, &given)? {
        let (from, to) = (call.path(&source), call.path(&target));
        if given.has('n') && files.look(&to, false).is_some() {
            continue;
        }
        match copy(call, files, &from, to.trim_end_matches('/'), keeps) {
            Ok(()) => {}
            Err(Trouble::Missing) if files.look(&from, !keeps.links).is_none() => {
                call.complain(format!("cannot stat '{source}': No such file or directory"));
                status = 1;
            }
            Err(Trouble::IsFolder) if !recursive => {
                call.complain(format!("-r not specified; omitting directory '{source}'"));
                status = 1;
            }
            Err(trouble) => status = failed(call, &format!("cannot create regular file '{target}'"), trouble)?,
        }
    }
    Ok(status)
}

/// Copies a file, a link or a folder with what is in it.
fn copy(call: &mut Call<'_>, files: &mut dyn Files, from: &str, to: &str, keeps: Keeps) -> Result<(), Trouble> {
    let mut left = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = left.pop() {
        call.spend(1).map_err(|refusal| Trouble::Broken(refusal.what))?;
        let node = files.look(&from, !keeps.links).ok_or(Trouble::Missing)?;
        match &node.kind {
            FileKind::Folder if !keeps.recursive => return Err(Trouble::IsFolder),
            FileKind::Folder => {
                if to.starts_with(&format!("{from}/")) {
                    return Err(Trouble::Invalid);
                }
                if !is_folder(files, &to) {
                    files.make_folder(&to, node.mode & !if keeps.mode { 0 } else { keeps.umask })?;
                }
                let names = files.names(&from).unwrap_or_default();
                left.extend(names.into_iter().map(|name| (below(&from, &name), below(&to, &name))));
                keep(files, &to, &node, keeps)?;
            }
            FileKind::Link(target) => {
                if files.look(&to, false).is_some() {
                    files.remove(&to)?;
                }
                files.make_link(&to, target)?;
                if keeps.owner {
                    files.change(&to, false, None, (Some(node.uid), Some(node.gid)))?;
                }
            }
            FileKind::File => {
                let content = files.read(&from)?;
                call.handle(content.len()).map_err(|refusal| Trouble::Broken(refusal.what))?;
                if files.look(&to, false).is_some_and(|node| matches!(node.kind, FileKind::Link(_))) && keeps.links {
                    files.remove(&to)?;
                }
                files.write(&to, content, node.mode & 0o777 & !keeps.umask)?;
                keep(files, &to, &node, keeps)?;
            }
            FileKind::Other => return Err(Trouble::Broken(format!("{from} is a device"))),
        }
    }
    Ok(())
}

fn keep(files: &mut dyn Files, to: &str, node: &Stat, keeps: Keeps) -> Result<(), Trouble> {
    if keeps.owner {
        files.change(to, true, None, (Some(node.uid), Some(node.gid)))?;
    }
    if keeps.mode {
        files.change(to, true, Some(node.mode), (None, None))?;
    }
    Ok(())
}

pub(super) fn mv(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("force", 'f'),
        ("no-clobber", 'n'),
        ("target-directory", 't'),
        ("no-target-directory", 'T'),
        ("verbose", 'v'),
    ];
    let given = Given::read(call, "fnt:TvZ", &long)?;
    let mut status = 0;
    for (source, target) in pairs(call, files, &given)? {
        let (from, to) = (call.path(source.trim_end_matches('/')), call.path(target.trim_end_matches('/')));
        if given.has('n') && files.look(&to, false).is_some() {
            continue;
        }
        if let Err(trouble) = files.rename(&from, &to) {
            status = match trouble {
                Trouble::Missing if files.look(&from, false).is_none() => {
                    failed(call, &format!("cannot stat '{source}'"), trouble)?
                }
                trouble => failed(call, &format!("cannot move '{source}' to '{target}'"), trouble)?,
            };
        }
    }
    Ok(status)
}

/// `install`: files with a mode and an owner, or folders (`-d`).
pub(super) fn install(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("directory", 'd'),
        ("mode", 'm'),
        ("owner", 'o'),
        ("group", 'g'),
        ("target-directory", 't'),
        ("no-target-directory", 'T'),
        ("verbose", 'v'),
        ("preserve-timestamps", 'p'),
        ("compare", 'C'),
        ("backup", 'b'),
    ];
    let given = Given::read(call, "dm:o:g:t:TvpcCDs", &long)?;
    if given.has('s') {
        return Err(call.refuse("it strips programs"));
    }
    let mode = match given.value('m').map(|text| parse(text).ok_or(text)) {
        None => 0o755,
        Some(Ok(mode)) => apply(&mode, 0, given.has('d'), 0),
        Some(Err(text)) => {
            call.complain(format!("invalid mode '{text}'"));
            return Ok(1);
        }
    };
    let uid = given.value('o').map(|user| user_number(files, user).map(|(uid, _)| uid).ok_or(user)).transpose();
    let gid = given.value('g').map(|group| group_number(files, group).ok_or(group)).transpose();
    let owner = match (uid, gid) {
        (Ok(uid), Ok(gid)) => (uid, gid),
        (Err(name), _) => {
            call.complain(format!("invalid user: '{name}'"));
            return Ok(1);
        }
        (_, Err(name)) => {
            call.complain(format!("invalid group: '{name}'"));
            return Ok(1);
        }
    };
    let mut targets = Vec::new();
    let mut status = 0;
    if given.has('d') {
        for operand in &given.operands {
            let path = call.path(operand);
            match with_parents(files, &path, 0o755, mode) {
                Ok(()) => targets.push(path),
                Err(trouble) => status = failed(call, &format!("cannot create directory '{operand}'"), trouble)?,
            }
        }
    } else {
        for (source, target) in pairs(call, files, &given)? {
            let (from, to) = (call.path(&source), call.path(&target));
            let folder = to[..to.rfind('/').unwrap_or(0)].to_owned();
            if given.has('D') && !folder.is_empty() {
                with_parents(files, &folder, 0o755, 0o755).map_err(|trouble| call.refuse(trouble))?;
            }
            let content = if from == "/dev/null" { Ok(Vec::new()) } else { files.read(&from) };
            let written = content.and_then(|content| {
                call.handle(content.len()).map_err(|refusal| Trouble::Broken(refusal.what))?;
                if files.look(&to, false).is_some_and(|node| node.kind != FileKind::Folder) {
                    files.remove(&to)?;
                }
                files.write(&to, content, mode)
            });
            match written {
                Ok(()) => targets.push(to),
                Err(trouble) => status = failed(call, &format!("cannot stat '{source}'"), trouble)?,
            }
        }
    }
    for path in targets {
        let changed =
            files.change(&path, true, None, owner).and_then(|()| files.change(&path, true, Some(mode), (None, None)));
        changed.map_err(|trouble| call.refuse(trouble))?;
    }
    Ok(status)
}
