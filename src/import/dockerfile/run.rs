//! `RUN` in the image: commands whose effect a recipe can say. All others would run in the image, which nothing does here.

use super::Translator;
use super::image::{Draft, Entry};
use super::lines::Instruction;
use super::scope::{is_path, is_pattern, joined};
use super::script::{is_cache, is_upkeep};
use super::sources;
use crate::import::options::Options;
use crate::import::packages::{Managed, manager};
use crate::import::recipe::{Item, Node, Value};
use crate::import::shell::{self, Command, quoted};
use crate::model::{Glob, Mode, Ownership, Principal};

/// Why most commands are left to a person.
const RUNS: &str = "it runs in the image: make it a stage, and copy what it makes";

/// Most words of a command that is worth a look.
const LONGEST: usize = 1_000;

impl Translator<'_> {
    pub(super) fn image_run(&mut self, draft: &mut Draft, instruction: &Instruction) {
        let script = match (instruction.exec(), &instruction.heredocs[..]) {
            (Some(words), _) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            (None, []) => instruction.script.clone(),
            (None, [only]) if instruction.rest == only.written => only.body.clone(),
            _ => String::from("<<"), // no list of commands
        };
        let Some(commands) = shell::commands(&script, &|name| draft.scope.variables.plain(name)) else {
            return draft.remark(self.findings.note(instruction.line, &instruction.shown(), RUNS));
        };
        let mut at = draft.scope.workdir.clone();
        for command in &commands {
            if let Err(why) = self.image_command(draft, instruction, &mut at, command) {
                let what = format!("RUN {}", command.text);
                draft.remark(self.findings.note(instruction.line, &what, why));
            }
        }
    }

    fn image_command(
        &mut self,
        draft: &mut Draft,
        instruction: &Instruction,
        at: &mut String,
        command: &Command,
    ) -> Result<(), String> {
        if command.words.len() > LONGEST {
            return Err(RUNS.to_owned());
        }
        if command.words.is_empty() || command.program() == "export" {
            return Ok(()); // variables of this shell alone
        }
        if let Some(file) = written(command) {
            let (path, text) = file?;
            return entry(draft, &joined(at, &path), |path| Node::new("file").text(path).text(text));
        }
        let patterned = command.patterned().unwrap_or_default();
        if is_upkeep(&patterned) {
            return Ok(());
        }
        if let ["rm", rest @ ..] = &patterned[..] {
            return removed(draft, at, rest);
        }
        if let Some(managed) = manager(&command.plain().unwrap_or(patterned)) {
            return self.image_packages(draft, instruction, managed);
        }
        if let Some((url, file)) = sources::fetched(command) {
            return self.image_fetched(draft, instruction, command, (&url, &joined(at, &file)));
        }
        let words = command.plain().ok_or_else(|| RUNS.to_owned())?;
        if let Some(made) = draft.accounts.command(&words) {
            return self.image_account(draft, instruction, &command.text, made?);
        }
        match &words[..] {
            ["true" | ":" | "ldconfig" | "update-ca-certificates", ..] => Ok(()),
            ["cd", folder] => {
                *at = joined(at, folder);
                Ok(())
            }
            ["mkdir", rest @ ..] => folders(draft, at, rest),
            ["install", rest @ ..] => installed(draft, at, rest),
            ["ln", rest @ ..] => links(draft, at, rest),
            ["touch", rest @ ..] if rest.iter().all(|word| !word.starts_with('-')) => rest
                .iter()
                .try_for_each(|path| entry(draft, &joined(at, path), |path| Node::new("file").text(path).text(""))),
            ["chown", rest @ ..] => owners(draft, at, rest),
            ["chmod", rest @ ..] => modes(draft, at, rest),
            ["setcap", rest @ ..] => capabilities(draft, at, rest),
            _ => Err(RUNS.to_owned()),
        }
    }

    fn image_packages(&mut self, draft: &mut Draft, instruction: &Instruction, managed: Managed) -> Result<(), String> {
        let Managed::Install(wanted) = managed else { return Ok(()) };
        if draft.packages_line == 0 {
            draft.packages_line = instruction.line;
        }
        draft.recommends |= wanted.recommends && matches!(manager_of(instruction), Some("apt"));
        let mut pinned = false;
        for (name, version) in wanted.packages {
            pinned |= version.is_some();
            if draft.packages.len() < 2_000 && !draft.packages.iter().any(|(known, _)| *known == name) {
                draft.packages.push((name, version));
            }
        }
        if pinned {
            let why = "these versions are of the Dockerfile's distribution: the lock pins versions, remove `version=` unless it must be this one";
            draft.base_notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
        match wanted.unknown.is_empty() {
            true => Ok(()),
            false => Err(format!("recipes cannot ask for {}", wanted.unknown.join(", "))),
        }
    }

    /// A file that is fetched as it is.
    fn image_fetched(
        &mut self,
        draft: &mut Draft,
        instruction: &Instruction,
        command: &Command,
        (url, path): (&str, &str),
    ) -> Result<(), String> {
        let name = self.sources.download(&url.replace("${", "$${"), false);
        let from = format!("/{}", sources::file_of(url));
        entry(draft, path, |path| {
            let node = Node::new("copy").text(from).with("from", Value::Text(name));
            node.with("to", Value::Text(path.to_owned()))
        })?;
        let what = format!("RUN {}", command.text);
        draft.remark(self.findings.note(instruction.line, &what, "`refresh` pins this file by its hash"));
        Ok(())
    }

    fn image_account(
        &mut self,
        draft: &mut Draft,
        instruction: &Instruction,
        text: &str,
        made: crate::import::accounts::Made,
    ) -> Result<(), String> {
        if let Some(number) = made.chosen {
            let why = format!("it takes whatever number is free: {number} was chosen");
            draft.remark(self.findings.note(instruction.line, &format!("RUN {text}"), why));
        }
        if let Some((home, owner)) = made.home {
            entry(draft, &home, |path| Node::new("dir").text(path).with("owner", Value::Text(owner)))?;
        }
        Ok(())
    }
}

fn manager_of(instruction: &Instruction) -> Option<&'static str> {
    ["apt", "apk"].into_iter().find(|name| instruction.rest.contains(name))
}

/// Adds what is made at `path`, once.
fn entry(draft: &mut Draft, path: &str, node: impl FnOnce(&str) -> Node) -> Result<(), String> {
    if !is_path(path) {
        return Err(format!("`{path}` is no path of a file or folder"));
    }
    if !draft.entries.iter().any(|entry| entry.at == path) {
        draft.add(path, node(path));
    }
    Ok(())
}

/// `echo TEXT > FILE`: the file and its text.
fn written(command: &Command) -> Option<Result<(String, String), String>> {
    let [(operator, target)] = &command.redirects[..] else { return None };
    if operator != ">" || target.text == "/dev/null" || !command.single {
        return None;
    }
    let words: Vec<&str> = command.words.iter().filter(|word| word.literal).map(|word| word.text.as_str()).collect();
    let known = target.literal && words.len() == command.words.len();
    Some(match words[..] {
        ["echo", "-n", ref words @ ..] if known => Ok((target.text.clone(), words.join(" "))),
        ["echo", ref words @ ..] if known && !words.iter().any(|word| word.contains('\\') || word.starts_with('-')) => {
            Ok((target.text.clone(), format!("{}\n", words.join(" "))))
        }
        _ => Err(RUNS.to_owned()),
    })
}

fn removed(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    const DOCUMENTS: [&str; 5] =
        ["/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale", "/usr/share/lintian"];
    for path in words.iter().filter(|word| !word.starts_with('-') && !is_cache(word)) {
        let path = joined(at, path.trim_end_matches('/'));
        let documents = DOCUMENTS.iter().any(|folder| path.starts_with(folder));
        if is_pattern(&path) || documents {
            Glob::new(&path).map_err(|error| error.to_string())?;
            if !draft.exclude.contains(&path) && draft.exclude.len() < 500 {
                draft.exclude.push(path);
            }
        } else if is_path(&path) {
            let made = draft.entries.iter().position(|entry| entry.at == path);
            match made {
                Some(index) => drop(draft.entries.remove(index)),
                None => draft.remark(Item::Node(Node::new("remove").text(path))),
            }
        } else {
            return Err("this would remove everything".to_owned());
        }
    }
    Ok(())
}

fn folders(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    let options = Options::read(words, &["m", "mode"]);
    let mode = options.value(&["m", "mode"]).map(mode).transpose()?;
    for path in &options.rest {
        let path = joined(at, path);
        entry(draft, &path, |path| with(Node::new("dir").text(path), None, mode.as_deref()))?;
    }
    Ok(())
}

/// `install -d`: folders with owner and mode.
fn installed(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    let options = Options::read(words, &["m", "mode", "o", "owner", "g", "group"]);
    if !options.has(&["d", "directory"]) {
        return Err(RUNS.to_owned());
    }
    let mode = options.value(&["m", "mode"]).map(mode).transpose()?;
    let user = options.value(&["o", "owner"]);
    let owner = user.map(|user| format!("{user}:{}", options.value(&["g", "group"]).unwrap_or("root")));
    let owner = owner.map(|owner| self::owner(&owner)).transpose()?;
    for path in &options.rest {
        let path = joined(at, path);
        entry(draft, &path, |path| with(Node::new("dir").text(path), owner.as_deref(), mode.as_deref()))?;
    }
    Ok(())
}

fn with(mut node: Node, owner: Option<&str>, mode: Option<&str>) -> Node {
    owner.into_iter().for_each(|owner| node.set("owner", Value::Text(owner.to_owned())));
    mode.into_iter().for_each(|mode| node.set("mode", Value::Text(mode.to_owned())));
    node
}

fn mode(text: &str) -> Result<String, String> {
    let mode: Mode = text.parse().map_err(|_| format!("`{text}` is no mode of octal digits"))?;
    Ok(mode.to_string())
}

/// `USER:GROUP`, where `USER:` means the group of that user.
fn owner(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is no owner that recipes can name");
    let (user, group) = text.split_once(':').unwrap_or((text, "root"));
    let group = if group.is_empty() { user } else { group };
    let owner = format!("{user}:{group}");
    owner.parse::<Ownership>().map(|_| owner).map_err(|_| wrong())
}

fn links(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    let options = Options::read(words, &["t", "target-directory", "S"]);
    if !options.has(&["s", "symbolic"]) || options.has(&["t", "target-directory", "r", "relative"]) {
        return Err("only symbolic links of the plain form can be said".to_owned());
    }
    let (link, targets) = match options.rest[..] {
        [target] => (".", vec![target]),
        [ref targets @ .., link] => (link, targets.to_vec()),
        [] => return Err("it names nothing".to_owned()),
    };
    let path = joined(at, link);
    let folder = |entry: &Entry| entry.at == path && matches!(&entry.item, Item::Node(node) if node.name == "dir");
    let into = link.ends_with('/') || link == "." || targets.len() > 1 || draft.entries.iter().any(folder);
    for target in targets {
        let name = target.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let path = if into { joined(&path, name) } else { path.clone() };
        if target.is_empty() || target.len() > 4095 {
            return Err("a link points at a path".to_owned());
        }
        entry(draft, &path, |path| Node::new("symlink").text(path).with("to", Value::Text(target.to_owned())))?;
    }
    Ok(())
}

/// Gives `change` the entries at `path`, with those inside it where `all`; gives whether there are any.
fn change(draft: &mut Draft, path: &str, all: bool, change: impl Fn(&mut Node)) -> bool {
    let inside = format!("{}/", path.trim_end_matches('/'));
    let mut found = false;
    for entry in &mut draft.entries {
        let meant = entry.at == path || (all && entry.at.starts_with(&inside));
        if let (true, Item::Node(node)) = (meant && !entry.at.is_empty(), &mut entry.item) {
            change(node);
            found = true;
        }
    }
    found
}

fn owners(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    let options = Options::read(words, &[]);
    let [written, ref paths @ ..] = options.rest[..] else { return Err("it names nothing".to_owned()) };
    let owner = owner(written)?;
    let user = written.split(':').next().unwrap_or_default();
    let known = draft.accounts.knows(user) || !matches!(user.parse(), Ok(Principal::Name(_)));
    for path in paths {
        let path = joined(at, path);
        let text = Value::Text(owner.clone());
        let changes = |node: &mut Node| {
            if matches!(node.name, "dir" | "file" | "copy" | "symlink") {
                node.set("owner", text.clone());
            }
        };
        if !change(draft, &path, options.has(&["R", "recursive"]), changes) {
            // a folder that an account owns is there to be written into
            if known && is_path(&path) && options.has(&["R", "recursive"]) && path == draft.scope.workdir {
                draft.add(&path, with(Node::new("dir").text(path.as_str()), Some(&owner), None));
                continue;
            }
            return Err(format!("nothing here makes `{path}`: give `owner=` to what does"));
        }
    }
    Ok(())
}

fn modes(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    // `+x` begins with no `-`; `-x` would be taken for an option
    let options = Options::read(words, &[]);
    let [written, ref paths @ ..] = options.rest[..] else { return Err("it names nothing".to_owned()) };
    let mode = if matches!(written, "+x" | "a+x" | "ugo+x") { "0755".to_owned() } else { mode(written)? };
    let all = options.has(&["R", "recursive"]);
    for path in paths {
        let path = joined(at, path);
        let text = Value::Text(mode.clone());
        let changes = |node: &mut Node| {
            if node.name == "dir" || (!all && matches!(node.name, "copy" | "file")) {
                node.set("mode", text.clone());
            }
        };
        if !change(draft, &path, all, changes) {
            return Err(format!("nothing here makes `{path}`: give `mode=` to what does"));
        }
    }
    Ok(())
}

fn capabilities(draft: &mut Draft, at: &str, words: &[&str]) -> Result<(), String> {
    let [names, path] = words else { return Err(RUNS.to_owned()) };
    let names = names.split(['=', '+']).next().unwrap_or_default().to_ascii_lowercase();
    let mut node = Node::new("file-capability").text(joined(at, path));
    for name in names.split(',') {
        let plain = name
            .strip_prefix("cap_")
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        node = node.text(plain.ok_or_else(|| format!("`{name}` is no capability"))?);
    }
    draft.remark(Item::Node(node));
    Ok(())
}
