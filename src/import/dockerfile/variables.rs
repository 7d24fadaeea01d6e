//! What `ARG` and `ENV` hold, and what `$NAME` in an instruction stands for.
//!
//! The result is a text of the recipe language: what is known of the platform becomes `${platform.…}`, and a plain `${`
//! becomes `$${`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Longest text that a word may grow to.
const LONGEST: usize = 32 << 10;
/// Most bytes that all words together may grow to.
const MOST: usize = 8 << 20;

/// What the build itself says of platforms.
const PLATFORM: &[(&str, &str)] = &[
    ("TARGETPLATFORM", "${platform.os}/${platform.arch}"),
    ("TARGETOS", "${platform.os}"),
    ("TARGETARCH", "${platform.arch}"),
    ("TARGETVARIANT", "${platform.variant}"),
];
/// The search path that images have when they say nothing else.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables and their values, as texts of the recipe language.
#[derive(Clone, Debug)]
pub(super) struct Variables {
    known: BTreeMap<String, String>,
    left: Rc<Cell<usize>>,
}

/// A word with its variables replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text.
    pub(super) text: String,
    /// What could not be replaced, and is empty.
    pub(super) unknown: Vec<String>,
}

impl Variables {
    /// Those of a stage before its first instruction.
    pub(super) fn new() -> Self {
        let known = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
        Self { known, left: Rc::new(Cell::new(MOST)) }
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.known.insert(name.to_owned(), value);
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.known.get(name).map(String::as_str)
    }

    /// Takes in what the build says of platforms under `name`; gives whether it does.
    pub(super) fn take_platform(&mut self, name: &str) -> bool {
        let known = PLATFORM.iter().find(|(known, _)| *known == name);
        if let Some((name, value)) = known {
            self.set(name, (*value).to_owned());
        }
        known.is_some()
    }

    /// A value that is plain text on every platform.
    pub(super) fn plain(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.contains("${")).map(str::to_owned)
    }

    /// Replaces variables, and takes quotes and `\` away, as Docker does in words of instructions.
    pub(super) fn expand(&self, word: &str) -> Expanded {
        let mut expander = Expander { variables: self, rest: word, out: Expanded::default() };
        expander.run();
        let mut out = expander.out;
        if out.text.len() > LONGEST || out.text.len() > self.left.get() {
            out = Expanded { text: String::new(), unknown: vec!["a text that grows without end".to_owned()] };
        }
        self.left.set(self.left.get().saturating_sub(out.text.len()));
        out
    }
}

struct Expander<'v> {
    variables: &'v Variables,
    rest: &'v str,
    out: Expanded,
}

impl<'v> Expander<'v> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn run(&mut self) {
        let mut quote = None;
        while let Some(character) = self.next() {
            if self.out.text.len() > LONGEST {
                return;
            }
            match (quote, character) {
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (Some('\''), other) => self.push(other),
                (_, '\\') => self.escaped(quote),
                (_, '$') => self.variable(),
                (_, other) => self.push(other),
            }
        }
    }

    fn escaped(&mut self, quote: Option<char>) {
        match self.next() {
            Some(next) if quote.is_some() && !matches!(next, '"' | '$' | '\\') => {
                self.push('\\');
                self.push(next);
            }
            Some(next) => self.push(next),
            None => self.push('\\'),
        }
    }

    /// A character that is none of a `${…}` of recipes.
    fn push(&mut self, character: char) {
        if character == '{' && self.out.text.ends_with('$') {
            self.out.text.push('$');
        }
        self.out.text.push(character);
    }

    fn push_value(&mut self, value: &str) {
        if self.out.text.ends_with('$') && value.starts_with("${") {
            // `$${` would be a plain `${`: recipes cannot say this
            self.out.unknown.push("`$` before a value".to_owned());
        } else if let Some(first) = value.chars().next() {
            self.push(first);
            self.out.text.push_str(&value[first.len_utf8()..]);
        }
    }

    fn variable(&mut self) {
        if self.rest.starts_with('{') {
            self.rest = &self.rest[1..];
            return self.braced();
        }
        let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        match name {
            "" => self.push('$'),
            name => self.known_or_nothing(name),
        }
    }

    fn known_or_nothing(&mut self, name: &'v str) {
        match self.variables.get(name) {
            Some(value) => self.push_value(value),
            None => self.out.unknown.push(format!("`${name}`")),
        }
    }

    /// `${name}`, `${name:-default}` and the like; the `{` is taken.
    fn braced(&mut self) {
        let mut depth = 1_usize;
        let end = self.rest.char_indices().find(|(_, character)| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some((end, _)) = end else {
            self.out.unknown.push(format!("`${{{}`", self.rest.chars().take(40).collect::<String>()));
            self.rest = "";
            return;
        };
        let inside = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        let length = inside.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, operator) = inside.split_at(length);
        let set = self.variables.get(name);
        let filled = set.filter(|value| !value.is_empty());
        match operator.char_indices().nth(if operator.starts_with(':') { 2 } else { 1 }) {
            _ if operator.is_empty() => self.known_or_nothing(name),
            after => {
                let at = after.map_or(operator.len(), |(at, _)| at);
                let (operator, word) = operator.split_at(at);
                match (operator, set, filled) {
                    (":-", _, Some(value)) | ("-", Some(value), _) => self.push_value(value),
                    (":?", _, Some(value)) | ("?", Some(value), _) => self.push_value(value),
                    (":-" | "-", ..) | (":+", _, Some(_)) | ("+", Some(_), _) => self.default(word),
                    (":+" | "+", ..) => {}
                    _ => self.out.unknown.push(format!("`${{{inside}}}`")),
                }
            }
        }
    }

    /// What stands for a variable; it may use others, which are replaced once.
    fn default(&mut self, word: &'v str) {
        if word.contains("${") {
            self.out.unknown.push(format!("`{word}`"));
            return;
        }
        let inner = self.variables.expand(word);
        self.push_value(&inner.text);
        self.out.unknown.extend(inner.unknown);
    }
}

/// A text of the recipe language as a shell reads it in a step, where `platform.…` are `TARGET_…`.
pub(super) fn for_shell(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &after[2..];
        } else if let Some((name, after)) = after[2..].split_once('}') {
            let name = name.trim_start_matches("platform.").to_ascii_uppercase();
            out.push_str(before);
            out.push_str(&format!("${{TARGET_{name}}}"));
            rest = after;
        } else {
            break;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::new();
        variables.set("A", "1".to_owned());
        variables.set("E", String::new());
        variables.take_platform("TARGETARCH");
        variables
    }

    #[test]
    fn variables_are_replaced_as_docker_does() {
        let text = |word: &str| variables().expand(word).text;
        assert_eq!(text("v$A-${A}-'$A'-\"$A\"-\\$A"), "v1-1-$A-1-$A");
        assert_eq!(text("${B:-x$A}|${A:-y}|${E:-z}|${E-z}|${A:+s}|${B:+s}|${A:?no}"), "x1|1|z||s||1");
        assert_eq!(text("app-$TARGETARCH '${x}' $"), "app-${platform.arch} $${x} $");
        assert_eq!(text("\"a\\nb\" a\\ b"), "a\\nb a b");
    }

    #[test]
    fn what_is_not_known_is_told() {
        let unknown = |word: &str| variables().expand(word).unknown;
        assert_eq!(
            unknown("$B ${C} ${A#x} ${A"),
            ["`$B`", "`${C}`".replace(['{', '}'], "").as_str(), "`${A#x}`", "`${A`"]
        );
        assert_eq!(unknown("\\$$TARGETARCH"), ["`$` before a value"]);
        let mut growing = variables();
        for _ in 0..64 {
            let text = growing.expand("$A$A").text;
            growing.set("A", text);
        }
        assert!(growing.get("A").is_some_and(|value| value.len() <= LONGEST));
    }

    #[test]
    fn steps_know_the_platform_by_other_names() {
        assert_eq!(for_shell("/a-${platform.arch}/$${b}"), "/a-${TARGET_ARCH}/${b}");
    }
}
