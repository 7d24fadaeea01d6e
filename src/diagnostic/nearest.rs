//! The name that was probably meant.

/// Most names that a word is compared with: each takes a moment, and a recipe may have thousands.
const MOST_COMPARED: usize = 300;

/// The candidate nearest to `word` by edits (Damerau-Levenshtein), when it is near enough to be a slip.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > 64 {
        return None;
    }
    let length = word.chars().count();
    let most = (length / 3).max(1);
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let alike = candidates.into_iter().filter(|candidate| candidate.len() <= 4 * (length + most));
    let near = alike.filter(|candidate| candidate.chars().count().abs_diff(length) <= most).take(MOST_COMPARED);
    let near = near.map(|candidate| (strsim::damerau_levenshtein(&plain(word), &plain(candidate)), candidate));
    near.filter(|&(edits, _)| edits <= most && edits < length).min().map(|(_, candidate)| candidate)
}

/// `did you mean …`, or all there is, or `otherwise`.
pub(crate) fn suggestion<'c>(
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

/// Help for a name of the project that is not known.
pub(crate) fn known_name<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    match nearest(word, known) {
        Some(found) => format!("did you mean `{found}`? `orchestrate list` shows all"),
        None => "`orchestrate list` shows all".to_owned(),
    }
}

/// The names in backticks, separated by commas; at most two dozen.
pub(crate) fn list<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    const MOST: usize = 24;
    let mut names = names.into_iter();
    let first: Vec<String> = names.by_ref().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    first.join(", ") + more
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
