//! An apko file as a recipe: an image of packages of APK archives.

use std::collections::BTreeMap;

use super::accounts::{Account, Accounts};
use super::findings::Findings;
use super::packages::{self, Wanted};
use super::recipe::{self, Item, Node, Value};
use super::yaml::{self, Entry};
use super::{ImportError, Imported, about, shell, signals};
use crate::model::{ImagePath, Mode, Platform, Principal, RecipeName};

/// An image that is being translated.
struct Draft {
    findings: Findings,
    head: Vec<Item>,
    /// What it is built on, and its packages.
    base: Vec<Item>,
    entries: Vec<Item>,
    accounts: Accounts,
    user: Option<(usize, String)>,
    settings: Vec<Item>,
    about: BTreeMap<&'static str, String>,
}

/// Translates an apko file.
pub(super) fn translate(file: &str, text: &str, name: RecipeName) -> Result<Imported, ImportError> {
    let root = yaml::read(text)?;
    let known = ["contents", "entrypoint", "accounts", "include", "paths"];
    if !root.map().iter().any(|entry| known.contains(&entry.key.as_str())) {
        return Err(ImportError::OtherYaml { wanted: "`contents` nor `entrypoint`", kind: "apko" });
    }
    let mut draft = Draft {
        findings: Findings::of(file),
        head: Vec::new(),
        base: Vec::new(),
        entries: Vec::new(),
        accounts: Accounts::default(),
        user: None,
        settings: Vec::new(),
        about: BTreeMap::new(),
    };
    for entry in root.map() {
        draft.top(entry);
    }
    let user = draft.user_node();
    let mut items = vec![Node::new("from").text("scratch").into()];
    items.append(&mut draft.base);
    items.push(Item::Gap);
    items.append(&mut draft.entries);
    items.push(Item::Gap);
    items.extend(draft.accounts.into_items());
    items.extend(user);
    items.append(&mut draft.settings);
    let mut all = about::items(draft.about);
    all.append(&mut draft.head);
    all.push(Item::Gap);
    all.push(Node::new("image").text(name.as_str()).block(items).into());
    Ok(Imported { name, recipe: recipe::print(&all), findings: draft.findings.into_list() })
}

impl Draft {
    fn note(&mut self, entry: &Entry, why: impl Into<String>) -> Item {
        let what = match entry.value.text() {
            Some(text) => format!("{}: {text}", entry.key),
            None => entry.key.clone(),
        };
        self.findings.note(entry.line, &what, why)
    }

    fn remark(&mut self, entry: &Entry, why: impl Into<String>) {
        let note = self.note(entry, why);
        self.settings.push(note);
    }

    fn top(&mut self, entry: &Entry) {
        match entry.key.as_str() {
            "contents" => self.contents(&entry.value),
            "entrypoint" => self.entrypoint(&entry.value),
            "cmd" => self.argv(entry, "command"),
            "work-dir" => self.path(entry, "workdir"),
            "stop-signal" => match entry.value.text().and_then(signals::read) {
                Some(signal) => self.settings.push(Node::new("stop-signal").text(signal).into()),
                None => self.remark(entry, "it is no signal that ends a process"),
            },
            "accounts" => self.accounts(&entry.value),
            "environment" => self.environment(&entry.value),
            "archs" => self.platforms(entry),
            "paths" => entry.value.list().iter().take(2_000).for_each(|path| self.mutation(path)),
            "annotations" => self.annotations(&entry.value),
            "volumes" => self.volumes(entry),
            "vcs-url" => {
                let url = entry.value.text().unwrap_or_default();
                self.settings.push(Node::new("label").text("org.opencontainers.image.source").text(url).into());
            }
            "layering" => self.layering(entry),
            "include" => self.remark(entry, "import that file as well, and take over what it says"),
            "os-release" => {
                self.remark(entry, "write /etc/os-release with `file`, or take that of the distribution's packages")
            }
            "certificates" => self.remark(entry, "put the certificates beside the recipe and `copy` them"),
            _ => self.remark(entry, "it has no counterpart"),
        }
    }

    fn contents(&mut self, contents: &yaml::Node) {
        let mut wanted = Wanted::default();
        let mut repositories = None;
        for entry in contents.map() {
            match entry.key.as_str() {
                "packages" => {
                    let names = entry.value.list().iter().filter_map(yaml::Node::text);
                    names.for_each(|name| wanted.apk(name.trim()));
                    if !wanted.unknown.is_empty() {
                        let why = format!("recipes cannot ask for {}", wanted.unknown.join(", "));
                        let note = self.note(entry, why);
                        self.base.push(note);
                    }
                }
                "repositories" | "build_repositories" | "runtime_repositories" => {
                    repositories = repositories.or(Some(entry));
                }
                "keyring" => {
                    let why = "put these keys below images/keys/, and name them as `keyring` of the archive in images/project.kdl";
                    let note = self.note(entry, why);
                    self.base.push(note);
                }
                _ => {
                    let note = self.note(entry, "it has no counterpart");
                    self.base.push(note);
                }
            }
        }
        if repositories.is_none() && wanted.packages.is_empty() {
            return;
        }
        let (name, release) = distribution(repositories);
        let urls: Vec<&str> = repositories
            .into_iter()
            .flat_map(|entry| entry.value.list())
            .filter_map(yaml::Node::text)
            .take(8)
            .collect();
        let at = match urls.is_empty() {
            true => "their archive".to_owned(),
            false => format!("an archive at {}", urls.join(", ")),
        };
        let line = repositories.map_or(contents.line, |entry| entry.line);
        let why = format!(
            "APK packages cannot be built yet: name Debian's packages instead. They come from {at}, release {release}"
        );
        let note = self.findings.note(line, "repositories", why);
        self.base.insert(0, note);
        let node = Node::new("distribution").text(name).with("release", Value::Text(release));
        self.base.insert(1, node.into());
        self.base.extend(packages::nodes("packages", &wanted.packages).into_iter().map(Item::from));
    }

    fn entrypoint(&mut self, entrypoint: &yaml::Node) {
        for entry in entrypoint.map() {
            match entry.key.as_str() {
                "command" => self.argv(entry, "entrypoint"),
                "shell-fragment" => {
                    let text = entry.value.text().unwrap_or_default();
                    let node = Node::new("entrypoint").text("/bin/sh").text("-c").text(text);
                    self.remark(entry, "it is run by /bin/sh, which the image must have");
                    self.settings.push(node.into());
                }
                "type" if entry.value.text() != Some("service-bundle") => {}
                _ => self.remark(
                    entry,
                    "an image runs one program here: make an image of each service, or start a supervisor",
                ),
            }
        }
    }

    fn argv(&mut self, entry: &Entry, node: &'static str) {
        let words = entry.value.text().and_then(shell::words);
        match words.filter(|words| words.first().is_some_and(|word| !word.trim().is_empty() && !word.contains(' '))) {
            Some(words) => {
                let filled = words.into_iter().fold(Node::new(node), Node::text);
                self.settings.push(filled.into());
            }
            None => self.remark(entry, "it is no plain list of words: write the program and its arguments"),
        }
    }

    fn path(&mut self, entry: &Entry, node: &'static str) {
        match entry.value.text().filter(|path| ImagePath::absolute(path).is_ok()) {
            Some(path) => self.settings.push(Node::new(node).text(path).into()),
            None => self.remark(entry, "it is no path of the image"),
        }
    }

    fn accounts(&mut self, accounts: &yaml::Node) {
        let (users, groups) = (accounts.get("users"), accounts.get("groups"));
        for group in groups.into_iter().flat_map(yaml::Node::list).take(200) {
            let name = group.text_of("groupname").unwrap_or_default();
            let gid = group.text_of("gid").and_then(|gid| gid.parse().ok());
            let made = gid.ok_or_else(|| "it has no number".to_owned()).and_then(|gid| self.accounts.group(name, gid));
            let members =
                group.get("members").into_iter().flat_map(yaml::Node::list).filter_map(yaml::Node::text).take(200);
            let joined =
                members.map(|member| self.accounts.join(member, Some(name))).collect::<Result<Vec<()>, String>>();
            if let Err(why) = made.and(joined.map(|_| ())) {
                let note = self.findings.note(group.line, &format!("group {name}"), why);
                self.entries.push(note);
            }
        }
        for user in users.into_iter().flat_map(yaml::Node::list).take(200) {
            let name = user.text_of("username").unwrap_or_default().to_owned();
            let account = Account {
                name: name.clone(),
                home: user.text_of("homedir").or_else(|| user.text_of("home")).map(str::to_owned),
                shell: user.text_of("shell").map(str::to_owned),
                ..Account::default()
            };
            if let Err(why) = self.accounts.add(account, user.text_of("uid"), user.text_of("gid"), false) {
                let note = self.findings.note(user.line, &format!("user {name}"), why);
                self.entries.push(note);
            }
        }
        for entry in accounts.map() {
            match entry.key.as_str() {
                "users" | "groups" => {}
                "run-as" => self.user = entry.value.text().map(|text| (entry.line, text.to_owned())),
                _ => self.remark(entry, "it has no counterpart"),
            }
        }
    }

    /// Who the image runs as: nobody said means root.
    fn user_node(&mut self) -> Vec<Item> {
        let (line, user) = self.user.clone().unwrap_or((1, "root".to_owned()));
        let name = user.split(':').next().unwrap_or_default();
        let parsed = user.split(':').map(str::parse::<Principal>).collect::<Result<Vec<_>, _>>();
        if matches!(name, "0" | "root") {
            let why = "it runs as root: say why, or name an account";
            let note = self.findings.note(line, "run-as: root", why);
            let reason = Value::Text("the apko file says so".to_owned());
            return vec![note, Node::new("user").text("root").with("reason", reason).into()];
        }
        if parsed.is_ok_and(|parts| parts.len() <= 2) {
            return vec![Node::new("user").text(user).into()];
        }
        let why = "it is no user that recipes can name; 65532 stands in its place";
        vec![self.findings.note(line, &format!("run-as: {user}"), why), Node::new("user").text("65532").into()]
    }

    fn environment(&mut self, environment: &yaml::Node) {
        let mut known = std::collections::BTreeSet::new();
        for entry in environment.map() {
            let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            let named = entry.key.bytes().next().is_some_and(letter)
                && entry.key.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
            if named && known.insert(entry.key.as_str()) {
                let value = entry.value.text().unwrap_or_default();
                self.settings.push(Node::new("env").value(Value::Word(entry.key.clone())).text(value).into());
            } else {
                self.remark(entry, "it cannot name a variable, or names one again");
            }
        }
    }

    fn platforms(&mut self, entry: &Entry) {
        let mut platforms: Vec<Platform> = Vec::new();
        for name in entry.value.list().iter().filter_map(yaml::Node::text) {
            match platform(name) {
                Some(platform) if !platforms.contains(&platform) => platforms.push(platform),
                Some(_) => {}
                None => self.remark(entry, format!("`{name}` is no platform that can be built for")),
            }
        }
        if !platforms.is_empty() {
            let node = Node::new("platforms");
            self.head.push(platforms.iter().fold(node, |node, platform| node.text(platform.to_string())).into());
        }
    }

    /// One of `paths`.
    fn mutation(&mut self, path: &yaml::Node) {
        let at = path.text_of("path").unwrap_or_default();
        let kind = path.text_of("type").unwrap_or_default();
        let source = path.text_of("source").unwrap_or_default().to_owned();
        let result = match kind {
            _ if !ImagePath::absolute(at).is_ok_and(|path| !path.is_root()) => Err("it is no path of the image"),
            "directory" => Ok(Node::new("dir").text(at)),
            "empty-file" => Ok(Node::new("file").text(at).text("")),
            "symlink" | "hardlink" if source.is_empty() => Err("it does not say where the link leads"),
            "symlink" => Ok(Node::new("symlink").text(at).with("to", Value::Text(source))),
            "hardlink" => {
                let why = "images have symbolic links only: this became one";
                let note = self.findings.note(path.line, &format!("{kind} {at}"), why);
                self.entries.push(note);
                Ok(Node::new("symlink").text(at).with("to", Value::Text(source)))
            }
            "permissions" => {
                Err("give `owner=` and `mode=` to the node that makes it; what packages bring stays as it is")
            }
            _ => Err("it has no counterpart"),
        };
        match result {
            Ok(node) => {
                let node = owned(node, path);
                self.entries.push(node.into());
                if path.text_of("recursive") == Some("true") {
                    let why = "owners and modes are given to each node, not to all that is inside";
                    let note = self.findings.note(path.line, &format!("{kind} {at}"), why);
                    self.entries.push(note);
                }
            }
            Err(why) => {
                let note = self.findings.note(path.line, &format!("{kind} {at}"), why);
                self.entries.push(note);
            }
        }
    }

    fn annotations(&mut self, annotations: &yaml::Node) {
        let mut known = std::collections::BTreeSet::new();
        for entry in annotations.map() {
            let value = entry.value.text().unwrap_or_default().replace("${", "$${");
            if let Some(node) = about::node(&entry.key, &value) {
                self.about.insert(node, value);
            } else if !entry.key.is_empty() && known.insert(entry.key.as_str()) {
                self.settings.push(Node::new("annotation").text(entry.key.as_str()).template(value).into());
            }
        }
    }

    fn volumes(&mut self, entry: &Entry) {
        let paths = entry.value.list().iter().filter_map(yaml::Node::text);
        let paths: Vec<&str> =
            paths.filter(|path| ImagePath::absolute(path).is_ok_and(|path| !path.is_root())).collect();
        if !paths.is_empty() {
            self.settings.push(paths.iter().fold(Node::new("volume"), |node, path| node.text(*path)).into());
        }
        if paths.len() < entry.value.list().len() {
            self.remark(entry, "a volume is a folder of the image");
        }
    }

    fn layering(&mut self, entry: &Entry) {
        let budget = entry.value.text_of("budget").and_then(|budget| budget.parse::<u32>().ok());
        match budget.filter(|budget| (1..=100).contains(budget)) {
            Some(layers) => self.settings.push(Node::new("layers").value(Value::Number(layers)).into()),
            None => self.remark(entry, "an image adds 1 to 100 layers: say `layers`"),
        }
    }
}

/// The node with the owner and mode of one of `paths`.
fn owned(mut node: Node, path: &yaml::Node) -> Node {
    let number = |key: &str| path.text_of(key).and_then(|text| text.parse::<u32>().ok()).filter(|&id| id != u32::MAX);
    let (uid, gid) = (number("uid"), number("gid"));
    if uid.is_some() || gid.is_some() {
        node.set("owner", Value::Text(format!("{}:{}", uid.unwrap_or(0), gid.unwrap_or(0))));
    }
    let digits =
        path.text_of("permissions").map(|text| text.strip_prefix("0o").unwrap_or(text).trim_start_matches('0'));
    let mode = digits.and_then(|digits| format!("{digits:0>3}").parse::<Mode>().ok());
    // a link has no mode of its own
    if let Some(mode) = mode.filter(|_| node.name != "symlink") {
        node.set("mode", Value::Text(mode.to_string()));
    }
    node
}

/// Which distribution the repositories are of.
fn distribution(repositories: Option<&Entry>) -> (&'static str, String) {
    let urls = repositories.into_iter().flat_map(|entry| entry.value.list()).filter_map(yaml::Node::text);
    for url in urls {
        let mut parts = url.split('/').skip_while(|part| *part != "alpine");
        if let (Some(_), Some(release)) = (parts.next(), parts.next().filter(|release| !release.is_empty())) {
            return ("alpine", release.to_owned());
        }
        if url.contains("wolfi.dev") || url.contains("cgr.dev") {
            return ("wolfi", "os".to_owned());
        }
    }
    ("wolfi", "os".to_owned())
}

/// A platform by the name that apko gives it.
fn platform(name: &str) -> Option<Platform> {
    let architecture = match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "armv7" => "arm/v7",
        "armhf" => "arm/v6",
        other => other,
    };
    format!("linux/{architecture}").parse().ok()
}
