//! Whether files are there that environment variables name.

use super::{Finding, Found, Subject};
use crate::model::Check;

/// Locales that every C library has built in.
const BUILT_IN: [&str; 5] = ["", "C", "POSIX", "C.UTF-8", "C.utf8"];

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().flat_map(|name| certificates(subject, name));
    let settings = subject.execution.env.iter().filter_map(|setting| setting.split_once('='));
    let locales = settings.filter(|(name, _)| matches!(*name, "LANG") || name.starts_with("LC_"));
    let locales = locales.filter_map(|(name, value)| locale(subject, name, value));
    let errors = certificates.chain(locales).chain(time_zone(subject)).collect();
    Found { errors, notes: Vec::new() }
}

fn named(subject: &Subject<'_>, check: Check, variable: &str, value: &str, path: String) -> Finding {
    let place = subject.image.name.place;
    Finding::Named { place, check, variable: variable.to_owned(), value: value.to_owned(), path }
}

/// Certificates: a file, or folders with `:` between them.
fn certificates(subject: &Subject<'_>, variable: &str) -> Vec<Finding> {
    let Some(value) = subject.variable(variable) else { return Vec::new() };
    let paths = value.split(':').filter(|path| path.starts_with('/') && !subject.exists(path));
    paths.map(|path| named(subject, Check::Certificates, variable, value, path.to_owned())).collect()
}

/// A locale is a folder of `/usr/lib/locale`, or in the archive beside it, which may hold any. musl takes every name.
fn locale(subject: &Subject<'_>, variable: &str, value: &str) -> Option<Finding> {
    let arranged = subject.exists("/usr/lib/locale/locale-archive") || subject.variable("LOCPATH").is_some();
    if BUILT_IN.contains(&value) || arranged || super::loader::is_musl(subject.tree) {
        return None;
    }
    let (name, modifier) =
        value.split_once('@').map_or((value, String::new()), |(name, rest)| (name, format!("@{rest}")));
    let (language, charset) = name.split_once('.').unwrap_or((name, ""));
    // glibc normalises the charset: letters and digits in lower case
    let normal = charset.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let folder = |charset: &str| match charset {
        "" => format!("/usr/lib/locale/{language}{modifier}"),
        charset => format!("/usr/lib/locale/{language}.{charset}{modifier}"),
    };
    let there = [charset, &normal].iter().any(|charset| subject.exists(&folder(charset)));
    (!there).then(|| named(subject, Check::Locale, variable, value, folder(&normal)))
}

/// `TZ` names a file of the zone database, unless it is a rule in itself (`UTC0`, `CET-1CEST`) or the universal time.
fn time_zone(subject: &Subject<'_>) -> Option<Finding> {
    let value = subject.variable("TZ")?;
    let name = value.strip_prefix(':').unwrap_or(value);
    let is_rule = !name.starts_with('/') && name.contains(|letter: char| letter.is_ascii_digit() || letter == ',');
    if matches!(name, "" | "UTC" | "GMT") || (is_rule && !name.starts_with("Etc/")) {
        return None;
    }
    let path = if name.starts_with('/') { name.to_owned() } else { format!("/usr/share/zoneinfo/{name}") };
    (!subject.exists(&path)).then(|| named(subject, Check::Locale, "TZ", value, path))
}
