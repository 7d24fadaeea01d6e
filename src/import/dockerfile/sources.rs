//! The sources of the recipe: what stages and the image take from outside.

use std::collections::BTreeSet;

use super::lines::Instruction;
use crate::import::findings::named;
use crate::import::recipe::{Item, Node, Value};
use crate::import::shell::{Command, vendor_script};

/// Most sources; what comes after them is taken for the last.
const MOST: usize = 500;

/// Sources by name, in the order in which they were met.
#[derive(Debug)]
pub(super) struct Sources {
    taken: BTreeSet<String>,
    list: Vec<(String, Item)>,
    context: Option<(String, usize)>,
    modules: Option<String>,
}

impl Sources {
    /// `taken` are the names of stages: what is copied `from` a name must not be two things.
    pub(super) fn new(taken: impl Iterator<Item = String>) -> Self {
        Self { taken: taken.collect(), list: Vec::new(), context: None, modules: None }
    }

    /// A name like `wanted` that is free.
    fn name(&mut self, wanted: &str) -> String {
        let wanted = named(wanted).map_or_else(|| "source".to_owned(), |name| name.to_string());
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !self.taken.contains(name));
        let name = name.unwrap_or(wanted);
        self.taken.insert(name.clone());
        name
    }

    fn add(&mut self, wanted: &str, origin: Node) -> String {
        let same = |item: &Item| matches!(item, Item::Node(node) if node.has_child(&origin));
        let full = self.list.last().filter(|_| self.list.len() >= MOST);
        if let Some((name, _)) = self.list.iter().find(|(_, item)| same(item)).or(full) {
            return name.clone();
        }
        let name = self.name(wanted);
        let node = Node::new("source").text(name.as_str()).block(vec![origin.into()]);
        self.list.push((name.clone(), node.into()));
        name
    }

    /// The build context.
    pub(super) fn context(&mut self, folder: &str, line: usize) -> String {
        if let Some((name, known)) = &mut self.context {
            *known = line.min(*known);
            return name.clone();
        }
        let name = self.add("context", Node::new("local").text(folder));
        self.context = Some((name.clone(), line));
        name
    }

    /// The first line that takes the build context into a stage.
    pub(super) fn context_line(&self) -> Option<usize> {
        self.context.as_ref().map(|(_, line)| *line)
    }

    /// A file of the network.
    pub(super) fn download(&mut self, url: &str, unpack: bool) -> String {
        let mut origin = Node::new("download").template(url);
        if unpack {
            origin.set("unpack", Value::Text("tar".to_owned()));
        }
        self.add(stem(url), origin)
    }

    /// A git repository.
    pub(super) fn git(&mut self, url: &str, reference: &Reference) -> String {
        let origin = Node::new("git").template(url).with(reference.kind, Value::Template(reference.name.clone()));
        self.add(stem(url), origin)
    }

    /// The Go modules that the context at `workdir` asks for.
    pub(super) fn go_modules(&mut self, context: &str) -> String {
        if let Some(name) = &self.modules {
            return name.clone();
        }
        let script = vendor_script("/src");
        let vendor = Node::new("vendor").with("from", Value::Text("builder-go".to_owned())).block(vec![
            Node::new("use").text(context).with("at", Value::Text("/src".to_owned())).into(),
            Node::new("run").value(Value::Script(script)).into(),
        ]);
        let name = self.add("modules", vendor);
        self.modules = Some(name.clone());
        name
    }

    /// All of them.
    pub(super) fn into_items(self) -> Vec<Item> {
        self.list.into_iter().flat_map(|(_, item)| [Item::Gap, item]).collect()
    }
}

/// What of a repository is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// A `git clone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clone {
    pub(super) url: String,
    pub(super) folder: String,
    /// What is said to be checked out.
    pub(super) reference: Option<Reference>,
}

/// Reads a `git clone` whose words are plain.
pub(super) fn clone(command: &Command) -> Option<Clone> {
    let words = command.plain().filter(|words| words.first() == Some(&"git"))?;
    let valued = ["b", "branch", "depth", "c", "config", "o", "origin", "j", "jobs", "reference", "C"];
    let options = crate::import::options::Options::read(&words[1..], &valued);
    let [verb, url, folder @ ..] = &options.rest[..] else { return None };
    if *verb != "clone" || !url.contains("://") || folder.len() > 1 {
        return None;
    }
    let url = url.trim_end_matches('/').to_owned();
    let folder = folder.first().map_or_else(|| stem(&url).to_owned(), |folder| (*folder).to_owned());
    let reference = options.value(&["b", "branch"]).map(checked_out);
    Some(Clone { url, folder, reference })
}

/// A command that fetches one file: its URL, and where it is put.
pub(super) fn fetched(command: &Command) -> Option<(String, String)> {
    let words = command.plain()?;
    let (program, rest) = words.split_first()?;
    let (valued, target): (&[&str], &[&str]) = match *program {
        "curl" => (
            &["o", "output", "retry", "retry-delay", "connect-timeout", "m", "max-time", "proto", "A"],
            &["o", "output"],
        ),
        "wget" => (&["O", "output-document", "t", "tries", "T", "timeout", "U"], &["O", "output-document"]),
        _ => return None,
    };
    let options = crate::import::options::Options::read(rest, valued);
    let [url] = options.rest[..] else { return None };
    let plain = ["H", "header", "d", "data", "u", "user", "X", "request"];
    let file = options.value(target).filter(|file| *file != "-" && !options.has(&plain))?;
    crate::import::about::is_url(url).then(|| (url.to_owned(), file.to_owned()))
}

/// Reads a `git checkout` whose words are plain.
pub(super) fn checkout(command: &Command) -> Option<Reference> {
    let words = command.plain()?;
    let options = crate::import::options::Options::read(words.strip_prefix(&["git"])?, &["C", "c", "b"]);
    match options.rest[..] {
        ["checkout" | "switch", name] => Some(checked_out(name)),
        _ => None,
    }
}

/// What a name of a branch or tag most likely is.
pub(super) fn checked_out(name: &str) -> Reference {
    let commit = matches!(name.len(), 40 | 64)
        && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let kind = if commit {
        "commit"
    } else if name.bytes().any(|byte| byte.is_ascii_digit()) {
        "tag"
    } else {
        "branch"
    };
    Reference { kind, name: name.to_owned() }
}

/// The URL of an `ADD` that is a git repository, with what it names.
pub(super) fn added_repository(url: &str) -> Option<(String, Option<Reference>)> {
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let reference = fragment.and_then(|fragment| fragment.split(':').next()).filter(|name| !name.is_empty());
    url.ends_with(".git").then(|| (url.to_owned(), reference.map(checked_out)))
}

/// The last word of a URL, without what says how it is packed.
fn stem(url: &str) -> &str {
    let file = file_of(url);
    let ends = [".git", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar", ".zip"];
    ends.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file)
}

/// The file that a URL names.
pub(super) fn file_of(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Whether an `ADD` of the context unpacks it.
pub(super) fn is_archive(path: &str) -> bool {
    [".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".txz", ".tbz2"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Whether a source of an instruction is of the network.
pub(super) fn is_url(instruction: &Instruction, source: &str) -> bool {
    instruction.keyword == "ADD" && (source.starts_with("https://") || source.starts_with("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::shell::commands;

    #[test]
    fn clones_say_what_they_check_out() {
        let read = |line: &str| clone(&commands(line, &|_| None).expect("a list")[0]);
        let found = read("git clone --depth=1 -b v1.2 https://e.org/a/app.git /src").expect("a clone");
        assert_eq!((found.url.as_str(), found.folder.as_str()), ("https://e.org/a/app.git", "/src"));
        assert_eq!(found.reference, Some(Reference { kind: "tag", name: "v1.2".to_owned() }));
        assert_eq!(read("git clone https://e.org/app").map(|found| found.folder), Some("app".to_owned()));
        assert_eq!(read("git clone git@e.org:app"), None);
        assert_eq!(checked_out(&"a".repeat(40)).kind, "commit");
    }

    #[test]
    fn sources_have_names_of_their_own() {
        let mut sources = Sources::new(["app".to_owned()].into_iter());
        assert_eq!(sources.download("https://e.org/app.tar.gz", true), "app-2");
        assert_eq!(sources.download("https://e.org/app.tar.gz", true), "app-2");
        assert_eq!(sources.download("https://e.org/App_1.zip?x=/y", false), "app_1");
        assert_eq!(sources.download("https://e.org/", false), "e.org");
    }
}
