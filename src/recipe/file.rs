//! A recipe file on its way: what is written in it, that for each variant and platform, and then its meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::{Architecture, FileId, Place, Platform, RecipeName, SourceMap, VariantName};

use super::Mistake;
use super::budget::{Budget, MOST_READINGS};
use super::context::{Context, Names, World};
use super::definitions::Library;
use super::node::Node;
use super::platforms::{self, Reading};
use super::project::{Recipe, RecipeSet};
use super::recipe_file::{self, Platforms};
use super::sink::{self, Sink};
use super::values::Setting;
use super::vocabulary::VOCABULARY;

/// What a recipe file says.
pub(super) struct Written {
    id: FileId,
    name: RecipeName,
    folder: Utf8PathBuf,
    /// All but definitions; nothing when its syntax is beyond understanding.
    pub(super) nodes: Vec<Node>,
    /// Its own definitions, and those that it includes.
    pub(super) library: Library,
}

/// A recipe, or a variant of one, as it reads for each of its platforms, not yet decoded.
pub(super) struct File {
    pub(super) name: RecipeName,
    folder: Utf8PathBuf,
    place: Place,
    platforms: Arc<Vec<Platform>>,
    readings: Vec<(Reading, Names, Vec<Mistake>)>,
}

/// A recipe as it reads for each of its variants and platforms.
pub(super) struct Expanded {
    /// One for each variant; none when there is too much of it.
    pub(super) files: Vec<File>,
    mistakes: Vec<Mistake>,
    budget: Budget,
}

/// The nodes of a recipe, or a variant of one, with all that definitions bring.
#[derive(Debug)]
pub(super) struct Unified {
    pub(super) name: RecipeName,
    pub(super) platforms: Arc<Vec<Platform>>,
    pub(super) readings: Vec<Reading>,
}

/// A `variant` block: its name, and what it adds to the recipe.
struct Variant {
    name: VariantName,
    nodes: Vec<Node>,
}

impl Written {
    pub(super) fn new(id: FileId, name: RecipeName, folder: &Utf8Path, nodes: Vec<Node>, library: Library) -> Self {
        Self { id, name, folder: folder.to_owned(), nodes, library }
    }

    fn place(&self) -> Place {
        self.nodes.first().map_or(Place { file: self.id, offset: 0, length: 0 }, |node| node.header)
    }

    /// Reads the nodes for each variant and platform, without their meaning yet. `defaults` are the project's platforms,
    /// when they are known.
    pub(super) fn expand(self, defaults: Option<&[Platform]>, shared: &Library, sources: &SourceMap) -> Expanded {
        let sink = Sink::new(&VOCABULARY);
        let platforms = self.platforms(defaults, &sink);
        platforms::idle(&self.nodes, &platforms, &sink);
        let place = self.place();
        let (variants, nodes): (Vec<Node>, Vec<Node>) =
            self.nodes.into_iter().partition(|node| *node.name == "variant");
        let variants = read_variants(variants, &sink);
        let budget = Budget::new(variants.len(), platforms.len());
        if budget.readings() > MOST_READINGS {
            let message = format!(
                "{} variants on {} platforms are {} readings of this recipe; {MOST_READINGS} are allowed",
                variants.len(),
                platforms.len(),
                budget.readings()
            );
            sink.push(Mistake::new(place, message, "the recipe begins here", "split the recipe"));
            return Expanded { files: Vec::new(), mistakes: sink.into_list(), budget };
        }
        // without a platform everything else is still checked, for one that anybody knows
        let fallback = [Platform::new(Architecture::Amd64)];
        let all = if platforms.is_empty() { &fallback[..] } else { &platforms[..] };
        let mut expanded = Expanded { files: Vec::new(), mistakes: sink.into_list(), budget };
        let platforms = Arc::new(platforms.clone());
        let named = variants.iter().map(Some).chain(variants.is_empty().then_some(None));
        for variant in named {
            let parts: Vec<&[Node]> =
                [nodes.as_slice()].into_iter().chain(variant.map(|it| it.nodes.as_slice())).collect();
            let name = variant.map(|variant| &variant.name);
            let mut file = File {
                name: name.map_or_else(|| self.name.clone(), |variant| self.name.with_variant(variant)),
                folder: self.folder.clone(),
                place,
                platforms: Arc::clone(&platforms),
                readings: Vec::new(),
            };
            for platform in all {
                let sink = Sink::new(&VOCABULARY);
                let setting = Setting { platform: Some(*platform), sources, sink: &sink, budget: &expanded.budget };
                let reading = platforms::read(&parts, &recipe_file::RECIPE, place, (shared, &self.library), &setting);
                let names = Names::collect(&reading.nodes, name, &sink);
                let over = setting.is_over();
                file.readings.push((reading, names, sink.into_list()));
                if over {
                    return expanded.stopped(file);
                }
            }
            expanded.files.push(file);
        }
        expanded
    }

    fn platforms(&self, defaults: Option<&[Platform]>, sink: &Sink) -> Vec<Platform> {
        let written: Vec<Node> = self.nodes.iter().filter(|node| *node.name == "platforms").cloned().collect();
        let (names, world) = (Names::default(), World::default());
        let cx = Context { sink, platform: None, names: &names, world: &world, record: None };
        let mut platforms = Vec::new();
        Platforms::TABLE.read(&written, &mut platforms, &cx);
        if written.is_empty() {
            platforms = defaults.unwrap_or_default().to_vec();
            if platforms.is_empty() && defaults.is_some() && !self.nodes.is_empty() {
                let help = "write `platforms \"linux/amd64\" \"linux/arm64\"` here or in images/project.kdl";
                sink.push(Mistake::new(self.place(), "the recipe is for no platform", "which ones?", help));
            }
        }
        platforms
    }
}

/// Reads `variant` nodes.
fn read_variants(nodes: Vec<Node>, sink: &Sink) -> Vec<Variant> {
    const LIKE: &str = "write it like `variant \"8.4\" { let php \"8.4\" }`";
    let mut read = Vec::new();
    let mut places: BTreeMap<VariantName, Place> = BTreeMap::new();
    for node in nodes {
        let mistake = |place, message: String, label: &str| sink.push(Mistake::new(place, message, label, LIKE));
        if let Some(property) = node.properties.first() {
            mistake(property.name.place, format!("`variant` has no property `{}`", *property.name), "not known here");
        }
        if let Some(extra) = node.arguments.get(1) {
            mistake(extra.place, "`variant` takes one name".to_owned(), "one too many");
        }
        let Some(key) = node.arguments.first() else {
            mistake(node.header, "`variant` needs a name".to_owned(), "something is missing");
            continue;
        };
        let Some(text) = key.value.text() else {
            let help = format!("write it in quotes: `variant \"{}\"`", key.value.canonical());
            sink.push(Mistake::new(key.place, "the name of a variant is text", "not text", help));
            continue;
        };
        let name = match VariantName::new(text) {
            Ok(name) => name,
            Err(error) => {
                mistake(key.place, error.to_string(), "not a name");
                continue;
            }
        };
        if let Some(first) = places.get(&name) {
            let mistake = Mistake::new(
                key.place,
                format!("the variant `{name}` is declared twice"),
                "again here",
                "give one of them another name",
            );
            sink.push(mistake.and(*first, "first here"));
            continue;
        }
        let (wrong, nodes): (Vec<Node>, Vec<Node>) =
            node.children.unwrap_or_default().into_iter().partition(|child: &Node| {
                matches!(child.name.as_str(), "platforms" | "variant" | "include" | "define")
            });
        for child in wrong {
            let help = format!("put `{}` at the top of the recipe", *child.name);
            let message = format!("`{}` cannot depend on the variant", *child.name);
            sink.push(Mistake::new(child.header, message, "in `variant`", help));
        }
        places.insert(name.clone(), key.place);
        read.push(Variant { name, nodes });
    }
    read
}

impl Expanded {
    /// What was found until `file` was too much: nothing of the recipe is read any further.
    fn stopped(mut self, file: File) -> Self {
        self.files.push(file);
        let refusal = self.budget.refusal();
        // what the last reading found may only follow from the refusal
        if let Some(last) = self.files.last_mut().filter(|_| refusal.is_some()) {
            last.readings.pop();
        }
        self.mistakes.extend(refusal);
        for file in std::mem::take(&mut self.files) {
            let found = file.readings.into_iter().map(|(reading, _, mistakes)| (reading.platform, mistakes));
            self.mistakes.extend(sink::merge(found.collect()));
        }
        self
    }

    /// Whether the recipe could be read; otherwise nobody knows what it declares.
    pub(super) fn is_complete(&self) -> bool {
        !self.files.is_empty()
    }

    /// Gives the nodes of each variant their meaning, and gives all that is wrong with the recipe.
    pub(super) fn read(self, world: &World) -> (Vec<(RecipeSet, Unified)>, Vec<Mistake>) {
        let Self { files, mut mistakes, budget } = self;
        let mut read = Vec::with_capacity(files.len());
        for file in files {
            let (set, unified, found) = file.read(world, &budget);
            mistakes.extend(found);
            read.push((set, unified));
        }
        (read, mistakes)
    }
}

impl File {
    /// The names that are declared on each platform.
    pub(super) fn names(&self) -> impl Iterator<Item = (Platform, &Names)> {
        self.readings.iter().map(|(reading, names, _)| (reading.platform, names))
    }

    /// Gives the nodes their meaning.
    fn read(self, world: &World, budget: &Budget) -> (RecipeSet, Unified, Vec<Mistake>) {
        let mut on = BTreeMap::new();
        let (mut found, mut readings) = (Vec::new(), Vec::new());
        for (reading, names, mut mistakes) in self.readings {
            let sink = Sink::new(&VOCABULARY);
            let cx = Context { sink: &sink, platform: Some(reading.platform), names: &names, world, record: None };
            let recipe: Recipe = recipe_file::read(&reading, &cx);
            mistakes.extend(sink.into_list());
            budget.charge_mistakes(mistakes.len());
            // one reading tells of its mistakes in any case
            if !budget.is_spent() || found.is_empty() {
                found.push((reading.platform, mistakes));
            }
            on.insert(reading.platform, recipe);
            readings.push(reading);
        }
        let platforms = self.platforms.to_vec();
        let unified = Unified { name: self.name.clone(), platforms: self.platforms, readings };
        let set = RecipeSet { name: self.name, folder: self.folder, place: self.place, platforms, on };
        (set, unified, sink::merge(found))
    }
}
