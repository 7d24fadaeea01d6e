//! A melange file as a recipe: its pipeline becomes a stage, and the image holds what the stage makes.

mod pipeline;
mod values;

use std::collections::BTreeMap;

use super::findings::{Findings, named};
use super::packages::{self, in_builder, is_development};
use super::recipe::{self, Item, Node, Value};
use super::yaml::{self, Entry};
use super::{ImportError, Imported, about};
use crate::model::{PackageName, RecipeName};
use values::Values;

/// A package that is being translated.
struct Draft {
    findings: Findings,
    name: RecipeName,
    values: Values,
    head: Vec<Item>,
    about: BTreeMap<&'static str, String>,
    sources: Vec<(String, Node)>,
    /// Sources that others are made of.
    vendored: Vec<Item>,
    toolchain: &'static str,
    packages: Vec<(String, Option<String>)>,
    target_packages: Vec<(String, Option<String>)>,
    /// What is said at the beginning of the stage.
    stage: Vec<Item>,
    mounts: BTreeMap<String, String>,
    script: Vec<String>,
    /// What the image takes: programs that the pipeline names, else all below `/usr`.
    programs: Vec<String>,
    image: Vec<Item>,
    tests: Vec<Item>,
    /// What the script has come to.
    steps: usize,
}

/// Translates a melange file; it is called `name`, else as its package, else `file_name`.
pub(super) fn translate(
    file: &str,
    text: &str,
    name: Option<RecipeName>,
    file_name: Option<RecipeName>,
) -> Result<Imported, ImportError> {
    let root = yaml::read(text)?;
    let package = root.get("package").filter(|package| !package.map().is_empty());
    let package = package.ok_or(ImportError::OtherYaml { wanted: "`package` nor `pipeline`", kind: "melange" })?;
    let called = package.text_of("name").and_then(named);
    let name = name.or(called).or(file_name).ok_or(ImportError::NoName)?;
    let mut draft = Draft::new(Findings::of(file), name, Values::of(&root, package));
    draft.package(package);
    for entry in root.map() {
        draft.top(entry);
    }
    Ok(draft.finish())
}

impl Draft {
    fn new(findings: Findings, name: RecipeName, values: Values) -> Self {
        Self {
            findings,
            name,
            values,
            head: Vec::new(),
            about: BTreeMap::new(),
            sources: Vec::new(),
            vendored: Vec::new(),
            toolchain: "builder",
            packages: Vec::new(),
            target_packages: Vec::new(),
            stage: Vec::new(),
            mounts: BTreeMap::new(),
            script: Vec::new(),
            programs: Vec::new(),
            image: Vec::new(),
            tests: Vec::new(),
            steps: 0,
        }
    }

    fn finish(mut self) -> Imported {
        let name = self.name.clone();
        let mut all = about::items(std::mem::take(&mut self.about));
        all.append(&mut self.head);
        all.extend(self.values.lets());
        for (source, mut origin) in std::mem::take(&mut self.sources) {
            let mut block = std::mem::take(origin.children_mut());
            let mut parts = vec![origin.into()];
            parts.append(&mut block);
            all.extend([Item::Gap, Node::new("source").text(source).block(parts).into()]);
        }
        all.append(&mut self.vendored);
        all.push(Item::Gap);
        all.push(self.stage_node().into());
        all.push(Item::Gap);
        let image = self.image_node();
        all.push(image.into());
        all.push(Item::Gap);
        all.append(&mut self.tests);
        Imported { name, recipe: recipe::print(&all), findings: self.findings.into_list() }
    }

    fn stage_node(&mut self) -> Node {
        let mut items = std::mem::take(&mut self.stage);
        let mut front: Vec<Item> = packages::nodes("packages", &self.packages).into_iter().map(Item::from).collect();
        front.extend(packages::nodes("target-packages", &self.target_packages).into_iter().map(Item::from));
        for (at, source) in std::mem::take(&mut self.mounts) {
            front.push(Node::new("use").text(source).with("at", Value::Text(at)).into());
        }
        front.append(&mut items);
        let mut script = self.script.join("\n");
        if script.trim().is_empty() {
            script = "true".to_owned();
        }
        front.push(Node::new("run").value(Value::Script(script)).into());
        Node::new("stage").text(self.name.as_str()).with("from", Value::Text(self.toolchain.to_owned())).block(front)
    }

    fn image_node(&mut self) -> Node {
        let mut items: Vec<Item> = vec![Node::new("from").text("runtime").into()];
        items.append(&mut self.image);
        let from = || Value::Text(self.name.to_string());
        if self.programs.is_empty() {
            items.push(Node::new("copy").text("/usr").with("from", from()).into());
        }
        items
            .extend(self.programs.iter().map(|path| Node::new("copy").text(path.as_str()).with("from", from()).into()));
        match &self.programs[..] {
            [only] => items.push(Node::new("entrypoint").text(only.as_str()).into()),
            _ => {
                let why = "a package does not say which program is run: name it in `entrypoint`";
                items.push(self.findings.note(1, "package", why));
            }
        }
        Node::new("image").text(self.name.as_str()).block(items)
    }

    fn note(&mut self, entry: &Entry, why: impl Into<String>) -> Item {
        let what = match entry.value.text() {
            Some(text) => format!("{}: {text}", entry.key),
            None => entry.key.clone(),
        };
        self.findings.note(entry.line, &what, why)
    }

    fn package(&mut self, package: &yaml::Node) {
        for entry in package.map() {
            let text = entry.value.text().unwrap_or_default();
            match entry.key.as_str() {
                "name" | "version" | "epoch" | "resources" | "test-resources" | "target-architecture" | "timeout" => {}
                "description" if !text.trim().is_empty() => {
                    self.about.insert("description", self.values.template(text).0);
                }
                "url" if about::is_url(text) => {
                    self.about.insert("url", self.values.template(text).0);
                }
                "copyright" => {
                    let licenses = entry.value.list().iter().filter_map(|one| one.text_of("license"));
                    let licenses: Vec<&str> = licenses.filter(|license| !license.trim().is_empty()).collect();
                    if !licenses.is_empty() {
                        self.about.insert("license", licenses.join(" AND ").replace("${", "$${"));
                    }
                }
                "dependencies" => self.dependencies(&entry.value),
                _ => {
                    let note = self.note(entry, "it has no counterpart");
                    self.head.push(note);
                }
            }
        }
    }

    /// What the package needs when it runs; names are of another distribution.
    fn dependencies(&mut self, dependencies: &yaml::Node) {
        for entry in dependencies.map() {
            let names: Vec<&str> = entry.value.list().iter().filter_map(yaml::Node::text).collect();
            if entry.key == "runtime" && !names.is_empty() {
                let why = format!("look up what Debian calls these, and add `packages`: {}", names.join(", "));
                let note = self.note(entry, why);
                self.image.push(note);
            } else if !names.is_empty() {
                let note = self.note(entry, "images have no such relations");
                self.image.push(note);
            }
        }
    }

    fn top(&mut self, entry: &Entry) {
        match entry.key.as_str() {
            "package" | "vars" => {}
            "environment" => self.environment(&entry.value),
            "pipeline" => self.pipeline(&entry.value),
            "subpackages" => {
                for package in entry.value.list().iter().take(200) {
                    let what = format!("subpackage {}", package.text_of("name").unwrap_or_default());
                    let why = "the stage leaves its files where they are: copy what an image wants of them";
                    let note = self.findings.note(package.line, &what, why);
                    self.tests.push(note);
                }
            }
            "update" if entry.value.text_of("enabled") != Some("false") => {
                let why = "`refresh` does not look for new versions yet: change the tag by hand";
                let note = self.findings.note(entry.line, "update", why);
                self.head.push(note);
            }
            "update" => {}
            "test" => self.test(&entry.value),
            _ => {
                let note = self.note(entry, "it has no counterpart");
                self.head.push(note);
            }
        }
    }

    fn environment(&mut self, environment: &yaml::Node) {
        let packages = environment.get("contents").and_then(|contents| contents.get("packages"));
        if let Some(packages) = packages {
            self.build_packages(packages);
        }
        let mut known = std::collections::BTreeSet::new();
        for entry in environment.get("environment").map(yaml::Node::map).unwrap_or_default() {
            let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            let named = entry.key.bytes().next().is_some_and(letter)
                && entry.key.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
            let fixed = ["OUT", "JOBS", "SOURCE_DATE_EPOCH"].contains(&entry.key.as_str())
                || entry.key.starts_with("TARGET_")
                || entry.key.starts_with("BUILD_");
            if named && !fixed && known.insert(entry.key.as_str()) {
                let (value, _) = self.values.template(entry.value.text().unwrap_or_default());
                self.stage.push(Node::new("env").value(Value::Word(entry.key.clone())).template(value).into());
            } else {
                let note = self.note(entry, "the step's platform and limits decide this variable: use another name");
                self.stage.push(note);
            }
        }
    }

    fn build_packages(&mut self, packages: &yaml::Node) {
        let mut foreign = Vec::new();
        for name in packages.list().iter().filter_map(yaml::Node::text).take(500) {
            let name = self.values.plain(name);
            let name = name.split(['=', '<', '>', '~', '@']).next().unwrap_or_default().to_owned();
            if name == "go" || name.starts_with("go-1") || name.starts_with("go-fips") {
                self.toolchain = "builder-go";
            } else if matches!(name.as_str(), "rust" | "cargo")
                || name.starts_with("rust-1")
                || name == "cargo-auditable"
            {
                self.toolchain = "builder-rust";
            } else if !in_builder(&name) && PackageName::new(name.as_str()).is_ok() {
                let list = if is_development(&name) { &mut self.target_packages } else { &mut self.packages };
                if !list.iter().any(|(known, _)| *known == name) {
                    foreign.push(format!("`{name}`"));
                    list.push((name, None));
                }
            }
        }
        if !foreign.is_empty() {
            let why = format!("names of another distribution: look up what Debian calls {}", foreign.join(", "));
            let note = self.findings.note(packages.line, "packages", why);
            self.stage.push(note);
        }
    }

    fn test(&mut self, test: &yaml::Node) {
        for step in test.get("pipeline").map(yaml::Node::list).unwrap_or_default().iter().take(200) {
            let title = step.text_of("name").or(step.text_of("uses")).or(step.text_of("runs")).unwrap_or_default();
            let why = "tests of images are not supported yet: try it in the image after the build";
            let note = self.findings.note(step.line, &format!("test: {}", title.trim()), why);
            self.tests.push(note);
        }
    }
}
