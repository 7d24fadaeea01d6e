//! Accounts: `/etc/passwd` and `/etc/group` as base-passwd's scripts make them, their shadows as `shadowconfig on` does,
//! which is what passwd's script calls, and what the tools that scripts ask for more accounts add to them (`tools`).

mod sysusers;
mod tools;

use super::ConfigureError;
use super::tree::{Root, at};
use tools::append;

pub(super) use sysusers::add as add_sysusers;
pub(super) use tools::{Group, Home, Numbers, User, add_group, add_member, add_user, set_field};

/// The group `shadow`, assigned for good.
const SHADOW: u32 = 42;
const SECONDS_PER_DAY: i64 = 86_400;

/// The master copies become the files, unless those exist.
pub(super) fn copy_masters(root: &mut Root<'_>) -> Result<(), ConfigureError> {
    for name in ["passwd", "group"] {
        let file = at(&format!("/etc/{name}"))?;
        let master = root.read(&at(&format!("/usr/share/base-passwd/{name}.master"))?)?;
        if let (false, Some(master)) = (root.exists(&file), master) {
            root.write(&file, 0o644, (0, 0), master);
        }
    }
    Ok(())
}

/// Moves the passwords to `/etc/shadow` and `/etc/gshadow`: each account and group gets a line there unless it has
/// one, with a locked password. `moment`, in seconds, gives the day of the last change.
pub(super) fn shadow(root: &mut Root<'_>, moment: i64) -> Result<(), ConfigureError> {
    let rest = format!("{}:0:99999:7:::", moment / SECONDS_PER_DAY);
    hide(root, "/etc/passwd", "/etc/shadow", &rest)?;
    hide(root, "/etc/group", "/etc/gshadow", ":")
}

fn hide(root: &mut Root<'_>, open: &str, shadow: &str, rest: &str) -> Result<(), ConfigureError> {
    let Some(text) = root.text(&at(open)?)? else { return Ok(()) };
    let known = root.text(&at(shadow)?)?.unwrap_or_default();
    // lines that are there come first
    let (mut shown, mut hidden) = (String::new(), known.clone());
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(name), Some(password), Some(more)) = (fields.next(), fields.next(), fields.next()) else {
            shown.extend([line, "\n"]);
            continue;
        };
        shown.extend([name, ":x:", more, "\n"]);
        let password = if password == "x" { "*" } else { password };
        if !known.lines().any(|line| line.split(':').next() == Some(name)) {
            hidden.extend([name, ":", password, ":", rest, "\n"]);
        }
    }
    root.write(&at(open)?, 0o644, (0, 0), shown);
    root.write(&at(shadow)?, 0o640, (0, SHADOW), hidden);
    Ok(())
}

/// The number of a user, by `/etc/passwd`.
pub(super) fn user(root: &Root<'_>, name: &str) -> Result<Option<u32>, ConfigureError> {
    number(root, "/etc/passwd", name)
}

/// The number of a group, by `/etc/group`.
pub(super) fn group(root: &Root<'_>, name: &str) -> Result<Option<u32>, ConfigureError> {
    number(root, "/etc/group", name)
}

fn number(root: &Root<'_>, file: &str, name: &str) -> Result<Option<u32>, ConfigureError> {
    let text = root.text(&at(file)?)?.unwrap_or_default();
    let line = text.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name));
    Ok(line.and_then(|mut fields| fields.nth(2)?.parse().ok()))
}
