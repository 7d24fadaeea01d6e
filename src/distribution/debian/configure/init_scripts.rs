//! Links of init scripts in `/etc/rc?.d` as `update-rc.d` (init-system-helpers 1.65 to 1.69) makes them where no other
//! program puts the scripts in order.

use super::ConfigureError;
use super::tree::{Root, at};

/// A script of `/etc/init.d` that `update-rc.d` was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InitScript {
    name: String,
    /// What the names of the links begin with in the levels that start it.
    start: &'static str,
}

impl InitScript {
    /// The command `update-rc.d NAME VERB`; none for one that nobody uses on a first installation.
    pub(super) fn new(name: &str, verb: &str) -> Option<Self> {
        let start = match verb {
            "defaults" => "S01",
            "defaults-disabled" => "K01",
            _ => return None,
        };
        Some(Self { name: name.to_owned(), start })
    }

    /// `update-rc.d NAME disable` after `defaults`: the links that start it stop it.
    pub(super) const fn disable(&mut self) {
        self.start = "K01";
    }

    /// The name of the script.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes the links for the levels that the script's header names, unless it has links already. Nothing when the
    /// script is not there.
    pub(super) fn link(&self, root: &mut Root<'_>) -> Result<(), ConfigureError> {
        let Self { name, start } = self;
        let path = at(&format!("/etc/init.d/{name}"))?;
        let executable = root.target(&path).is_some_and(|entry| entry.mode.bits() & 0o111 != 0);
        if !executable || self.is_linked(root)? {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&root.read(&path)?.unwrap_or_default()).into_owned();
        for (field, prefix) in [("# Default-Start:", *start), ("# Default-Stop:", "K01")] {
            for level in levels(&text, field) {
                let link = at(&format!("/etc/rc{level}.d/{prefix}{name}"))?;
                root.symlink(&link, format!("../init.d/{name}").as_bytes());
            }
        }
        Ok(())
    }

    fn is_linked(&self, root: &Root<'_>) -> Result<bool, ConfigureError> {
        let own = |link: &[u8]| match link {
            [b'S' | b'K', one, other, rest @ ..] => {
                one.is_ascii_digit() && other.is_ascii_digit() && rest == self.name.as_bytes()
            }
            _ => false,
        };
        let mut folders = Vec::new();
        for level in "0123456789S".chars() {
            folders.push(at(&format!("/etc/rc{level}.d"))?);
        }
        Ok(folders.iter().flat_map(|folder| root.list(folder)).any(|entry| own(entry.path.name())))
    }
}

/// The levels that a field of the header (`### BEGIN INIT INFO`) names; the last such field counts.
fn levels<'t>(text: &'t str, field: &str) -> Vec<&'t str> {
    let header = text.lines().skip_while(|line| line.trim_end() != "### BEGIN INIT INFO").skip(1);
    let header = header.take_while(|line| line.trim_end() != "### END INIT INFO");
    let value = header.filter_map(|line| line.strip_prefix(field)).last().unwrap_or_default();
    value.split_whitespace().filter(|level| level.chars().all(|letter| letter.is_ascii_alphanumeric())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::debian::configure::coverage::NoFiles;

    const SCRIPT: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x\n# Default-Start:  2 3 ../../x\n\
                          # Default-Stop: 0\n### END INIT INFO\n# Default-Start: 5\n";

    /// The links below `/etc` that `update-rc.d x VERB` makes with these files there.
    fn links(verb: &str, mode: u32, more: &[&str]) -> Vec<String> {
        let mut root = Root::new(&NoFiles, 0);
        root.write(&at("/etc/init.d/x").expect("a path"), mode, (0, 0), SCRIPT);
        for path in more {
            root.symlink(&at(path).expect("a path"), b"../init.d/x");
        }
        InitScript::new("x", verb).expect("known").link(&mut root).expect("linked");
        let links = root.into_changes().0.into_iter().filter_map(|(entry, _)| match entry.kind {
            crate::archive::EntryKind::Symlink { target } => {
                assert_eq!(target, b"../init.d/x");
                Some(entry.path.to_string())
            }
            _ => None,
        });
        links.collect()
    }

    #[test]
    fn the_header_says_which_levels_are_linked() {
        assert_eq!(links("defaults", 0o755, &[]), ["/etc/rc0.d/K01x", "/etc/rc2.d/S01x", "/etc/rc3.d/S01x"]);
        assert_eq!(links("defaults-disabled", 0o755, &[]), ["/etc/rc0.d/K01x", "/etc/rc2.d/K01x", "/etc/rc3.d/K01x"]);
    }

    #[test]
    fn what_is_linked_or_cannot_run_stays_as_it_is() {
        assert_eq!(links("defaults", 0o755, &["/etc/rc5.d/S20x"]), ["/etc/rc5.d/S20x"]);
        assert_eq!(links("defaults", 0o644, &[]), [""; 0]);
    }

    #[test]
    fn other_verbs_are_not_guessed_at() {
        assert_eq!(InitScript::new("x", "enable"), None);
        assert_eq!(InitScript::new("x", ""), None);
    }
}
