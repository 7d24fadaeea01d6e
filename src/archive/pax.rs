//! Extended header records of POSIX.1-2001 (`pax`): lines of `LENGTH KEY=VALUE`, the length counting itself.

use std::collections::BTreeMap;

/// Prefix of the keys that carry extended attributes, as GNU tar, bsdtar and star write them.
pub(super) const XATTR: &str = "SCHILY.xattr.";

/// Reads the records of one extended header. A key may come once.
pub(super) fn parse(mut bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let (record, rest) = split(bytes).ok_or("an extended header record has a wrong length")?;
        bytes = rest;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or("an extended header record has no `=`")?;
        let key = std::str::from_utf8(&record[..equals]).ok().filter(|key| !key.is_empty());
        let key = key.ok_or("an extended header record has no readable key")?;
        if records.insert(key.to_owned(), record[equals + 1..].to_vec()).is_some() {
            return Err(format!("the extended header says `{key}` twice"));
        }
    }
    Ok(records)
}

/// The first record without its length and line end, and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let length = std::str::from_utf8(&bytes[..digits]).ok().filter(|text| !text.starts_with('+'))?;
    let (record, rest) = bytes.split_at_checked(length.parse().ok()?)?;
    Some((record.get(digits + 1..)?.strip_suffix(b"\n")?, rest))
}

/// A decimal number that is not negative.
pub(super) fn number(key: &str, value: &[u8]) -> Result<u64, String> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("the extended header's `{key}` is not a number that fits into 64 bits"))
}

/// Seconds with an optional fraction, rounded down; may be negative.
pub(super) fn time(key: &str, value: &[u8]) -> Result<i64, String> {
    let wrong = || format!("the extended header's `{key}` is not a time");
    let text = std::str::from_utf8(value).map_err(|_| wrong())?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let part = fraction.bytes().any(|digit| digit != b'0');
    Ok(if negative { -whole - i64::from(part) } else { whole })
}

/// The records in order of their keys.
pub(super) fn render(records: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3; // blank, equals sign, line end
        let digits = |number: usize| number.to_string().len();
        // the length counts its own digits, so that adding them may make it one digit longer
        let length = (1..=20).map(|width| rest + width).find(|&length| rest + digits(length) == length);
        bytes.extend_from_slice(format!("{} {key}=", length.unwrap_or(rest)).as_bytes());
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    bytes
}
