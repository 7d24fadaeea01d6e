//! `param`: what a definition wants to be told, of which type, and what it takes when it is not told.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use crate::model::{ByteSize, Digest, ImagePath, Place, Platform, Seconds, Spanned};

use super::Mistake;
use super::node::{Node, Value};
use super::read::Read;
use super::reader::{Reader, Row, Table};
use super::reads::FileUrl;
use super::record::{At, ReaderCall};
use super::shape::Shape;
use super::sink::Sink;
use super::values::{self, Values};
use crate::diagnostic::nearest::{list, nearest, suggestion};

/// A parameter of a definition.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: Spanned<String>,
    pub(super) kind: Kind,
    pub(super) default: Option<Spanned<Value>>,
    /// What it is for, in the words of who wrote the definition.
    pub(super) doc: Option<String>,
}

/// The type of a parameter.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Bool,
    Port,
    Path,
    Duration,
    Size,
    Version,
    Platform,
    Url,
    Digest,
    OneOf(Vec<String>),
    Matching(Regex),
    /// Not understood, which was reported: anything goes.
    Unknown,
}

/// The types that are a word alone.
const PLAIN: &[(&str, Kind)] = &[
    ("string", Kind::Text),
    ("int", Kind::Integer),
    ("bool", Kind::Bool),
    ("port", Kind::Port),
    ("path", Kind::Path),
    ("duration", Kind::Duration),
    ("size", Kind::Size),
    ("version", Kind::Version),
    ("platform", Kind::Platform),
    ("url", Kind::Url),
    ("digest", Kind::Digest),
];

impl Kind {
    /// The type as the message about a wrong value names it, and an example.
    fn expected(&self) -> (String, String) {
        let (what, example) = match self {
            Self::Text | Self::Unknown => ("text", "\"text\""),
            Self::Integer => ("a whole number", "5"),
            Self::Bool => ("a yes or no", "#true"),
            Self::Port => ("a port, 1 to 65535", "8080"),
            Self::Path => ("an absolute path", "\"/usr/bin/app\""),
            Self::Duration => ("a duration", "\"30s\""),
            Self::Size => ("a size", "\"512MiB\""),
            Self::Version => ("a version", "\"1.2.3\""),
            Self::Platform => ("a platform", "\"linux/arm64\""),
            Self::Url => ("a URL", "\"https://example.org/\""),
            Self::Digest => ("a digest", "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""),
            Self::OneOf(words) => {
                let example = words.first().map(|word| format!("\"{word}\"")).unwrap_or_default();
                return (format!("one of {}", list(words.iter().map(String::as_str))), example);
            }
            Self::Matching(pattern) => {
                let pattern = pattern.as_str();
                return (format!("text that matches `{}`", &pattern[4..pattern.len() - 2]), "\"…\"".to_owned());
            }
        };
        (what.to_owned(), example.to_owned())
    }

    /// What the value says when it is of this type; else what is wrong with it, when more can be said than that.
    fn read(&self, value: &Value) -> Result<String, Option<String>> {
        let text = |value: &Value| value.text().map(str::to_owned).ok_or(None);
        fn parsed<T: Read>(value: &Value) -> Result<(), Option<String>> {
            T::read(value).ok_or(None)?.map(|_| ()).map_err(Some)
        }
        match self {
            Self::Unknown => Ok(value.canonical()),
            Self::Text => String::read(value).ok_or(None)?.map_err(Some),
            Self::Integer => match value {
                Value::Number { whole: Some(whole), .. } => Ok(whole.to_string()),
                _ => Err(None),
            },
            Self::Bool => match value {
                Value::Bool(yes) => Ok(yes.to_string()),
                _ => Err(None),
            },
            Self::Port => {
                let port = match value {
                    Value::Number { whole, .. } => whole.and_then(|port| u16::try_from(port).ok()),
                    other => other.text().filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok()),
                };
                port.filter(|port| *port > 0).map(|port| port.to_string()).ok_or(None)
            }
            Self::Path => parsed::<ImagePath>(value).and_then(|()| text(value)),
            Self::Duration => parsed::<Seconds>(value).and_then(|()| text(value)),
            Self::Size => parsed::<ByteSize>(value).and_then(|()| text(value)),
            Self::Version => text(value).and_then(version),
            Self::Platform => {
                let written = text(value)?;
                let unknown = |_| Some(format!("`{written}` is not a platform that can be built for"));
                written.parse::<Platform>().map(|_| written.clone()).map_err(unknown)
            }
            Self::Url => parsed::<FileUrl>(value).and_then(|()| text(value)),
            Self::Digest => {
                let written = text(value)?;
                let digest: Result<Digest, _> = written.parse();
                digest.map(|_| written.clone()).map_err(|_| Some(format!("`{written}` is not a SHA-256 digest")))
            }
            Self::OneOf(words) => {
                let written = value.canonical();
                if words.contains(&written) {
                    return Ok(written);
                }
                let near = nearest(&written, words.iter().map(String::as_str));
                Err(near.map(|near| format!("`{written}` is not known: did you mean `{near}`?")))
            }
            Self::Matching(pattern) => {
                let written = text(value)?;
                if pattern.is_match(written.as_bytes()) { Ok(written) } else { Err(None) }
            }
        }
    }
}

/// A version as upstreams and distributions write them: it begins with a digit, or with `v` and one.
fn version(text: String) -> Result<String, Option<String>> {
    let digits = text.strip_prefix('v').unwrap_or(&text);
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~_".contains(&byte);
    let valid = digits.starts_with(|first: char| first.is_ascii_digit()) && digits.bytes().all(letters);
    if valid { Ok(text) } else { Err(Some(format!("`{text}` is not a version"))) }
}

impl Parameter {
    /// Reads `value` as what the parameter of the definition `of` is told; reports what does not fit.
    pub(super) fn read(&self, value: &Spanned<Value>, of: &str, sink: &Sink) -> Option<String> {
        self.read_as(value, &format!("`{}` of `{of}`", *self.name), &self.name, sink)
    }

    fn read_as(&self, value: &Spanned<Value>, subject: &str, property: &str, sink: &Sink) -> Option<String> {
        if value.value == Value::Lost {
            return None;
        }
        let spelled = value.value.spelled();
        let read = self.kind.read(&value.value).or_else(|wrong| {
            let again = spelled.as_ref().map(|value| self.kind.read(value));
            again.and_then(Result::ok).ok_or(wrong)
        });
        let wrong = match read {
            Ok(text) => return Some(text),
            Err(wrong) => wrong,
        };
        let (expected, example) = self.kind.expected();
        let written = match &value.value {
            Value::Text(text) | Value::Filled(text) => format!("the text `{}`", text.replace('\n', " ")),
            Value::Number { written, .. } => format!("the number {written}"),
            Value::Bool(yes) => format!("`#{yes}`"),
            Value::Null | Value::Lost => "nothing".to_owned(),
        };
        let message = wrong.unwrap_or_else(|| format!("{subject} is {expected}, not {written}"));
        let help = format!("write {expected}, like `{property}={example}`");
        let mistake = Mistake::new(value.place, message, format!("not {expected}"), help);
        sink.push(match value.place == self.name.place {
            true => mistake,
            false => mistake.and(self.name.place, "the parameter is declared here"),
        });
        None
    }
}

/// Most parameters of a definition.
const MOST: usize = 64;

/// The parameters of a definition that is being read.
type Draft = BTreeMap<String, Parameter>;

pub(super) const PARAMETERS: Table<Draft> = Table {
    what: "a definition",
    rows: &[Row::new(
        Shape::any("param", "param \"port\" type=\"port\" default=8080")
            .keyed()
            .means(
                "What the definition wants to be told, of type `string` (the default), `int`, `bool`, `port`, \
                 `path`, `duration`, `size`, `version`, `platform`, `url` or `digest`, and what it is for. \
                 Without `default` it must be told.",
            )
            .also(&[
                ("param \"protocol\" \"tcp\" \"udp\" type=\"one-of\" default=\"tcp\"", "One of these words."),
                (
                    "param \"channel\" \"[0-9]+\\\\.[0-9]+\" type=\"matching\"",
                    "Text that matches this regular expression as a whole.",
                ),
            ]),
        parameter,
    )],
};

fn parameter(draft: &mut Draft, node: &mut Reader<'_>) {
    let name = node.argument::<String>("a name");
    let kind = kind(node);
    let default = node.written("default");
    let doc = node.property::<String>("doc").map(|doc| doc.value);
    let (Some(name), kind) = (name, kind.unwrap_or(Kind::Unknown)) else { return };
    if !values::is_name(&name) {
        let help =
            "use lower-case letters, digits and `_`, and begin with a letter: in `run` it is an environment variable";
        return node.mistake(name.place, format!("`{}` cannot name a parameter", *name), "not a name", help);
    }
    if let Some(first) = draft.get(name.as_str()) {
        let message = format!("the parameter `{}` is declared twice", *name);
        let mistake = Mistake::new(name.place, message, "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(first.name.place, "first here"));
    }
    if draft.len() >= MOST {
        let message = format!("a definition has {MOST} parameters at most");
        return node.mistake(name.place, message, "one too many", "make it several definitions");
    }
    let mut parameter = Parameter { name: name.clone(), kind, default: default.clone(), doc };
    if let Some(default) = &default
        && !default.value.text().is_some_and(|text| text.contains("${"))
        && parameter.read_as(default, &format!("the default of `{}`", *name), "default", node.cx.sink).is_none()
    {
        parameter.kind = Kind::Unknown;
    }
    draft.insert(name.value, parameter);
}

fn kind(node: &mut Reader<'_>) -> Option<Kind> {
    let written = node.property::<String>("type");
    let words = PLAIN.iter().map(|(word, _)| *word);
    node.note(ReaderCall::Words { at: At::Property("type"), words: words.collect() });
    let Some(written) = written else {
        return (!node.has("type")).then_some(Kind::Text);
    };
    match written.as_str() {
        "one-of" => {
            node.note(ReaderCall::Words { at: At::Property("type"), words: vec!["one-of"] });
            let words = node.arguments::<String>("the words that are allowed");
            (!words.is_empty()).then(|| Kind::OneOf(words.into_iter().map(|word| word.value).collect()))
        }
        "matching" => {
            node.note(ReaderCall::Words { at: At::Property("type"), words: vec!["matching"] });
            let pattern = node.argument::<String>("a pattern (a regular expression)")?;
            matching(node, &pattern)
        }
        word => {
            let plain = PLAIN.iter().find(|(known, _)| *known == word).map(|(_, kind)| kind.clone());
            if plain.is_none() {
                let words = PLAIN.iter().map(|(word, _)| *word).chain(["one-of", "matching"]);
                let help = suggestion(word, words, "");
                node.mistake(written.place, format!("unknown type `{word}`"), "not a type", help);
            }
            plain
        }
    }
}

/// The whole text has to match; the engine takes time linear in it, and the compiled pattern is bounded.
fn matching(node: &Reader<'_>, pattern: &Spanned<String>) -> Option<Kind> {
    let whole = format!("^(?:{})$", pattern.value);
    match RegexBuilder::new(&whole).unicode(false).size_limit(1 << 20).dfa_size_limit(1 << 20).nest_limit(50).build() {
        Ok(regex) => Some(Kind::Matching(regex)),
        Err(error) => {
            let said = error.to_string();
            let said = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let message = format!("`{}` is not a pattern: {said}", pattern.value);
            node.mistake(pattern.place, message, "not a regular expression", "write it like `\"[0-9]+\\\\.[0-9]+\"`");
            None
        }
    }
}

/// What an `is` node tells the parameters of a definition, by name; all that is wrong with it is reported. A default may
/// use the facts of `platform`.
pub(super) fn bind(
    parameters: &[Parameter],
    of: &Spanned<String>,
    node: &Node,
    platform: &Values<'_>,
    sink: &Sink,
) -> Option<BTreeMap<String, String>> {
    let mut told = BTreeMap::new();
    let mut complete = true;
    for property in &node.properties {
        if parameters.iter().any(|parameter| *parameter.name == *property.name) {
            continue;
        }
        let known = parameters.iter().map(|parameter| parameter.name.as_str());
        let help = suggestion(&property.name, known, "it takes none: remove this");
        let message = format!("the definition `{}` has no parameter `{}`", **of, *property.name);
        let mistake = Mistake::new(property.name.place, message, "not known there", help);
        sink.push(mistake.and(of.place, "the definition"));
        complete = false;
    }
    for parameter in parameters {
        let written = node.property(&parameter.name).map(|property| property.value.clone());
        let default = || Some(platform.fill(parameter.default.clone()?));
        let Some(value) = written.or_else(default) else {
            missing(parameter, of, node.header, sink);
            complete = false;
            continue;
        };
        match parameter.read(&value, of, sink) {
            Some(text) => {
                told.insert(parameter.name.value.clone(), text);
            }
            None => complete = false,
        }
    }
    complete.then_some(told)
}

fn missing(parameter: &Parameter, of: &str, place: Place, sink: &Sink) {
    let (expected, example) = parameter.kind.expected();
    let name = parameter.name.as_str();
    let message = format!("the definition `{of}` needs `{name}`");
    let told = parameter.doc.as_deref().map(|doc| format!(" ({doc})")).unwrap_or_default();
    let help = format!("tell it: `{name}={example}`, {expected}{told}");
    let mistake = Mistake::new(place, message, "it is missing", help);
    sink.push(mistake.and(parameter.name.place, "declared here, without a default"));
}
