//! Reading maintainer scripts without executing them.
//!
//! What debhelper added stands between two comments, and consists of a small vocabulary of commands; those are parsed.
//! `update-alternatives --install` is parsed wherever it stands. Of the rest, lines that cannot change anything on a
//! first installation are dropped; what then remains is the script's own work and is identified by a fingerprint, so
//! that a rule of [`super::rules`] vouches for exactly the text that somebody has read.

use std::collections::BTreeSet;

use super::alternatives::Alternative;
use super::{shell, whole_snippets};
use crate::model::{Digest, Platform};

/// What a script does, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) actions: Vec<Action>,
    /// The tools whose snippets are in it and could be read: `dh_installinit`.
    pub(super) snippets: BTreeSet<String>,
    /// The lines that are the script's own, in order, white space collapsed.
    pub(super) rest: Vec<String>,
}

/// The effect of a command on a first installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `update-alternatives --install`.
    Alternative(Alternative),
    /// The package's templates are loaded into the debconf database.
    Templates,
    /// `systemd-tmpfiles --create` with these files of `tmpfiles.d`.
    Tmpfiles(Vec<String>),
    /// `systemd-sysusers` with these files of `sysusers.d`.
    Sysusers(Vec<String>),
    /// `deb-systemd-helper enable` of a unit.
    EnableUnit(String),
    /// `deb-systemd-helper --user enable` of a unit.
    EnableUserUnit(String),
    /// `deb-systemd-helper update-state` of a unit that is not enabled: its links are remembered, and not made.
    RecordUnit(String),
    /// A place for the administrator's additions to a profile of AppArmor: the profile's name.
    LocalProfile(String),
    /// `update-rc.d`: what is to be done with an init script.
    InitScript { name: String, verb: String },
    /// Python sources are compiled.
    ByteCompile,
}

/// Moves what an older version of the package left behind.
const MAINTSCRIPT_HELPER: &str = "dpkg-maintscript-helper";

/// What a command in a snippet of debhelper (13.11 to 13.24), or of dh-python, means while an image is made: nothing
/// runs there, and no older version of the package was ever installed. By its first words.
const COMMANDS: &[(&str, Meaning)] = &[
    (MAINTSCRIPT_HELPER, |_| None),
    // start, stop, restart and reload
    ("deb-systemd-invoke", |_| None),
    ("systemctl", |_| None),
    ("invoke-rc.d", |_| None),
    ("udevadm", |_| None),
    ("deb-systemd-helper enable", |words| Some(Action::EnableUnit(words.get(2)?.clone()))),
    ("deb-systemd-helper --user enable", |words| Some(Action::EnableUserUnit(words.get(3)?.clone()))),
    ("deb-systemd-helper update-state", |words| Some(Action::RecordUnit(words.get(2)?.clone()))),
    ("deb-systemd-helper", |_| None),
    ("update-rc.d", init_script),
    // of a package that was removed and not purged
    ("chmod +x /etc/init.d", |_| None),
    ("systemd-tmpfiles", |words| Some(Action::Tmpfiles(configuration_files(words)))),
    ("systemd-sysusers", |words| Some(Action::Sysusers(configuration_files(words)))),
    ("py3compile", |_| Some(Action::ByteCompile)),
    ("pypy3compile", |_| None),
    // menus of window managers; the program is in no image that does not ask for it
    ("update-menus", |_| None),
];

/// What a command with these words does.
type Meaning = fn(&[String]) -> Option<Action>;

/// The meaning of a command that is known.
fn meaning(words: &[String]) -> Option<Meaning> {
    let begins = |command: &str| {
        let mut given = words.iter();
        command.split(' ').all(|word| match given.next() {
            Some(given) => given == word || word.starts_with('/') && given.starts_with(&format!("{word}/")),
            None => false,
        })
    };
    COMMANDS.iter().find(|(command, _)| begins(command)).map(|(_, meaning)| *meaning)
}

/// `update-rc.d NAME VERB`; removing links that were never made has no effect.
fn init_script(words: &[String]) -> Option<Action> {
    let (name, verb) = (words.get(1)?.clone(), words.get(2).cloned().unwrap_or_default());
    (verb != "remove").then_some(Action::InitScript { name, verb })
}

fn configuration_files(words: &[String]) -> Vec<String> {
    words.iter().filter(|word| word.ends_with(".conf")).cloned().collect()
}

impl Script {
    /// Reads a script of a package for `platform`.
    pub(super) fn read(text: &str, platform: Platform) -> Self {
        let mut script = Self::default();
        let mut snippet: Option<Vec<String>> = None;
        let mut tool = "";
        let mut own = Vec::new();
        let mut variables = Vec::new();
        let lines = logical_lines(text);
        for line in &lines {
            // one fingerprint for all architectures
            let general = line.replace(platform.loader(), "@loader@").replace(platform.multiarch(), "@multiarch@");
            if let Some(by) = line.strip_prefix("# Automatically added by ") {
                own.extend(snippet.take().unwrap_or_default()); // without its end it is no snippet
                snippet = Some(Vec::new());
                tool = by.split(['/', ':']).next().unwrap_or(by).trim();
            } else if line.starts_with("# End automatically added section") {
                own.extend(script.read_snippet(tool, snippet.take().unwrap_or_default()));
            } else if line.is_empty() || line.starts_with('#') {
            } else if let Some(alternative) = Alternative::parse(&expand(line, &variables)) {
                script.actions.push(Action::Alternative(alternative));
            } else {
                variables.extend(assignment(line).map(|(name, value)| (name.to_owned(), value.to_owned())));
                snippet.as_mut().unwrap_or(&mut own).push(general);
            }
        }
        own.extend(snippet.take().unwrap_or_default());
        script.read_own(own);
        script
    }

    /// What identifies the script's own lines.
    pub(super) fn fingerprint(&self) -> String {
        Digest::of(self.rest.join("\n").as_bytes()).short()
    }

    /// Takes the actions of a snippet of `tool`, or gives its lines back when one is unknown.
    fn read_snippet(&mut self, tool: &str, lines: Vec<String>) -> Vec<String> {
        if let Some(actions) = whole_snippets::recognise(tool, &lines) {
            self.actions.extend(actions);
            self.snippets.insert(tool.to_owned());
            return Vec::new();
        }
        let mut actions = Vec::new();
        for line in &lines {
            if shell::is_condition(line) || assignment(line).is_some_and(|(name, _)| name == "_dh_action") {
                continue;
            }
            let Some(words) = shell::words(line) else { return lines };
            let Some(meaning) = meaning(&words) else { return lines };
            actions.extend(meaning(&words));
        }
        // a unit that is installed but not enabled by default: enabled only where an administrator had enabled it
        let not_enabled = lines.iter().any(|line| line.contains("debian-installed"));
        actions.retain(|action| match action {
            Action::EnableUnit(_) | Action::EnableUserUnit(_) => !not_enabled,
            Action::RecordUnit(_) => not_enabled,
            _ => true,
        });
        self.actions.append(&mut actions);
        self.snippets.insert(tool.to_owned());
        Vec::new()
    }

    /// Keeps of the script's own lines those that might change something. When all are harmless, none is kept;
    /// otherwise all are, because a condition belongs to what it guards.
    fn read_own(&mut self, own: Vec<String>) {
        let meaningful: Vec<bool> = own
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let last = own[index + 1..].iter().all(|line| matches!(line.as_str(), "esac" | ";;" | "fi" | "exit 0"));
                !(is_harmless(line) || last && line == "exit 0")
            })
            .collect();
        if own.iter().any(|line| line.starts_with(". ") && line.ends_with("/debconf/confmodule")) {
            self.actions.push(Action::Templates);
        }
        if meaningful.contains(&true) {
            self.rest = own;
        }
    }
}

/// Lines with continuations joined and white space collapsed.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for line in text.lines() {
        match line.strip_suffix('\\') {
            Some(head) => pending.extend([head, " "]),
            None => {
                pending.push_str(line);
                lines.push(pending.split_whitespace().collect::<Vec<_>>().join(" "));
                pending.clear();
            }
        }
    }
    lines
}

/// `name=value` with a value that the shell does not change.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let plain =
        |text: &str, more: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter));
    let named = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_') && plain(name, "_");
    (named && plain(value, "_-+./:")).then_some((name, value))
}

/// The line with the variables that are known filled in.
fn expand(line: &str, variables: &[(String, String)]) -> String {
    variables.iter().rev().fold(line.to_owned(), |line, (name, value)| {
        let ends = |rest: &str| !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        let mut out = String::new();
        let mut rest = line.replace(&format!("${{{name}}}"), value);
        let reference = format!("${name}");
        while let Some(at) = rest.find(&reference) {
            let tail = rest.split_off(at + reference.len());
            rest.truncate(at);
            out.push_str(&rest);
            out.push_str(if ends(&tail) { value } else { &reference });
            rest = tail;
        }
        out + &rest
    })
}

/// The text that a script writes to `file` from a here-document (`cat > file <<EOF`); with `<<-`, without leading tabs.
pub(super) fn here_document(script: &str, file: &str) -> Option<String> {
    let (_, rest) = script.split_once(&format!("cat > {file} <<"))?;
    let (marker, rest) = rest.split_once('\n')?;
    let (strip, marker) = marker.strip_prefix('-').map_or((false, marker), |marker| (true, marker));
    let marker = marker.trim().trim_matches(['\'', '"']);
    let mut text = String::new();
    for line in rest.lines() {
        let line = if strip { line.trim_start_matches('\t') } else { line };
        if line == marker {
            return Some(text);
        }
        text.extend([line, "\n"]);
    }
    None
}

/// Whether a line outside of debhelper's snippets has no effect, whatever stands around it.
fn is_harmless(line: &str) -> bool {
    let plain: String = line.chars().filter(|character| !matches!(character, '"' | '\'')).collect();
    let label = |text: &str| {
        let text = text.strip_prefix('(').unwrap_or(text);
        text.split('|').all(|word| {
            matches!(
                word.trim(),
                "configure" | "reconfigure" | "triggered" | "upgrade" | "install" | "install-upgrade" | "remove" | "*"
            ) || word.trim().starts_with("abort-")
        })
    };
    match plain.as_str() {
        "set -e" | "set -u" | "set -eu" | "set -ue" | ":" | "true" | ";;" | "esac" | "fi" | "exit 1" | "case $1 in"
        | "db_stop" | "db_stop || true" | "db_version 2.0" => true,
        ". /usr/share/debconf/confmodule" => true,
        "if [ $1 = configure ]; then" | "if [ $1 = configure ] ; then" | "if [ x$1 = xconfigure ]; then" => true,
        text if assignment(text).is_some() => true,
        text if text.starts_with("echo ") => is_message(text),
        _ if shell::words(line).is_some_and(|words| words[0] == MAINTSCRIPT_HELPER) => true,
        text => text.strip_suffix(')').is_some_and(label),
    }
}

/// `echo …`, to stderr perhaps, that tells nothing but words and the argument the script was called with.
fn is_message(text: &str) -> bool {
    let text = text.trim_end_matches(" >&2").trim_end_matches(" 1>&2");
    !text.replace("$1", "").replace("\\`", "").contains(['$', '`', '|', ';', '&', '>', '<', '(', ')', '{', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Script {
        Script::read(text, "linux/amd64".parse().expect("a platform"))
    }

    /// A snippet as debhelper frames it.
    fn snippet(lines: &str) -> String {
        format!("#!/bin/sh\nset -e\n# Automatically added by dh_x/13.24\n{lines}\n# End automatically added section\n")
    }

    #[test]
    fn a_line_that_changes_a_file_is_never_harmless() {
        for line in [
            "echo x > /etc/x",
            "echo x >> /etc/x",
            "echo x >/etc/x",
            "echo \"$1\" > /etc/x",
            "echo x | tee /etc/x",
            "echo $(touch /etc/x)",
            "echo `touch /etc/x`",
            "echo x; touch /etc/x",
            "echo x && touch /etc/x",
            "echo x & touch /etc/x",
            "echo x < /etc/x",
            "dpkg-maintscript-helper rm_conffile /etc/x -- \"$@\"; touch /etc/x",
            "dpkg-maintscript-helper rm_conffile /etc/x -- \"$@\" && touch /etc/x",
            "set -e; touch /etc/x",
            "x=`touch /etc/x`",
            "x=$(touch /etc/x)",
            "true && touch /etc/x",
        ] {
            let script = read(&format!("#!/bin/sh\nset -e\n{line}\nexit 0\n"));
            assert!(script.rest.iter().any(|kept| kept == line), "{line}: {script:?}");
            let script = read(&snippet(line));
            assert!(script.rest.iter().any(|kept| kept == line), "in a snippet: {line}: {script:?}");
        }
    }

    #[test]
    fn a_snippet_with_more_than_its_commands_is_the_scripts_own() {
        for line in [
            "update-rc.d x defaults; rm -rf /etc/x",
            "update-rc.d x defaults >/etc/x",
            "systemctl daemon-reload && touch /etc/x",
            "if touch /etc/x; then",
            "if [ -e /x ]; then touch /etc/x; fi",
            "touch /etc/x",
            "update-rc.d-of-my-own x",
        ] {
            assert!(!read(&snippet(line)).rest.is_empty(), "{line}");
        }
    }

    #[test]
    fn messages_are_harmless() {
        for line in
            ["echo hello", "echo \"called with $1\" >&2", "echo \"postinst called with unknown argument \\`$1'\" >&2"]
        {
            assert_eq!(read(&format!("#!/bin/sh\n{line}\n")).rest, Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn units_are_enabled_only_where_they_are_by_default() {
        let enable = "if deb-systemd-helper --quiet was-enabled 'a.service'; then\n\
                      deb-systemd-helper enable 'a.service' >/dev/null || true\nfi";
        assert_eq!(read(&snippet(enable)).actions, [Action::EnableUnit("a.service".to_owned())]);
        let not = format!("if deb-systemd-helper debian-installed 'a.service'; then\n{enable}\nfi");
        assert_eq!(read(&snippet(&not)), Script { snippets: ["dh_x".to_owned()].into(), ..Script::default() });
        let user = "deb-systemd-helper --user enable 'a.service' >/dev/null || true";
        assert_eq!(read(&snippet(user)).actions, [Action::EnableUserUnit("a.service".to_owned())]);
    }
}
