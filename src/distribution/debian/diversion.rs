//! Diversions, read from the scripts that make them: `dpkg-divert --add` in a `preinst` moves the files of all other
//! packages at a path aside (dpkg-divert(1)).

use crate::archive::Control;
use crate::distribution::world::Diversion;
use crate::model::ImagePath;

/// The diversions that a package makes before it is unpacked. Those whose paths a shell would compute are not known; the
/// clash they should settle is then reported.
pub(crate) fn of(control: &Control) -> Vec<Diversion> {
    let script = control.file("preinst").map(String::from_utf8_lossy).unwrap_or_default();
    let script = script.replace("\\\n", " ");
    script.lines().filter_map(read).collect()
}

fn read(line: &str) -> Option<Diversion> {
    let words = line.split(';').find(|command| command.contains("dpkg-divert"))?;
    let mut words = words.split_whitespace().skip_while(|word| !word.ends_with("dpkg-divert")).skip(1);
    let (mut to, mut path) = (None, None);
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'']);
        match word {
            "--remove" | "--list" | "--listpackage" | "--truename" | "--no-rename" => return None,
            "--divert" => to = words.next().map(|word| word.trim_matches(['"', '\''])),
            "--package" => _ = words.next(),
            "||" | "&&" | "|" | ">" | ">/dev/null" => break,
            _ if word.starts_with("--divert=") => to = word.strip_prefix("--divert="),
            _ if word.starts_with('/') => path = Some(word),
            _ => {}
        }
    }
    let path = path?;
    let default = format!("{path}.distrib");
    let plain = |text: &str| ImagePath::absolute(text).ok().filter(|_| !text.contains(['$', '*', '`']));
    Some(Diversion { path: plain(path)?, to: plain(to.unwrap_or(&default))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mode;

    fn found(script: &str) -> Vec<(String, String)> {
        let files = [("preinst".to_owned(), (Mode::from_bits(0o755), script.as_bytes().to_vec()))].into();
        let control = Control { control: String::new(), files };
        of(&control).into_iter().map(|diversion| (diversion.path.to_string(), diversion.to.to_string())).collect()
    }

    #[test]
    fn diversions_of_scripts_are_read() {
        let script = "#!/bin/sh\nset -e\nif [ \"$1\" = install ]; then\n  dpkg-divert --package mine --rename \\\n    \
                      --divert /usr/bin/tool.orig --add /usr/bin/tool >/dev/null\nfi\ndpkg-divert --add /bin/x\n";
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(found(script), [pair("/usr/bin/tool", "/usr/bin/tool.orig"), pair("/bin/x", "/bin/x.distrib")]);
    }

    #[test]
    fn what_a_shell_would_compute_is_not_guessed() {
        assert_eq!(found("dpkg-divert --add \"$file\"\ndpkg-divert --remove /bin/x\ndpkg-divert --add /x/$y\n"), []);
    }
}
