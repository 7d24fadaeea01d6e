//! The last stage: what of its instructions makes files. What they say of how the image runs is in `config`, what its
//! commands do in `run`.

use std::collections::BTreeMap;

use super::lines::{Instruction, pairs};
use super::scope::{Copy, Scope, is_path, is_pattern, joined};
use super::sources;
use super::{Image, Translator};
use crate::import::ImportError;
use crate::import::accounts::Accounts;
use crate::import::bases::{self, Ground};
use crate::import::packages;
use crate::import::recipe::{Item, Node, Value};

/// Things by name, in the order in which they were named first; the last that is said of one holds.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    list: Vec<(String, String)>,
    places: BTreeMap<String, usize>,
}

impl Ordered {
    pub(super) fn set(&mut self, name: String, value: String) {
        match self.places.get(&name).and_then(|&place| self.list.get_mut(place)) {
            Some((_, known)) => *known = value,
            None => {
                self.places.insert(name.clone(), self.list.len());
                self.list.push((name, value));
            }
        }
    }
}

/// Something that the image adds, and where.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: String,
    pub(super) item: Item,
}

/// Most entries: many times what anyone keeps in one file.
const MOST: usize = 2_000;

/// An image that is being translated.
pub(super) struct Draft {
    pub(super) scope: Scope,
    pub(super) ground: Ground,
    /// What is noted of its base, packages and settings.
    pub(super) base_notes: Vec<Item>,
    pub(super) notes: Vec<Item>,
    pub(super) packages: Vec<(String, Option<String>)>,
    /// Where packages are asked for first.
    pub(super) packages_line: usize,
    pub(super) recommends: bool,
    pub(super) exclude: Vec<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) accounts: Accounts,
    pub(super) user: Option<(usize, String)>,
    pub(super) env: Ordered,
    pub(super) labels: Ordered,
    pub(super) about: BTreeMap<&'static str, String>,
    pub(super) expose: Vec<(u16, u16, String)>,
    pub(super) volumes: Vec<String>,
    /// `entrypoint`, `command`, `healthcheck`, `stop-signal`, the last of each.
    pub(super) once: BTreeMap<&'static str, Node>,
}

impl Draft {
    fn new(ground: Ground) -> Self {
        Self {
            scope: Scope::new(),
            ground,
            base_notes: Vec::new(),
            notes: Vec::new(),
            packages: Vec::new(),
            packages_line: 0,
            recommends: false,
            exclude: Vec::new(),
            entries: Vec::new(),
            accounts: Accounts::default(),
            user: None,
            env: Ordered::default(),
            labels: Ordered::default(),
            about: BTreeMap::new(),
            expose: Vec::new(),
            volumes: Vec::new(),
            once: BTreeMap::new(),
        }
    }

    /// Adds an entry at `at`.
    pub(super) fn add(&mut self, at: &str, node: Node) {
        if self.entries.len() < MOST {
            self.entries.push(Entry { at: at.to_owned(), item: node.into() });
        }
    }

    /// Adds a comment among the entries.
    pub(super) fn remark(&mut self, item: Item) {
        if self.entries.len() < MOST {
            self.entries.push(Entry { at: String::new(), item });
        }
    }
}

impl Translator<'_> {
    /// Translates the stage `index` as the image `name`.
    pub(super) fn image(&mut self, index: usize, name: &str) -> Result<Image, ImportError> {
        let (line, reference, instructions) = self.lineage(index)?;
        let (ground, nonroot) = bases::ground(&reference);
        let mut draft = Draft::new(ground);
        for instruction in instructions {
            self.instruction(&mut draft, index, instruction);
        }
        self.workdir_exists(&mut draft);
        let mut items = self.ground(&mut draft, line, &reference);
        items.append(&mut draft.base_notes);
        items.extend(packages::nodes("packages", &draft.packages).into_iter().map(Item::from));
        if draft.recommends && !draft.packages.is_empty() {
            items.push(Node::new("recommends").value(Value::Yes(true)).into());
        }
        items.extend(draft.exclude.drain(..).map(|pattern| Node::new("exclude").text(pattern).into()));
        items.push(Item::Gap);
        items.extend(draft.entries.drain(..).map(|entry| entry.item));
        items.push(Item::Gap);
        items.extend(std::mem::take(&mut draft.accounts).into_items());
        let user = self.user_node(&draft, line, &reference, nonroot);
        let head = self.about(&mut draft);
        items.extend(user);
        items.extend(settings(draft));
        Ok(Image { head, node: Node::new("image").text(name).block(items) })
    }

    fn instruction(&mut self, draft: &mut Draft, index: usize, instruction: &Instruction) {
        match instruction.keyword.as_str() {
            "ARG" => drop(Scope::arg(&mut draft.scope.variables, instruction, Some(&self.globals))),
            "ENV" => self.env(draft, instruction),
            "WORKDIR" => {
                let mut notes = Vec::new();
                let path = self.expand(&draft.scope, instruction, &instruction.rest, &mut notes);
                draft.notes.append(&mut notes);
                draft.scope.workdir = draft.scope.absolute(&path);
            }
            "COPY" | "ADD" => self.image_copy(draft, index, instruction),
            "RUN" => self.image_run(draft, instruction),
            _ => self.setting(draft, instruction),
        }
    }

    fn env(&mut self, draft: &mut Draft, instruction: &Instruction) {
        for (name, value) in pairs(&instruction.rest) {
            let mut notes = Vec::new();
            let value = self.expand(&draft.scope, instruction, &value, &mut notes);
            draft.notes.append(&mut notes);
            draft.scope.variables.set(&name, value.clone());
            let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            let named = name.bytes().next().is_some_and(letter)
                && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
            if named {
                draft.env.set(name, value);
            } else {
                let why = format!("`{name}` cannot name a variable");
                draft.notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
        }
    }

    /// What the image is built on, with what is to be said of that.
    fn ground(&mut self, draft: &mut Draft, line: usize, reference: &str) -> Vec<Item> {
        if let Ground::Alpine(release) = &draft.ground {
            let contained = draft.packages.iter().all(|(name, _)| bases::in_static(name));
            if !contained {
                return self.alpine(&release.clone(), line, reference);
            }
            draft.packages.clear();
            draft.ground = Ground::Project("static");
        }
        let what = format!("FROM {reference}");
        match &draft.ground {
            Ground::Scratch | Ground::Alpine(_) => vec![Node::new("from").text("scratch").into()],
            Ground::Project(name) => {
                let why = format!("it is built on the project's image `{name}` instead, which has no shell");
                vec![self.findings.note(line, &what, why), Node::new("from").text(*name).into()]
            }
            Ground::Registry(found) => {
                let mut items = Vec::new();
                if found.digest.is_none() {
                    let why = "add its digest, `@sha256:…`: without one it could be another image tomorrow";
                    items.push(self.findings.note(line, &what, why));
                }
                items.push(Node::new("oci").text(found.whole()).into());
                for (name, _) in std::mem::take(&mut draft.packages) {
                    let why = "packages cannot be put on an image of a registry: build on one of the project";
                    draft.base_notes.push(self.findings.note(draft.packages_line, &format!("package {name}"), why));
                }
                items
            }
        }
    }

    fn alpine(&mut self, release: &str, line: usize, reference: &str) -> Vec<Item> {
        let why = format!("packages of Alpine {release} cannot be built yet: use Debian's packages on `runtime`");
        vec![
            self.findings.note(line, &format!("FROM {reference}"), why),
            Node::new("from").text("scratch").into(),
            Node::new("distribution").text("alpine").with("release", Value::Text(release.to_owned())).into(),
        ]
    }

    /// Docker makes the working directory; here something has to.
    fn workdir_exists(&mut self, draft: &mut Draft) {
        let workdir = draft.scope.workdir.clone();
        let inside = |entry: &Entry| entry.at == workdir || entry.at.starts_with(&format!("{workdir}/"));
        let made = draft.entries.iter().any(inside) || ["/", "/root", "/tmp", "/home"].contains(&workdir.as_str());
        if is_path(&workdir) && !made {
            draft.add(&workdir, Node::new("dir").template(workdir.as_str()));
        }
    }

    fn image_copy(&mut self, draft: &mut Draft, index: usize, instruction: &Instruction) {
        let mut notes = Vec::new();
        let copy = self.copy(&draft.scope, instruction, &mut notes);
        notes.into_iter().for_each(|note| draft.remark(note));
        let Some(copy) = copy else { return };
        for heredoc in &instruction.heredocs {
            let at = if copy.into { joined(&copy.to, &heredoc.name) } else { copy.to.clone() };
            if heredoc.body.contains('$') && !heredoc.verbatim {
                let why = "variables in this text were left as they are";
                draft.remark(self.findings.note(instruction.line, &instruction.shown(), why));
            }
            if is_path(&at) {
                let node = Node::new("file").template(at.as_str()).text(heredoc.body.as_str());
                draft.add(&at, owned(node, &copy));
            }
        }
        for source in copy.sources.iter().filter(|source| !source.starts_with("<<")) {
            let (at, contents) = copy.target(source);
            if !is_path(&at) {
                let why = "it is put all over the root: copy each folder to its place";
                draft.remark(self.findings.note(instruction.line, &instruction.shown(), why));
                continue;
            }
            match self.image_copied(draft, (index, instruction), &copy, source) {
                Ok(node) => {
                    let node = match node.is_from(&at) && !contents {
                        true => node,
                        false => node.with("to", Value::Template(at.clone())),
                    };
                    draft.add(&at, owned(node, &copy));
                }
                Err(why) => draft.remark(self.findings.note(instruction.line, &instruction.shown(), why)),
            }
        }
    }

    /// The node that copies `source`, without where to.
    fn image_copied(
        &mut self,
        draft: &mut Draft,
        (index, instruction): (usize, &Instruction),
        copy: &Copy,
        source: &str,
    ) -> Result<Node, String> {
        if sources::is_url(instruction, source) {
            return Ok(self.image_added(draft, instruction, source));
        }
        if is_pattern(source) {
            return Err("patterns cannot be copied: name the files, or the folder".to_owned());
        }
        let Some(from) = &copy.from else {
            if source.split('/').any(|part| part == "..") {
                return Err("it is outside of the build context".to_owned());
            }
            if instruction.keyword == "ADD" && sources::is_archive(source) {
                return Err("ADD unpacks an archive: unpack it in a stage, and copy from there".to_owned());
            }
            return Ok(Node::new("copy").template(self.beside(instruction.line, source)));
        };
        let path = joined("/", source);
        let found = self.find(from, index).ok_or_else(|| {
            format!("`{from}` is no stage of this file: make what is taken from it a source or a stage")
        })?;
        if !is_path(&path) {
            return Err("the whole root of a stage cannot be copied: name what is needed of it".to_owned());
        }
        let name = self.want(found, &path);
        Ok(Node::new("copy").template(path).with("from", Value::Text(name)))
    }

    fn image_added(&mut self, draft: &mut Draft, instruction: &Instruction, url: &str) -> Node {
        draft.remark(self.findings.note(instruction.line, &instruction.shown(), "`refresh` pins it by its hash"));
        let (name, path) = match sources::added_repository(url) {
            Some((url, reference)) => {
                let main = sources::Reference { kind: "branch", name: "main".to_owned() };
                (self.sources.git(&url, &reference.unwrap_or(main)), "/".to_owned())
            }
            None => (self.sources.download(url, false), format!("/{}", sources::file_of(url))),
        };
        Node::new("copy").template(path).with("from", Value::Text(name))
    }
}

/// The node with the owner and mode that the instruction gives.
fn owned(mut node: Node, copy: &Copy) -> Node {
    for (name, value) in [("owner", &copy.owner), ("mode", &copy.mode)] {
        if let Some(value) = value {
            node.set(name, Value::Text(value.clone()));
        }
    }
    node
}

/// How the image runs, in the order in which one reads it.
fn settings(draft: Draft) -> Vec<Item> {
    let mut items = Vec::new();
    for (name, value) in draft.env.list {
        items.push(Node::new("env").value(Value::Word(name)).template(value).into());
    }
    if draft.scope.workdir != "/" && is_path(&draft.scope.workdir) {
        items.push(Node::new("workdir").template(draft.scope.workdir).into());
    }
    for (first, last, protocol) in draft.expose {
        let node = match first == last {
            true => Node::new("expose").value(Value::Number(u32::from(first))),
            false => Node::new("expose").text(format!("{first}-{last}")),
        };
        items.push(node.with("protocol", Value::Text(protocol)).into());
    }
    if !draft.volumes.is_empty() {
        let volumes = draft.volumes.into_iter();
        items.push(volumes.fold(Node::new("volume"), |node, path| node.template(path)).into());
    }
    let mut once = draft.once;
    let order = ["entrypoint", "command", "healthcheck", "stop-signal"];
    items.extend(order.into_iter().filter_map(|name| once.remove(name)).map(Item::from));
    for (key, value) in draft.labels.list {
        items.push(Node::new("label").text(key).template(value).into());
    }
    items.extend(draft.notes);
    items
}
