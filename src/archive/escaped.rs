//! Bytes in JSON and in messages, without loss and readable, escaped as [`crate::model::ImagePath`] is: bytes above
//! 0x7e, control characters and `%` as `%XX`.

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, &byte| {
        if byte == b'%' || !(0x20..0x7f).contains(&byte) {
            let _ = write!(text, "%{byte:02X}"); // writing to a string cannot fail
        } else {
            text.push(char::from(byte));
        }
        text
    })
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let (hex, tail) = tail.split_at_checked(2)?;
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            bytes.push(digit(hex[0])? << 4 | digit(hex[1])?);
            rest = tail;
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    Some(bytes)
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    decode(&text).ok_or_else(|| serde::de::Error::custom("a stray % in escaped bytes"))
}

/// The same for named values.
pub(super) mod pairs {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::archive) fn serialize<S: Serializer>(
        pairs: &[(String, Vec<u8>)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(pairs.iter().map(|(name, value)| (name, super::encode(value))))
    }

    pub(in crate::archive) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, Vec<u8>)>, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(deserializer)?;
        let decoded = pairs.into_iter().map(|(name, text)| Some((name, super::decode(&text)?)));
        decoded.collect::<Option<_>>().ok_or_else(|| serde::de::Error::custom("a stray % in escaped bytes"))
    }
}
