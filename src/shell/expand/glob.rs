//! Names of files for a field with a pattern in it (XCU 2.6.6).

use super::super::machine::{FileKind, absolute};
use super::super::pattern::Pattern;
use super::super::run::{Run, Shell};
use super::fields::Field;

impl Shell<'_> {
    /// Adds the names that a field matches; the field itself where it matches none, or is no pattern.
    pub(super) fn file_names(&mut self, field: Field, all: &mut Vec<String>) -> Run<()> {
        let is_pattern = field.iter().any(|(letter, quoted)| !quoted && "*?[".contains(*letter));
        if is_pattern && !self.state.options.noglob {
            let names = self.matching(&field)?;
            if !names.is_empty() {
                all.extend(names);
                return Ok(());
            }
        }
        all.push(field.into_iter().map(|(letter, _)| letter).collect());
        Ok(())
    }

    fn matching(&mut self, field: &Field) -> Run<Vec<String>> {
        let mut found = vec![String::new()];
        let parts: Vec<&[(char, bool)]> = field.split(|(letter, _)| *letter == '/').collect();
        for (index, part) in parts.iter().enumerate() {
            let pattern = Pattern::new(part);
            let last = index + 1 == parts.len();
            let mut next = Vec::new();
            for prefix in found {
                let slash = if index > 0 { "/" } else { "" };
                match pattern.literal() {
                    Some(name) => next.push(format!("{prefix}{slash}{name}")),
                    None => {
                        let begin = format!("{prefix}{slash}");
                        let folder = if begin.is_empty() { "." } else { &begin };
                        self.names_in(folder, &begin, &pattern, last, &mut next)?;
                    }
                }
            }
            found = next;
        }
        found.retain(|path| self.machine.look(&absolute(&self.state.folder, path), false).is_some());
        Ok(found)
    }

    fn names_in(
        &mut self,
        folder: &str,
        begin: &str,
        pattern: &Pattern,
        last: bool,
        next: &mut Vec<String>,
    ) -> Run<()> {
        let names = self.machine.names(&absolute(&self.state.folder, folder)).unwrap_or_default();
        self.step(names.len() as u64)?;
        for name in names {
            let letters: Vec<char> = name.chars().collect();
            if name.starts_with('.') && !pattern.matches_hidden() || !pattern.matches(&letters) {
                continue;
            }
            let path = format!("{begin}{name}");
            self.make(path.len())?;
            let is_folder = |node: super::super::Stat| node.kind == FileKind::Folder;
            if last || self.machine.look(&absolute(&self.state.folder, &path), true).is_some_and(is_folder) {
                next.push(path);
            }
        }
        Ok(())
    }
}
