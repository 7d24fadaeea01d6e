//! Accounts as `systemd-sysusers` (systemd 252 to 257) adds them from files of `sysusers.d`(5).

use std::collections::BTreeSet;

use super::super::ConfigureError;
use super::super::shell::quoted_words;
use super::super::tree::{Root, at};
use super::tools::add_member;
use super::{SECONDS_PER_DAY, append, group, user};

/// Where files of a name are looked for; the first is taken.
const FOLDERS: &[&str] = &["/etc/sysusers.d", "/usr/local/lib/sysusers.d", "/usr/lib/sysusers.d"];
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=999;
/// Made where they are missing, for nobody to read until passwd's script says otherwise.
const SHADOWS: &[&str] = &["/etc/shadow", "/etc/gshadow"];

/// A line: what kind it is, whom it is about, and the rest of its fields, `-` where there is nothing.
struct Line {
    kind: String,
    name: String,
    id: String,
    comment: String,
    home: String,
    shell: String,
}

/// Adds what files of these names ask for, and gives the lines that are not known. `moment`, in seconds, gives the day
/// of the last change of passwords.
pub(in super::super) fn add(root: &mut Root<'_>, files: &[String], moment: i64) -> Result<Vec<String>, ConfigureError> {
    let mut unknown = Vec::new();
    let (mut groups, mut users, mut members) = (Vec::new(), Vec::new(), Vec::new());
    for text in
        files.iter().map(|name| root.first_text(FOLDERS, name)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten()
    {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match Line::read(line) {
                Some(entry) if entry.kind == "g" => groups.push(entry),
                Some(entry) if matches!(entry.kind.as_str(), "u" | "u!") => users.push(entry),
                Some(entry) if entry.kind == "m" => members.push(entry),
                // ranges of numbers, and whatever else there may be
                _ => unknown.push(line.to_owned()),
            }
        }
    }
    if groups.iter().chain(&users).chain(&members).next().is_some() {
        for list in SHADOWS {
            if !root.exists(&at(list)?) {
                root.write(&at(list)?, 0, (0, 0), "");
            }
        }
    }
    for line in &groups {
        unknown.extend(add_group(root, &line.name, &line.id)?);
    }
    for line in &users {
        unknown.extend(add_user(root, line, moment)?);
    }
    for line in &members {
        // those that are missing would be made
        if user(root, &line.name)?.is_some() && group(root, &line.id)?.is_some() {
            add_member(root, &line.name, &line.id)?;
        } else {
            unknown.push(format!("m {} {}", line.name, line.id));
        }
    }
    Ok(unknown)
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let mut words = quoted_words(line).into_iter();
        let mut next = || words.next().filter(|word| !word.is_empty());
        let (kind, name) = (next()?, next()?);
        let mut field = || next().unwrap_or_else(|| "-".to_owned());
        let entry = Self { kind, name, id: field(), comment: field(), home: field(), shell: field() };
        let fields = [&entry.name, &entry.id, &entry.comment, &entry.home, &entry.shell];
        // a specifier, or what would break the lists of accounts; `:` stands in numbers
        let plain = fields.iter().all(|field| !field.contains(['%', '\n', ',']))
            && !format!("{}{}{}{}", entry.name, entry.comment, entry.home, entry.shell).contains(':');
        plain.then_some(entry)
    }
}

/// Gives the line back when it is not known.
fn add_group(root: &mut Root<'_>, name: &str, id: &str) -> Result<Option<String>, ConfigureError> {
    if group(root, name)?.is_some() {
        return Ok(None);
    }
    let number = match id {
        "-" => free(root)?,
        number => match number.parse().ok().filter(|number| !taken(root).is_ok_and(|taken| taken.contains(number))) {
            Some(number) => number,
            None => return Ok(Some(format!("g {name} {id}"))),
        },
    };
    append(root, "/etc/group", &format!("{name}:x:{number}:"))?;
    append(root, "/etc/gshadow", &format!("{name}:!*::"))?;
    Ok(None)
}

fn add_user(root: &mut Root<'_>, line: &Line, moment: i64) -> Result<Option<String>, ConfigureError> {
    let Line { kind, name, id, comment, home, shell } = line;
    if user(root, name)?.is_some() {
        return Ok(None);
    }
    let unknown = || Some(format!("{kind} {name} {id}"));
    let (uid, of_group) = id.split_once(':').unwrap_or((id, name));
    if of_group == name.as_str()
        && let Some(line) = add_group(root, name, uid)?
    {
        return Ok(Some(line));
    }
    let Some(gid) = group(root, of_group)? else { return Ok(unknown()) };
    let users = numbers(root, "/etc/passwd")?;
    let uid = match uid {
        "-" if of_group == name.as_str() && !users.contains(&gid) => gid,
        "-" => free(root)?,
        number => match number.parse().ok().filter(|number| !users.contains(number)) {
            Some(number) => number,
            None => return Ok(unknown()),
        },
    };
    let or = |field: &str, default: &str| if field == "-" { default.to_owned() } else { field.to_owned() };
    let (comment, home, shell) = (or(comment, ""), or(home, "/"), or(shell, "/usr/sbin/nologin"));
    append(root, "/etc/passwd", &format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"))?;
    let expires = if kind == "u!" { "1" } else { "" };
    append(root, "/etc/shadow", &format!("{name}:!*:{}:::::{expires}:", moment / SECONDS_PER_DAY))?;
    Ok(None)
}

/// The highest number that neither a user nor a group has.
fn free(root: &Root<'_>) -> Result<u32, ConfigureError> {
    let taken = taken(root)?;
    let none = || ConfigureError::Account { name: "sysusers.d".to_owned() };
    NUMBERS.rev().find(|number| !taken.contains(number)).ok_or_else(none)
}

fn taken(root: &Root<'_>) -> Result<BTreeSet<u32>, ConfigureError> {
    let mut all = numbers(root, "/etc/passwd")?;
    all.extend(numbers(root, "/etc/group")?);
    Ok(all)
}

fn numbers(root: &Root<'_>, file: &str) -> Result<BTreeSet<u32>, ConfigureError> {
    let text = root.text(&at(file)?)?.unwrap_or_default();
    Ok(text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect())
}
