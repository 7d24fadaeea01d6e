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
use super::syntax;
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

/// Reads files, each a name relative to `root` and a text.
pub(super) fn decode(mut files: Vec<(String, String)>, root: &Utf8Path) -> Decoded {
    files.sort();
    let mut sources = SourceMap::default();
    let ids: Vec<FileId> = files.iter().map(|(name, text)| sources.add(name.as_str(), text.as_str())).collect();
    let parsed: Vec<_> = files.par_iter().zip(&ids).map(|((_, text), id)| syntax::parse(*id, text)).collect();

    let mut world = World { recipes_complete: true, ..World::default() };
    let mut syntax = Vec::new();
    let mut mistakes = Vec::new();
    let mut project_file = ProjectFile::default();
    let mut recipes = Vec::new();
    for (((name, text), id), parsed) in files.iter().zip(ids).zip(parsed) {
        syntax.extend(parsed.mistakes);
        if name == PROJECT_FILE {
            world.project_complete = parsed.nodes.is_some();
            let sink = Sink::default();
            project_file = read_project_file(parsed.nodes.unwrap_or_default(), text, &sink);
            mistakes.extend(sink.into_list());
        } else if let Some(file) = recipe_file(name, id, parsed.nodes, &mut world, &mut mistakes) {
            recipes.push(file);
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

/// The name of a recipe's file is `images/NAME/recipe.kdl`.
fn recipe_file(
    path: &str,
    id: FileId,
    nodes: Option<Vec<Node>>,
    world: &mut World,
    mistakes: &mut Vec<Mistake>,
) -> Option<File> {
    let folder = Utf8Path::new(path).parent().unwrap_or(Utf8Path::new(""));
    world.recipes_complete &= nodes.is_some();
    match RecipeName::new(folder.file_name().unwrap_or_default()) {
        Ok(name) => {
            let nodes = nodes.unwrap_or_default();
            Some(File { id, name, folder: folder.to_owned(), nodes, platforms: Vec::new(), readings: Vec::new() })
        }
        Err(error) => {
            world.recipes_complete = false;
            let place = Place { file: id, offset: 0, length: 0 };
            mistakes.push(Mistake::new(place, error.to_string(), "in this folder", "rename the folder"));
            None
        }
    }
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
