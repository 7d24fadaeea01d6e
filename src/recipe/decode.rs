//! The texts of all files → a [`Project`], or all their mistakes. Pure; what must be on disk is checked by `load`.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;

use crate::model::{Architecture, FileId, ImageName, Place, Platform, RecipeName, SourceMap};

use super::Mistake;
use super::context::{Context, ImageKnown, Names, World};
use super::mistake::Severity;
use super::node::Node;
use super::platforms::{self, Reading};
use super::project::{DistributionRef, Project, Recipe, RecipeSet};
use super::project_file::{self, ProjectFile};
use super::recipe_file::{self, Platforms};
use super::sink::{self, Sink};
use super::syntax::{self, Parsed};
use super::{policy, references};

/// Name of the file that says what words in recipes stand for.
pub(super) const PROJECT_FILE: &str = "images/project.kdl";

/// A project, as far as it could be read, and everything that is wrong with it.
pub(super) struct Decoded {
    pub(super) project: Project,
    pub(super) mistakes: Vec<Mistake>,
    /// Mistakes of syntax: what else is found on their lines only follows from them.
    pub(super) syntax: Vec<Mistake>,
}

/// A recipe file on its way.
struct File {
    id: FileId,
    name: RecipeName,
    folder: Utf8PathBuf,
    /// What it says; nothing when its syntax is beyond understanding.
    nodes: Vec<Node>,
    platforms: Vec<Platform>,
    readings: Vec<(Reading, Names, Vec<Mistake>)>,
}

/// Why a file has no text.
pub(super) struct Unread {
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
}

/// A file: its name relative to the project's root, and its text.
pub(super) type Text = (String, Result<String, Unread>);

/// Reads files.
pub(super) fn decode(mut files: Vec<Text>, root: &Utf8Path) -> Decoded {
    files.sort_by(|one, other| one.0.cmp(&other.0));
    let mut sources = SourceMap::default();
    let text = |file: &Result<String, Unread>| file.as_ref().map_or("", |text| text.as_str()).to_owned();
    let ids: Vec<FileId> = files.iter().map(|(name, file)| sources.add(name.as_str(), text(file))).collect();
    let parsed: Vec<Parsed> = files.par_iter().zip(&ids).map(|((_, file), id)| parse(*id, file)).collect();

    let mut world = World { recipes_complete: true, ..World::default() };
    let mut syntax = Vec::new();
    let mut mistakes = Vec::new();
    let mut project_file = ProjectFile::default();
    let mut recipes = Vec::new();
    for (((name, file), id), parsed) in files.iter().zip(ids).zip(parsed) {
        syntax.extend(parsed.mistakes);
        if name == PROJECT_FILE {
            world.project_complete = parsed.nodes.is_some();
            let sink = Sink::default();
            project_file = read_project_file(parsed.nodes.unwrap_or_default(), &text(file), &sink);
            mistakes.extend(sink.into_list());
        } else {
            world.recipes_complete &= parsed.nodes.is_some();
            let nodes = parsed.nodes.unwrap_or_default();
            match RecipeName::new(folder_of(name).file_name().unwrap_or_default()) {
                Ok(recipe) => recipes.push(File::new(id, recipe, folder_of(name), nodes)),
                Err(_) if file.is_err() => {}
                Err(error) => {
                    let place = nodes.first().map_or(Place { file: id, offset: 0, length: 0 }, |node| node.header);
                    mistakes.push(Mistake::new(
                        place,
                        error.to_string(),
                        "in the folder of this name",
                        "rename the folder",
                    ));
                }
            }
        }
    }
    world.distributions = distributions(&project_file);
    world.build_platforms = match &project_file.build_platforms[..] {
        [] => vec![Platform::new(Architecture::Amd64)],
        named => named.to_vec(),
    };
    // a broken project file may well name the platforms that a recipe misses
    let platforms_known = world.project_complete || !files.iter().any(|(name, _)| name == PROJECT_FILE);
    let defaults = Some(project_file.platforms.as_slice()).filter(|all| platforms_known || !all.is_empty());
    recipes.par_iter_mut().for_each(|file| file.expand(defaults, &sources));
    know_images(&recipes, &mut world, &mut mistakes);
    let read: Vec<_> = recipes.into_par_iter().map(|file| file.read(&world)).collect();

    let mut sets = BTreeMap::new();
    for (set, found) in read {
        mistakes.extend(found);
        sets.insert(set.name.clone(), set);
    }
    let project = Project {
        root: root.to_owned(),
        sources,
        archives: project_file.archives,
        distributions: project_file.distributions,
        platforms: project_file.platforms,
        build_platforms: world.build_platforms,
        labels: project_file.labels,
        policy: project_file.policy,
        recipes: sets,
    };
    mistakes.extend(references::check(&project));
    let broken = mistakes.iter().chain(&syntax).filter(|mistake| mistake.severity == Severity::Error);
    let broken: BTreeSet<FileId> = broken.map(|mistake| mistake.place.file).collect();
    mistakes.extend(policy::check(&project, &broken));
    Decoded { project, mistakes, syntax }
}

fn read_project_file(nodes: Vec<Node>, text: &str, sink: &Sink) -> ProjectFile {
    let nodes = platforms::plain(nodes, text, sink);
    let (names, world) = (Names::default(), World::default());
    project_file::read(&nodes, &Context { sink, platform: None, names: &names, world: &world })
}

fn parse(id: FileId, file: &Result<String, Unread>) -> Parsed {
    match file {
        Ok(text) => syntax::parse(id, text),
        Err(Unread { message, label, help }) => {
            let place = Place { file: id, offset: 0, length: 0 };
            Parsed { nodes: None, mistakes: vec![Mistake::new(place, message, *label, *help)] }
        }
    }
}

/// The folder of a recipe's file, `images/NAME/recipe.kdl`.
fn folder_of(path: &str) -> &Utf8Path {
    Utf8Path::new(path).parent().unwrap_or(Utf8Path::new(""))
}

fn distributions(file: &ProjectFile) -> Vec<(DistributionRef, Option<super::ArchiveKind>)> {
    let kind = |distribution: &super::Distribution| {
        distribution.uses.iter().find_map(|used| file.archives.get(&used.archive)).map(|archive| archive.kind)
    };
    let reference =
        |known: &super::Distribution| DistributionRef { name: known.name.value.clone(), suite: known.suite.clone() };
    file.distributions.iter().map(|known| (reference(known), kind(known))).collect()
}

/// Collects the images of all recipes, and reports names that two recipes use.
fn know_images(files: &[File], world: &mut World, mistakes: &mut Vec<Mistake>) {
    for file in files {
        for (reading, names, _) in &file.readings {
            for (image, place) in &names.images {
                know_image(file, image, *place, reading.platform, world, mistakes);
            }
        }
    }
}

fn know_image(
    file: &File,
    image: &ImageName,
    place: Place,
    platform: Platform,
    world: &mut World,
    mistakes: &mut Vec<Mistake>,
) {
    let new = || ImageKnown { recipe: file.name.clone(), place, platforms: BTreeSet::new() };
    let known = world.images.entry(image.clone()).or_insert_with(new);
    if known.recipe != file.name {
        let message = format!("the image `{image}` is declared in two recipes");
        let help = "give one of them another name: names of images are unique in a project";
        mistakes.push(
            Mistake::new(place, message, "declared here", help)
                .and(known.place, format!("`{image}` is declared here as well")),
        );
        return;
    }
    known.platforms.insert(platform);
}

impl File {
    fn new(id: FileId, name: RecipeName, folder: &Utf8Path, nodes: Vec<Node>) -> Self {
        Self { id, name, folder: folder.to_owned(), nodes, platforms: Vec::new(), readings: Vec::new() }
    }

    /// Reads the nodes for each platform, without their meaning yet. `defaults` are the project's platforms, when they
    /// are known.
    fn expand(&mut self, defaults: Option<&[Platform]>, sources: &SourceMap) {
        let sink = Sink::default();
        let written: Vec<Node> = self.nodes.iter().filter(|node| *node.name == "platforms").cloned().collect();
        let (names, world) = (Names::default(), World::default());
        let cx = Context { sink: &sink, platform: None, names: &names, world: &world };
        let mut platforms = Vec::new();
        Platforms::TABLE.read(&written, &mut platforms, &cx);
        if written.is_empty() {
            platforms = defaults.unwrap_or_default().to_vec();
            if platforms.is_empty() && defaults.is_some() && !self.nodes.is_empty() {
                let help = "write `platforms \"linux/amd64\" \"linux/arm64\"` here or in images/project.kdl";
                sink.push(Mistake::new(self.place(), "the recipe is for no platform", "which ones?", help));
            }
        }
        platforms::idle(&self.nodes, &platforms, &sink);
        self.platforms = platforms;
        let text = &sources.file(self.id).text;
        // without a platform everything else is still checked, for one that anybody knows
        let fallback = [Platform::new(Architecture::Amd64)];
        let all = if self.platforms.is_empty() { &fallback[..] } else { &self.platforms[..] };
        let first = sink.into_list();
        self.readings = all.iter().map(|platform| read_for(&self.nodes, *platform, text, &first)).collect();
    }

    fn place(&self) -> Place {
        self.nodes.first().map_or(Place { file: self.id, offset: 0, length: 0 }, |node| node.header)
    }

    /// Gives the nodes their meaning.
    fn read(self, world: &World) -> (RecipeSet, Vec<Mistake>) {
        let place = self.place();
        let mut on = BTreeMap::new();
        let mut found = Vec::new();
        for (reading, names, mut mistakes) in self.readings {
            let sink = Sink::default();
            let cx = Context { sink: &sink, platform: Some(reading.platform), names: &names, world };
            let recipe: Recipe = recipe_file::read(&reading, &cx);
            mistakes.extend(sink.into_list());
            found.push((reading.platform, mistakes));
            on.insert(reading.platform, recipe);
        }
        let set = RecipeSet { name: self.name, folder: self.folder, place, platforms: self.platforms, on };
        (set, sink::merge(found))
    }
}

fn read_for(nodes: &[Node], platform: Platform, text: &str, first: &[Mistake]) -> (Reading, Names, Vec<Mistake>) {
    let sink = Sink::default();
    let reading = platforms::read(nodes, platform, text, &sink);
    let names = Names::collect(&reading.nodes, &sink);
    let mut mistakes = first.to_vec();
    mistakes.extend(sink.into_list());
    (reading, names, mistakes)
}
