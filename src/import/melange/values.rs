//! What `${{…}}` stands for in a melange file.

use std::collections::BTreeMap;

use crate::import::recipe::{Item, Node, Value};
use crate::import::yaml;

/// Values by name.
pub(super) struct Values {
    /// Those that the recipe keeps as values of its own: the name here, the name there, and the value.
    lets: BTreeMap<String, (String, String)>,
    /// Those whose text is put in.
    texts: BTreeMap<String, String>,
}

/// What is known of the platform and the output, in scripts.
const SHELL: &[(&str, &str)] = &[
    ("targets.destdir", "$OUT"),
    ("targets.contextdir", "$OUT"),
    ("targets.outdir", "$OUT"),
    ("host.triplet.gnu", "$TARGET_TRIPLET"),
    ("host.triplet.rust", "$TARGET_RUST"),
    ("build.arch", "$TARGET_MACHINE"),
    ("build.goarch", "$GOARCH"),
];

/// The same where recipes replace values.
const TEMPLATE: &[(&str, &str)] = &[
    ("host.triplet.gnu", "${platform.triplet}"),
    ("host.triplet.rust", "${platform.rust}"),
    ("build.arch", "${platform.apk}"),
    ("build.goarch", "${platform.go}"),
];

impl Values {
    pub(super) fn of(root: &yaml::Node, package: &yaml::Node) -> Self {
        let mut values = Self { lets: BTreeMap::new(), texts: BTreeMap::new() };
        // long ones would grow with each use
        let short = |text: &&str| text.len() < 512;
        let text = |key: &str| package.text_of(key).filter(short).unwrap_or_default().to_owned();
        for key in ["name", "epoch", "description"] {
            values.texts.insert(format!("package.{key}"), text(key));
        }
        let version = text("version");
        values.texts.insert("package.full-version".to_owned(), format!("{version}-r{}", text("epoch")));
        values.lets.insert("package.version".to_owned(), ("version".to_owned(), version));
        for entry in root.get("vars").map(yaml::Node::map).unwrap_or_default().iter().take(200) {
            let name: String = entry.key.to_ascii_lowercase().replace(['-', '.'], "_");
            let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let fits = name.bytes().all(letters) && name.starts_with(|first: char| first.is_ascii_lowercase());
            let free = !values.lets.values().any(|(known, _)| *known == name);
            let value = entry.value.text().unwrap_or_default().to_owned();
            if fits && free && name.len() <= 64 && !value.contains("${") && value.len() < 1024 {
                values.lets.insert(format!("vars.{}", entry.key), (name, value));
            }
        }
        values
    }

    /// The `let` nodes.
    pub(super) fn lets(&self) -> Vec<Item> {
        let filled = self.lets.values().filter(|(_, value)| !value.is_empty());
        let node = |(name, value): &(String, String)| {
            Node::new("let").value(Value::Word(name.clone())).text(value.as_str()).into()
        };
        filled.map(node).collect()
    }

    /// A text with its values replaced by `replace`, and those that are not known, as they are written.
    fn replaced(text: &str, replace: impl Fn(&str) -> Option<String>) -> (String, Vec<String>) {
        let (mut out, mut unknown) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            out.push_str(before);
            match replace(name.trim()) {
                Some(value) if out.len() < 1 << 20 => out.push_str(&value),
                _ => {
                    unknown.push(format!("`${{{{{}}}}}`", name.trim()));
                    out.push_str("UNKNOWN");
                }
            }
            rest = after;
        }
        out.push_str(rest);
        (out, unknown)
    }

    /// As a text of the recipe language, with what is not known.
    pub(super) fn template(&self, text: &str) -> (String, Vec<String>) {
        // what is a shell's or another's in this text stays so
        let escaped = text.replace("${", "$${").replace("$${{", "${{");
        Self::replaced(&escaped, |name| {
            let own = self.lets.get(name).map(|(name, _)| format!("${{{name}}}"));
            let platform = TEMPLATE.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            own.or(platform).or_else(|| self.texts.get(name).map(|text| text.replace("${", "$${")))
        })
    }

    /// As a script, with what is not known.
    pub(super) fn script(&self, text: &str) -> (String, Vec<String>) {
        Self::replaced(text, |name| {
            let own = self.lets.get(name).map(|(name, _)| format!("${{{name}}}"));
            let shell = SHELL.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            own.or(shell).or_else(|| self.texts.get(name).cloned())
        })
    }

    /// As plain text.
    pub(super) fn plain(&self, text: &str) -> String {
        let value = |name: &str| self.lets.get(name).map(|(_, value)| value.clone());
        Self::replaced(text, |name| value(name).or_else(|| self.texts.get(name).cloned())).0
    }
}
