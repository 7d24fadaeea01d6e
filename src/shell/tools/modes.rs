//! `chmod`, `chown`, `chgrp`.

use super::super::machine::FileKind;
use super::super::{Call, Files, Unsupported};
use super::accounts::{group_number, user_number};
use super::files::{below, failed};
use super::options::Given;

/// A change of permission bits.
pub(super) enum Mode {
    Bits(u32),
    /// Clauses: who, `+-=`, what.
    Clauses(Vec<(String, Vec<(char, String)>)>),
}

/// Reads a mode, in digits or letters; none where it is no mode.
pub(super) fn parse(text: &str) -> Option<Mode> {
    if !text.is_empty() && text.chars().all(|digit| ('0'..='7').contains(&digit)) {
        return u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o7777).map(Mode::Bits);
    }
    let mut clauses = Vec::new();
    for clause in text.split(',') {
        let who = clause.len() - clause.trim_start_matches(['u', 'g', 'o', 'a']).len();
        let (who, mut rest) = clause.split_at(who);
        let mut actions = Vec::new();
        while let Some(action) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            let what = rest.get(1..end).unwrap_or_default();
            if !"+-=".contains(action) || !what.chars().all(|letter| "rwxXstugo".contains(letter)) {
                return None;
            }
            actions.push((action, what.to_owned()));
            rest = &rest[end..];
        }
        if actions.is_empty() {
            return None;
        }
        clauses.push((who.to_owned(), actions));
    }
    Some(Mode::Clauses(clauses))
}

/// The bits after a change; a folder keeps its set-id bits where digits do not name them.
pub(super) fn apply(mode: &Mode, bits: u32, folder: bool, umask: u32) -> u32 {
    let clauses = match mode {
        Mode::Bits(new) if folder && *new <= 0o777 => return new | bits & 0o6000,
        Mode::Bits(new) => return *new,
        Mode::Clauses(clauses) => clauses,
    };
    let mut bits = bits;
    for (who, actions) in clauses {
        let all = who.is_empty() || who.contains('a');
        let has = |letter: char| all || who.contains(letter);
        let mask = [('u', 0o4700), ('g', 0o2070), ('o', 0o1007)];
        let mut affected: u32 = mask.iter().filter(|(letter, _)| has(*letter)).map(|(_, mask)| mask).sum();
        if who.is_empty() {
            affected &= !umask;
        }
        for (action, what) in actions {
            let mut set = 0;
            for letter in what.chars() {
                let copied = |shift: u32| ((bits >> shift) & 7) * 0o111;
                set |= match letter {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if folder || bits & 0o111 != 0 => 0o111,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => copied(6),
                    'g' => copied(3),
                    'o' => copied(0),
                    _ => 0,
                };
            }
            // the sticky bit is everybody's
            let affected =
                if what.contains('t') && (all || who.contains('o')) { affected | 0o1000 } else { affected & !0o1000 };
            set &= affected;
            bits = match action {
                '+' => bits | set,
                '-' => bits & !set,
                _ => {
                    let affected = if who.is_empty() { 0o7777 } else { affected };
                    let kept = if folder { 0o6000 & !if what.contains('s') { affected } else { 0 } } else { 0 };
                    bits & !(affected & !kept) | set
                }
            };
        }
    }
    bits
}

pub(super) fn chmod(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    // a mode may begin with a dash
    let (modes, words): (Vec<String>, Vec<String>) = call.arguments().iter().cloned().partition(|word| {
        word.strip_prefix('-')
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| "rwxXst".contains(letter)))
    });
    let long =
        [("recursive", 'R'), ("reference", 'F'), ("silent", 'f'), ("quiet", 'f'), ("changes", 'c'), ("verbose", 'v')];
    let given = Given::read_from(call, &words, "RfcvF:", &long)?;
    let mut operands = given.operands.iter();
    let mode = match (given.value('F'), modes.first()) {
        (Some(reference), _) => match files.look(&call.path(reference), true) {
            Some(node) => Mode::Bits(node.mode | 0o10000),
            None => {
                return failed(
                    call,
                    &format!("failed to get attributes of '{reference}'"),
                    super::super::Trouble::Missing,
                );
            }
        },
        (None, given) => {
            let Some(text) = given.or_else(|| operands.next()) else { return Err(call.refuse("no mode")) };
            let Some(mode) = parse(text) else {
                call.complain(format!("invalid mode: '{text}'"));
                return Ok(1);
            };
            mode
        }
    };
    let mut status = 0;
    for operand in operands {
        let path = call.path(operand);
        if files.look(&path, true).is_none() {
            if !given.has('f') {
                call.complain(format!("cannot access '{operand}': No such file or directory"));
            }
            status = 1;
            continue;
        }
        for (path, follow) in all_below(files, &path, given.has('R'), true) {
            call.spend(1)?;
            let Some(node) = files.look(&path, follow) else { continue };
            if matches!(node.kind, FileKind::Link(_)) {
                continue; // links below a folder are left alone
            }
            let bits = apply(&mode, node.mode, node.kind == FileKind::Folder, call.umask()) & 0o7777;
            files.change(&path, follow, Some(bits), (None, None)).map_err(|trouble| call.refuse(trouble))?;
        }
    }
    Ok(status)
}

/// A path, and with `recursive` all that is below; whether each is followed.
fn all_below(files: &dyn Files, path: &str, recursive: bool, follow: bool) -> Vec<(String, bool)> {
    let mut all = vec![(path.to_owned(), follow)];
    let mut at = 0;
    while recursive && at < all.len() {
        let (path, follow) = all[at].clone();
        at += 1;
        if files.look(&path, follow).is_some_and(|node| node.kind == FileKind::Folder) {
            all.extend(files.names(&path).unwrap_or_default().into_iter().map(|name| (below(&path, &name), false)));
        }
    }
    all
}

pub(super) fn chown(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    change_owner(call, files, false)
}

pub(super) fn chgrp(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    change_owner(call, files, true)
}

fn change_owner(call: &mut Call<'_>, files: &mut dyn Files, group_only: bool) -> Result<i32, Unsupported> {
    let long = [
        ("recursive", 'R'),
        ("no-dereference", 'h'),
        ("dereference", 'L'),
        ("reference", 'F'),
        ("from", 'O'),
        ("silent", 'f'),
        ("quiet", 'f'),
        ("changes", 'c'),
        ("verbose", 'v'),
        ("preserve-root", 'p'),
    ];
    let given = Given::read(call, "RhfcvPF:O:", &long)?;
    if given.has('L') && given.has('R') {
        return Err(call.refuse("links are followed below folders"));
    }
    let mut operands = given.operands.iter();
    let owner = match given.value('F') {
        Some(reference) => match files.look(&call.path(reference), true) {
            Some(node) => Ok((Some(node.uid), Some(node.gid))),
            None => Err(format!("failed to get attributes of '{reference}': No such file or directory")),
        },
        None => {
            let Some(text) = operands.next() else { return Err(call.refuse("no owner")) };
            if group_only { group(files, text).map(|gid| (None, gid)) } else { owner(files, text) }
        }
    };
    let owner = match owner {
        Ok(owner) => owner,
        Err(what) => {
            call.complain(what);
            return Ok(1);
        }
    };
    let from = given.value('O').map(|text| self::owner(files, text)).transpose().map_err(|what| call.refuse(what))?;
    let mut status = 0;
    for operand in operands {
        let path = call.path(operand);
        // with -R and without -h a link that is named is followed only by -H
        let follow = !given.has('h') && !given.has('R');
        if files.look(&path, follow).is_none() {
            call.complain(format!("cannot access '{operand}': No such file or directory"));
            status = 1;
            continue;
        }
        for (path, follow) in all_below(files, &path, given.has('R'), follow) {
            call.spend(1)?;
            let Some(node) = files.look(&path, follow) else { continue };
            let is = |wanted: Option<u32>, has: u32| wanted.is_none_or(|wanted| wanted == has);
            if from.is_none_or(|(user, group)| is(user, node.uid) && is(group, node.gid)) {
                files.change(&path, follow, None, owner).map_err(|trouble| call.refuse(trouble))?;
            }
        }
    }
    Ok(status)
}

type Owner = (Option<u32>, Option<u32>);

/// `USER`, `USER:GROUP`, `USER:` and `:GROUP`; the old form with a dot where no user has that name.
fn owner(files: &dyn Files, text: &str) -> Result<Owner, String> {
    let whole = user_number(files, text);
    let parts = text.split_once(':').or_else(|| text.split_once('.').filter(|_| whole.is_none()));
    let Some((user, group_name)) = parts else {
        return whole.map(|(uid, _)| (Some(uid), None)).ok_or_else(|| format!("invalid user: '{text}'"));
    };
    let known = user_number(files, user);
    if !user.is_empty() && known.is_none() {
        return Err(format!("invalid user: '{text}'"));
    }
    let gid = match (group_name, known) {
        ("", Some((_, gid))) => gid,
        ("", None) => None,
        (name, _) => group(files, name).map_err(|_| format!("invalid group: '{text}'"))?,
    };
    Ok((known.map(|(uid, _)| uid), gid))
}

fn group(files: &dyn Files, text: &str) -> Result<Option<u32>, String> {
    match group_number(files, text) {
        Some(gid) => Ok(Some(gid)),
        None if text.is_empty() => Ok(None),
        None => Err(format!("invalid group: '{text}'")),
    }
}
