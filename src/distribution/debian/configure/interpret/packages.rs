//! dpkg's own programs, `update-alternatives` and `ucf`, as dpkg 1.21 to 1.22 and ucf 3.0043 to 3.0052 answer on a first
//! installation.

use super::super::alternatives::Alternative;
use super::super::system::Diversion;
use super::super::tree::{Attributes, at};
use super::super::{PackageState, accounts, statoverrides, ucf};
use super::{DebianMachine, Known};
use crate::distribution::debian::version;
use crate::shell::{Call, Unsupported};

pub(super) const KNOWN: &[(&str, Known)] = &[
    ("dpkg", dpkg),
    ("dpkg-divert", divert),
    ("dpkg-maintscript-helper", maintscript_helper),
    ("dpkg-query", query),
    ("dpkg-statoverride", statoverride),
    ("dpkg-trigger", trigger),
    ("ucf", hand_out),
    ("ucfr", register),
    ("update-alternatives", alternatives),
];

/// It moves what older versions left behind; there are none.
fn maintscript_helper(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    match call.arguments().first().map(String::as_str) {
        Some("supports" | "rm_conffile" | "mv_conffile" | "symlink_to_dir" | "dir_to_symlink") => Ok(0),
        _ => Err(call.refuse("what is not known")),
    }
}

/// A trigger that a package waits for runs its script when all are configured; one that is not configured yet looks at
/// everything by itself.
fn trigger(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words = call.arguments().to_vec();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--no-await" | "--await" => {}
            "--check-supported" => return Ok(0),
            "--by-package" => _ = rest.next(),
            _ if word.starts_with('-') => return Err(call.refuse("an option that is not known")),
            name => machine.system.activate(name),
        }
    }
    Ok(0)
}

fn dpkg(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words = call.arguments().to_vec();
    match &words[..] {
        [option, left, relation, right] if option == "--compare-versions" => compare(call, left, relation, right),
        [option] if option == "--print-architecture" => {
            call.print(format!("{}\n", machine.system.platform.deb()));
            Ok(0)
        }
        [option] if option == "--print-foreign-architectures" => Ok(0),
        [option, name] if matches!(option.as_str(), "-L" | "--listfiles") => machine.list_files(call, name),
        [option, name] if matches!(option.as_str(), "-s" | "--status") => machine.status(call, name),
        [option, path] if matches!(option.as_str(), "-S" | "--search") => machine.search(call, path),
        [option] if option.starts_with("--assert-") => Ok(0),
        [option, ..] if matches!(option.as_str(), "--validate-version" | "--validate-pkgname") => Ok(0),
        _ => Err(call.refuse("what is not known")),
    }
}

/// Relations of versions; an empty version is earlier than all, or, in the relations with `-nl`, later.
fn compare(call: &Call<'_>, left: &str, relation: &str, right: &str) -> Result<i32, Unsupported> {
    let nothing_last = relation.ends_with("-nl");
    let order = match (left.is_empty(), right.is_empty()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) if nothing_last => std::cmp::Ordering::Greater,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) if nothing_last => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => version::compare(left, right),
    };
    let holds = match relation.trim_end_matches("-nl") {
        "lt" | "<<" => order.is_lt(),
        "le" | "<=" | "<" => order.is_le(),
        "eq" | "=" => order.is_eq(),
        "ne" => order.is_ne(),
        "ge" | ">=" | ">" => order.is_ge(),
        "gt" | ">>" => order.is_gt(),
        _ => return Err(call.refuse("a relation that is not known")),
    };
    Ok(i32::from(!holds))
}

fn query(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let mut format = None;
    let mut shows = false;
    let mut operands = Vec::new();
    let words = call.arguments().to_vec();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-W" | "--show" => shows = true,
            "-f" | "--showformat" => format = rest.next().cloned(),
            "-c" | "--control-path" => {
                let (name, file) = (rest.next().cloned().unwrap_or_default(), rest.next().cloned().unwrap_or_default());
                return machine.control_path(call, &name, &file);
            }
            "-S" | "--search" => {
                let path = rest.next().cloned().unwrap_or_default();
                return machine.search(call, &path);
            }
            "-L" | "--listfiles" | "-s" | "--status" => {
                let Some(name) = rest.next() else { return Err(call.refuse("no package")) };
                return if word.contains("-s") { machine.status(call, name) } else { machine.list_files(call, name) };
            }
            _ if word.starts_with("-f=") => format = word.strip_prefix("-f=").map(str::to_owned),
            _ if word.starts_with("--showformat=") => format = word.strip_prefix("--showformat=").map(str::to_owned),
            _ if word.starts_with("-f") => format = word.strip_prefix("-f").map(str::to_owned),
            _ if word.starts_with('-') => return Err(call.refuse("an option that is not known")),
            _ => operands.push(word.clone()),
        }
    }
    let format = format.unwrap_or_else(|| "${binary:Package}\t${Version}\n".to_owned());
    if !shows || operands.iter().any(|name| name.contains(['*', '?'])) {
        return Err(call.refuse("what is not known"));
    }
    let mut status = 0;
    for name in operands {
        match machine.shown(call, &name, &format)? {
            Some(text) => call.print(text),
            None => {
                call.complain(format!("no packages found matching {name}"));
                status = 1;
            }
        }
    }
    Ok(status)
}

impl DebianMachine<'_, '_> {
    /// A package by its name, which may have an architecture.
    fn named(&self, name: &str) -> Option<&super::super::UnpackedPackage> {
        self.system.package(name.split(':').next().unwrap_or(name))
    }

    fn list_files(&self, call: &mut Call<'_>, name: &str) -> Result<i32, Unsupported> {
        let Some(package) = self.named(name) else {
            call.complain(format!("package '{name}' is not installed"));
            return Ok(1);
        };
        let lines: Vec<String> = package.entries.iter().map(|entry| format!("/{}\n", entry.path)).collect();
        call.handle(lines.iter().map(String::len).sum())?;
        call.print(format!("/.\n{}", lines.concat()));
        Ok(0)
    }

    fn status(&self, call: &mut Call<'_>, name: &str) -> Result<i32, Unsupported> {
        let text = match self.named(name) {
            Some(package) => {
                let control = package.control.control.trim_end();
                let (first, rest) = control.split_once('\n').unwrap_or((control, ""));
                format!("{first}\nStatus: {}\n{rest}\n", self.state(package))
            }
            None => {
                call.complain(format!("package '{name}' is not installed and no information is available"));
                return Ok(1);
            }
        };
        call.print(text);
        Ok(0)
    }

    /// Which packages have a path.
    fn search(&self, call: &mut Call<'_>, path: &str) -> Result<i32, Unsupported> {
        if path.contains(['*', '?', '[']) || !path.starts_with('/') {
            return Err(call.refuse("a pattern of paths"));
        }
        let Ok(place) = at(path) else { return Ok(1) };
        let has = |package: &&super::super::UnpackedPackage| package.entries.iter().any(|entry| entry.path == place);
        let owners: Vec<String> =
            self.system.packages.iter().filter(has).map(|package| package.id.name.to_string()).collect();
        if owners.is_empty() {
            call.complain(format!("no path found matching pattern {path}"));
            return Ok(1);
        }
        call.print(format!("{}: {path}\n", owners.join(", ")));
        Ok(0)
    }

    /// Where dpkg keeps a control file of a package.
    fn control_path(&self, call: &mut Call<'_>, name: &str, file: &str) -> Result<i32, Unsupported> {
        let Some(package) = self.named(name) else {
            call.complain(format!("package '{name}' is not installed"));
            return Ok(1);
        };
        if package.control.file(file).is_some() {
            let info = super::super::DpkgDatabase::info_name(package);
            call.print(format!("/var/lib/dpkg/info/{info}.{file}\n"));
        }
        Ok(0)
    }

    fn state(&self, package: &super::super::UnpackedPackage) -> &'static str {
        let done = package.state == PackageState::Configured || self.system.is_done(package.id.name.as_str());
        if done { "install ok installed" } else { "install ok unpacked" }
    }

    fn shown(&self, call: &Call<'_>, name: &str, format: &str) -> Result<Option<String>, Unsupported> {
        let Some(package) = self.named(name) else { return Ok(None) };
        let mut made = String::new();
        let mut rest = format;
        while let Some(at) = rest.find("${") {
            made.push_str(&rest[..at]);
            let end = rest[at..].find('}').ok_or_else(|| call.refuse("a format without `}`"))?;
            let state = self.state(package);
            let word = |number: usize| state.split(' ').nth(number).unwrap_or_default();
            match &rest[at + 2..at + end] {
                "Package" | "binary:Package" => made.push_str(package.id.name.as_str()),
                "Version" => made.push_str(package.id.version.as_str()),
                "Architecture" => made.push_str(package.id.architecture.as_str()),
                "Status" => made.push_str(state),
                "db:Status-Status" => made.push_str(word(2)),
                "db:Status-Want" => made.push_str(word(0)),
                "db:Status-Abbrev" => made.push_str(if word(2) == "installed" { "ii " } else { "iU " }),
                other => return Err(call.refuse(format!("the field {other}"))),
            }
            rest = &rest[at + end + 1..];
        }
        made.push_str(rest);
        Ok(Some(made.replace("\\n", "\n").replace("\\t", "\t")))
    }

    fn owner(&self, call: &Call<'_>, user: &str, group: &str) -> Result<Attributes, Unsupported> {
        let root = &self.system.root;
        let number = |found: Option<u32>, name: &str| match name.strip_prefix('#') {
            Some(digits) => digits.parse().ok(),
            None => found,
        };
        let uid = accounts::user(root, user).map_err(|error| Self::failed(call, &error))?;
        let gid = accounts::group(root, group).map_err(|error| Self::failed(call, &error))?;
        let (Some(uid), Some(gid)) = (number(uid, user), number(gid, group)) else {
            return Err(call.refuse("an owner that there is not"));
        };
        Ok(Attributes { uid: Some(uid), gid: Some(gid), mode: None })
    }
}

fn divert(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let (mut to, mut path, mut package) = (None, None, None);
    let words = call.arguments().to_vec();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--add" | "--rename" | "--no-rename" | "--quiet" => {}
            "--package" => package = rest.next().cloned(),
            "--divert" => to = rest.next().cloned(),
            "--list" | "--listpackage" | "--truename" => {
                let name = rest.next().cloned().unwrap_or_default();
                if machine.system.is_diverted(&name) || name.contains(['*', '?']) {
                    return Err(call.refuse("a diversion that is there"));
                }
                if word == "--truename" {
                    call.print(format!("{name}\n"));
                }
                return Ok(0);
            }
            "--remove" => return Ok(0), // of what an older version diverted
            _ if word.starts_with('-') => return Err(call.refuse("an option that is not known")),
            _ => path = Some(word.clone()),
        }
    }
    let Some(path) = path else { return Err(call.refuse("no path")) };
    let to = to.unwrap_or_else(|| format!("{path}.distrib"));
    let package = package.unwrap_or_else(|| machine.package.id.name.to_string());
    machine.system.divert(Diversion::new(path, to, package));
    Ok(0)
}

fn statoverride(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .filter(|word| !matches!(word.as_str(), "--quiet" | "--force" | "--force-all"))
        .cloned()
        .collect();
    let has = |option: &str| words.iter().any(|word| word == option);
    let operands: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    let failed = |error| DebianMachine::failed(call, &error);
    match operands[..] {
        [path] if has("--list") => {
            let list =
                at("/var/lib/dpkg/statoverride").and_then(|list| machine.system.root.text(&list)).map_err(failed)?;
            let line = list
                .unwrap_or_default()
                .lines()
                .find(|line| line.splitn(4, ' ').nth(3) == Some(path))
                .map(str::to_owned);
            match line {
                Some(line) => {
                    call.print(line + "\n");
                    Ok(0)
                }
                None => Ok(1),
            }
        }
        [_] if has("--remove") => Ok(2), // there is none
        [user, group, mode, path] if has("--add") => {
            let Ok(bits) = u32::from_str_radix(mode, 8) else { return Err(call.refuse("a mode that is none")) };
            let owner = machine.owner(call, user, group)?;
            let line = format!("{user} {group} {bits:o} {path}");
            let new = statoverrides::add(&mut machine.system.root, &line, path).map_err(failed)?;
            if !new {
                call.complain(format!("an override for '{path}' already exists"));
                return Ok(2);
            }
            if has("--update") {
                let of = Attributes { mode: Some(bits), ..owner };
                at(path).and_then(|place| machine.system.root.change(&place, &of)).map_err(failed)?;
            }
            Ok(0)
        }
        _ => Err(call.refuse("what is not known")),
    }
}

fn alternatives(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .filter(|word| !matches!(word.as_str(), "--quiet" | "--force" | "--skip-auto"))
        .cloned()
        .collect();
    match words.first().map(String::as_str) {
        Some("--install") if words.len() >= 5 => {
            let Ok(priority) = words[4].parse() else { return Err(call.refuse("a priority that is none")) };
            let mut slaves = Vec::new();
            for part in words[5..].chunks(4) {
                let [option, link, name, path] = part else { return Err(call.refuse("what is not known")) };
                if !matches!(option.as_str(), "--slave" | "--follower") {
                    return Err(call.refuse("what is not known"));
                }
                slaves.push([link.clone(), name.clone(), path.clone()]);
            }
            machine.system.add_alternative(Alternative::new(&words[1], &words[2], &words[3], priority, slaves));
            Ok(0)
        }
        Some(verb @ ("--list" | "--query" | "--display")) => {
            let name = words.get(1).cloned().unwrap_or_default();
            let known = super::super::alternatives::of_name(&machine.system.root, &machine.system.alternatives, &name);
            match known.map_err(|error| DebianMachine::failed(call, &error))? {
                None => {
                    call.complain(format!("error: no alternatives for {name}"));
                    Ok(2)
                }
                Some(_) if verb == "--display" => Err(call.refuse("a text for people")),
                Some((paths, text)) => {
                    let list: String = paths.iter().map(|path| format!("{path}\n")).collect();
                    call.print(if verb == "--list" { list } else { text });
                    Ok(0)
                }
            }
        }
        // automatic is what all are
        Some("--auto") => Ok(0),
        // of older versions
        Some("--remove" | "--remove-all") => Ok(0),
        _ => Err(call.refuse("what is not known")),
    }
}

fn hand_out(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let three_way = call.arguments().iter().any(|word| word == "--three-way");
    let mut operands = Vec::new();
    let mut rest = call.arguments().iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--three-way" | "--debconf-ok" => {}
            // sums of older versions
            "--sum-file" => _ = rest.next(),
            "-p" | "--purge" => return Ok(0),
            _ if word.starts_with('-') => return Err(call.refuse("an option that is not known")),
            _ => operands.push(call.path(word)),
        }
    }
    let [from, to] = &operands[..] else { return Err(call.refuse("what goes where is not clear")) };
    let (from, to) = (from.clone(), to.clone());
    let exists = at(&from).is_ok_and(|place| machine.system.root.is_file(&place));
    if !exists {
        call.complain(format!("Error: The new file {from} does not exist!"));
        return Ok(1);
    }
    ucf::hand_out(&mut machine.system.root, &from, &to, three_way)
        .map_err(|error| DebianMachine::failed(call, &error))?;
    machine.system.load_templates("ucf", "preinst");
    Ok(0)
}

fn register(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words: Vec<String> = call.arguments().iter().filter(|word| *word != "--force").cloned().collect();
    match &words[..] {
        [option, ..] if matches!(option.as_str(), "-p" | "--purge") => Ok(0),
        [package, file] if !package.starts_with('-') => {
            let registered = ucf::register(&mut machine.system.root, package, file);
            registered.map_err(|error| DebianMachine::failed(call, &error))?;
            Ok(0)
        }
        _ => Err(call.refuse("what is not known")),
    }
}
