//! `getent` and `id`: what `/etc/passwd` and `/etc/group` say.

use super::super::{Call, Files, Unsupported};
use super::options::Given;

fn lines(files: &dyn Files, path: &str) -> Vec<Vec<String>> {
    let text = files.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    text.lines().filter(|line| line.contains(':')).map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

/// Number and group of a user, by name or number; a number needs no account.
pub(super) fn user_number(files: &dyn Files, text: &str) -> Option<(u32, Option<u32>)> {
    let accounts = lines(files, "/etc/passwd");
    let number = |fields: &[String], at: usize| fields.get(at).and_then(|text| text.parse().ok());
    let of_name = accounts.iter().find(|fields| fields[0] == text);
    match of_name {
        Some(fields) => Some((number(fields, 2)?, number(fields, 3))),
        None => text.trim_start_matches('+').parse().ok().map(|uid: u32| {
            let known = accounts.iter().find(|fields| number(fields, 2) == Some(uid));
            (uid, known.and_then(|fields| number(fields, 3)))
        }),
    }
}

/// The number of a group, by name or number.
pub(super) fn group_number(files: &dyn Files, text: &str) -> Option<u32> {
    let groups = lines(files, "/etc/group");
    let of_name = groups.iter().find(|fields| fields[0] == text);
    match of_name {
        Some(fields) => fields.get(2)?.parse().ok(),
        None => text.trim_start_matches('+').parse().ok(),
    }
}

/// The names of a user and a group, as programs print them.
pub(super) fn name_of(files: &dyn Files, path: &str, number: u32) -> Option<String> {
    let wanted = number.to_string();
    lines(files, path).into_iter().find(|fields| fields.get(2) == Some(&wanted)).map(|mut fields| fields.swap_remove(0))
}

pub(super) fn getent(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let arguments = call.arguments().to_vec();
    let Some((database, keys)) = arguments.split_first() else { return Err(call.refuse("no database")) };
    let (path, number) = match database.as_str() {
        "passwd" => ("/etc/passwd", Some(2)),
        "group" => ("/etc/group", Some(2)),
        "shadow" => ("/etc/shadow", None),
        "gshadow" => ("/etc/gshadow", None),
        _ => return Err(call.refuse("a database that is not known")),
    };
    let all = lines(files, path);
    if keys.is_empty() {
        for fields in all {
            call.print(fields.join(":") + "\n");
        }
        return Ok(0);
    }
    let mut status = 0;
    for key in keys {
        let numeric = key.parse::<u32>().is_ok();
        let matches = |fields: &&Vec<String>| match number {
            Some(at) if numeric => fields.get(at) == Some(key),
            _ => fields[0] == *key,
        };
        match all.iter().find(matches) {
            Some(fields) => call.print(fields.join(":") + "\n"),
            None => status = 2,
        }
    }
    Ok(status)
}

pub(super) fn id(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given =
        Given::read(call, "ugGnr", &[("user", 'u'), ("group", 'g'), ("groups", 'G'), ("name", 'n'), ("real", 'r')])?;
    let name = given.operands.first().map_or("root", String::as_str);
    let accounts = lines(files, "/etc/passwd");
    let known = accounts.iter().find(|fields| fields[0] == name || fields.get(2).is_some_and(|uid| uid == name));
    let (uid, gid) = match known {
        Some(fields) if fields.len() > 3 => (fields[2].clone(), fields[3].clone()),
        _ if name == "root" => ("0".to_owned(), "0".to_owned()),
        _ => {
            call.complain(format!("'{name}': no such user"));
            return Ok(1);
        }
    };
    let name = known.map_or(name.to_owned(), |fields| fields[0].clone());
    let all = lines(files, "/etc/group");
    let named = |number: &str| {
        all.iter()
            .find(|fields| fields.get(2).is_some_and(|own| own == number))
            .map_or(number.to_owned(), |fields| fields[0].clone())
    };
    let member =
        |fields: &&Vec<String>| fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name));
    let mut groups = vec![gid.clone()];
    groups.extend(all.iter().filter(member).filter_map(|fields| fields.get(2).cloned()).filter(|own| *own != gid));
    let shown = |number: &str, text: String| if given.has('n') { text } else { number.to_owned() };
    let line = match () {
        () if given.has('u') => shown(&uid, name),
        () if given.has('g') => shown(&gid, named(&gid)),
        () if given.has('G') => groups.iter().map(|group| shown(group, named(group))).collect::<Vec<_>>().join(" "),
        () => {
            let groups: Vec<String> = groups.iter().map(|group| format!("{group}({})", named(group))).collect();
            format!("uid={uid}({name}) gid={gid}({}) groups={}", named(&gid), groups.join(","))
        }
    };
    call.print(line + "\n");
    Ok(0)
}
