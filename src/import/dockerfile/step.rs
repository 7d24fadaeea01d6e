//! A stage while it is put together: what it mounts, its variables, and the lines of its script.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::{Scope, is_pattern};
use super::script::adapted;
use super::variables::for_shell;
use crate::import::bases::Toolchain;
use crate::import::packages;
use crate::import::recipe::{Item, Node, Value};
use crate::import::shell::quoted;

/// A stage that is being translated.
pub(super) struct Draft {
    pub(super) toolchain: Toolchain,
    pub(super) scope: Scope,
    /// What is said of its beginning: packages, uses, variables.
    pub(super) head: Vec<Item>,
    pub(super) packages: Vec<(String, Option<String>)>,
    pub(super) target_packages: Vec<(String, Option<String>)>,
    /// What is mounted where.
    pub(super) mounts: BTreeMap<String, Node>,
    pub(super) env: BTreeMap<String, String>,
    /// Where caches are wanted, and the line that does.
    pub(super) caches: BTreeMap<String, (usize, String)>,
    pub(super) secrets: BTreeSet<String>,
    pub(super) script: Vec<String>,
    /// Folders that the script has made.
    pub(super) made: BTreeSet<String>,
    /// Where the whole build context is mounted, when it is wanted as a whole.
    pub(super) context: Option<String>,
    /// Where the script is.
    pub(super) at: String,
}

impl Draft {
    /// A command of the script, in the working directory.
    pub(super) fn run(&mut self, line: &str) {
        self.enter();
        self.script.push(adapted(line, self.toolchain.image));
    }

    /// Goes to the working directory.
    fn enter(&mut self) {
        let workdir = self.scope.workdir.clone();
        if self.at == workdir || (self.at.is_empty() && workdir == "/" && self.script.is_empty()) {
            return;
        }
        let shown = quoted_path(&workdir);
        if !self.mounts.contains_key(&workdir) && workdir != "/" {
            self.make(&workdir);
        }
        self.script.push(format!("cd {shown}"));
        self.at = workdir;
    }

    /// Mounts a node's thing; gives whether the place was free.
    pub(super) fn mount(&mut self, at: &str, node: Node) -> bool {
        let property = if node.name == "use" { "at" } else { "to" };
        let node = node.with(property, Value::Template(at.to_owned()));
        *self.mounts.entry(at.to_owned()).or_insert_with(|| node.clone()) == node
    }

    /// Copies a file or folder within the step.
    pub(super) fn copied(&mut self, from: &str, to: &str, contents: bool) {
        let (source, shown) = (quoted_path(from.trim_end_matches('/')), quoted_path(to));
        let folder = to.rsplit_once('/').map_or("", |(folder, _)| folder);
        if contents {
            self.make(to);
            self.script.push(format!("cp -a {source}/. {shown}/"));
        } else if is_pattern(from) {
            self.make(folder);
            // `COPY lock*` is how a file is copied that may not be there
            self.script.push(format!("cp -a {} {}/ || true", for_shell(from).replace(' ', "?"), quoted_path(folder)));
        } else {
            self.make(folder);
            self.script.push(format!("cp -a {source} {shown}"));
        }
    }

    /// Makes a folder of the step, once.
    fn make(&mut self, folder: &str) {
        if !folder.is_empty() && self.made.insert(folder.to_owned()) {
            self.script.push(format!("mkdir -p {}", quoted_path(folder)));
        }
    }

    pub(super) fn items(self) -> Vec<Item> {
        let mut items = self.head;
        items.extend(packages::nodes("packages", &self.packages).into_iter().map(Item::from));
        items.extend(packages::nodes("target-packages", &self.target_packages).into_iter().map(Item::from));
        items.extend(self.mounts.into_values().map(Item::from));
        let mut script = self.script.join("\n");
        script.push('\n');
        for (name, value) in self.env {
            // what the script does not mention may still be read by what it runs; the build's own names are not
            let own = name.starts_with("TARGET") && !script.contains(&name);
            if !own {
                items.push(Node::new("env").value(Value::Word(name)).template(value).into());
            }
        }
        items.extend(self.caches.into_keys().map(|path| Node::new("cache").template(path).into()));
        items.extend(self.secrets.into_iter().map(|id| Node::new("secret").text(id).into()));
        items.push(Node::new("run").value(Value::Script(script)).into());
        items
    }
}

/// A path for a script, in quotes where it has a variable.
pub(super) fn quoted_path(path: &str) -> String {
    let path = for_shell(path);
    if path.contains("${TARGET_") { format!("\"{path}\"") } else { quoted(&path) }
}
