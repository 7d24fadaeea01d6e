//! Enabled systemd units as `deb-systemd-helper enable` (init-system-helpers 1.65 to 1.69) links them where no
//! `systemctl` is installed, with its memory in `/var/lib/systemd`; those of the system, and those that every user's
//! own service manager starts.

use super::tree::{Root, at};
use super::{ConfigureError, presets};

/// Whose units they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    /// The system's.
    System,
    /// Each user's (`--user`).
    User,
}

impl Manager {
    /// Where links are made.
    const fn links(self) -> &'static str {
        match self {
            Self::System => "/etc/systemd/system",
            Self::User => "/etc/systemd/user",
        }
    }

    /// Where deb-systemd-helper remembers what it linked.
    const fn memory(self) -> &'static str {
        match self {
            Self::System => "/var/lib/systemd/deb-systemd-helper-enabled",
            Self::User => "/var/lib/systemd/deb-systemd-user-helper-enabled",
        }
    }

    /// Where a unit is looked for; the first of these names is what links say.
    const fn folders(self) -> [&'static str; 3] {
        match self {
            Self::System => ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"],
            Self::User => ["/etc/systemd/user", "/lib/systemd/user", "/usr/lib/systemd/user"],
        }
    }
}

/// Who makes the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linked {
    /// deb-systemd-helper itself, as there is no `systemctl` yet.
    ByHelper,
    /// `systemctl preset`, which goes by presets and knows units by the place that they really have.
    BySystemctl,
}

/// Enables `unit` as its `[Install]` section asks for.
pub(super) fn enable(root: &mut Root<'_>, manager: Manager, unit: &str, linked: Linked) -> Result<(), ConfigureError> {
    let makes_links = linked == Linked::ByHelper || presets::enables(root, manager, unit)?;
    for (link, target) in record(root, manager, unit)? {
        let state = at(&link.replacen(manager.links(), manager.memory(), 1))?;
        if root.exists(&state) {
            continue;
        }
        if makes_links && root.readlink(&at(&link)?).is_none() {
            let target = match linked {
                Linked::ByHelper => target,
                Linked::BySystemctl => root.real(&at(&target)?).map_or(target, |real| real.to_string()),
            };
            root.symlink(&at(&link)?, target.as_bytes());
        }
        root.write(&state, 0o644, (0, 0), "");
    }
    Ok(())
}

/// Remembers the links of `unit`, and gives them: path and target.
pub(super) fn record(
    root: &mut Root<'_>,
    manager: Manager,
    unit: &str,
) -> Result<Vec<(String, String)>, ConfigureError> {
    let mut links = Vec::new();
    closure(root, manager, unit, &mut vec![unit.to_owned()], &mut links)?;
    if !links.is_empty() {
        let text: String = links.iter().map(|(link, _)| format!("{link}\n")).collect();
        root.write(&at(&format!("{}/{unit}.dsh-also", manager.memory()))?, 0o644, (0, 0), text);
    }
    Ok(links)
}

/// Collects the links (path and target) of a unit and of those that it names under `Also=`.
fn closure(
    root: &Root<'_>,
    manager: Manager,
    unit: &str,
    seen: &mut Vec<String>,
    links: &mut Vec<(String, String)>,
) -> Result<(), ConfigureError> {
    let Some((path, text)) = find(root, manager, unit)? else { return Ok(()) };
    let folder = manager.links();
    let mut wanted = Vec::new();
    let mut instance = unit.to_owned();
    for line in text.lines() {
        let Some((key, values)) = line.trim_start().split_once('=') else { continue };
        let values = values.split_whitespace().map(|value| value.trim_matches(['"', '\'']));
        match key {
            "WantedBy" => wanted.extend(values.map(|target| format!("{folder}/{target}.wants"))),
            "RequiredBy" => wanted.extend(values.map(|target| format!("{folder}/{target}.requires"))),
            "Alias" => links
                .extend(values.filter(|alias| *alias != unit).map(|alias| (format!("{folder}/{alias}"), path.clone()))),
            "Also" => {
                for other in values {
                    if !seen.iter().any(|one| one == other) {
                        seen.push(other.to_owned());
                        closure(root, manager, other, seen, links)?;
                    }
                }
            }
            "DefaultInstance" => {
                let name = values.collect::<Vec<_>>().join(" ");
                instance = unit.replacen("@.", &format!("@{name}."), 1);
            }
            _ => {}
        }
    }
    links.extend(wanted.into_iter().map(|folder| (format!("{folder}/{instance}"), path.clone())));
    Ok(())
}

fn find(root: &Root<'_>, manager: Manager, unit: &str) -> Result<Option<(String, String)>, ConfigureError> {
    for folder in manager.folders() {
        let path = format!("{folder}/{unit}");
        if let Some(text) = root.text(&at(&path)?)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}
