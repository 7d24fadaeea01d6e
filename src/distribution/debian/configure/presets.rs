//! Which units are enabled when they are installed where there is a `systemctl`: files of `systemd.preset`(5).

use std::collections::BTreeMap;

use super::ConfigureError;
use super::tree::{Root, at};
use super::units::Manager;

/// Whether the first line that is about the unit enables it; a unit that no line is about is enabled.
pub(super) fn enables(root: &Root<'_>, manager: Manager, unit: &str) -> Result<bool, ConfigureError> {
    let kind = match manager {
        Manager::System => "system-preset",
        Manager::User => "user-preset",
    };
    // a file in an earlier folder hides those of its name in later ones
    let mut files = BTreeMap::new();
    for folder in ["/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"] {
        for entry in root.list(&at(&format!("{folder}/{kind}"))?) {
            let name = entry.path.to_string().rsplit('/').next().unwrap_or_default().to_owned();
            if name.ends_with(".preset") {
                files.entry(name).or_insert(entry.path);
            }
        }
    }
    for path in files.values() {
        let text = root.text(path)?.unwrap_or_default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(verb @ ("enable" | "disable" | "ignore")), Some(pattern)) = (words.next(), words.next()) else {
                continue;
            };
            if super::tmpfiles::matches_name(pattern, unit) {
                return Ok(verb == "enable");
            }
        }
    }
    Ok(true)
}
