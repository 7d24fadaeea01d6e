//! Files and folders as `systemd-tmpfiles --create` (systemd 252 to 257) makes them from files of `tmpfiles.d`(5). What is
//! for the time of booting only is passed over, and so is what is below `/run`, which a machine that starts begins empty.

use std::collections::BTreeSet;

use super::shell::quoted_words;
use super::tree::{Attributes, Root, at};
use super::{ConfigureError, accounts};
use crate::archive::EntryKind;
use crate::model::ImagePath;

/// Where files of a name are looked for; the first is taken.
const FOLDERS: &[&str] = &["/etc/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"];
/// What stands for the source of a link or copy that is not named.
const FACTORY: &str = "/usr/share/factory";
/// What a machine is known by: not a part of an image, like the content of `/etc/machine-id`, to which this leads.
const IDENTITIES: &[&str] = &["/var/lib/dbus/machine-id"];
/// How many paths one line may change.
const MOST: usize = 100_000;

/// What the lines of some files come to beside the changes.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Lines that are not known.
    pub(super) unknown: Vec<String>,
    /// Whether a line sets an access control list of something that is there.
    pub(super) lists: bool,
}

/// A line.
struct Line<'l> {
    kind: char,
    modifiers: &'l str,
    path: String,
    mode: Option<Access>,
    user: Option<Owner>,
    group: Option<Owner>,
    argument: String,
}

/// A mode, and whether it is for what is new only (`:0700`).
#[derive(Clone, Copy)]
struct Access {
    bits: u32,
    new_only: bool,
    masked: bool,
}

/// The same for a name.
#[derive(Clone)]
struct Owner {
    name: String,
    new_only: bool,
}

/// Makes what files of these names ask for.
pub(super) fn create(root: &mut Root<'_>, files: &[String]) -> Result<Said, ConfigureError> {
    let mut said = Said::default();
    let mut seen = BTreeSet::new();
    for name in files {
        let Some(text) = root.first_text(FOLDERS, name)? else { continue };
        for text in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words = quoted_words(text);
            let Some(line) = Line::read(&words) else {
                said.unknown.push(text.to_owned());
                continue;
            };
            if line.is_passed_over() {
                continue;
            }
            // the first line that makes a path decides
            let makes = "dDvqQfFLC".contains(line.kind);
            if makes && !seen.insert(line.path.clone()) {
                continue;
            }
            match line.kind {
                'a' | 'A' => said.lists |= root.exists(&at(&line.path)?),
                _ if !line.apply(root)? => said.unknown.push(text.to_owned()),
                _ => {}
            }
        }
    }
    Ok(said)
}

impl<'l> Line<'l> {
    /// Reads a line; none when it is not as the manual says.
    fn read(words: &'l [String]) -> Option<Self> {
        let (first, path) = (words.first()?, words.get(1)?);
        let kind = first.chars().next()?;
        let field = |index: usize| words.get(index).map(String::as_str).filter(|word| *word != "-");
        let owner = |index: usize| field(index).map(Owner::read);
        let mode = field(2).map(|text| Access::read(text).ok_or(())).transpose().ok()?;
        let argument = words.get(6..).unwrap_or_default().join(" ");
        let path = path.clone();
        let (user, group) = (owner(3), owner(4));
        Some(Self { kind, modifiers: &first[kind.len_utf8()..], path, mode, user, group, argument })
            .filter(|line| line.path.starts_with('/'))
    }

    /// Whether it does nothing to an image: it is for booting (`!`), comes from a credential that is not there (`^`), is
    /// about cleaning up, file attributes or this machine, or about `/run`.
    fn is_passed_over(&self) -> bool {
        let of_a_machine = self.path.replace("%%", "").contains('%');
        let in_run = ["/run", "/var/run"]
            .iter()
            .any(|run| self.path.strip_prefix(run).is_some_and(|rest| rest.starts_with('/') && !is_lock(rest)));
        let identity = IDENTITIES.contains(&self.path.as_str());
        self.modifiers.contains(['!', '^']) || "xXrRhHtTe".contains(self.kind) || of_a_machine || in_run || identity
    }

    /// Applies it; false when it is not known.
    fn apply(&self, root: &mut Root<'_>) -> Result<bool, ConfigureError> {
        let path = at(&self.path)?;
        match self.kind {
            'd' | 'D' | 'v' | 'q' | 'Q' => {
                let new = !root.exists(&path);
                if new {
                    root.mkdir(&path, 0o755, (0, 0));
                }
                if root.is_dir(&path) {
                    self.change(root, &path, new)?;
                }
            }
            'f' | 'F' => {
                let new = !root.exists(&path);
                if new || self.modifiers.contains('+') || self.kind == 'F' {
                    root.write(&path, 0o644, (0, 0), self.argument.clone());
                    self.change(root, &path, new)?;
                }
            }
            'L' => {
                let target = self.source();
                let wanted = !self.modifiers.contains('?') || root.exists(&at(&target)?);
                if wanted && (root.entry(&path).is_none() || self.modifiers.contains('+') && !root.is_dir(&path)) {
                    root.symlink(&path, target.as_bytes());
                }
            }
            'C' => {
                let source = at(&self.source())?;
                if root.is_file(&source) && root.entry(&path).is_none() {
                    root.copy(&source, &path)?;
                    self.change(root, &path, true)?;
                } else if root.is_dir(&source) {
                    return Ok(false);
                }
            }
            'z' | 'm' | 'Z' => {
                for path in expand(root, &self.path, self.kind == 'Z') {
                    self.change(root, &path, false)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn source(&self) -> String {
        match self.argument.as_str() {
            "" | "-" => format!("{FACTORY}{}", self.path),
            source => source.to_owned(),
        }
    }

    fn change(&self, root: &mut Root<'_>, path: &ImagePath, new: bool) -> Result<(), ConfigureError> {
        let known = root.target(path).map_or(0, |entry| entry.mode.bits());
        let mode = self.mode.filter(|mode| new || !mode.new_only);
        let mode = mode.map(|mode| if mode.masked { mode.masked(known) } else { mode.bits });
        let owner = |owner: &Option<Owner>| owner.clone().filter(|owner| new || !owner.new_only);
        let uid = owner(&self.user).map(|owner| number(&owner.name, accounts::user(root, &owner.name)?)).transpose()?;
        let gid =
            owner(&self.group).map(|owner| number(&owner.name, accounts::group(root, &owner.name)?)).transpose()?;
        root.change(path, &Attributes { mode, uid, gid })
    }
}

/// Whether what follows `/run` is the folder for locks, which base-files ships, or in it.
fn is_lock(rest: &str) -> bool {
    rest.strip_prefix("/lock").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn number(name: &str, known: Option<u32>) -> Result<u32, ConfigureError> {
    known.or_else(|| name.parse().ok()).ok_or_else(|| ConfigureError::Account { name: name.to_owned() })
}

impl Access {
    fn read(text: &str) -> Option<Self> {
        let bits = text.trim_start_matches([':', '~']);
        let bits = u32::from_str_radix(bits, 8).ok().filter(|mode| *mode <= 0o7777)?;
        let prefix = &text[..text.len() - text.trim_start_matches([':', '~']).len()];
        Some(Self { bits, new_only: prefix.contains(':'), masked: prefix.contains('~') })
    }

    /// Only what the mode that is there has as well: nothing to execute where there is no `x`.
    fn masked(self, known: u32) -> u32 {
        let keep = |any: u32| if known & any == 0 { !any } else { !0 };
        self.bits & keep(0o111) & keep(0o222) & keep(0o444)
    }
}

impl Owner {
    fn read(text: &str) -> Self {
        let name = text.trim_start_matches(':');
        Self { name: name.to_owned(), new_only: name.len() < text.len() }
    }
}

/// What a pattern leads to, a component at a time; with everything below where the change is recursive. Links are not
/// followed below what is found.
fn expand(root: &Root<'_>, pattern: &str, recursive: bool) -> Vec<ImagePath> {
    let mut found = vec![String::new()];
    for component in pattern.split('/').filter(|component| !component.is_empty()) {
        let mut next = Vec::new();
        for folder in &found {
            if component.contains(['*', '?', '[']) {
                let Ok(folder_path) = ImagePath::new(folder.as_bytes()) else { continue };
                for entry in root.list(&folder_path) {
                    let name = entry.path.to_string();
                    let name = name.rsplit('/').next().unwrap_or_default();
                    if matches_name(component, name) {
                        next.push(format!("{folder}/{name}"));
                    }
                }
            } else {
                next.push(format!("{folder}/{component}"));
            }
        }
        next.truncate(MOST);
        found = next;
    }
    let paths = found.iter().filter_map(|path| ImagePath::new(path.as_bytes()).ok());
    let mut paths: Vec<ImagePath> = paths.filter(|path| root.exists(path)).collect();
    let mut index = 0;
    while recursive && index < paths.len() && paths.len() < MOST {
        let below = root.list(&paths[index]);
        paths.extend(
            below.into_iter().filter(|entry| !matches!(entry.kind, EntryKind::Symlink { .. })).map(|entry| entry.path),
        );
        index += 1;
    }
    paths
}

/// A name that a pattern of `*` and `?` matches, as glob(7) has it without brackets; a leading dot is not matched.
pub(super) fn matches_name(pattern: &str, name: &str) -> bool {
    fn rest(pattern: &[u8], name: &[u8]) -> bool {
        // the last `*` that was passed, and what it has swallowed so far
        let (mut p, mut n, mut star) = (0, 0, None);
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(b'?') => (p, n) = (p + 1, n + 1),
                Some(byte) if *byte == name[n] => (p, n) = (p + 1, n + 1),
                _ => match star {
                    Some((at, swallowed)) => {
                        star = Some((at, swallowed + 1));
                        (p, n) = (at + 1, swallowed + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
    (!name.starts_with('.') || pattern.starts_with('.')) && rest(pattern.as_bytes(), name.as_bytes())
}
