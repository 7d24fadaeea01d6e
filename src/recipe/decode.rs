//! The texts of all files → a [`Project`], or all their mistakes. Pure; what must be on disk is checked by `load`.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use rayon::prelude::*;

use crate::diagnostic::Severity;
use crate::model::{Architecture, FileId, Format, ImageName, Place, Platform, RecipeName, SourceMap};

use super::Mistake;
use super::budget::Budget;
use super::context::{Context, ImageKnown, Names, World};
use super::definitions::{Collector, Library, ReadFile, Unread};
use super::file::{Expanded, File, Written};
use super::node::Node;
use super::platforms;
use super::project::{DistributionRef, Project, RecipeSet};
use super::project_file::{self, ProjectFile};
use super::show::UnifiedProject;
use super::sink::Sink;
use super::syntax::{self, Parsed};
use super::values::Setting;
use super::vocabulary::VOCABULARY;
use super::{policy, references, unused};

/// Name of the file that says what words in recipes stand for.
pub(super) const PROJECT_FILE: &str = "images/project.kdl";

/// A project, as far as it could be read, and everything that is wrong with it.
pub(super) struct Decoded {
    pub(super) project: Project,
    pub(super) mistakes: Vec<Mistake>,
    /// Mistakes of syntax: what else is found on their lines only follows from them.
    pub(super) syntax: Vec<Mistake>,
    /// The recipes before they are given a meaning.
    pub(super) unified: UnifiedProject,
}

/// A file: its name relative to the project's root, and its text.
pub(super) type Text = (String, Result<String, Unread>);

/// Reads files, and through `read` those that they include.
pub(super) fn decode(mut files: Vec<Text>, root: &Utf8Path, read: ReadFile<'_>) -> Decoded {
    files.sort_by(|one, other| one.0.cmp(&other.0));
    let mut sources = SourceMap::default();
    let text = |file: &Result<String, Unread>| file.as_ref().map_or("", |text| text.as_str()).to_owned();
    let ids: Vec<FileId> = files.iter().map(|(name, file)| sources.add(name.as_str(), text(file))).collect();
    let parsed: Vec<Parsed> = files.par_iter().zip(&ids).map(|((_, file), id)| parse(*id, file)).collect();
    let (project, recipes): (Vec<_>, Vec<_>) =
        files.iter().zip(ids).zip(parsed).partition(|((file, _), _)| file.0 == PROJECT_FILE);
    // without a file of its own a project is as complete as with one
    let complete = project.iter().all(|(_, parsed)| parsed.nodes.is_some());

    let (mut syntax, sink) = (Vec::new(), Sink::new(&VOCABULARY));
    let mut world =
        World { recipes_complete: true, project_complete: !project.is_empty() && complete, ..World::default() };
    let mut collector = Collector { sources: &mut sources, read, syntax: &mut syntax, left: 0 };
    let (mut project_file, mut shared) = (ProjectFile::default(), Library::default());
    for ((_, _), parsed) in project {
        collector.syntax.extend(parsed.mistakes);
        let mut nodes = parsed.nodes.unwrap_or_default();
        shared = collector.collect(PROJECT_FILE, &mut nodes, &Library::default(), &sink);
        project_file = read_project_file(nodes, collector.sources, &sink);
    }
    let mut written = Vec::new();
    for (((name, file), id), parsed) in recipes {
        collector.syntax.extend(parsed.mistakes);
        world.recipes_complete &= parsed.nodes.is_some();
        let mut nodes = parsed.nodes.unwrap_or_default();
        let own = collector.collect(name, &mut nodes, &shared, &sink);
        match recipe_name(name) {
            Ok(recipe) => written.push(Written::new(id, recipe, folder_of(name), nodes, own)),
            Err(_) if file.is_err() => {}
            Err(message) => {
                let place = nodes.first().map_or(Place { file: id, offset: 0, length: 0 }, |node| node.header);
                sink.push(Mistake::new(place, message, "in the folder of this name", "rename the folder"));
            }
        }
    }
    world.distributions = distributions(&project_file);
    world.build_platforms = match &project_file.build_platforms[..] {
        [] => vec![Platform::new(Architecture::Amd64)],
        named => named.to_vec(),
    };
    unused::check(&shared, &written, &sink);
    let own = written.iter().flat_map(|file| file.library.places());
    let definitions = shared.places().chain(own).collect();
    let mut mistakes = sink.into_list();
    // a broken project file may well name the platforms that a recipe misses
    let defaults = Some(project_file.platforms.as_slice()).filter(|all| complete || !all.is_empty());
    let expanded: Vec<Expanded> =
        written.into_par_iter().map(|file| file.expand(defaults, &shared, &sources)).collect();
    world.recipes_complete &= expanded.iter().all(Expanded::is_complete);
    for recipe in &expanded {
        know_images(&recipe.files, &mut world, &mut mistakes);
    }
    let read: Vec<_> = expanded.into_par_iter().map(|recipe| recipe.read(&world)).collect();

    let (mut sets, mut unified) = (BTreeMap::new(), Vec::new());
    for (variants, found) in read {
        mistakes.extend(found);
        for (set, nodes) in variants {
            unified.push(nodes);
            sets.insert(set.name.clone(), set);
        }
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
        homes: homes(&sets),
        recipes: sets,
    };
    mistakes.extend(references::check(&project));
    let broken = mistakes.iter().chain(&syntax).filter(|mistake| mistake.severity == Severity::Error);
    let broken: BTreeSet<FileId> = broken.map(|mistake| mistake.place.file).collect();
    mistakes.extend(policy::check(&project, &broken));
    let unified = UnifiedProject { recipes: unified, definitions };
    Decoded { project, mistakes, syntax, unified }
}

fn read_project_file(nodes: Vec<Node>, sources: &SourceMap, sink: &Sink) -> ProjectFile {
    let budget = Budget::new(0, 0);
    let nodes = platforms::plain(nodes, &Setting { platform: None, sources, sink, budget: &budget });
    if let Some(refusal) = budget.refusal() {
        sink.push(refusal);
    }
    let (names, world) = (Names::default(), World::default());
    project_file::read(&nodes, &Context { sink, platform: None, names: &names, world: &world, record: None })
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

/// The name of the recipe in a file: that of its folder.
fn recipe_name(path: &str) -> Result<RecipeName, String> {
    let name = RecipeName::new(folder_of(path).file_name().unwrap_or_default()).map_err(|error| error.to_string())?;
    match name.variant() {
        Some(_) => Err(format!("`{name}` cannot name a recipe: `:` comes before the name of a variant")),
        None => Ok(name),
    }
}

/// The recipe of each image; the first, where two declare one, which was reported.
fn homes(sets: &BTreeMap<RecipeName, RecipeSet>) -> BTreeMap<ImageName, RecipeName> {
    let mut homes = BTreeMap::new();
    for set in sets.values() {
        for image in set.on.values().flat_map(|recipe| recipe.images.keys()) {
            homes.entry(image.clone()).or_insert_with(|| set.name.clone());
        }
    }
    homes
}

/// The folder of a recipe's file, `images/NAME/recipe.kdl`.
fn folder_of(path: &str) -> &Utf8Path {
    Utf8Path::new(path).parent().unwrap_or(Utf8Path::new(""))
}

fn distributions(file: &ProjectFile) -> Vec<(DistributionRef, Option<Format>)> {
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
        for (platform, names) in file.names() {
            for (image, place) in &names.images {
                know_image(file, image, *place, platform, world, mistakes);
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
