//! `adduser`, `useradd` and their kin, as adduser 3.134 to 3.152 and shadow 4.13 to 4.17 do for what scripts ask of them.

use super::super::accounts::{self, Group, Home, Numbers, User};
use super::super::tree::at;
use super::{DebianMachine, Known};
use crate::shell::{Call, Unsupported};

pub(super) const KNOWN: &[(&str, Known)] = &[
    ("addgroup", addgroup),
    ("adduser", adduser),
    ("groupadd", groupadd),
    ("gpasswd", gpasswd),
    ("useradd", useradd),
    ("usermod", usermod),
];

/// Words of a call that are taken one after the other.
struct Words<'c> {
    call: &'c Call<'c>,
    flags: Vec<String>,
    values: Vec<(String, String)>,
    operands: Vec<String>,
}

impl<'c> Words<'c> {
    /// Reads options: those of `flags` stand alone, those of `values` take a value. Each is given with all its names.
    fn read(call: &'c Call<'c>, flags: &[&[&str]], values: &[&[&str]]) -> Result<Self, Unsupported> {
        let mut words = Self { call, flags: Vec::new(), values: Vec::new(), operands: Vec::new() };
        let mut rest = call.arguments().iter();
        while let Some(word) = rest.next() {
            let (name, inline) = match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let of =
                |table: &[&[&str]]| table.iter().find(|names| names.contains(&name)).map(|names| names[0].to_owned());
            if let (Some(flag), None) = (of(flags), &inline) {
                words.flags.push(flag);
            } else if let Some(option) = of(values) {
                let value = inline.or_else(|| rest.next().cloned());
                words.values.push((option, value.ok_or_else(|| call.refuse("an option without a value"))?));
            } else if word == "--" {
                words.operands.extend(rest.by_ref().cloned());
            } else if word.starts_with('-') && word.len() > 1 {
                return Err(call.refuse(format!("the option `{word}` is not known")));
            } else {
                words.operands.push(word.clone());
            }
        }
        Ok(words)
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    fn value(&self, option: &str) -> Option<String> {
        self.values.iter().rev().find(|(own, _)| own == option).map(|(_, value)| value.clone())
    }

    fn number(&self, option: &str) -> Result<Option<u32>, Unsupported> {
        let number = |text: String| text.parse().map_err(|_| self.call.refuse(format!("the number `{text}`")));
        self.value(option).map(number).transpose()
    }
}

const QUIET: &[&[&str]] = &[
    &["--quiet", "-q"],
    &["--system", "-S", "-r"],
    &["--force-badname", "--allow-badname", "--allow-bad-names", "--allow-all-names"],
    &["--disabled-password"],
    &["--disabled-login"],
    &["--debug"],
    &["--verbose"],
];

fn adduser(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let flags = [QUIET, &[&["--group"], &["--no-create-home", "--no-create"]]].concat();
    let values: &[&[&str]] = &[
        &["--home"],
        &["--shell"],
        &["--gecos", "--comment"],
        &["--uid"],
        &["--gid"],
        &["--ingroup"],
        &["--firstuid"],
        &["--stdoutmsglevel"],
        &["--stderrmsglevel"],
        &["--logmsglevel"],
    ];
    let words = Words::read(call, &flags, values)?;
    let (system, group) = (words.has("--system"), words.value("--ingroup").or_else(|| words.value("--gid")));
    match &words.operands[..] {
        [user, group] if !system => {
            let (user, group) = (user.clone(), group.clone());
            return machine.add_member(call, &user, &group);
        }
        [_] if system => {}
        [group] if words.has("--group") => {
            let (group, gid) = (group.clone(), words.number("--gid")?);
            return machine.add_group(call, &group, gid, Numbers::Upwards);
        }
        _ => return Err(call.refuse("an account that is no system account")),
    }
    if words.value("--firstuid").is_some() {
        return Err(call.refuse("a range of numbers"));
    }
    let (unmade, named) = (words.has("--no-create-home"), words.value("--home"));
    let home = match named {
        Some(home) if unmade || home == "/nonexistent" => Home::Named(home),
        Some(home) => Home::Made(home),
        None => Home::Named("/nonexistent".to_owned()),
    };
    let own = words.has("--group");
    let user = User {
        name: words.operands[0].clone(),
        numbers: words.number("--uid")?.map_or(Numbers::Upwards, Numbers::This),
        group: match group {
            Some(group) => Group::Named(machine.group_name(&group)),
            None if own => Group::Own,
            None => Group::Named("nogroup".to_owned()),
        },
        home,
        comment: words.value("--gecos").unwrap_or_default().trim_end_matches(',').to_owned(),
        shell: words.value("--shell").unwrap_or_else(|| "/usr/sbin/nologin".to_owned()),
    };
    machine.add_user(call, &user)
}

fn addgroup(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words =
        Words::read(call, QUIET, &[&["--gid"], &["--stdoutmsglevel"], &["--stderrmsglevel"], &["--logmsglevel"]])?;
    match (&words.operands[..], words.has("--system")) {
        ([group], true) => {
            let (group, gid) = (group.clone(), words.number("--gid")?);
            machine.add_group(call, &group, gid, Numbers::Upwards)
        }
        ([user, group], false) => {
            let (user, group) = (user.clone(), group.clone());
            machine.add_member(call, &user, &group)
        }
        _ => Err(call.refuse("a group that is no system group")),
    }
}

fn groupadd(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let flags: &[&[&str]] = &[&["--system", "-r"], &["--force", "-f"], &["--non-unique", "-o"]];
    let words = Words::read(call, flags, &[&["--gid", "-g"]])?;
    let (Some(group), true) = (words.operands.first().cloned(), words.has("--system")) else {
        return Err(call.refuse("a group that is no system group"));
    };
    let exists = machine.is_group(&group);
    if exists && !words.has("--force") {
        call.complain(format!("group '{group}' already exists"));
        return Ok(9);
    }
    let gid = words.number("--gid")?;
    machine.add_group(call, &group, gid, Numbers::Downwards)
}

fn useradd(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let flags: &[&[&str]] = &[
        &["--system", "-r"],
        &["--no-create-home", "-M"],
        &["--create-home", "-m"],
        &["--user-group", "-U"],
        &["--no-user-group", "-N"],
        &["--no-log-init", "-l"],
    ];
    let values: &[&[&str]] = &[
        &["--gid", "-g"],
        &["--home-dir", "--home", "-d"],
        &["--comment", "-c"],
        &["--shell", "-s"],
        &["--uid", "-u"],
    ];
    let words = Words::read(call, flags, values)?;
    let (Some(name), true) = (words.operands.first().cloned(), words.has("--system")) else {
        return Err(call.refuse("an account that is no system account"));
    };
    if words.has("--create-home") || words.has("--no-user-group") {
        return Err(call.refuse("a home that is made from a skeleton, or the group of new users"));
    }
    if machine.is_user(&name) {
        call.complain(format!("user '{name}' already exists"));
        return Ok(9);
    }
    let group = words.value("--gid");
    let user = User {
        numbers: words.number("--uid")?.map_or(Numbers::Downwards, Numbers::This),
        group: group.map_or(Group::Own, |group| Group::Named(machine.group_name(&group))),
        home: Home::Named(words.value("--home-dir").unwrap_or_else(|| format!("/home/{name}"))),
        comment: words.value("--comment").unwrap_or_default(),
        shell: words.value("--shell").unwrap_or_else(|| "/bin/sh".to_owned()),
        name,
    };
    machine.add_user(call, &user)
}

fn usermod(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let flags: &[&[&str]] = &[&["--append", "-a"], &["--lock", "-L"]];
    let values: &[&[&str]] =
        &[&["--groups", "-G", "-aG"], &["--home", "-d"], &["--comment", "-c"], &["--shell", "-s"], &["--gid", "-g"]];
    let words = Words::read(call, flags, values)?;
    let Some(name) = words.operands.first().cloned() else { return Err(call.refuse("no user")) };
    let together = call.arguments().iter().any(|word| word == "-aG");
    if words.value("--groups").is_some() && !words.has("--append") && !together {
        return Err(call.refuse("groups that are replaced"));
    }
    if !machine.is_user(&name) {
        call.complain(format!("user '{name}' does not exist"));
        return Ok(6);
    }
    let gid = words.value("--gid").map(|group| machine.group_name(&group));
    let fields = [(4, words.value("--comment")), (5, words.value("--home")), (6, words.value("--shell"))];
    let groups = words.value("--groups").unwrap_or_default();
    if gid.is_some() || words.has("--lock") {
        return Err(call.refuse("another group, or a password that is locked"));
    }
    for (field, value) in fields {
        if let Some(value) = value {
            accounts::set_field(&mut machine.system.root, &name, field, &value)
                .map_err(|error| DebianMachine::failed(call, &error))?;
        }
    }
    for group in groups.split(',').filter(|group| !group.is_empty()) {
        let status = machine.add_member(call, &name, group)?;
        if status != 0 {
            return Ok(6);
        }
    }
    Ok(0)
}

fn gpasswd(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    match call.arguments() {
        [option, user, group] if matches!(option.as_str(), "-a" | "--add") => {
            let (user, group) = (user.clone(), group.clone());
            machine.add_member(call, &user, &group)
        }
        _ => Err(call.refuse("what is not known")),
    }
}

impl DebianMachine<'_, '_> {
    fn is_user(&self, name: &str) -> bool {
        accounts::user(&self.system.root, name).is_ok_and(|user| user.is_some())
    }

    fn is_group(&self, name: &str) -> bool {
        accounts::group(&self.system.root, name).is_ok_and(|group| group.is_some())
    }

    /// The name of a group that is given by its name or number.
    fn group_name(&self, group: &str) -> String {
        let numbered = |text: String| {
            let line = text.lines().find(|line| line.split(':').nth(2) == Some(group))?;
            line.split(':').next().map(str::to_owned)
        };
        let text = at("/etc/group").and_then(|path| self.system.root.text(&path)).ok().flatten();
        if self.is_group(group) {
            group.to_owned()
        } else {
            text.and_then(numbered).unwrap_or_else(|| group.to_owned())
        }
    }

    fn add_user(&mut self, call: &mut Call<'_>, user: &User) -> Result<i32, Unsupported> {
        let moment = self.system.moment.seconds();
        match accounts::add_user(&mut self.system.root, user, moment) {
            Ok(()) => Ok(0),
            Err(super::super::ConfigureError::Account { name }) => {
                call.complain(format!("the group or number for {name} cannot be had"));
                Ok(1)
            }
            Err(error) => Err(Self::failed(call, &error)),
        }
    }

    fn add_group(
        &mut self,
        call: &mut Call<'_>,
        name: &str,
        gid: Option<u32>,
        numbers: Numbers,
    ) -> Result<i32, Unsupported> {
        let numbers = gid.map_or(numbers, Numbers::This);
        accounts::add_group(&mut self.system.root, name, numbers).map_err(|error| Self::failed(call, &error))?;
        Ok(0)
    }

    fn add_member(&mut self, call: &mut Call<'_>, user: &str, group: &str) -> Result<i32, Unsupported> {
        if !self.is_user(user) || !self.is_group(group) {
            call.complain(format!("The user {user} or the group {group} does not exist."));
            return Ok(1);
        }
        accounts::add_member(&mut self.system.root, user, group).map_err(|error| Self::failed(call, &error))?;
        Ok(0)
    }
}
