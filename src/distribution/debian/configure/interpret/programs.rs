//! Which programs scripts can call: those of dpkg and its kin that this room knows, tools, and shell scripts of the tree.

use super::super::tree::at;
use super::{DebianMachine, Known, accounts, answers, caches, packages, services};
use crate::shell::{Call, Dialect, Files as _, Machine, Program, Unsupported, is_tool, path_of};

/// Programs of packages: they are there where their files are.
const KNOWN: &[&[(&str, Known)]] = &[accounts::KNOWN, packages::KNOWN, services::KNOWN, caches::KNOWN];
/// Programs that are always there: those of dpkg, which runs the script.
const ALWAYS: &[&str] = &[
    "dpkg",
    "dpkg-divert",
    "dpkg-maintscript-helper",
    "dpkg-query",
    "dpkg-statoverride",
    "dpkg-trigger",
    "ldconfig",
    "update-alternatives",
];

fn known(name: &str) -> Option<Known> {
    KNOWN.iter().flat_map(|table| table.iter()).find(|(own, _)| *own == name).map(|(_, known)| *known)
}

impl Machine for DebianMachine<'_, '_> {
    fn program(&self, name: &str) -> Program {
        let base = name.rsplit('/').next().unwrap_or(name);
        if self.asks && answers::find(base).is_some() && !name.contains('/') {
            return Program::Own;
        }
        if is_tool(base) || ALWAYS.contains(&base) && known(base).is_some() {
            return if is_tool(base) { Program::Tool } else { Program::Own };
        }
        let Some(path) = path_of(self, name) else { return Program::Missing };
        if known(base).is_some() {
            return Program::Own;
        }
        self.in_tree(&path)
    }

    fn run(&mut self, call: &mut Call<'_>) -> Result<i32, Unsupported> {
        let base = call.name().rsplit('/').next().unwrap_or_default().to_owned();
        if let Some(answer) = answers::find(&base).filter(|_| self.asks) {
            return answer(self, call);
        }
        match known(&base) {
            Some(known) => known(self, call),
            None => Err(call.refuse("a program that is not known")),
        }
    }

    fn source(&mut self, path: &str) -> Option<()> {
        if !path.ends_with(answers::CONFMODULE) {
            return None;
        }
        if !self.asks {
            let (package, script) = (self.package.id.name.to_string(), self.script);
            self.system.load_templates(&package, script);
            self.asks = true;
        }
        Some(())
    }
}

impl DebianMachine<'_, '_> {
    /// A program of the tree that is none of those known.
    fn in_tree(&self, path: &str) -> Program {
        let elf = at(path).and_then(|place| self.system.root.elf(&place));
        match elf {
            Ok(Some(_)) => return Program::Foreign("a compiled program, which is not run".to_owned()),
            Ok(None) => {}
            Err(_) => return Program::Foreign("a program that cannot be read".to_owned()),
        }
        let Ok(content) = self.read(path) else { return Program::Foreign("a program that cannot be read".to_owned()) };
        match (Dialect::of(&content), String::from_utf8(content)) {
            (Some(dialect), Ok(text)) => Program::Script(path.to_owned(), text, dialect),
            (Some(_), Err(_)) => Program::Foreign("a script that is not UTF-8".to_owned()),
            (None, text) => {
                let text = text.unwrap_or_default();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("#!").trim();
                Program::Foreign(format!("a program for `{first}`, which is not run"))
            }
        }
    }

    /// The error of an effect, where the script is.
    pub(super) fn failed(call: &Call<'_>, error: &super::super::ConfigureError) -> Unsupported {
        call.refuse(error)
    }
}
