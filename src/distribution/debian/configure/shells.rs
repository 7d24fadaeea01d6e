//! `/etc/shells` as debianutils' `update-shells` keeps it: the shells that packages list, under their names and under
//! those that they really have on a merged-/usr system.

use super::ConfigureError;
use super::tree::{Root, at};
use crate::archive::EntryKind;
use crate::model::ImagePath;

const TEMPLATE: &str = "/usr/share/debianutils/shells";
const LIST: &str = "/etc/shells";
const STATE: &str = "/var/lib/shells.state";

/// Adds what packages list and removes what they listed before; what an administrator added or removed stays so.
pub(super) fn update(root: &mut Root<'_>) -> Result<(), ConfigureError> {
    let mut files = vec![at(TEMPLATE)?];
    let listed = root.list(&at("/usr/share/debianutils/shells.d")?);
    files.extend(listed.into_iter().filter(|entry| entry.kind != EntryKind::Dir).map(|entry| entry.path));
    let mut packaged: Vec<String> = Vec::new();
    for file in &files {
        let text = root.text(file)?.unwrap_or_default();
        for line in text.lines().map(|line| line.split('#').next().unwrap_or_default()).filter(|line| !line.is_empty())
        {
            for shell in [line.to_owned(), real_name(root, line)?] {
                if !packaged.contains(&shell) {
                    packaged.push(shell);
                }
            }
        }
    }
    let state = root.text(&at(STATE)?)?.unwrap_or_default();
    let before: Vec<&str> = state.lines().collect();
    let current = match root.text(&at(LIST)?)? {
        Some(text) => text,
        None => root.text(&at(TEMPLATE)?)?.unwrap_or_default(),
    };
    let mut kept: Vec<&str> = Vec::new();
    for line in current.lines() {
        let shell = line.split('#').next().unwrap_or_default();
        let wanted = shell.is_empty() || packaged.iter().any(|one| one == shell) || !before.contains(&shell);
        let repeated = !shell.is_empty() && kept.iter().any(|one| one.split('#').next() == Some(shell));
        if wanted && !repeated {
            kept.push(line);
        }
    }
    let new = packaged.iter().map(String::as_str).filter(|shell| !before.contains(shell) && !kept.contains(shell));
    let list: Vec<&str> = kept.iter().copied().chain(new).collect();
    root.write(&at(LIST)?, 0o644, (0, 0), lines(&list));
    root.write(&at(STATE)?, 0o644, (0, 0), lines(&packaged));
    Ok(())
}

fn lines<S: AsRef<str>>(lines: &[S]) -> String {
    lines.iter().flat_map(|line| [line.as_ref(), "\n"]).collect()
}

/// The shell with its folder resolved.
fn real_name(root: &Root<'_>, shell: &str) -> Result<String, ConfigureError> {
    let path: ImagePath = at(shell)?;
    Ok(root.place(&path).to_string())
}
