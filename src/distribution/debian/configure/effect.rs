//! The small vocabulary in which rules say what a script does. The conditions are those under which scripts act on a
//! first installation: what is there already stays.

use std::fmt;

use super::commands::Command;
use super::script::here_document;
use super::system::System;
use super::tree::{Root, at};
use super::{ConfigureError, PackageState};

/// What a script does. Paths are absolute; groups are numbers that Debian has assigned for good (Policy §9.2.2).
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// Copies a file with mode, owner and time unless the second one exists.
    Copy(&'static str, &'static str),
    /// Makes a folder of this mode and group unless it exists.
    Dir(&'static str, u32, u32),
    /// Makes an empty file of this mode unless it exists.
    Empty(&'static str, u32),
    /// Makes an empty file unless it exists, and sets mode and group in any case.
    Owned(&'static str, u32, u32),
    /// Makes a symbolic link with this target unless something is there.
    Link(&'static str, &'static str),
    /// Replaces an empty folder by a symbolic link with this target.
    FolderToLink(&'static str, &'static str),
    /// Links a top folder to the one in `/usr` where that exists, and removes the link where it does not.
    MergedLink(&'static str),
    /// Loads the package's templates into the debconf database; the script that does it.
    Templates(&'static str),
    /// Answers a debconf question: its name, the value, and whether it counts as seen by a person.
    Answer(&'static str, &'static str, bool),
    /// Writes a file that does not exist with the text that stands for it in the package's `postinst`.
    HereDocument(&'static str),
    /// Commands, as the script has them ([`Command`]); `@multiarch@` stands for the name of the architecture's folders.
    Run(&'static [&'static str]),
    /// Several, which rules of more than one release have alike.
    Alike(&'static [Effect]),
    /// Something that images do without: what, and why.
    LeaveOut(&'static str),
    /// What takes more than one line to say; in words, and as it is done.
    Call(&'static str, fn(&mut System<'_>) -> Result<(), ConfigureError>),
    /// The same, for what all packages together make: also for a package that was configured with the base image.
    Always(&'static str, fn(&mut System<'_>) -> Result<(), ConfigureError>),
}

impl Effect {
    /// Applies it to a package that is new, or of which only what all packages together make must happen again, because
    /// it came configured with the base image.
    pub(super) fn apply(
        self,
        system: &mut System<'_>,
        package: &'static str,
        state: PackageState,
    ) -> Result<(), ConfigureError> {
        let is_shared =
            matches!(self, Self::Templates(_) | Self::Answer(..) | Self::Always(..) | Self::Run(_) | Self::Alike(_));
        if state == PackageState::Configured && !is_shared {
            return Ok(());
        }
        let root = &mut system.root;
        match self {
            Self::Copy(from, to) if !root.is_file(&at(to)?) => root.copy(&at(from)?, &at(to)?)?,
            Self::Dir(path, mode, group) if !root.is_dir(&at(path)?) => root.mkdir(&at(path)?, mode, (0, group)),
            Self::Empty(path, mode) if !root.is_file(&at(path)?) => root.write(&at(path)?, mode, (0, 0), ""),
            Self::Link(path, target) if root.entry(&at(path)?).is_none() => root.symlink(&at(path)?, target.as_bytes()),
            Self::Copy(..) | Self::Dir(..) | Self::Empty(..) | Self::Link(..) => {}
            Self::Owned(path, mode, group) => {
                let content = root.read(&at(path)?)?.unwrap_or_default();
                root.write(&at(path)?, mode, (0, group), content);
            }
            Self::FolderToLink(path, target) => folder_to_link(root, path, target)?,
            Self::MergedLink(name) => merged_link(root, name)?,
            Self::Templates(script) => system.load_templates(package, script),
            Self::Answer(question, value, seen) => system.debconf.answer(question, value, seen),
            Self::HereDocument(path) => {
                let text = system.postinst(package).and_then(|script| here_document(&script, path));
                if let (false, Some(text)) = (system.root.exists(&at(path)?), text) {
                    system.root.write(&at(path)?, 0o644, (0, 0), text);
                }
            }
            Self::Run(lines) => {
                for line in lines {
                    let line = line.replace("@multiarch@", system.platform.multiarch());
                    let unknown = || ConfigureError::Control { package: package.to_owned(), reason: line.clone() };
                    let command = Command::parse(&line).ok_or_else(unknown)?;
                    match state {
                        PackageState::Unpacked => command.run(system, package)?,
                        PackageState::Configured => command.repeat(system, package),
                    }
                }
            }
            Self::Alike(effects) => effects.iter().try_for_each(|effect| effect.apply(system, package, state))?,
            Self::LeaveOut(what) => system.leave_out(package, what),
            Self::Call(_, call) | Self::Always(_, call) => call(system)?,
        }
        Ok(())
    }
}

impl fmt::Display for Effect {
    /// As a line of Markdown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(from, to) => write!(out, "`cp -p {from} {to}`"),
            Self::Dir(path, mode, 0) => write!(out, "`mkdir -m {mode:o} {path}`"),
            Self::Dir(path, mode, group) => write!(out, "`install -d -m {mode:o} -g {group} {path}`"),
            Self::Empty(path, mode) => write!(out, "`touch {path}`, mode {mode:o}"),
            Self::Owned(path, mode, group) => write!(out, "`touch {path}`, mode {mode:o}, group {group}"),
            Self::Link(path, target) => write!(out, "`ln -s {target} {path}`"),
            Self::FolderToLink(path, target) => write!(out, "`{path}` becomes a link to `{target}`"),
            Self::MergedLink(name) => write!(out, "`/{name}` as a link where `/usr/{name}` exists"),
            Self::Templates(script) => write!(out, "debconf's templates, by its {script}"),
            Self::Answer(question, value, _) => write!(out, "debconf: `{question}` is `{value}`"),
            Self::HereDocument(path) => write!(out, "`{path}`, with the text in its postinst"),
            Self::Run(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
                out.write_str(&lines.join("<br>"))
            }
            Self::Alike(effects) => {
                let effects: Vec<String> = effects.iter().map(ToString::to_string).collect();
                out.write_str(&effects.join("<br>"))
            }
            Self::LeaveOut(what) => write!(out, "**left out**: {what}"),
            Self::Call(what, _) | Self::Always(what, _) => out.write_str(what),
        }
    }
}

fn folder_to_link(root: &mut Root<'_>, path: &str, target: &str) -> Result<(), ConfigureError> {
    let path = at(path)?;
    // `rmdir` of a folder that holds something fails, and so would the script
    if root.readlink(&path).is_none() && root.list(&path).is_empty() {
        root.symlink(&path, target.as_bytes());
    }
    Ok(())
}

fn merged_link(root: &mut Root<'_>, name: &str) -> Result<(), ConfigureError> {
    let (link, target) = (at(name)?, format!("usr/{name}"));
    let linked = root.readlink(&link).is_some();
    match root.is_dir(&at(&target)?) {
        true if root.entry(&link).is_none() => root.symlink(&link, target.as_bytes()),
        false if linked => root.remove(&link),
        _ => {}
    }
    Ok(())
}
