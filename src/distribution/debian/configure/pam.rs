//! `/etc/pam.d/common-*` as `pam-auth-update --package` (libpam-runtime 1.5 to 1.7) assembles them from the profiles
//! of packages, on a system where nobody has edited them.

use std::collections::{BTreeMap, BTreeSet};

use super::ConfigureError;
use super::tree::{Root, at};
use crate::archive::EntryKind;

const TYPES: &[&str] = &["auth", "account", "password", "session", "session-noninteractive"];
/// Modules that are gone: a profile that names one is ignored.
const INVALID: &[&str] = &["pam_tally"];

/// The places in a template, in order, between which modules are written.
const MARKERS: [&str; 4] = [
    "# here are the per-package modules (the \"Primary\" block)",
    "# here's the fallback if no module succeeds",
    "# and here are more per-package modules (the \"Additional\" block)",
    "# end of pam-auth-update config",
];

/// A file of `/usr/share/pam-configs`.
struct Profile {
    name: String,
    fields: BTreeMap<String, String>,
}

/// What debconf is told of the choice.
pub(super) struct Choice {
    /// Names of the enabled profiles.
    pub(super) enabled: Vec<String>,
    /// Names of all profiles.
    pub(super) names: Vec<String>,
    /// Titles of all profiles.
    pub(super) titles: Vec<String>,
}

/// Writes the common files, and the memory of `pam-auth-update` in `/var/lib/pam`. None when there are no profiles.
pub(super) fn update(root: &mut Root<'_>) -> Result<Option<Choice>, ConfigureError> {
    let mut profiles = Vec::new();
    for entry in root.list(&at("/usr/share/pam-configs")?) {
        let name = String::from_utf8_lossy(entry.path.name()).into_owned();
        let backup = name.ends_with('~') || name.len() > 2 && name.starts_with('#') && name.ends_with('#');
        if let (false, false, Some(text)) = (entry.kind == EntryKind::Dir, backup, root.text(&entry.path)?) {
            profiles.extend(Profile::parse(name, &text));
        }
    }
    // the highest priority first, and among equals the last name first
    profiles.sort_by(|one, other| other.priority().cmp(&one.priority()).then_with(|| other.name.cmp(&one.name)));
    if profiles.is_empty() {
        return Ok(None);
    }
    let enabled = enabled(&profiles);
    for kind in TYPES {
        let Some(template) = root.text(&at(&format!("/usr/share/pam/common-{kind}"))?)? else { continue };
        root.write(&at(&format!("/etc/pam.d/common-{kind}"))?, 0o644, (0, 0), fill(&template, kind, &enabled));
        root.write(&at(&format!("/var/lib/pam/{kind}"))?, 0o644, (0, 0), saved(kind, &enabled));
    }
    let seen: String = profiles.iter().map(|profile| format!("{}\n", profile.name)).collect();
    root.write(&at("/var/lib/pam/seen")?, 0o644, (0, 0), seen);
    Ok(Some(Choice {
        enabled: enabled.iter().map(|profile| profile.name.clone()).collect(),
        names: profiles.iter().map(|profile| profile.name.clone()).collect(),
        titles: profiles.iter().map(|profile| profile.field("Name").unwrap_or_default().to_owned()).collect(),
    }))
}

/// Those that are on by default, without those that conflict with one of higher priority.
fn enabled(profiles: &[Profile]) -> Vec<&Profile> {
    let mut enabled: Vec<&Profile> =
        profiles.iter().filter(|profile| profile.field("Default") == Some("yes")).collect();
    let mut index = 0;
    while let Some(profile) = enabled.get(index) {
        let conflicts: BTreeSet<&str> = profile.field("Conflicts").unwrap_or_default().split(", ").collect();
        enabled.retain(|other| !conflicts.contains(other.name.as_str()));
        index += 1;
    }
    enabled
}

impl Profile {
    /// None when it names a module that is gone.
    fn parse(name: String, text: &str) -> Option<Self> {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            let field = line.split_once(':').filter(|(name, value)| {
                !name.is_empty()
                    && !name.contains(char::is_whitespace)
                    && (value.is_empty() || value.starts_with(char::is_whitespace))
            });
            if let Some((name, value)) = field {
                name.strip_suffix("-Final").unwrap_or(name).clone_into(&mut current);
                fields.insert(current.clone(), value.trim_start().to_owned());
            } else if !line.trim().is_empty() {
                let value = fields.entry(current.clone()).or_default();
                if !value.is_empty() {
                    value.push('\n');
                }
                value.push_str(line.trim());
            }
        }
        if fields.values().any(|value| INVALID.iter().any(|module| value.contains(module))) {
            return None;
        }
        if fields.get("Session-Interactive-Only").is_none_or(|only| only != "yes") {
            for suffix in ["-Type", "", "-Initial"] {
                if let Some(value) = fields.get(&format!("Session{suffix}")).cloned() {
                    fields.insert(format!("Session-noninteractive{suffix}"), value);
                }
            }
        }
        Some(Self { name, fields })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    fn priority(&self) -> i64 {
        self.field("Priority").and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// The module lines for a type; the first profile of a block may have others.
    fn lines(&self, kind: &str, first: bool) -> Vec<&str> {
        let initial = first.then(|| self.field(&format!("{kind}-Initial"))).flatten().filter(|lines| !lines.is_empty());
        let lines = initial.or_else(|| self.field(kind)).unwrap_or_default();
        lines.split('\n').filter(|line| !line.is_empty()).collect()
    }
}

/// `session-noninteractive` as fields name it: `Session-noninteractive`.
fn capitalised(kind: &str) -> String {
    kind[..1].to_uppercase() + &kind[1..]
}

/// The module lines of a block, `Primary` or `Additional`, each with the name of its profile.
fn block<'p>(kind: &str, block: &str, enabled: &[&'p Profile]) -> Vec<(&'p str, Vec<&'p str>)> {
    let kind = capitalised(kind);
    let type_field = format!("{kind}-Type");
    let of_block = enabled.iter().filter(|profile| profile.field(&type_field) == Some(block));
    of_block.enumerate().map(|(index, profile)| (profile.name.as_str(), profile.lines(&kind, index == 0))).collect()
}

fn fill(template: &str, kind: &str, enabled: &[&Profile]) -> String {
    let word = kind.trim_end_matches("-noninteractive");
    let mut out = String::new();
    let mut state = 0;
    for line in template.lines() {
        let marker = MARKERS.get(state).is_some_and(|marker| line.starts_with(marker));
        // what a template has inside of its blocks is replaced
        if !marker && (state == 1 || state == 3) {
            continue;
        }
        out.extend([line, "\n"]);
        if marker && (state == 0 || state == 2) {
            let primary = state == 0;
            let name = if primary { "Primary" } else { "Additional" };
            let lines: Vec<&str> = block(kind, name, enabled).into_iter().flat_map(|(_, lines)| lines).collect();
            // how many modules a successful one jumps over; in the second block, not beyond the last
            let jump = if primary { lines.len() } else { lines.len().saturating_sub(1) };
            if primary && lines.is_empty() {
                out.push_str(&format!("{word}\t[default=1]\t\t\tpam_permit.so\n"));
            }
            for (index, line) in lines.iter().enumerate() {
                out.push_str(&format!("{word}\t{}\n", module_line(line, jump.saturating_sub(index))));
            }
        }
        state += usize::from(marker);
    }
    out
}

/// A line of a profile: control and module as written, with `end` replaced by the jump; options one space apart.
fn module_line(line: &str, jump: usize) -> String {
    let control_end = match line.starts_with('[') {
        true => line.find(']').map_or(0, |end| end + 1),
        false => line.find(char::is_whitespace).unwrap_or(line.len()),
    };
    let module_start =
        line[control_end..].find(|letter: char| !letter.is_whitespace()).map_or(line.len(), |at| control_end + at);
    let module_end = line[module_start..].find(char::is_whitespace).map_or(line.len(), |at| module_start + at);
    let head = line[..module_end].replace("end", &jump.to_string());
    let options: Vec<&str> = line[module_end..].split_whitespace().collect();
    format!("{head} {}", options.join(" "))
}

/// What `pam-auth-update` remembers of its work, to tell later what an administrator has changed.
fn saved(kind: &str, enabled: &[&Profile]) -> String {
    let mut out = String::new();
    let primary = block(kind, "Primary", enabled);
    if primary.is_empty() {
        out.push_str("Module: null\n[default=1]\t\t\tpam_permit.so\n");
    }
    for (name, lines) in primary.into_iter().chain(block(kind, "Additional", enabled)) {
        if !lines.is_empty() {
            out.push_str(&format!("Module: {name}\n{}\n", lines.join("\n")));
        }
    }
    out
}
