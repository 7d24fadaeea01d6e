//! What only the whole project shows: things that need themselves, and things that nothing needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ImageName, Place, Platform, RecipeName, SourceName, StageName};

use super::Mistake;
use super::project::{Base, CopyFrom, Image, ImageEntryKind, Origin, Project, Recipe, Stage};
use super::sink;

/// Most circles of one platform that are reported: each is a list of all that is in it.
const MOST_CIRCLES: usize = 20;

/// Checks the project, on each platform.
pub(super) fn check(project: &Project) -> Vec<Mistake> {
    let platforms: BTreeSet<Platform> = project.recipes.values().flat_map(|set| set.on.keys().copied()).collect();
    // a circle is one on every platform or nearly so: it is reported once, without them
    let mut found: Vec<Mistake> =
        platforms.into_iter().flat_map(|platform| Graph::of(project, platform).circles()).collect();
    found.extend(packages_on_foreign_images(project));
    found.extend(unused(project));
    sink::sort(&mut found);
    found
}

/// Something that has to be made before something else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing<'p> {
    Image(&'p ImageName),
    Stage(&'p RecipeName, &'p StageName),
    Source(&'p RecipeName, &'p SourceName),
}

impl std::fmt::Display for Thing<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(name) => write!(out, "image `{name}`"),
            Self::Stage(_, name) => write!(out, "stage `{name}`"),
            Self::Source(_, name) => write!(out, "source `{name}`"),
        }
    }
}

/// What needs what, with the place where it says so.
struct Graph<'p> {
    needs: BTreeMap<Thing<'p>, Vec<(Thing<'p>, Place)>>,
}

impl<'p> Graph<'p> {
    fn of(project: &'p Project, platform: Platform) -> Self {
        let mut graph = Self { needs: BTreeMap::new() };
        for set in project.recipes.values() {
            if let Some(recipe) = set.on.get(&platform) {
                graph.recipe(&set.name, recipe);
            }
        }
        graph
    }

    fn recipe(&mut self, name: &'p RecipeName, recipe: &'p Recipe) {
        for (source, declared) in &recipe.sources {
            if let Origin::Vendor(stage) = &declared.origin {
                self.needs.insert(Thing::Source(name, source), needs_of_stage(name, stage));
            }
        }
        for (stage, declared) in &recipe.stages {
            self.needs.insert(Thing::Stage(name, stage), needs_of_stage(name, declared));
        }
        for (image, declared) in &recipe.images {
            self.needs.insert(Thing::Image(image), needs_of_image(name, declared));
        }
    }

    /// Every circle once, from the thing at which it is first entered.
    fn circles(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut done = BTreeSet::new();
        for start in self.needs.keys() {
            self.walk(start, &mut done, &mut found);
        }
        found
    }

    /// Depth first without recursion: chains of images may be long.
    fn walk<'g>(&'g self, start: &'g Thing<'p>, done: &mut BTreeSet<&'g Thing<'p>>, found: &mut Vec<Mistake>) {
        let mut path: Vec<(&'g Thing<'p>, usize)> = vec![(start, 0)];
        let mut on_path = BTreeMap::from([(start, 0)]);
        while let Some((thing, next)) = path.last_mut() {
            let (thing, index) = (*thing, *next);
            *next += 1;
            let need = self.needs.get(thing).filter(|_| !done.contains(thing)).and_then(|needs| needs.get(index));
            let Some((need, _)) = need else {
                done.insert(thing);
                path.pop();
                on_path.remove(thing);
                continue;
            };
            match on_path.get(need) {
                // whoever mends some of them sees the others
                Some(_) if found.len() >= MOST_CIRCLES => {}
                Some(&start) => found.extend(self.circle(&path[start..])),
                None if !done.contains(need) => {
                    on_path.insert(need, path.len());
                    path.push((need, 0));
                }
                None => {}
            }
        }
    }

    /// `path` leads from its first thing back to it; each carries the number of the need that was followed, plus one.
    fn circle(&self, path: &[(&Thing<'p>, usize)]) -> Option<Mistake> {
        let follow = |(thing, next): &(&Thing<'p>, usize)| {
            let (need, place) = self.needs.get(*thing)?.get(next.checked_sub(1)?)?;
            Some((thing.to_string(), need.to_string(), *place))
        };
        let links: Vec<(String, String, Place)> = path.iter().filter_map(follow).collect();
        let (first, others) = links.split_first()?;
        let chain: Vec<&str> = links.iter().map(|(thing, ..)| thing.as_str()).collect();
        let message = match others {
            [] => format!("{} needs itself", first.0),
            _ => format!("a circle: {} → {}", chain.join(" → "), first.0),
        };
        let label = |link: &(String, String, Place)| format!("{} needs {}", link.0, link.1);
        let help = "none of them could be made first: take one of these links out";
        let mistake = Mistake::new(first.2, message, label(first), help);
        Some(others.iter().fold(mistake, |mistake, link| mistake.and(link.2, label(link))))
    }
}

fn needs_of_stage<'p>(recipe: &'p RecipeName, stage: &'p Stage) -> Vec<(Thing<'p>, Place)> {
    let from = (Thing::Image(&stage.from.value), stage.from.place);
    let uses = stage.uses.iter().map(|used| (Thing::Source(recipe, &used.source.value), used.source.place));
    let copies = stage.copies.iter().map(|copy| (Thing::Stage(recipe, &copy.from.value), copy.from.place));
    std::iter::once(from).chain(uses).chain(copies).collect()
}

fn needs_of_image<'p>(recipe: &'p RecipeName, image: &'p Image) -> Vec<(Thing<'p>, Place)> {
    let base = match &image.from {
        Base::Image(name) => Some((Thing::Image(&name.value), name.place)),
        Base::Scratch | Base::Oci(_) => None,
    };
    let copied = image.entries.iter().filter_map(|entry| match &entry.kind {
        ImageEntryKind::Copy { from: CopyFrom::Stage(name, _), .. } => {
            Some((Thing::Stage(recipe, &name.value), name.place))
        }
        ImageEntryKind::Copy { from: CopyFrom::Source(name, _), .. } => {
            Some((Thing::Source(recipe, &name.value), name.place))
        }
        ImageEntryKind::Copy { from: CopyFrom::Image(name, _), .. } => Some((Thing::Image(&name.value), name.place)),
        _ => None,
    });
    base.into_iter().chain(copied).collect()
}

/// Packages on top of an image of a registry, and stages in one: which packages it holds is not known the way our own
/// images know it, so they could neither be resolved against it nor be entered into its database.
fn packages_on_foreign_images(project: &Project) -> Vec<Mistake> {
    let mut found = BTreeMap::new();
    for set in project.recipes.values() {
        for (&platform, recipe) in &set.on {
            for image in
                recipe.images.values().filter(|image| !image.packages.is_empty() || !image.selections.is_empty())
            {
                let place = image.packages.first().map_or(image.name.place, |package| package.place);
                found.extend(foreign_base(project, image, platform).map(|base| (place, (base, "packages"))));
            }
            for stage in recipe.stages.values() {
                let toolchain = project.image(&stage.from, platform).map(|(_, image)| image);
                let base = toolchain.and_then(|image| foreign_base(project, image, platform));
                found.extend(base.map(|base| (stage.from.place, (base, "a stage"))));
            }
        }
    }
    let mistake = |(place, (base, what)): (Place, (Place, &str))| {
        let message = format!("an image of a registry cannot be the ground for {what}");
        let help =
            "build on an image of this project: `from \"scratch\"` with `distribution`, or one that has packages";
        Mistake::new(place, message, "asked for here", help).and(base, "the image of a registry")
    };
    found.into_iter().map(mistake).collect()
}

/// Where the image at the bottom of `image` comes out of a registry.
fn foreign_base(project: &Project, image: &Image, platform: Platform) -> Option<Place> {
    let mut image = image;
    // circles are reported elsewhere; the bound keeps this total all the same
    for _ in 0..64 {
        match &image.from {
            Base::Oci(reference) => return Some(reference.place),
            Base::Image(base) => image = project.image(base, platform)?.1,
            Base::Scratch => return None,
        }
    }
    None
}

/// Sources and stages that nothing needs on any platform: they would be pinned, fetched and run for nothing.
fn unused(project: &Project) -> Vec<Mistake> {
    let mut found = Vec::new();
    for set in project.recipes.values() {
        let mut needed = BTreeSet::new();
        let mut declared = BTreeMap::new();
        for recipe in set.on.values() {
            let mut graph = Graph { needs: BTreeMap::new() };
            graph.recipe(&set.name, recipe);
            needed.extend(graph.needs.into_values().flatten().map(|(thing, _)| thing));
            declared.extend(recipe.sources.iter().map(|(name, source)| (Thing::Source(&set.name, name), source.place)));
            declared.extend(recipe.stages.iter().map(|(name, stage)| (Thing::Stage(&set.name, name), stage.place)));
        }
        for (thing, place) in declared.into_iter().filter(|(thing, _)| !needed.contains(thing)) {
            let help = "`copy` or `use` something of it, or remove it";
            found.push(Mistake::new(place, format!("nothing needs {thing}"), "never used", help).as_warning());
        }
    }
    found
}
