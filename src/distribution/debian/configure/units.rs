//! Enabled systemd units as `deb-systemd-helper enable` (init-system-helpers 1.65 to 1.69) links them where no
//! `systemctl` is installed, with its memory in `/var/lib/systemd/deb-systemd-helper-enabled`.

use super::ConfigureError;
use super::tree::{Root, at};

const SYSTEM: &str = "/etc/systemd/system";
const STATE: &str = "/var/lib/systemd/deb-systemd-helper-enabled";
/// Where a unit is looked for; the first of these names is what links say.
const FOLDERS: &[&str] = &["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];

/// Enables `unit` as its `[Install]` section asks for.
pub(super) fn enable(root: &mut Root<'_>, unit: &str) -> Result<(), ConfigureError> {
    let mut links = Vec::new();
    closure(root, unit, &mut vec![unit.to_owned()], &mut links)?;
    if links.is_empty() {
        return Ok(());
    }
    let record: String = links.iter().map(|(link, _)| format!("{link}\n")).collect();
    root.write(&at(&format!("{STATE}/{unit}.dsh-also"))?, 0o644, (0, 0), record);
    for (link, target) in links {
        let state = at(&link.replacen(SYSTEM, STATE, 1))?;
        if root.exists(&state) {
            continue;
        }
        if root.readlink(&at(&link)?).is_none() {
            root.symlink(&at(&link)?, target.as_bytes());
        }
        root.write(&state, 0o644, (0, 0), "");
    }
    Ok(())
}

/// Collects the links (path and target) of a unit and of those that it names under `Also=`.
fn closure(
    root: &Root<'_>,
    unit: &str,
    seen: &mut Vec<String>,
    links: &mut Vec<(String, String)>,
) -> Result<(), ConfigureError> {
    let Some((path, text)) = find(root, unit)? else { return Ok(()) };
    let mut wanted = Vec::new();
    let mut instance = unit.to_owned();
    for line in text.lines() {
        let Some((key, values)) = line.trim_start().split_once('=') else { continue };
        let values = values.split_whitespace().map(|value| value.trim_matches(['"', '\'']));
        match key {
            "WantedBy" => wanted.extend(values.map(|target| format!("{SYSTEM}/{target}.wants"))),
            "RequiredBy" => wanted.extend(values.map(|target| format!("{SYSTEM}/{target}.requires"))),
            "Alias" => links
                .extend(values.filter(|alias| *alias != unit).map(|alias| (format!("{SYSTEM}/{alias}"), path.clone()))),
            "Also" => {
                for other in values {
                    if !seen.iter().any(|one| one == other) {
                        seen.push(other.to_owned());
                        closure(root, other, seen, links)?;
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

fn find(root: &Root<'_>, unit: &str) -> Result<Option<(String, String)>, ConfigureError> {
    for folder in FOLDERS {
        let path = format!("{folder}/{unit}");
        if let Some(text) = root.text(&at(&path)?)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}
