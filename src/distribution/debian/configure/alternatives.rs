//! What `update-alternatives` (dpkg 1.21 to 1.22) makes of `--install` commands: links, and its database in
//! `/var/lib/dpkg/alternatives` (format as its source writes it: status, master link, slaves, choices).

use std::collections::BTreeMap;

use super::ConfigureError;
use super::tree::{Root, at};
use crate::archive::EntryKind;

/// An `update-alternatives --install` command: one choice for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alternative {
    link: String,
    name: String,
    path: String,
    priority: i32,
    slaves: Vec<Slave>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slave {
    link: String,
    name: String,
    path: String,
}

impl Alternative {
    /// A choice whose other names are formed like its own: `slaves` holds link, name and path of each.
    pub(super) fn new(link: &str, name: &str, path: &str, priority: i32, slaves: Vec<[String; 3]>) -> Self {
        let slaves = slaves.into_iter().map(|[link, name, path]| Slave { link, name, path }).collect();
        Self { link: link.to_owned(), name: name.to_owned(), path: path.to_owned(), priority, slaves }
    }

    /// Parses a whole command line; none when it is another command or depends on the shell.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("update-alternatives ")?;
        let rest = rest.split(" #").next()?;
        let command = rest.split([';', '|', '>']).next()?;
        let tail = rest[command.len()..].replace(' ', "");
        let harmless = ["", ";", "||true", "||:", ">/dev/null", ">/dev/null||true", ">/dev/null2>&1"];
        if !harmless.contains(&tail.as_str()) || command.contains(['$', '`', '&', '<', '*', '?', '(', '{']) {
            return None;
        }
        let unquoted = command.replace(['"', '\''], "");
        let mut words =
            unquoted.split_whitespace().filter(|word| !matches!(*word, "--quiet" | "--force")).map(str::to_owned);
        if words.next()? != "--install" {
            return None;
        }
        let (link, name, path, priority) = (words.next()?, words.next()?, words.next()?, words.next()?.parse().ok()?);
        let mut slaves = Vec::new();
        while let Some(word) = words.next() {
            if word != "--slave" {
                return None;
            }
            slaves.push(Slave { link: words.next()?, name: words.next()?, path: words.next()? });
        }
        Some(Self { link, name, path, priority, slaves })
    }
}

/// The choices for one name.
#[derive(Default)]
struct Group {
    link: String,
    /// Slave links by name.
    slaves: BTreeMap<String, String>,
    /// In the order of the database, which is that of the paths.
    choices: BTreeMap<String, Choice>,
}

struct Choice {
    priority: i32,
    /// Paths of the slaves by name.
    slaves: BTreeMap<String, String>,
}

impl Group {
    fn add(&mut self, alternative: &Alternative) {
        self.link.clone_from(&alternative.link);
        for slave in &alternative.slaves {
            self.slaves.insert(slave.name.clone(), slave.link.clone());
        }
        let slaves = alternative.slaves.iter().map(|slave| (slave.name.clone(), slave.path.clone())).collect();
        self.choices.insert(alternative.path.clone(), Choice { priority: alternative.priority, slaves });
    }

    /// The first of those with the highest priority.
    fn best(&self) -> Option<(&String, &Choice)> {
        let highest = self.choices.values().map(|choice| choice.priority).max()?;
        self.choices.iter().find(|(_, choice)| choice.priority == highest)
    }

    fn database(&self) -> String {
        let mut text = format!("auto\n{}\n", self.link);
        for (name, link) in &self.slaves {
            text.extend([name, "\n", link, "\n"]);
        }
        text.push('\n');
        for (path, choice) in &self.choices {
            text.push_str(&format!("{path}\n{}\n", choice.priority));
            for name in self.slaves.keys() {
                text.extend([choice.slaves.get(name).map_or("", String::as_str), "\n"]);
            }
        }
        text.push('\n');
        text
    }
}

/// The choices for a name that are there, in the order of the database; and what `update-alternatives --query` says of them.
pub(super) fn of_name(
    root: &Root<'_>,
    alternatives: &[Alternative],
    name: &str,
) -> Result<Option<(Vec<String>, String)>, ConfigureError> {
    let mut group = Group::default();
    for alternative in alternatives.iter().filter(|alternative| alternative.name == name) {
        if root.exists(&at(&alternative.path)?) {
            group.add(alternative);
        }
    }
    let Some((best, _)) = group.best() else { return Ok(None) };
    let slaves = |lines: &mut String, slaves: &BTreeMap<String, String>| {
        if !slaves.is_empty() {
            lines.push_str("Slaves:\n");
            slaves.iter().for_each(|(name, path)| lines.push_str(&format!(" {name} {path}\n")));
        }
    };
    let mut text = format!("Name: {name}\nLink: {}\n", group.link);
    slaves(&mut text, &group.slaves);
    text.push_str(&format!("Status: auto\nBest: {best}\nValue: {best}\n"));
    for (path, choice) in &group.choices {
        text.push_str(&format!("\nAlternative: {path}\nPriority: {}\n", choice.priority));
        slaves(&mut text, &choice.slaves);
    }
    Ok(Some((group.choices.into_keys().collect(), text)))
}

/// Installs all `alternatives` in automatic mode. One whose path is not in the image (left out by a path policy)
/// is no choice.
pub(super) fn install(root: &mut Root<'_>, alternatives: &[Alternative]) -> Result<(), ConfigureError> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for alternative in alternatives {
        if root.exists(&at(&alternative.path)?) {
            groups.entry(&alternative.name).or_default().add(alternative);
        }
    }
    for (name, group) in &groups {
        root.write(&at(&format!("/var/lib/dpkg/alternatives/{name}"))?, 0o644, (0, 0), group.database());
        let Some((path, choice)) = group.best() else { continue };
        point(root, name, &group.link, path)?;
        for (slave, link) in &group.slaves {
            // a slave is set up only where its file is there, so that no link dangles
            if let Some(path) = choice.slaves.get(slave)
                && root.exists(&at(path)?)
            {
                point(root, slave, link, path)?;
            }
        }
    }
    Ok(())
}

fn point(root: &mut Root<'_>, name: &str, link: &str, path: &str) -> Result<(), ConfigureError> {
    let current = format!("/etc/alternatives/{name}");
    root.symlink(&at(&current)?, path.as_bytes());
    let link = at(link)?;
    // something that is not a link belongs to somebody else and stays
    if root.entry(&link).is_none_or(|entry| matches!(entry.kind, EntryKind::Symlink { .. })) {
        root.symlink(&link, current.as_bytes());
    }
    Ok(())
}
