//! Credentials by host, from a file as of netrc(5): `machine`, `default`, `login`, `password`, `account`.

use std::collections::BTreeMap;
use std::fmt;

/// Who to be at which host.
#[derive(Clone, Default)]
pub(super) struct Netrc {
    machines: BTreeMap<String, Login>,
    default: Option<Login>,
}

/// A name and a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:…", self.name) // passwords never reach a log
    }
}

impl Netrc {
    /// Reads the text of such a file. Macros are refused: they cannot mean anything here.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut netrc = Self::default();
        let mut current: Option<(Option<String>, Login)> = None;
        let mut words = text.lines().enumerate().flat_map(|(line, text)| {
            let text = if text.trim_start().starts_with('#') { "" } else { text };
            text.split_whitespace().map(move |word| (line + 1, word))
        });
        while let Some((line, word)) = words.next() {
            let mut value = |what: &str| {
                let next = words.next().map(|(_, word)| word.to_owned());
                next.ok_or_else(|| format!("line {line}: {what} is missing after `{word}`"))
            };
            match word {
                "machine" => {
                    let host = value("the name of a host")?.to_ascii_lowercase();
                    netrc.take(current.replace((Some(host), Login::default())));
                }
                "default" => netrc.take(current.replace((None, Login::default()))),
                "login" | "password" | "account" => {
                    let value = value("a value")?;
                    let Some((_, login)) = &mut current else {
                        return Err(format!("line {line}: `{word}` before any `machine`"));
                    };
                    match word {
                        "login" => login.name = value,
                        "password" => login.password = value,
                        _ => {} // of no use over http
                    }
                }
                _ => {
                    return Err(format!(
                        "line {line}: a word is neither machine, default, login, password nor account"
                    ));
                }
            }
        }
        netrc.take(current);
        Ok(netrc)
    }

    /// The first entry of a host counts, as everywhere.
    fn take(&mut self, entry: Option<(Option<String>, Login)>) {
        match entry {
            Some((Some(host), login)) => drop(self.machines.entry(host).or_insert(login)),
            Some((None, login)) if self.default.is_none() => self.default = Some(login),
            _ => {}
        }
    }

    /// Who to be at `host`.
    pub(super) fn login(&self, host: &str) -> Option<&Login> {
        self.machines.get(&host.to_ascii_lowercase()).or(self.default.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_their_own_credentials_and_others_the_default() {
        let text = "# mine\nmachine one.example login me\n  password s3cret\nmachine two.example login you password p account a\n\
                    default login anonymous password guest\nmachine one.example login late password late\n";
        let netrc = Netrc::parse(text).expect("a netrc file");
        let login = |host: &str| netrc.login(host).map(|login| (login.name.clone(), login.password.clone()));
        assert_eq!(login("ONE.example"), Some(("me".into(), "s3cret".into())));
        assert_eq!(login("two.example"), Some(("you".into(), "p".into())));
        assert_eq!(login("three.example"), Some(("anonymous".into(), "guest".into())));
        assert!(!format!("{:?}", netrc.login("one.example")).contains("s3cret"));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_line_without_repeating_it() {
        for (text, line) in [("machine a\nlogin", "line 2"), ("login me", "line 1"), ("machine a\n\nhunter2", "line 3")]
        {
            let error = Netrc::parse(text).err().unwrap_or_default();
            assert!(error.starts_with(line), "{text}: {error}");
            assert!(!error.contains("hunter2"));
        }
    }
}
