//! Accounts of the system as `adduser --system` and `addgroup --system` (adduser 3.152), and `useradd --system` and
//! `groupadd --system` (shadow 4.17) make them: which numbers they take, and what they write into the four files.

use std::collections::BTreeSet;

use super::super::ConfigureError;
use super::super::tree::{Root, at};
use super::{SECONDS_PER_DAY, group, user};

/// Who gives an account its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Numbers {
    /// adduser: the lowest from 100 that is free.
    Upwards,
    /// The one that the script gives.
    This(u32),
    /// shadow's own tools: the one below the lowest that is taken, from 999.
    Downwards,
}

/// The group of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Group {
    /// One of its own, of the same name.
    Own,
    /// One that exists.
    Named(String),
}

/// The home of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Home {
    /// Named only.
    Named(String),
    /// Made, unless it exists.
    Made(String),
}

/// A user to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct User {
    pub(in super::super) name: String,
    pub(in super::super) numbers: Numbers,
    pub(in super::super) group: Group,
    pub(in super::super) home: Home,
    pub(in super::super) comment: String,
    pub(in super::super) shell: String,
}

/// The numbers of adduser (`FIRST_SYSTEM_UID` and `LAST_SYSTEM_UID` of its settings).
const OF_ADDUSER: std::ops::RangeInclusive<u32> = 100..=999;
/// The numbers of shadow's tools (`SYS_UID_MIN` and `SYS_UID_MAX` of `/etc/login.defs`).
const OF_SHADOW: std::ops::RangeInclusive<u32> = 101..=999;

impl Numbers {
    fn next(self, taken: &BTreeSet<u32>) -> Option<u32> {
        let free = |number: &u32| !taken.contains(number);
        match self {
            Self::Upwards => OF_ADDUSER.clone().find(free),
            Self::This(number) => Some(number).filter(free),
            Self::Downwards => {
                let below = taken.range(OF_SHADOW).next().map(|lowest| lowest - 1);
                let below = below.filter(|number| OF_SHADOW.contains(number));
                below.or_else(|| OF_SHADOW.rev().find(free))
            }
        }
    }
}

/// Adds a group unless it exists.
pub(in super::super) fn add_group(root: &mut Root<'_>, name: &str, numbers: Numbers) -> Result<(), ConfigureError> {
    if group(root, name)?.is_some() {
        return Ok(());
    }
    let number = next(root, "/etc/group", numbers)?;
    append(root, "/etc/group", &format!("{name}:x:{number}:"))?;
    append(root, "/etc/gshadow", &format!("{name}:!::"))
}

/// Adds a user unless it exists; `moment`, in seconds, gives the day of the last change of its password.
pub(in super::super) fn add_user(root: &mut Root<'_>, one: &User, moment: i64) -> Result<(), ConfigureError> {
    let User { name, numbers, comment, shell, .. } = one;
    if user(root, name)?.is_some() {
        return Ok(());
    }
    let of_group = match &one.group {
        Group::Own => {
            add_group(root, name, *numbers)?;
            name
        }
        Group::Named(group) => group,
    };
    let gid = group(root, of_group)?.ok_or_else(|| ConfigureError::Account { name: of_group.clone() })?;
    let uid = next(root, "/etc/passwd", *numbers)?;
    let (Home::Named(home) | Home::Made(home)) = &one.home;
    append(root, "/etc/passwd", &format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"))?;
    append(root, "/etc/shadow", &format!("{name}:!:{}::::::", moment / SECONDS_PER_DAY))?;
    if matches!(one.home, Home::Made(_)) && !root.exists(&at(home)?) {
        root.mkdir(&at(home)?, 0o755, (uid, gid));
    }
    Ok(())
}

/// Makes a user a member of a group, both of which exist.
pub(in super::super) fn add_member(root: &mut Root<'_>, user: &str, group: &str) -> Result<(), ConfigureError> {
    for file in ["/etc/group", "/etc/gshadow"] {
        let path = at(file)?;
        let Some(text) = root.text(&path)? else { continue };
        let line = |line: &str| {
            let mut fields: Vec<&str> = line.split(':').collect();
            let members = fields.pop().unwrap_or_default();
            if fields.first() != Some(&group) || fields.len() != 3 || members.split(',').any(|member| member == user) {
                return format!("{line}\n");
            }
            let comma = if members.is_empty() { "" } else { "," };
            format!("{}:{members}{comma}{user}\n", fields.join(":"))
        };
        let text: String = text.lines().map(line).collect();
        root.rewrite(&path, text);
    }
    Ok(())
}

/// Replaces a field of a user's line in `/etc/passwd`, counted from 0.
pub(in super::super) fn set_field(
    root: &mut Root<'_>,
    user: &str,
    field: usize,
    value: &str,
) -> Result<(), ConfigureError> {
    let path = at("/etc/passwd")?;
    let text = root.text(&path)?.unwrap_or_default();
    let line = |line: &str| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if let (Some(name), Some(old)) = (fields.first().copied(), fields.get_mut(field))
            && name == user
        {
            *old = value;
        }
        fields.join(":") + "\n"
    };
    let text: String = text.lines().map(line).collect();
    root.rewrite(&path, text);
    Ok(())
}

fn next(root: &Root<'_>, file: &str, numbers: Numbers) -> Result<u32, ConfigureError> {
    let text = root.text(&at(file)?)?.unwrap_or_default();
    let taken = text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
    numbers.next(&taken).ok_or_else(|| ConfigureError::Account { name: file.to_owned() })
}

/// Adds a line to a file that exists; shadow's tools do without the shadows of a system that has none.
pub(super) fn append(root: &mut Root<'_>, file: &str, line: &str) -> Result<(), ConfigureError> {
    let file = at(file)?;
    if let Some(mut text) = root.text(&file)? {
        text.extend([line, "\n"]);
        root.rewrite(&file, text);
    }
    Ok(())
}
