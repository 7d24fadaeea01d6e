//! A Dockerfile as a recipe: its last stage becomes the image, those that it copies from become stages.
//!
//! Stages of a Dockerfile continue their base and keep every file that they make; ours begin anew and give what they put
//! into `$OUT`. So the later ones are translated first: they say what is wanted of the earlier ones.

mod config;
mod image;
mod lines;
mod run;
mod scope;
mod script;
mod sources;
mod stage;
mod step;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::RecipeName;

use super::findings::{Findings, named};
use super::recipe::{self, Item, Node};
use super::{ImportError, Imported};
use lines::Instruction;
use scope::Scope;
use sources::Sources;
use variables::Variables;

/// Most instructions of a stage with those of the stages that it continues.
const MOST: usize = 5_000;
/// Most stages.
const MOST_STAGES: usize = 200;

/// A stage as it is written.
#[derive(Debug)]
struct Part<'t> {
    line: usize,
    /// What others call it.
    alias: Option<String>,
    /// What it is called in the recipe.
    name: String,
    /// What it is built on, variables replaced.
    reference: String,
    /// The stage that it continues.
    parent: Option<usize>,
    own: &'t [Instruction],
}

/// A file that is being translated.
struct Translator<'t> {
    findings: Findings,
    parts: Vec<Part<'t>>,
    globals: Variables,
    sources: Sources,
    /// What later stages take from each stage.
    wanted: BTreeMap<usize, BTreeSet<String>>,
    /// The folder beside the recipe that takes the place of the build context.
    context: &'static str,
    /// Files of the context that the image takes, with the first line that does.
    beside: Option<(usize, Vec<String>)>,
}

/// Translates a Dockerfile.
pub(super) fn translate(file: &str, text: &str, name: RecipeName) -> Result<Imported, ImportError> {
    let instructions = lines::read(text)?;
    let mut findings = Findings::of(file);
    let mut head = Vec::new();
    let (globals, parts) = split(&instructions, &mut findings, &mut head)?;
    let Some(last) = parts.len().checked_sub(1) else { return Err(ImportError::NoFrom) };
    let builds = parts[..last].iter().flat_map(|part| part.own).any(scope::takes_context);
    let sources = Sources::new(parts.iter().map(|part| part.name.clone()));
    let mut translator = Translator {
        findings,
        globals,
        sources,
        wanted: BTreeMap::new(),
        context: if builds { "src" } else { "files" },
        beside: None,
        parts,
    };
    let image = translator.image(last, name.as_str())?;
    let mut stages = Vec::new();
    for index in (0..last).rev() {
        if translator.wanted.contains_key(&index) {
            stages.push(translator.stage(index)?);
        } else if !translator.is_continued(index) {
            let part = &translator.parts[index];
            let (line, what) = (part.line, format!("FROM {} AS {}", part.reference, part.name));
            stages.push(vec![translator.findings.note(line, &what, "nothing needs this stage: it was left out")]);
        }
    }
    head.extend(image.head);
    head.push(Item::Gap);
    head.extend(translator.beside_the_recipe(name.as_str()));
    head.extend(translator.sources.into_items());
    for stage in stages.into_iter().rev() {
        head.push(Item::Gap);
        head.extend(stage);
    }
    head.push(Item::Gap);
    head.push(image.node.into());
    Ok(Imported { name, recipe: recipe::print(&head), findings: translator.findings.into_list() })
}

/// The stages, and the variables before them.
fn split<'t>(
    instructions: &'t [Instruction],
    findings: &mut Findings,
    notes: &mut Vec<Item>,
) -> Result<(Variables, Vec<Part<'t>>), ImportError> {
    let mut globals = Variables::new();
    let starts: Vec<usize> = (0..instructions.len()).filter(|&at| instructions[at].keyword == "FROM").collect();
    let first = starts.first().copied().ok_or(ImportError::NoFrom)?;
    if starts.len() > MOST_STAGES {
        return Err(ImportError::TooMuch { most: MOST_STAGES, what: "stages" });
    }
    for instruction in &instructions[..first] {
        if instruction.keyword == "ARG" {
            Scope::arg(&mut globals, instruction, None);
        } else {
            notes.push(findings.note(instruction.line, &instruction.shown(), "it stands before the first FROM"));
        }
    }
    let mut parts: Vec<Part<'t>> = Vec::new();
    for (number, &start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(instructions.len());
        let from = &instructions[start];
        let words = lines::words(&from.rest);
        let expanded = globals.expand(words.first().map_or("", String::as_str));
        if !expanded.unknown.is_empty() {
            let why = format!("{} has no default: say what it is built on", expanded.unknown.join(", "));
            notes.push(findings.note(from.line, &from.shown(), why));
        }
        let alias = words.get(2).filter(|_| words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as")));
        let parent = find(&parts, &expanded.text, number);
        parts.push(Part {
            line: from.line,
            name: unique(alias, number, &parts),
            alias: alias.cloned(),
            reference: expanded.text,
            parent,
            own: &instructions[start + 1..end],
        });
    }
    Ok((globals, parts))
}

fn unique(alias: Option<&String>, number: usize, parts: &[Part<'_>]) -> String {
    let wanted = alias.and_then(|alias| named(alias)).map(|name| name.to_string());
    let free = |name: &String| parts.iter().all(|part| part.name != *name);
    wanted.filter(free).unwrap_or_else(|| format!("stage-{number}"))
}

/// The stage before `before` that is called `name`; the last of several.
fn find(parts: &[Part<'_>], name: &str, before: usize) -> Option<usize> {
    let called = |part: &Part<'_>| part.alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(name));
    let parts = &parts[..before.min(parts.len())];
    parts.iter().rposition(called)
}

impl<'t> Translator<'t> {
    /// The stage that `--from=NAME` of stage `index` means: a name or a number.
    fn find(&self, name: &str, index: usize) -> Option<usize> {
        let number = name.parse().ok().filter(|&number: &usize| number < index);
        find(&self.parts, name, index).or(number)
    }

    /// What the stage is built on in the end, with the line that says so, and all instructions from there on.
    fn lineage(&self, index: usize) -> Result<(usize, String, Vec<&'t Instruction>), ImportError> {
        let mut chain = vec![index];
        while let Some(parent) = chain.last().and_then(|&last| self.parts[last].parent) {
            chain.push(parent);
        }
        let root = &self.parts[chain[chain.len() - 1]];
        let all: usize = chain.iter().map(|&part| self.parts[part].own.len()).sum();
        if all > MOST {
            return Err(ImportError::TooMuch { most: MOST, what: "instructions in a stage" });
        }
        let instructions = chain.iter().rev().flat_map(|&part| self.parts[part].own).collect();
        Ok((root.line, root.reference.clone(), instructions))
    }

    /// Whether a stage that is needed, or the image, continues it.
    fn is_continued(&self, index: usize) -> bool {
        let last = self.parts.len() - 1;
        let needed = |child: usize| child == last || self.wanted.contains_key(&child);
        (index + 1..self.parts.len())
            .any(|child| self.parts[child].parent == Some(index) && (needed(child) || self.is_continued(child)))
    }

    /// Notes that `path` of a stage is taken; gives the name of the stage.
    fn want(&mut self, index: usize, path: &str) -> String {
        self.wanted.entry(index).or_default().insert(path.to_owned());
        self.parts[index].name.clone()
    }

    /// Replaces the variables of a word; what is not known is noted.
    fn expand(&mut self, scope: &Scope, instruction: &Instruction, word: &str, notes: &mut Vec<Item>) -> String {
        let expanded = scope.variables.expand(word);
        if !expanded.unknown.is_empty() {
            let why = format!("{} is not known here and was taken as empty", expanded.unknown.join(", "));
            notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
        expanded.text
    }

    /// Notes a file of the build context that the image takes, and gives its path beside the recipe.
    fn beside(&mut self, line: usize, path: &str) -> String {
        let path = path.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
        let (_, files) = self.beside.get_or_insert_with(|| (line, Vec::new()));
        if files.len() < 200 && !files.iter().any(|known| known == path) {
            files.push(path.to_owned());
        }
        if path.is_empty() || path == "." { self.context.to_owned() } else { format!("{}/{path}", self.context) }
    }

    /// What to put beside the recipe.
    fn beside_the_recipe(&mut self, recipe: &str) -> Vec<Item> {
        let folder = format!("images/{recipe}/{}", self.context);
        let mut notes = Vec::new();
        if let Some(line) = self.sources.context_line() {
            let why = format!("put it into {folder}, without what .dockerignore names");
            notes.push(self.findings.note(line, "the build context", why));
        } else if let Some((line, files)) = self.beside.take() {
            let files: Vec<String> = files.iter().take(8).map(|file| format!("`{file}`")).collect();
            let why = match files.iter().any(|file| matches!(file.as_str(), "`.`" | "``")) {
                true => format!("put it into {folder}, without what .dockerignore names"),
                false => format!("put these files of it into {folder}: {}", files.join(", ")),
            };
            notes.push(self.findings.note(line, "the build context", why));
        }
        notes
    }
}

/// What the image became.
struct Image {
    /// Nodes at the top of the recipe.
    head: Vec<Item>,
    node: Node,
}
