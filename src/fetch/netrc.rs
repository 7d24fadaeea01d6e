//! Credentials by host, from a file as of netrc(5): `machine`, `login`, `password`, `account`. Beyond that form, a
//! machine may have a port, as in `machine mirror.example:8443`; without one, the login is for the usual port only.

use std::fmt;

use url::Url;

use super::host::HostPort;

/// Who to be at which host.
#[derive(Clone, Default)]
pub(super) struct Netrc {
    machines: Vec<(HostPort, Login)>,
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
    /// Reads the text of such a file. Refused are macros, which cannot mean anything here, and `default`: a recipe may
    /// name any host, and would be sent its password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut netrc = Self::default();
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
                    // the text is not repeated: a file of another form may hold a password here
                    let host = value("the name of a host")?.parse();
                    let host =
                        host.map_err(|_: String| format!("line {line}: `machine` needs a host, or HOST:PORT"))?;
                    netrc.machines.push((host, Login::default()));
                }
                "default" => {
                    return Err(format!(
                        "line {line}: `default` would send a password to any host that a recipe names: write a `machine` for each host"
                    ));
                }
                "login" | "password" | "account" => {
                    let value = value("a value")?;
                    let Some((_, login)) = netrc.machines.last_mut() else {
                        return Err(format!("line {line}: `{word}` before any `machine`"));
                    };
                    match word {
                        "login" => login.name = value,
                        "password" => login.password = value,
                        _ => {} // means nothing to http
                    }
                }
                _ => {
                    return Err(format!("line {line}: a word is neither machine, login, password nor account"));
                }
            }
        }
        Ok(netrc)
    }

    /// Who to be at the host and port of a URL; the first entry counts, as everywhere. Whether the connection is good
    /// enough for a password is not looked at here.
    pub(super) fn login(&self, url: &Url) -> Option<&Login> {
        self.machines.iter().find(|(host, _)| host.covers(url)).map(|(_, login)| login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_their_own_credentials_and_others_none() {
        let text = "# mine\nmachine one.example login me\n  password s3cret\nmachine two.example:8443 login you password p account a\n\
                    machine one.example login late password late\n";
        let netrc = Netrc::parse(text).expect("a netrc file");
        let login = |url: &str| {
            let login = netrc.login(&url.parse().expect("a URL"));
            login.map(|login| (login.name.as_str(), login.password.as_str()))
        };
        assert_eq!(login("https://ONE.example/x"), Some(("me", "s3cret")));
        assert_eq!(login("https://one.example:8443/x"), None);
        assert_eq!(login("https://two.example:8443/"), Some(("you", "p")));
        assert_eq!(login("https://two.example/"), None);
        assert_eq!(login("https://three.example/"), None);
        assert!(!format!("{:?}", netrc.machines[0].1).contains("s3cret"));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_line_without_repeating_it() {
        for (text, line) in [
            ("machine a\nlogin", "line 2"),
            ("login me", "line 1"),
            ("machine a\n\nhunter2", "line 3"),
            ("machine hunter2:hunter2 login a", "line 1"),
            ("machine a login b password c\ndefault login anonymous password hunter2", "line 2"),
        ] {
            let error = Netrc::parse(text).err().unwrap_or_default();
            assert!(error.starts_with(line), "{text}: {error}");
            assert!(!error.contains("hunter2"));
        }
    }
}
