//! The name that was probably meant.

/// The candidate nearest to `word` by edits (Damerau-Levenshtein), when it is near enough to be a slip.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > 64 {
        return None;
    }
    let most = (word.chars().count() / 3).max(1);
    let near = candidates.into_iter().filter(|candidate| candidate.len() <= 128).map(|candidate| {
        let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
        (strsim::damerau_levenshtein(&plain(word), &plain(candidate)), candidate)
    });
    near.filter(|&(edits, _)| edits <= most && edits < word.chars().count()).min().map(|(_, candidate)| candidate)
}

/// `did you mean …`, or all there is, or `otherwise`.
pub(super) fn suggestion<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
    otherwise: &str,
) -> String {
    if let Some(candidate) = nearest(word, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    match list(candidates) {
        known if known.is_empty() => otherwise.to_owned(),
        known => format!("known are {known}"),
    }
}

/// The names in backticks, separated by commas; at most two dozen.
pub(super) fn list<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    const MOST: usize = 24;
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST { ", …" } else { "" };
    names.into_iter().take(MOST).collect::<Vec<_>>().join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["entrypoint", "expose", "env"];
        assert_eq!(nearest("entypoint", names), Some("entrypoint"));
        assert_eq!(nearest("epxose", names), Some("expose"));
        assert_eq!(nearest("ENV", names), Some("env"));
        assert_eq!(nearest("volume", names), None);
        assert_eq!(suggestion("volume", names, "nothing"), "known are `entrypoint`, `expose`, `env`");
        assert_eq!(suggestion("volume", [], "nothing"), "nothing");
    }
}
