//! Which redirections are followed: a few, to http and https only, and never from an encrypted connection to a plain
//! one. Credentials do not follow to another scheme, host or port: the client drops them there.

use reqwest::redirect::{Action, Attempt, Policy};
use url::Url;

/// How many redirections of one request are followed.
const MOST: usize = 10;

pub(super) fn policy() -> Policy {
    Policy::custom(judge)
}

fn judge(attempt: Attempt<'_>) -> Action {
    // the first one is the request itself
    if attempt.previous().len() > MOST {
        return attempt.error("it redirects in circles");
    }
    match attempt.previous().last().map_or(Ok(()), |from| check(from, attempt.url())) {
        Ok(()) => attempt.follow(),
        Err(reason) => attempt.error(reason),
    }
}

/// Refuses a step from one URL to another that makes the connection weaker.
pub(super) fn check(from: &Url, to: &Url) -> Result<(), String> {
    let (place, scheme) = (to.host_str().unwrap_or_default(), to.scheme());
    match (from.scheme(), scheme) {
        ("http", "http" | "https") | ("https", "https") => Ok(()),
        ("https", "http") => {
            Err(format!("it redirects to `http://{place}`, away from an encrypted connection, and is not followed"))
        }
        _ => Err(format!("it redirects to a `{scheme}:` URL, and is not followed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_never_becomes_weaker() {
        let check = |from: &str, to: &str| check(&from.parse().expect("a URL"), &to.parse().expect("a URL"));
        assert_eq!(check("https://a.test/x", "https://b.test:8443/y"), Ok(()));
        assert_eq!(check("http://a.test/x", "https://a.test/y"), Ok(()));
        assert_eq!(check("http://a.test/x", "http://b.test/y"), Ok(()));
        for to in [
            "http://a.test/x",
            "http://a.test:443/x",
            "file:///etc/passwd",
            "ftp://a.test/",
            "data:,x",
            "git://a.test/x",
        ] {
            assert!(check("https://a.test/x", to).is_err(), "{to}");
        }
        assert!(check("http://a.test/x", "file:///etc/passwd").is_err());
    }
}
