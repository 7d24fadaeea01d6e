//! Command lines of the field, as getopt(3) reads them.

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options<'w> {
    /// Options with what they are given, in their order; short ones with one letter.
    list: Vec<(&'w str, Option<&'w str>)>,
    /// Everything else.
    pub(super) rest: Vec<&'w str>,
}

impl<'w> Options<'w> {
    /// Takes `words` apart. `valued` are the options that take a value: single letters, and long names.
    pub(super) fn read(words: &[&'w str], valued: &[&str]) -> Self {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if word == "--" {
                options.rest.extend(words.by_ref());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let value = if value.is_none() && valued.contains(&name) { words.next() } else { value };
                options.list.push((name, value));
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                options.short(letters, valued, &mut words);
            } else {
                options.rest.push(word);
            }
        }
        options
    }

    fn short(&mut self, letters: &'w str, valued: &[&str], words: &mut impl Iterator<Item = &'w str>) {
        for (at, letter) in letters.char_indices() {
            let end = at + letter.len_utf8();
            let name = &letters[at..end];
            if valued.contains(&name) {
                let attached = &letters[end..];
                let value = if attached.is_empty() { words.next() } else { Some(attached) };
                self.list.push((name, value));
                return;
            }
            self.list.push((name, None));
        }
    }

    /// Whether one of `names` is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.list.iter().any(|(name, _)| names.contains(name))
    }

    /// The value that one of `names` is given last.
    pub(super) fn value(&self, names: &[&str]) -> Option<&'w str> {
        self.list.iter().rev().find(|(name, _)| names.contains(name)).and_then(|(_, value)| *value)
    }

    /// The values of all options called `name`.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'w str> {
        self.list.iter().filter(move |(known, _)| *known == name).filter_map(|(_, value)| *value)
    }

    /// An option that is none of `known`.
    pub(super) fn other_than(&self, known: &[&str]) -> Option<&'w str> {
        self.list.iter().map(|(name, _)| *name).find(|name| !known.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_getopt_does() {
        let words = ["-rg", "redis", "-u999", "--home=/data", "--shell", "/bin/sh", "-M", "name", "--", "-x"];
        let options = Options::read(&words, &["g", "u", "shell"]);
        assert_eq!((options.value(&["g"]), options.value(&["u", "uid"])), (Some("redis"), Some("999")));
        assert_eq!((options.value(&["home"]), options.value(&["shell"])), (Some("/data"), Some("/bin/sh")));
        assert!(options.has(&["r"]) && options.has(&["M"]) && !options.has(&["x"]));
        assert_eq!(options.rest, ["name", "-x"]);
        assert_eq!(options.other_than(&["r", "g", "u", "home", "shell"]), Some("M"));
    }
}
