//! Scripts that run outside of what they configure: with native programs, and the folder in `DPKG_ROOT` (dpkg(1),
//! `--force-script-chrootless`). Packages have to be made for that. A script that is not would change the system that it
//! runs in, so what says nothing of `DPKG_ROOT` must consist of commands that heed it by themselves, and afterwards the
//! system must be as it was.

use std::collections::BTreeSet;

use crate::distribution::scripts::{ScriptedPackage, UnawareScript};
use crate::model::Digest;

/// Scripts of a first installation.
const SCRIPTS: &[&str] = &["preinst", "postinst"];

/// Words of the shell, and what only reads: the system that scripts run in holds the same packages, so what is read of
/// programs and of the package database is the same.
const HARMLESS: &[&str] = &[
    "!",
    "(",
    ")",
    ":",
    "[",
    "basename",
    "break",
    "cat",
    "cmp",
    "continue",
    "cut",
    "dirname",
    "do",
    "done",
    "dpkg-query",
    "echo",
    "egrep",
    "elif",
    "else",
    "esac",
    "exit",
    "export",
    "expr",
    "false",
    "fi",
    "for",
    "grep",
    "head",
    "id",
    "if",
    "in",
    "local",
    "md5sum",
    "printf",
    "read",
    "readlink",
    "return",
    "set",
    "shift",
    "sort",
    "systemctl",
    "tail",
    "test",
    "then",
    "tr",
    "true",
    "uname",
    "unset",
    "wc",
    "which",
    "while",
    "{",
    "}",
];

/// What a script may look at without naming the folder: programs, and whether a service manager runs.
const SAME_IN_BOTH: &[&str] = &["/usr/", "/bin/", "/sbin/", "/lib/", "/run/systemd", "/dev/null"];

/// Commands that find the folder in the environment.
const AWARE: &[&str] = &[
    "db_fset",
    "db_get",
    "db_go",
    "db_input",
    "db_purge",
    "db_set",
    "db_stop",
    "db_unregister",
    "db_version",
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "dpkg-divert",
    "dpkg-maintscript-helper",
    "dpkg-statoverride",
    "dpkg-trigger",
    "invoke-rc.d",
    "update-alternatives",
    "update-rc.d",
];

/// Scripts that were read, by package and by the first digits of their hash: on a first installation they ask debconf and
/// do nothing else.
const READ: &[(&str, &str)] = &[
    ("libpam-modules", "87c5a9bcde48"), // 1.7.0-5, preinst: the rest is for upgrades from before 1.4
    ("libpam0g", "115eb8d44655"),       // 1.7.0-5, postinst: the rest is for upgrades with services running
];

/// All scripts of `packages` that are not made to run outside, but for those that are `inert`.
pub(super) fn unaware(packages: &[ScriptedPackage], inert: &BTreeSet<(String, &'static str)>) -> Vec<UnawareScript> {
    let scripts = packages.iter().flat_map(|package| SCRIPTS.iter().map(move |script| (package, *script)));
    let scripts = scripts.filter(|(package, script)| !inert.contains(&(package.id.name.to_string(), *script)));
    let unaware = scripts.filter_map(|(package, script)| {
        let bytes = package.control.file(script)?;
        let hash = Digest::of(bytes).hex();
        if READ.iter().any(|(of, begin)| package.id.name == *of && hash.starts_with(begin)) {
            return None;
        }
        let text = String::from_utf8_lossy(bytes);
        let line = unaware_line(&text)?;
        Some(UnawareScript { package: package.id.name.to_string(), script, line })
    });
    unaware.collect()
}

pub(crate) fn unaware_line(text: &str) -> Option<String> {
    if text.contains("DPKG_ROOT") {
        return None;
    }
    let mut lines = text.lines();
    let shell = lines.next().is_some_and(|first| {
        first.starts_with("#!") && first.split_whitespace().next().is_some_and(|program| program.ends_with("sh"))
    });
    if !shell {
        return Some(text.lines().next().unwrap_or_default().to_owned());
    }
    let joined = text.replace("\\\n", " ");
    let code: Vec<&str> =
        joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let functions: Vec<&str> = code.iter().filter_map(|line| function(line)).collect();
    code.iter().find(|line| !heeds(line, &functions)).map(|line| (*line).to_owned())
}

/// The name of the function that a line begins to define.
fn function(line: &str) -> Option<&str> {
    let name = line.split_once("()")?.0.trim();
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// Whether each command of a line is harmless or finds the folder by itself. Whatever is not plain does not.
fn heeds(line: &str, functions: &[&str]) -> bool {
    // a file that is written or read is one where the script runs; messages go elsewhere
    let elsewhere = |rest: &str| ["/dev/null", "&1", "&2"].iter().any(|to| rest.trim_start().starts_with(to));
    if line.contains('<') || line.split('>').skip(1).any(|rest| !rest.is_empty() && !elsewhere(rest)) {
        return false;
    }
    let line = function(line).map_or(line, |name| line.trim_start_matches(name).trim_start_matches("()"));
    // the pattern of a case
    let line = match line.split_once(')') {
        Some((pattern, rest)) if !pattern.contains(['(', ' ', '=', '$']) => rest,
        _ => line,
    };
    // what is substituted is a command of its own
    let commands = line.replace("$(", ";").replace('`', ";");
    commands.split([';', '|', '&']).all(|command| command_heeds(command, functions))
}

fn command_heeds(command: &str, functions: &[&str]) -> bool {
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    let mut words = command.split_whitespace().skip_while(|word| {
        matches!(*word, "if" | "then" | "else" | "elif" | "do" | "while" | "!" | "{" | "(") || is_assignment(word)
    });
    let Some(first) = words.next() else { return true };
    let plain = first.trim_matches(['"', ')']);
    let name = plain.rsplit('/').next().unwrap_or(plain);
    match name {
        // what stands on the same line behind a pattern is a command
        "case" => command.split_once(')').is_none_or(|(_, rest)| command_heeds(rest, functions)),
        "command" => words.next() == Some("-v"),
        "[" | "test" => words.all(|word| {
            let word = word.trim_start_matches('"');
            !word.starts_with('/') || SAME_IN_BOTH.iter().any(|same| word.starts_with(same))
        }),
        "dpkg" => words.next().is_some_and(|word| word == "--compare-versions"),
        "sed" => words.all(|word| !word.starts_with("-i") && !word.starts_with("--in-place")),
        "." => words.next() == Some("/usr/share/debconf/confmodule"),
        // the second half of something that was cut apart above: a number of `2>&1`, a string, an operator
        _ if plain.is_empty() || plain.starts_with(['1', '2', '>', '$', '=', ']']) || first.starts_with('"') => true,
        _ => HARMLESS.contains(&name) || AWARE.contains(&name) || functions.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_heed_the_folder_are_told_from_those_that_do_not() {
        let aware = [
            "#!/bin/sh\nset -e\nupdate-passwd ${DPKG_ROOT:+--root \"$DPKG_ROOT\"}\n",
            "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n  update-alternatives --install /usr/bin/a a /usr/bin/b 1 \\\n    --slave /x x /y\nfi\n",
            "#!/bin/sh\nif [ \"$(dpkg-divert --truename \"/bin/$tool\")\" = \"$x\" ] &&\ntrue; then exit 0; fi\nf() {\n  :\n}\nf x\n",
            "#!/bin/sh\ncase \"$1\" in\n configure|abort-upgrade)\n  deb-systemd-helper unmask x.timer >/dev/null || true\n ;;\n *) exit 1 ;;\nesac\n",
        ];
        for script in aware {
            assert_eq!(unaware_line(script), None, "{script}");
        }
        let unaware = [
            ("#!/bin/sh\nset -e\nadduser --system x\n", "adduser --system x"),
            ("#!/bin/sh\necho x > /etc/x\n", "echo x > /etc/x"),
            ("#!/bin/sh\ntrue && rm -rf /var/x\n", "true && rm -rf /var/x"),
            ("#!/usr/bin/perl\nunlink '/etc/x';\n", "#!/usr/bin/perl"),
            ("#!/bin/sh\nx=$(mktemp)\n", "x=$(mktemp)"),
            ("#!/bin/sh\ncase $1 in a) rm /x;; esac\n", "case $1 in a) rm /x;; esac"),
            ("#!/bin/sh\ncommand rm /x\n", "command rm /x"),
            ("#!/bin/sh\nif [ -e /etc/x ]; then exit 0; fi\n", "if [ -e /etc/x ]; then exit 0; fi"),
            ("#!/bin/sh\ngetent passwd x || true\n", "getent passwd x || true"),
        ];
        for (script, line) in unaware {
            assert_eq!(unaware_line(script).as_deref(), Some(line), "{script}");
        }
    }
}
