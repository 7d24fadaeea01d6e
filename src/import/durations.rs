//! Durations of Go, `1m30s`, as ours.

/// The same duration in whole seconds, as recipes write it; none for what is no duration, or less than a second.
pub(super) fn read(text: &str) -> Option<String> {
    let mut seconds = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let after = rest.get(digits..)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let scale = match after.get(..letters)? {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number * scale;
        rest = after.get(letters..)?;
    }
    let whole = seconds.round();
    // a week, more than which no check waits
    (1.0..=604_800.0).contains(&whole).then(|| format!("{whole:.0}s"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_in_seconds() {
        assert_eq!(super::read("1m30s").as_deref(), Some("90s"));
        assert_eq!(super::read("1500ms").as_deref(), Some("2s"));
        for text in ["", "0s", "5", "s", "1x", "1e9h", "999999h"] {
            assert_eq!(super::read(text), None, "{text}");
        }
    }
}
