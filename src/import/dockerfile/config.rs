//! Instructions that say how an image runs.

use std::collections::BTreeSet;

use super::Translator;
use super::image::Draft;
use super::lines::{Instruction, pairs, words};
use super::scope::{is_path, joined};
use crate::import::about;
use crate::import::bases::Ground;
use crate::import::recipe::{Item, Node, Value};
use crate::import::{durations, shell, signals};
use crate::model::Principal;

impl Translator<'_> {
    /// An instruction that makes no files.
    pub(super) fn setting(&mut self, draft: &mut Draft, instruction: &Instruction) {
        match instruction.keyword.as_str() {
            "USER" => {
                let mut notes = Vec::new();
                let user = self.expand(&draft.scope, instruction, &instruction.rest, &mut notes);
                draft.notes.append(&mut notes);
                draft.user = Some((instruction.line, user));
            }
            "EXPOSE" => self.expose(draft, instruction),
            "VOLUME" => self.volume(draft, instruction),
            "ENTRYPOINT" => self.argv(draft, instruction, "entrypoint"),
            "CMD" => self.argv(draft, instruction, "command"),
            "HEALTHCHECK" => self.healthcheck(draft, instruction),
            "STOPSIGNAL" => self.stop_signal(draft, instruction),
            "LABEL" => self.label(draft, instruction),
            "MAINTAINER" => {
                let author = draft.scope.variables.expand(&instruction.rest).text;
                draft.about.insert("authors", author);
            }
            "ONBUILD" => {
                let why = "nothing inherits instructions here: write it into the recipes that are built on this image";
                draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
            "SHELL" => {
                let shells = instruction.exec().unwrap_or_default();
                if !shells.first().is_some_and(|shell| shell.ends_with("/sh") || shell.ends_with("/bash")) {
                    let why = "images run no shell of their own: name it in `entrypoint`";
                    draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
                }
            }
            _ => {}
        }
    }

    fn expose(&mut self, draft: &mut Draft, instruction: &Instruction) {
        for word in words(&instruction.rest) {
            let mut notes = Vec::new();
            let text = self.expand(&draft.scope, instruction, &word, &mut notes);
            draft.notes.append(&mut notes);
            match ports(&text) {
                Some((first, last, protocol)) => {
                    let overlaps =
                        |known: &(u16, u16, String)| known.2 == protocol && known.0 <= last && first <= known.1;
                    if draft.expose.len() < 1_000 && !draft.expose.iter().any(overlaps) {
                        draft.expose.push((first, last, protocol));
                    }
                }
                None => {
                    let why = format!("`{text}` is no port");
                    draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
                }
            }
        }
    }

    fn volume(&mut self, draft: &mut Draft, instruction: &Instruction) {
        let mut known: BTreeSet<String> = draft.volumes.iter().cloned().collect();
        for word in instruction.exec().unwrap_or_else(|| words(&instruction.rest)) {
            let mut notes = Vec::new();
            let path = self.expand(&draft.scope, instruction, &word, &mut notes);
            draft.notes.append(&mut notes);
            let path = joined("/", &path);
            if !is_path(&path) {
                let why = "a volume is a folder of the image";
                draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            } else if draft.volumes.len() < 1_000 && known.insert(path.clone()) {
                draft.volumes.push(path);
            }
        }
    }

    /// `ENTRYPOINT` and `CMD`, whose variables Docker leaves alone.
    fn argv(&mut self, draft: &mut Draft, instruction: &Instruction, node: &'static str) {
        match self.command_line(draft, instruction, &instruction.rest) {
            Some(argv) if argv.is_empty() => drop(draft.once.remove(node)),
            Some(argv) => {
                let filled = argv.into_iter().fold(Node::new(node), Node::text);
                draft.once.insert(node, filled);
            }
            None => {}
        }
        // a new entrypoint forgets the arguments of the base's
        if node == "entrypoint" && draft.once.get("command").is_some_and(|_| instruction.rest.is_empty()) {
            draft.once.remove("command");
        }
    }

    /// The words of a command in either form; what wants a shell is given one, and noted.
    fn command_line(&mut self, draft: &mut Draft, instruction: &Instruction, rest: &str) -> Option<Vec<String>> {
        let exec = rest.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(rest).ok()).flatten();
        if let Some(argv) = exec {
            let program = argv.first().map_or("/", String::as_str);
            if program.trim().is_empty() || (program.contains(' ') && argv.len() == 1) {
                let why = "write the program and each argument as a text of its own";
                draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
                return None;
            }
            return Some(argv);
        }
        if let Some(words) = shell::words(rest.strip_prefix("exec ").unwrap_or(rest)) {
            return Some(words).filter(|words| words.first().is_some_and(|word| !word.trim().is_empty()));
        }
        if rest.trim().is_empty() {
            return None;
        }
        let why = "it is run by /bin/sh, which the image must have: write the program and its arguments instead";
        draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
        Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()])
    }

    fn healthcheck(&mut self, draft: &mut Draft, instruction: &Instruction) {
        if instruction.rest.trim().eq_ignore_ascii_case("none") {
            let why = "say why it has none";
            draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            let reason = Value::Text("the Dockerfile has none".to_owned());
            draft.once.insert("healthcheck", Node::new("healthcheck").text("none").with("reason", reason));
            return;
        }
        let (word, rest) = instruction.rest.split_once(char::is_whitespace).unwrap_or((&instruction.rest, ""));
        let argv = match word.eq_ignore_ascii_case("cmd") {
            true => self.command_line(draft, instruction, rest.trim()),
            false => None,
        };
        let Some(argv) = argv.filter(|argv| !argv.is_empty() && argv[0] != "none") else {
            let why = "it is no healthcheck that recipes can say";
            draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            return;
        };
        let mut node = argv.into_iter().fold(Node::new("healthcheck"), Node::text);
        for (name, value) in &instruction.flags {
            let value = draft.scope.variables.expand(value).text;
            match (name.as_str(), durations::read(&value), value.parse::<u32>()) {
                ("interval", Some(text), _) => node.set("interval", Value::Text(text)),
                ("timeout", Some(text), _) => node.set("timeout", Value::Text(text)),
                ("start-period", Some(text), _) => node.set("start-period", Value::Text(text)),
                ("retries", _, Ok(number)) => node.set("retries", Value::Number(number)),
                _ => {
                    let why = format!("`--{name}={value}` has no counterpart");
                    draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
                }
            }
        }
        draft.once.insert("healthcheck", node);
    }

    fn stop_signal(&mut self, draft: &mut Draft, instruction: &Instruction) {
        let text = draft.scope.variables.expand(&instruction.rest).text;
        match signals::read(&text) {
            Some(signal) => drop(draft.once.insert("stop-signal", Node::new("stop-signal").text(signal))),
            None => {
                let why = format!("`{text}` is no signal that ends a process");
                draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
        }
    }

    fn label(&mut self, draft: &mut Draft, instruction: &Instruction) {
        for (key, value) in pairs(&instruction.rest) {
            let mut notes = Vec::new();
            let key = draft.scope.variables.expand(&key).text;
            let value = self.expand(&draft.scope, instruction, &value, &mut notes);
            draft.notes.append(&mut notes);
            match about::node(&key, &value) {
                Some(node) => drop(draft.about.insert(node, value)),
                None if key.is_empty() => {}
                None => draft.labels.set(key, value),
            }
        }
    }

    /// The nodes at the top of the recipe.
    pub(super) fn about(&mut self, draft: &mut Draft) -> Vec<Item> {
        about::items(std::mem::take(&mut draft.about))
    }

    /// Who the image runs as.
    pub(super) fn user_node(&mut self, draft: &Draft, line: usize, reference: &str, nonroot: bool) -> Vec<Item> {
        let based = matches!(draft.ground, Ground::Project(_));
        let user = |text: &str| Node::new("user").text(text);
        let reason = |text: &str| Value::Text(text.to_owned());
        match &draft.user {
            None if nonroot && based => Vec::new(),
            None if nonroot => vec![user("65532").into()],
            None => {
                let why = "it names no user and so runs as root: add an `account` and name it, or say why";
                let note = self.findings.note(line, &format!("FROM {reference}"), why);
                vec![note, user("root").with("reason", reason("the Dockerfile names no user")).into()]
            }
            Some((line, text)) if is_root(text) => {
                let why = "it runs as root: say why, or name another user";
                vec![
                    self.findings.note(*line, &format!("USER {text}"), why),
                    user("root").with("reason", reason("the Dockerfile says so")).into(),
                ]
            }
            Some((_, text)) if is_user(text) => vec![user(text).into()],
            Some((line, text)) => {
                let why = "it is no user that recipes can name; 65532 stands in its place";
                vec![self.findings.note(*line, &format!("USER {text}"), why), user("65532").into()]
            }
        }
    }
}

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("root" | "0"))
}

fn is_user(text: &str) -> bool {
    let (user, group) = text.split_once(':').unwrap_or((text, "0"));
    user.parse::<Principal>().is_ok() && group.parse::<Principal>().is_ok()
}

/// `80`, `80/udp`, `6000-6009/tcp`.
fn ports(text: &str) -> Option<(u16, u16, String)> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0 && !text.starts_with('+'));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last && ["tcp", "udp", "sctp"].contains(&protocol.as_str())).then_some((first, last, protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_protocols() {
        assert_eq!(ports("80"), Some((80, 80, "tcp".to_owned())));
        assert_eq!(ports("6000-6009/UDP"), Some((6000, 6009, "udp".to_owned())));
        for text in ["", "0", "70000", "9-8", "80/x", "+8", "a"] {
            assert_eq!(ports(text), None, "{text}");
        }
    }
}
