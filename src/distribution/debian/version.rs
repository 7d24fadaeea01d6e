//! Versions of packages and their order (deb-version(7)).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A version: `[epoch:]upstream[-revision]`. Equal means equal in order (`1.0` and `0:1.0-0`), as `dpkg` sees it;
/// [`Version::as_str`] keeps the spelling.
#[derive(Clone)]
pub struct Version(Box<str>);

/// Why a text is not a version.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a Debian version: {reason}")]
pub struct VersionError {
    text: String,
    reason: &'static str,
}

impl Version {
    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        match fault(text) {
            Some(reason) => Err(VersionError { text: text.chars().take(80).collect(), reason }),
            None => Ok(Self(text.into())),
        }
    }
}

/// What `dpkg` would refuse in a version, if anything.
fn fault(text: &str) -> Option<&'static str> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (epoch, rest),
        None => ("0", text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((upstream, revision)) => (upstream, Some(revision)),
        None => (rest, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~".contains(&byte);
    if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) || epoch.parse::<i32>().is_err() {
        Some("the epoch before the colon must be a number below 2147483648")
    } else if !upstream.starts_with(|first: char| first.is_ascii_digit()) {
        Some("it must begin with a digit")
    } else if !upstream.bytes().all(|byte| plain(byte) || b"-:".contains(&byte)) {
        Some("only letters, digits and `.`, `+`, `~`, `-`, `:` are allowed")
    } else if revision.is_some_and(|revision| revision.is_empty() || !revision.bytes().all(plain)) {
        Some("the revision after the last `-` may only have letters, digits and `.`, `+`, `~`, and not be empty")
    } else {
        None
    }
}

/// The order of two versions as written. Total: a text that is no version has its place, too, so that a sort of
/// anything is stable.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a, b) = (split(a), split(b));
    compare_numbers(a.0, b.0).then_with(|| compare_part(a.1, b.1)).then_with(|| compare_part(a.2, b.2))
}

/// Epoch, upstream version and revision, as bytes.
fn split(text: &str) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch.as_bytes(), upstream.as_bytes(), revision.as_bytes())
}

/// Takes the leading bytes that satisfy `belongs` off `text`.
fn take<'a>(text: &mut &'a [u8], belongs: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|&byte| !belongs(byte)).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

/// Runs of non-digits and of digits in turn.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let words = (take(&mut a, |byte| !byte.is_ascii_digit()), take(&mut b, |byte| !byte.is_ascii_digit()));
        let numbers = (take(&mut a, |byte| byte.is_ascii_digit()), take(&mut b, |byte| byte.is_ascii_digit()));
        let order = compare_words(words.0, words.1).then_with(|| compare_numbers(numbers.0, numbers.1));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// `~` before the end before letters before everything else.
fn compare_words(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(&letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(&other) => i32::from(other) + 256,
    };
    (0..a.len().max(b.len()))
        .map(|index| rank(a.get(index)).cmp(&rank(b.get(index))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length, without leading zeros.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |text: &[u8]| text.iter().position(|&digit| digit != b'0').unwrap_or(text.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn the_order_is_that_of_the_manual() {
        let sorted = ["1~~", "1~~a", "1~", "1", "1a", "1+b1", "1.0-1~deb13u1", "1.0-1", "1.0-1+b1", "1.1", "1:0.1"];
        for pair in sorted.windows(2) {
            assert!(compare(pair[0], pair[1]).is_lt(), "{} << {}", pair[0], pair[1]);
            assert!(compare(pair[1], pair[0]).is_gt(), "{} >> {}", pair[1], pair[0]);
        }
        for (a, b) in [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.01", "1.1"), ("1.0-00", "1.0")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} = {b}");
        }
        assert!(compare("1.99999999999999999999999999", "1.100000000000000000000000000").is_lt());
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        for text in ["", ":1", "a:1", "3000000000:1", "x", "1_2", "1-", "1 2", "é", "1:", "-1"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
        for text in ["1", "2:1.2.3-4~deb13u1+b2", "1-2-3", "0a"] {
            assert_eq!(text.parse::<Version>().expect(text).as_str(), text);
        }
    }

    /// One shell for all pairs: a process per pair would take seconds.
    #[test]
    fn random_versions_compare_as_dpkg_says() {
        let version =
            prop::string::string_regex("([0-2]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,4})?").expect("a pattern");
        let mut runner = TestRunner::deterministic();
        let mut pick = || version.new_tree(&mut runner).expect("a version").current();
        let pairs: Vec<(String, String)> = (0..400).map(|_| (pick(), pick())).collect();
        let mut script = String::new();
        for (a, b) in &pairs {
            writeln!(
                script,
                "if dpkg --compare-versions '{a}' lt '{b}'; then echo '<'; elif dpkg --compare-versions '{a}' eq '{b}'; then echo =; else echo '>'; fi"
            )
            .expect("a string");
        }
        let mut shell = Command::new("sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh and dpkg: install the package `dpkg`");
        let mut input = shell.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = shell.wait_with_output().expect("the answers of dpkg");
        writer.join().expect("no panic").expect("the shell reads its script");
        let answers = String::from_utf8(output.stdout).expect("text");
        assert_eq!(answers.lines().count(), pairs.len(), "dpkg must answer: install the package `dpkg`");
        for ((a, b), answer) in pairs.iter().zip(answers.lines()) {
            let ours = match compare(a, b) {
                Ordering::Less => "<",
                Ordering::Equal => "=",
                Ordering::Greater => ">",
            };
            assert_eq!(ours, answer, "{a} against {b}");
        }
    }
}
