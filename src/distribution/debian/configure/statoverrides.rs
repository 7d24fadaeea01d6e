//! Modes and owners that differ from those in a package (`/var/lib/dpkg/statoverride`), as dpkg-statoverride 1.22 keeps
//! them: a line for each path, of user, group, octal mode and path.

use super::ConfigureError;
use super::tree::{Root, at};

const LIST: &str = "/var/lib/dpkg/statoverride";

/// Adds a line for a path, and says whether there was none for it.
pub(super) fn add(root: &mut Root<'_>, line: &str, path: &str) -> Result<bool, ConfigureError> {
    let list = at(LIST)?;
    let mut text = root.text(&list)?.unwrap_or_default();
    if text.lines().any(|line| line.splitn(4, ' ').nth(3) == Some(path)) {
        return Ok(false);
    }
    text.extend([line, "\n"]);
    root.write(&list, 0o644, (0, 0), text);
    Ok(true)
}
