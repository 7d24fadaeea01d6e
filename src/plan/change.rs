//! Why a step has to run: the difference between what its key was made of and what it was made of the last time.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A reason to run a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Change {
    /// No step of this name ever ran here.
    New,
    /// An input is another one.
    Input {
        /// Which: names and indexes, from the outside in.
        path: String,
        /// What it was; none when it is new.
        old: Option<String>,
        /// What it is; none when it is gone.
        new: Option<String>,
    },
    /// A step that it needs is another one.
    Need {
        /// Which, in the words of people.
        step: String,
    },
    /// This version of the program makes it another way.
    Program,
    /// Nothing changed, but its output is no longer in the store.
    Gone,
    /// Nothing changed, but the store has not seen that what is pinned gives what the lock says.
    Unconfirmed,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => write!(out, "never built here"),
            Self::Need { step } => write!(out, "it needs {step}, which is another one"),
            Self::Program => write!(out, "this version of orchestrate makes it another way"),
            Self::Gone => write!(out, "its output is no longer in the store"),
            Self::Unconfirmed => write!(out, "what the lock says of it was not verified here"),
            Self::Input { path, old: Some(old), new: Some(new) } => write!(out, "{path}: {old} → {new}"),
            Self::Input { path, old: None, new } => write!(out, "{path} is new: {}", new.as_deref().unwrap_or("")),
            Self::Input { path, new: None, .. } => write!(out, "{path} is gone"),
        }
    }
}

/// How many differences are worth telling.
const TOLD: usize = 8;

/// Compares what a key is made of now with what it was made of at the step's last run. `needs` names the steps that it
/// needs, in their order.
#[must_use]
pub fn explain(last: Option<&Value>, now: &Value, needs: &[String]) -> Vec<Change> {
    let Some(last) = last else {
        return vec![Change::New];
    };
    let mut changes = Vec::new();
    compare("", &last["work"], &now["work"], &mut changes);
    let (before, after) = (last["needs"].as_array(), now["needs"].as_array());
    let changed =
        after.into_iter().flatten().zip(needs).filter(|(need, _)| !before.is_some_and(|before| before.contains(need)));
    changes.extend(changed.map(|(_, step)| Change::Need { step: step.clone() }).take(TOLD));
    if changes.is_empty() {
        changes.push(Change::Gone);
    }
    changes
}

fn compare(path: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    if old == new || changes.len() >= TOLD {
        return;
    }
    match (old, new) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                match other.get(name) {
                    Some(new) if path.is_empty() && name == "format" => {
                        changes.extend((new != value).then_some(Change::Program));
                    }
                    Some(new) => compare(&join(path, name), value, new, changes),
                    None => push(changes, join(path, name), Some(value), None),
                }
            }
            for (name, value) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                push(changes, join(path, name), None, Some(value));
            }
        }
        (Value::Array(one), Value::Array(other)) if named(one) && named(other) => {
            compare_named(path, one, other, changes)
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (old, new)) in one.iter().zip(other).enumerate() {
                compare(&join(path, &index.to_string()), old, new, changes);
            }
        }
        _ => push(changes, path.to_owned(), Some(old), Some(new)),
    }
}

/// Whether all are packages, which are compared by name rather than by position.
fn named(values: &[Value]) -> bool {
    values.iter().all(|value| value.get("name").is_some() && value.get("architecture").is_some())
}

fn compare_named(path: &str, old: &[Value], new: &[Value], changes: &mut Vec<Change>) {
    let key = |value: &Value| (text(value.get("name")), text(value.get("architecture")));
    let version = |value: Option<&Value>| value.map(|value| text(value.get("version")));
    let find = |values: &[Value], wanted: &Value| values.iter().find(|value| key(value) == key(wanted)).cloned();
    for value in
        old.iter().filter(|value| !new.contains(value)).chain(new.iter().filter(|value| find(old, value).is_none()))
    {
        if changes.len() >= TOLD {
            return;
        }
        let (before, after) = (find(old, value), find(new, value));
        let path = join(path, &text(value.get("name")));
        changes.push(Change::Input { path, old: version(before.as_ref()), new: version(after.as_ref()) });
    }
}

fn push(changes: &mut Vec<Change>, path: String, old: Option<&Value>, new: Option<&Value>) {
    if changes.len() < TOLD {
        changes.push(Change::Input { path, old: old.map(|old| text(Some(old))), new: new.map(|new| text(Some(new))) });
    }
}

fn join(path: &str, name: &str) -> String {
    // the outermost levels, the kind of work and what is run, say nothing to a person
    match (path, name) {
        ("", "root" | "source" | "stage" | "image" | "vendor" | "base" | "spec") => String::new(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

/// A value as one short line.
fn text(value: Option<&Value>) -> String {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match text.strip_prefix("sha256:").filter(|hex| hex.len() == 64) {
        Some(hex) => hex[..12].to_owned(),
        None if text.chars().count() > 60 => {
            format!("{}…", text.chars().take(60).collect::<String>().replace('\n', " "))
        }
        None => text.replace('\n', " "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moved_package_is_told_by_its_name() {
        let with = |version: &str| {
            json!({"work": {"image": {"packages": [
            {"name": "libc6", "architecture": "amd64", "version": version, "digest": version}]}}})
        };
        let changes = explain(Some(&with("1")), &with("2"), &[]);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].to_string(), "packages.libc6: 1 → 2");
    }

    #[test]
    fn nothing_changed_means_the_output_is_gone() {
        assert_eq!(explain(Some(&json!({"work": 1})), &json!({"work": 1}), &[]), [Change::Gone]);
        assert_eq!(explain(None, &json!({}), &[]), [Change::New]);
    }

    #[test]
    fn a_step_behind_it_is_told_by_its_name() {
        let with = |key: &str| json!({"work": {"image": {}}, "needs": [["base", "1"], [{"entry": {"index": 0}}, key]]});
        let names = ["image base".to_owned(), "stage app".to_owned()];
        let told = explain(Some(&with("2")), &with("3"), &names);
        assert_eq!(told, [Change::Need { step: "stage app".to_owned() }]);
    }

    #[test]
    fn scripts_that_changed_are_told_in_one_line() {
        let stage = |run: &str| json!({"work": {"stage": {"spec": {"scripts": [run]}, "format": 1}}});
        let told = explain(Some(&stage("make\ninstall")), &stage("make\nall"), &[])[0].to_string();
        assert_eq!(told, "scripts.0: make install → make all");
    }

    #[test]
    fn another_version_of_the_program_is_a_reason_of_its_own() {
        let image = |rules: &str| json!({"work": {"image": {"format": {"image": 3, "rules": rules}, "packages": []}}});
        assert_eq!(explain(Some(&image("a")), &image("b"), &[]), [Change::Program]);
    }
}
