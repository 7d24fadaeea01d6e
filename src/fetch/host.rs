//! A host as configuration names it: what a login or a permission is for.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// A host, and its port where that is not the usual one of the scheme: `mirror.example`, `mirror.example:8443`,
/// `[::1]:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: Host,
    port: Option<u16>,
}

impl HostPort {
    /// Whether a URL is of this host and port. Without a port, only URLs with the usual port of their scheme are.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let same = url.host().is_some_and(|host| host.to_owned() == self.host);
        same && match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(),
        }
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is neither a host nor a host and a port", text.escape_default());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
            _ => (text, None),
        };
        let port = port.map(|port| port.parse().ok().filter(|&port| port > 0).ok_or_else(wrong)).transpose()?;
        // an address of IPv6 without a port needs no brackets
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        Ok(Self { host: Host::parse(&host).map_err(|_| wrong())?, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_that_host_at_that_port_and_no_other() {
        let covers = |text: &str, url: &str| {
            text.parse::<HostPort>().expect("a host").covers(&url.parse::<Url>().expect("a URL"))
        };
        for (text, url) in [
            ("a.example", "https://A.example/x"),
            ("a.example", "http://a.example:80/x"),
            ("A.example:443", "https://a.example/"),
            ("a.example:8443", "https://a.example:8443/"),
            ("::1", "http://[::1]/"),
            ("[::1]:8080", "http://[::1]:8080/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert!(covers(text, url), "{text} {url}");
        }
        for (text, url) in [
            ("a.example", "https://a.example:8443/"),
            ("a.example", "http://a.example:443/"),
            ("a.example:80", "https://a.example/"),
            ("a.example", "https://b.a.example/"),
            ("a.example", "https://a.example.evil.test/"),
            ("a.example", "https://a.example@evil.test/"),
            ("::1", "http://[::2]/"),
        ] {
            assert!(!covers(text, url), "{text} {url}");
        }
        for text in ["", "a.example:", "a.example:http", "a.example:70000", "a example", "a/b", "http://a.example"] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
