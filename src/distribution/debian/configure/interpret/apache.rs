//! `a2enmod`, `a2enconf` and `a2ensite` of apache2 2.4, which are written in Perl: links to what is enabled, and a note of who
//! enabled it.

use super::super::tree::at;
use super::DebianMachine;
use crate::shell::{Call, FileKind, Files as _, Unsupported};

/// What a program enables: names of folders, the ending of files, and the folder of notes.
struct Kind {
    folder: &'static str,
    ending: &'static str,
    notes: &'static str,
}

const MODULES: Kind = Kind { folder: "mods", ending: ".load", notes: "module" };
const CONFIGURATIONS: Kind = Kind { folder: "conf", ending: ".conf", notes: "conf" };
const SITES: Kind = Kind { folder: "sites", ending: ".conf", notes: "site" };

/// How deep modules may need each other.
const DEPTH: u32 = 20;

pub(super) fn enable(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let kind = match call.name().rsplit('/').next() {
        Some("a2enmod") => MODULES,
        Some("a2enconf") => CONFIGURATIONS,
        _ => SITES,
    };
    let (mut by, mut names) = ("admin", Vec::new());
    for word in call.arguments() {
        match word.as_str() {
            "-q" | "--quiet" | "-f" | "--force" => {}
            "-m" | "--maintmode" => by = "maint",
            _ if word.starts_with('-') => return Err(call.refuse("an option that is not known")),
            name => names.push(name.trim_end_matches(kind.ending).to_owned()),
        }
    }
    let mut status = 0;
    for name in names {
        if !machine.enable_one(call, &kind, &name, by, DEPTH)? {
            call.complain(format!("ERROR: {name} does not exist!"));
            status = 1;
        }
    }
    Ok(status)
}

impl DebianMachine<'_, '_> {
    fn enable_one(
        &mut self,
        call: &Call<'_>,
        kind: &Kind,
        name: &str,
        by: &str,
        depth: u32,
    ) -> Result<bool, Unsupported> {
        let Kind { folder, ending, notes } = kind;
        let available = format!("/etc/apache2/{folder}-available/{name}{ending}");
        let Ok(content) = self.read(&available) else { return Ok(false) };
        let text = String::from_utf8_lossy(&content).into_owned();
        let field = |field: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(field));
            value.unwrap_or_default().replace(',', " ").split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        for conflict in field("# Conflicts:") {
            if self.look(&format!("/etc/apache2/{folder}-enabled/{conflict}{ending}"), false).is_some() {
                return Err(call.refuse(format!("{name} conflicts with {conflict}, which is enabled")));
            }
        }
        for needed in field("# Depends:") {
            let Some(depth) = depth.checked_sub(1) else { return Err(call.refuse("modules that need each other")) };
            if !self.enable_one(call, kind, &needed, by, depth)? {
                return Ok(false);
            }
        }
        let endings: &[&str] = if *folder == "mods" { &[".conf", ".load"] } else { &[".conf"] };
        for ending in endings {
            let file = format!("{folder}-available/{name}{ending}");
            let link = format!("/etc/apache2/{folder}-enabled/{name}{ending}");
            let there = self.look(&link, false);
            let is_file =
                self.look(&format!("/etc/apache2/{file}"), true).is_some_and(|stat| stat.kind == FileKind::File);
            if is_file && there.is_none() {
                self.link(call, &link, &format!("../{file}"))?;
            }
        }
        let note = format!("/var/lib/apache2/{notes}/enabled_by_{by}/{name}");
        let place = at(&note).map_err(|error| Self::failed(call, &error))?;
        self.system.root.write(&place, 0o644, (0, 0), "");
        Ok(true)
    }

    fn link(&mut self, call: &Call<'_>, path: &str, target: &str) -> Result<(), Unsupported> {
        let place = at(path).map_err(|error| Self::failed(call, &error))?;
        self.system.root.symlink(&place, target.as_bytes());
        Ok(())
    }
}
