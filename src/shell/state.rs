//! What a shell knows: a copy of it is a subshell.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::Command;
use super::stream::Stream;

/// Everything that a subshell gets a copy of. Copies share what is large.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    variables: BTreeMap<String, Variable>,
    pub(super) functions: BTreeMap<String, Rc<Command>>,
    pub(super) positional: Rc<Vec<String>>,
    /// `$0`.
    pub(super) name: Rc<str>,
    pub(super) options: Options,
    /// `$?`.
    pub(super) status: i32,
    pub(super) folder: String,
    pub(super) umask: u32,
    pub(super) descriptors: BTreeMap<u32, Stream>,
    /// What `trap` runs at the end.
    pub(super) trap: Option<Rc<str>>,
    /// For each function that runs, what its `local` variables were before.
    locals: Vec<BTreeMap<String, Option<Variable>>>,
    /// How far `getopts` is in a group of options.
    pub(super) option_at: usize,
}

/// What `set` switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// `-e`.
    pub(super) errexit: bool,
    /// `-u`.
    pub(super) nounset: bool,
    /// `-f`.
    pub(super) noglob: bool,
    /// `-C`.
    pub(super) noclobber: bool,
    /// `-a`.
    pub(super) allexport: bool,
    /// `-o pipefail`.
    pub(super) pipefail: bool,
}

#[derive(Clone, Debug, Default)]
struct Variable {
    value: Option<Content>,
    exported: bool,
    readonly: bool,
}

#[derive(Clone, Debug)]
enum Content {
    Text(Rc<str>),
    /// An array of bash.
    Array(Rc<Vec<String>>),
}

impl State {
    /// Of a script that begins.
    pub(super) fn new(name: &str) -> Self {
        Self { folder: "/".to_owned(), umask: 0o022, name: name.into(), ..Self::default() }
    }

    /// The value of a variable; of an array, its first element.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        match self.variables.get(name)?.value.as_ref()? {
            Content::Text(text) => Some(text),
            Content::Array(elements) => elements.first().map(String::as_str),
        }
    }

    /// All elements of an array; of another variable, its value.
    pub(super) fn elements(&self, name: &str) -> Vec<String> {
        match self.variables.get(name).and_then(|variable| variable.value.as_ref()) {
            None => Vec::new(),
            Some(Content::Text(text)) => vec![text.to_string()],
            Some(Content::Array(elements)) => elements.to_vec(),
        }
    }

    /// Sets a variable, whether it may be or not.
    pub(super) fn assign(&mut self, name: &str, value: String) {
        let exported = self.options.allexport;
        let variable = self.variables.entry(name.to_owned()).or_default();
        variable.value = Some(Content::Text(value.into()));
        variable.exported |= exported;
    }

    pub(super) fn assign_array(&mut self, name: &str, elements: Vec<String>) {
        self.variables.entry(name.to_owned()).or_default().value = Some(Content::Array(Rc::new(elements)));
    }

    pub(super) fn is_readonly(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.readonly)
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    pub(super) fn export(&mut self, name: &str) {
        self.variables.entry(name.to_owned()).or_default().exported = true;
    }

    pub(super) fn make_readonly(&mut self, name: &str) {
        self.variables.entry(name.to_owned()).or_default().readonly = true;
    }

    /// What a script that is called gets of this state: variables that are exported, and descriptors.
    pub(super) fn of_program(&self) -> Self {
        let exported = self.variables.iter().filter(|(_, variable)| variable.exported);
        Self {
            variables: exported.map(|(name, variable)| (name.clone(), variable.clone())).collect(),
            folder: self.folder.clone(),
            umask: self.umask,
            descriptors: self.descriptors.clone(),
            ..Self::default()
        }
    }

    /// Whether a function runs.
    pub(super) fn in_function(&self) -> bool {
        !self.locals.is_empty()
    }

    pub(super) fn enter_function(&mut self) {
        self.locals.push(BTreeMap::new());
    }

    /// Gives variables that were local their values back.
    pub(super) fn leave_function(&mut self) {
        for (name, before) in self.locals.pop().unwrap_or_default() {
            match before {
                Some(variable) => self.variables.insert(name, variable),
                None => self.variables.remove(&name),
            };
        }
    }

    /// Makes a variable local to the function that runs; it keeps its value, as in dash.
    pub(super) fn make_local(&mut self, name: &str) {
        let before = self.variables.get(name).cloned();
        if let Some(locals) = self.locals.last_mut() {
            locals.entry(name.to_owned()).or_insert(before);
        }
    }

    /// What a variable is now, so that it can be given back.
    pub(super) fn snapshot(&self, name: &str) -> Snapshot {
        Snapshot(name.to_owned(), self.variables.get(name).cloned())
    }

    pub(super) fn give_back(&mut self, Snapshot(name, before): Snapshot) {
        match before {
            Some(variable) => self.variables.insert(name, variable),
            None => self.variables.remove(&name),
        };
    }
}

/// A variable at some moment.
pub(super) struct Snapshot(String, Option<Variable>);
