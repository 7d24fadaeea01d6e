//! A stage that something is built in: its commands become one script, what it takes becomes `use` and `copy`, and what
//! later stages take of it is copied into `$OUT` in the end.

use std::collections::{BTreeMap, BTreeSet};

use super::Translator;
use super::lines::{Instruction, pairs};
use super::scope::{Mount, Scope, is_path, is_pattern, joined, whole_context};
use super::script::{adapted, is_upkeep, network};
use super::sources::{self, Reference};
use super::step::{Draft, quoted_path};
use super::variables::for_shell;
use crate::import::ImportError;
use crate::import::bases::toolchain;
use crate::import::packages::{Managed, Wanted, in_builder, is_development, manager};
use crate::import::recipe::{Item, Node, Value};
use crate::import::shell::{self, Command, quoted};
use crate::model::{ImagePath, PackageName};
use crate::recipe::filled_folder;

/// Where the build context is mounted for those who take parts of it.
const CONTEXT: &str = "/context";

impl Translator<'_> {
    /// Translates the stage `index`.
    pub(super) fn stage(&mut self, index: usize) -> Result<Vec<Item>, ImportError> {
        let (line, reference, instructions) = self.lineage(index)?;
        let toolchain = toolchain(&reference);
        let mut draft = Draft {
            scope: Scope::new(),
            head: Vec::new(),
            packages: toolchain.packages.iter().map(|name| ((*name).to_owned(), None)).collect(),
            target_packages: Vec::new(),
            mounts: BTreeMap::new(),
            env: BTreeMap::new(),
            caches: BTreeMap::new(),
            secrets: BTreeSet::new(),
            script: Vec::new(),
            made: BTreeSet::new(),
            context: whole_context(&instructions),
            at: String::new(),
            toolchain,
        };
        let image = draft.toolchain.image;
        let why = match draft.toolchain.known {
            true => format!("it runs in the project's image `{image}` instead"),
            false => format!(
                "nothing is known of this image: the stage runs in `{image}`, name another if it lacks something"
            ),
        };
        let base = self.findings.note(line, &format!("FROM {reference}"), why);
        for instruction in instructions {
            self.step(&mut draft, index, instruction);
        }
        self.leave(&mut draft, index);
        self.keep_caches_apart(&mut draft);
        let from = Value::Text(image.to_owned());
        let node = Node::new("stage").text(self.parts[index].name.as_str()).with("from", from).block(draft.items());
        Ok(vec![base, node.into()])
    }

    /// Leaves out caches at places where a recipe may have none, and says so.
    fn keep_caches_apart(&mut self, draft: &mut Draft) {
        let mounts = draft.mounts.keys().filter_map(|at| at.parse().ok()).collect::<Vec<ImagePath>>();
        for (path, (line, shown)) in std::mem::take(&mut draft.caches) {
            // a path with a variable is checked with the recipe
            let place = path.parse::<ImagePath>().ok();
            let mounted =
                |place: &ImagePath| mounts.iter().find(|at| at.is_within(place) || place.is_within(at)).cloned();
            let why = match place.as_ref().map(|place| (filled_folder(place), mounted(place))) {
                Some((Some(folder), _)) => {
                    format!("a cache cannot be in `/{folder}`, which the root or the sandbox fills")
                }
                // what is mounted there is the same on each run, and a script can write to it
                Some((None, Some(at))) => format!("a cache cannot lie over or under `{at}`, which is mounted"),
                _ => {
                    draft.caches.insert(path, (line, shown));
                    continue;
                }
            };
            let help = "choose a folder below `/root/.cache` and tell the tool with a variable";
            draft.head.push(self.findings.note(line, &shown, format!("{why}: {help}")));
        }
    }

    fn step(&mut self, draft: &mut Draft, index: usize, instruction: &Instruction) {
        match instruction.keyword.as_str() {
            "ARG" => {
                let names = Scope::arg(&mut draft.scope.variables, instruction, Some(&self.globals));
                for name in names {
                    let value = draft.scope.variables.get(&name).unwrap_or_default().to_owned();
                    self.variable(draft, instruction, &name, value);
                }
            }
            "ENV" => {
                for (name, value) in pairs(&instruction.rest) {
                    let mut notes = Vec::new();
                    let value = self.expand(&draft.scope, instruction, &value, &mut notes);
                    draft.head.append(&mut notes);
                    draft.scope.variables.set(&name, value.clone());
                    self.variable(draft, instruction, &name, value);
                }
            }
            "WORKDIR" => {
                let mut notes = Vec::new();
                let path = self.expand(&draft.scope, instruction, &instruction.rest, &mut notes);
                draft.head.append(&mut notes);
                draft.scope.workdir = draft.scope.absolute(&path);
            }
            "COPY" | "ADD" => self.stage_copy(draft, index, instruction),
            "RUN" => self.stage_run(draft, index, instruction),
            "SHELL" | "ONBUILD" => {
                let why = "scripts of stages run in `/bin/sh -eu`";
                let why = if instruction.keyword == "SHELL" { why } else { "nothing inherits instructions here" };
                draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
            // what only images have
            _ => {}
        }
    }

    /// A variable for the script, unless the step sets it itself.
    fn variable(&mut self, draft: &mut Draft, instruction: &Instruction, name: &str, value: String) {
        let fixed = ["OUT", "JOBS", "SOURCE_DATE_EPOCH"].contains(&name);
        let platform = name.starts_with("TARGET_") || name.starts_with("BUILD_");
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let named = !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(letters);
        // the toolchain image has its own programs and knows the target
        let own = matches!(name, "PATH" | "GOOS" | "GOARCH" | "GOPROXY" | "GOFLAGS" | "DEBIAN_FRONTEND");
        if fixed || platform || !named || name.is_empty() {
            let why = "the step's platform and limits decide this variable: use another name";
            draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
        } else if !own {
            draft.env.insert(name.to_owned(), value);
        }
    }

    fn stage_copy(&mut self, draft: &mut Draft, index: usize, instruction: &Instruction) {
        let mut notes = Vec::new();
        let copy = self.copy(&draft.scope, instruction, &mut notes);
        draft.head.append(&mut notes);
        let Some(copy) = copy else { return };
        for heredoc in &instruction.heredocs {
            let file = if copy.into { format!("{}/{}", copy.to, heredoc.name) } else { copy.to.clone() };
            let (name, body) = (&heredoc.name, &heredoc.body);
            draft.script.push(format!("cat > {} <<'{name}'\n{body}{name}", quoted_path(&file)));
        }
        for source in &copy.sources {
            let (target, contents) = copy.target(source);
            if source.starts_with("<<") {
                continue;
            }
            if sources::is_url(instruction, source) {
                self.stage_add(draft, instruction, source, &target);
            } else if let Some(from) = &copy.from {
                self.stage_copy_from(draft, (index, instruction), from, source, &target);
            } else {
                self.stage_copy_context(draft, instruction, source, &target, contents);
            }
        }
    }

    fn stage_add(&mut self, draft: &mut Draft, instruction: &Instruction, url: &str, target: &str) {
        if let Some((url, reference)) = sources::added_repository(url) {
            let reference = reference.unwrap_or_else(|| self.unnamed(&mut draft.head, instruction.line, &url));
            let name = self.sources.git(&url, &reference);
            let at = if is_path(target) { target.to_owned() } else { format!("/{name}") };
            draft.mount(&at, Node::new("use").text(name));
            return;
        }
        let why = "`refresh` pins this file by its hash";
        draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
        let name = self.sources.download(url, false);
        let folder = format!("/downloads/{name}");
        draft.mount(&folder, Node::new("use").text(name));
        draft.script.push(format!("cp {folder}/{} {}", quoted_path(sources::file_of(url)), quoted_path(target)));
    }

    /// What is checked out when a Dockerfile takes whatever is there.
    fn unnamed(&mut self, notes: &mut Vec<Item>, line: usize, url: &str) -> Reference {
        let why = "it takes whatever is there: name a `tag=`, `main` is only a guess";
        notes.push(self.findings.note(line, url, why));
        Reference { kind: "branch", name: "main".to_owned() }
    }

    fn stage_copy_from(
        &mut self,
        draft: &mut Draft,
        (index, instruction): (usize, &Instruction),
        from: &str,
        source: &str,
        target: &str,
    ) {
        let path = joined("/", source);
        let found = self.find(from, index);
        let why = match found {
            None => format!("`{from}` is no stage of this file: make what is taken from it a source or a stage"),
            Some(_) if is_pattern(&path) || !is_path(&path) => {
                "patterns and whole roots cannot be copied: name the files".to_owned()
            }
            Some(found) if is_path(target) => {
                let name = self.want(found, &path);
                let node = Node::new("copy").template(path).with("from", Value::Text(name));
                if draft.mount(target, node) {
                    return;
                }
                "something else is there already: copy it to another place".to_owned()
            }
            Some(_) => "a step's root cannot be covered: name a folder".to_owned(),
        };
        draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
    }

    fn stage_copy_context(
        &mut self,
        draft: &mut Draft,
        instruction: &Instruction,
        source: &str,
        target: &str,
        contents: bool,
    ) {
        let name = self.sources.context(self.context, instruction.line);
        let source = joined("/", source);
        if let Some(whole) = draft.context.clone() {
            draft.mount(&whole, Node::new("use").text(name));
            // what the whole context brings to the same place need not be copied again
            if joined(&whole, source.trim_start_matches('/')) != target {
                draft.copied(&format!("{whole}{source}"), target, contents);
            }
        } else {
            draft.mount(CONTEXT, Node::new("use").text(name));
            draft.copied(&format!("{CONTEXT}{source}"), target, contents);
        }
        if instruction.keyword == "ADD" && sources::is_archive(&source) {
            let why = "ADD unpacks an archive: unpack it in the script";
            draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
    }

    fn stage_run(&mut self, draft: &mut Draft, index: usize, instruction: &Instruction) {
        for (name, value) in &instruction.flags {
            if name == "mount" {
                self.stage_mount(draft, (index, instruction), &Mount::read(value));
            } else if name != "network" {
                let why = format!("`--{name}` has no counterpart");
                draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
        }
        if let Some(words) = instruction.exec() {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            return self.stage_script(draft, instruction, &words.join(" "));
        }
        match &instruction.heredocs[..] {
            [] => self.stage_script(draft, instruction, &instruction.script),
            [only] if instruction.rest == only.written && !only.body.starts_with("#!") => {
                self.stage_script(draft, instruction, &only.body);
            }
            heredocs => {
                let bodies = heredocs.iter().map(|heredoc| format!("\n{}{}", heredoc.body, heredoc.name));
                draft.run(&format!("{}{}", instruction.script, bodies.collect::<String>()));
            }
        }
    }

    fn stage_mount(&mut self, draft: &mut Draft, (index, instruction): (usize, &Instruction), mount: &Mount) {
        let target = draft.scope.absolute(&mount.target);
        match (mount.kind.as_str(), &mount.from) {
            ("cache", _) if is_path(&target) => {
                draft.caches.entry(target).or_insert_with(|| (instruction.line, instruction.shown()));
            }
            ("tmpfs", _) => {}
            ("secret", _) => {
                let name = mount.target.rsplit('/').next().unwrap_or_default();
                let id = mount.id.as_deref().unwrap_or(name);
                let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                if !id.is_empty() && !id.starts_with('.') && id.bytes().all(letters) {
                    draft.secrets.insert(id.to_owned());
                }
                let why = "declare the secret in the environment file; it is at /run/secrets/ID";
                draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
            ("bind", None) => {
                let (source, whole) = (joined("/", &mount.source), mount.source.trim_matches('.').is_empty());
                self.stage_copy_context(draft, instruction, &source, &target, whole);
            }
            ("bind", Some(from)) => self.stage_copy_from(draft, (index, instruction), from, &mount.source, &target),
            _ => {
                let why = format!("a mount of type `{}` has no counterpart", mount.kind);
                draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
        }
    }

    /// The commands of a script: those that install or fetch become nodes, the rest stays.
    fn stage_script(&mut self, draft: &mut Draft, instruction: &Instruction, script: &str) {
        let Some(commands) = shell::commands(script, &|name| draft.scope.variables.plain(name)) else {
            if let Some(why) = network(script) {
                draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
            }
            return draft.run(script);
        };
        let mut cloned = false;
        for (at, command) in commands.iter().enumerate() {
            let later = commands[at..].iter().take(16).find_map(sources::checkout);
            if cloned && (sources::checkout(command).is_some() || command.text.starts_with("git submodule")) {
                continue; // said by the source
            }
            cloned |= sources::clone(command).is_some();
            self.stage_command(draft, instruction, command, later);
        }
        if commands.iter().any(|command| command.program() == "cd") {
            draft.at.clear(); // the next instruction begins in its own folder
            if draft.script.last().is_some_and(|line| line.starts_with("cd ")) {
                draft.script.pop();
            }
        }
    }

    /// One command; `later` is what the commands after it check out.
    fn stage_command(
        &mut self,
        draft: &mut Draft,
        instruction: &Instruction,
        command: &Command,
        later: Option<Reference>,
    ) {
        let plain = command.plain();
        let words = plain.as_deref().unwrap_or_default();
        if is_upkeep(&command.patterned().unwrap_or_default()) {
            return;
        }
        if let ["go", "mod", "download" | "verify", ..] = words {
            return self.go_modules(draft, instruction);
        }
        if let Some(managed) = manager(words) {
            if let Managed::Install(wanted) = managed {
                self.stage_packages(draft, instruction, &wanted);
            }
            return;
        }
        if let Some(clone) = sources::clone(command) {
            let reference = later
                .or(clone.reference)
                .unwrap_or_else(|| self.unnamed(&mut draft.head, instruction.line, &clone.url));
            let at = joined(&draft.scope.workdir, &clone.folder);
            if is_path(&at) {
                let name = self.sources.git(&clone.url.replace("${", "$${"), &reference);
                draft.mount(&at, Node::new("use").text(name));
                return;
            }
        }
        if let Some((url, file)) = sources::fetched(command) {
            let why = "`refresh` pins this file by its hash";
            draft.head.push(self.findings.note(instruction.line, &command.text, why));
            let name = self.sources.download(&url.replace("${", "$${"), false);
            let folder = format!("/downloads/{name}");
            draft.mount(&folder, Node::new("use").text(name));
            draft.run(&format!("cp {folder}/{} {}", quoted(sources::file_of(&url)), quoted(&file)));
            return;
        }
        if let Some(why) = network(&command.text) {
            draft.head.push(self.findings.note(instruction.line, &command.text, why));
        }
        draft.run(&command.text);
    }

    fn go_modules(&mut self, draft: &mut Draft, instruction: &Instruction) {
        let workdir = draft.scope.workdir.clone();
        if draft.context.as_ref() == Some(&workdir) || draft.mounts.contains_key(CONTEXT) {
            let context = self.sources.context(self.context, instruction.line);
            let name = self.sources.go_modules(&context);
            draft.mount(&joined(&workdir, "vendor"), Node::new("use").text(name));
        } else {
            let why = "stages have no network: take the modules from a `vendor` source";
            draft.head.push(self.findings.note(instruction.line, "go mod download", why));
        }
    }

    fn stage_packages(&mut self, draft: &mut Draft, instruction: &Instruction, wanted: &Wanted) {
        let mut foreign = Vec::new();
        for (name, version) in &wanted.packages {
            if in_builder(name) {
                continue;
            }
            // another distribution's versions mean nothing here
            let version = version.clone().filter(|_| !draft.toolchain.alpine);
            let list = if is_development(name) { &mut draft.target_packages } else { &mut draft.packages };
            if PackageName::new(name.as_str()).is_ok()
                && list.len() < 1_000
                && !list.iter().any(|(known, _)| known == name)
            {
                list.push((name.clone(), version));
                foreign.push(format!("`{name}`"));
            }
        }
        if draft.toolchain.alpine && !foreign.is_empty() {
            let why = format!("Alpine's names: look up what Debian calls {}", foreign.join(", "));
            draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
        if !wanted.unknown.is_empty() {
            let why = format!("recipes cannot ask for {}", wanted.unknown.join(", "));
            draft.head.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
    }

    /// Puts what later stages take into the output.
    fn leave(&mut self, draft: &mut Draft, index: usize) {
        let wanted = self.wanted.get(&index).cloned().unwrap_or_default();
        let folders = wanted.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder);
        let folders: BTreeSet<String> = folders
            .filter(|folder| !folder.is_empty())
            .map(|folder| format!(" \"$OUT{}\"", for_shell(folder)))
            .collect();
        if !folders.is_empty() {
            draft.script.push(format!("mkdir -p{}", folders.into_iter().collect::<String>()));
        }
        for path in &wanted {
            let path = for_shell(path);
            let source = adapted(&path, draft.toolchain.image);
            draft.script.push(format!("cp -a \"{source}\" \"$OUT{path}\""));
        }
        if draft.script.is_empty() {
            draft.script.push("true".to_owned());
        }
    }
}
