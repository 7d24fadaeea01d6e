//! What the reading of a node may need to know of the rest: the names of the recipe and of the project.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Format, ImageName, Place, Platform, RecipeName, SourceName, Spanned, StageName, VariantName};

use super::Mistake;
use super::node::Node;
use super::project::DistributionRef;
use super::record::Record;
use super::sink::Sink;
use crate::diagnostic::nearest::{list, suggestion};

/// What is around a node that is being read.
pub(super) struct Context<'a> {
    pub(super) sink: &'a Sink,
    /// The platform that the recipe is read for; none for `project.kdl`.
    pub(super) platform: Option<Platform>,
    pub(super) names: &'a Names,
    pub(super) world: &'a World,
    /// Takes down what is asked of each node, when the language itself is described.
    pub(super) record: Option<&'a Record>,
}

/// The names that a recipe, or a variant of it, declares on one platform.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The variant that is read; its images have it in their names.
    pub(super) variant: Option<VariantName>,
    pub(super) sources: BTreeMap<SourceName, Place>,
    pub(super) stages: BTreeMap<StageName, Place>,
    pub(super) images: BTreeMap<ImageName, Place>,
}

impl Names {
    /// Collects the names of `nodes` and reports those declared twice. What is no name is left to the reading.
    pub(super) fn collect(nodes: &[Node], variant: Option<&VariantName>, sink: &Sink) -> Self {
        let mut names = Self { variant: variant.cloned(), ..Self::default() };
        for node in nodes {
            let Some(key) = node.key() else { continue };
            let image = || names.in_variant(ImageName::new(*key).ok()?);
            let image = image();
            let first = match node.name.as_str() {
                "source" => declare(&mut names.sources, SourceName::new(*key).ok(), key.place),
                "stage" => declare(&mut names.stages, StageName::new(*key).ok(), key.place),
                "image" => declare(&mut names.images, image, key.place),
                _ => None,
            };
            if let Some(first) = first {
                let message = format!("the {} `{}` is declared twice", *node.name, *key);
                sink.push(
                    Mistake::new(key.place, message, "again here", "give one of them another name")
                        .and(first, "first here"),
                );
            }
        }
        names
    }

    /// The name of an image that is declared here, with the variant; none when it names one itself.
    pub(super) fn in_variant(&self, name: ImageName) -> Option<ImageName> {
        match &self.variant {
            _ if name.variant().is_some() => None,
            Some(variant) => Some(name.with_variant(variant)),
            None => Some(name),
        }
    }
}

/// Notes the name; gives the place where it was declared before.
fn declare<N: Ord>(known: &mut BTreeMap<N, Place>, name: Option<N>, place: Place) -> Option<Place> {
    let name = name?;
    if let Some(&first) = known.get(&name) {
        return Some(first);
    }
    known.insert(name, place);
    None
}

/// What all recipes of the project know of each other.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The images of all recipes, with the platforms that they are declared for.
    pub(super) images: BTreeMap<ImageName, ImageKnown>,
    /// What `distribution` nodes of the project there are.
    pub(super) distributions: Vec<(DistributionRef, Option<Format>)>,
    /// What stages may be run on.
    pub(super) build_platforms: Vec<Platform>,
    /// Whether all recipes could be parsed; otherwise an unknown image proves nothing.
    pub(super) recipes_complete: bool,
    /// Whether the project's file could be read.
    pub(super) project_complete: bool,
}

/// An image that some recipe declares.
#[derive(Debug)]
pub(super) struct ImageKnown {
    pub(super) recipe: RecipeName,
    pub(super) place: Place,
    pub(super) platforms: BTreeSet<Platform>,
}

impl Context<'_> {
    /// The image that a name means here: within a variant, that of the same variant comes first.
    pub(super) fn meant(&self, name: Spanned<ImageName>) -> Spanned<ImageName> {
        match self.names.in_variant(name.value.clone()) {
            Some(own) if self.names.images.contains_key(&own) => Spanned::new(own, name.place),
            _ => name,
        }
    }

    /// Checks that an image exists on the platform that is read for.
    pub(super) fn image(&self, name: &Spanned<ImageName>) {
        let Some(known) = self.some_image(name) else { return };
        let Some(platform) = self.platform.filter(|platform| !known.platforms.contains(platform)) else { return };
        let message = format!("the image `{}` is not built for {platform}, for which this recipe is", **name);
        let help = format!("add the platform to the recipe `{}`, or remove it from this one", known.recipe);
        let mistake = Mistake::new(name.place, message, "needed here", help).and(known.place, "declared here");
        self.sink.push(mistake);
    }

    /// Checks that an image exists that a stage is to run in, on whatever the project builds on.
    pub(super) fn toolchain(&self, name: &Spanned<ImageName>) {
        let Some(known) = self.some_image(name) else { return };
        let Some(missing) = self.world.build_platforms.iter().find(|platform| !known.platforms.contains(platform))
        else {
            return;
        };
        let message = format!("the image `{}` is not built for {missing}, on which stages run", **name);
        let help = format!(
            "add the platform to the recipe `{}`, or see `build-platforms` in images/project.kdl",
            known.recipe
        );
        self.sink.push(Mistake::new(name.place, message, "needed here", help).and(known.place, "declared here"));
    }

    fn some_image(&self, name: &Spanned<ImageName>) -> Option<&ImageKnown> {
        let known = self.world.images.get(&name.value);
        if known.is_none() && self.world.recipes_complete {
            let names = self.world.images.keys().map(ImageName::as_str);
            let variants: Vec<&str> =
                names.clone().filter(|known| known.split(':').next() == Some(name.as_str())).collect();
            let help = match variants.is_empty() {
                false => format!("it is built in variants: write one of {}", list(variants)),
                true => suggestion(name.as_str(), names, "no recipe declares an image yet"),
            };
            self.sink.push(Mistake::new(
                name.place,
                format!("unknown image `{}`", **name),
                "no recipe declares it",
                help,
            ));
        }
        known
    }

    /// Checks that the recipe has a source.
    pub(super) fn source(&self, name: &Spanned<SourceName>) {
        if self.names.sources.contains_key(&name.value) {
            return;
        }
        let help = if self.names.stages.contains_key(name.as_str()) {
            format!("`{}` is a stage: write `copy \"/\" from=\"{}\" to=\"…\"`", **name, **name)
        } else {
            suggestion(name.as_str(), self.names.sources.keys().map(SourceName::as_str), "this recipe has no source")
        };
        self.sink.push(Mistake::new(
            name.place,
            format!("unknown source `{}`", **name),
            "not declared in this recipe",
            help,
        ));
    }

    /// Checks that the recipe has a stage.
    pub(super) fn stage(&self, name: &Spanned<StageName>) {
        if self.names.stages.contains_key(&name.value) {
            return;
        }
        let help = if self.names.sources.contains_key(name.as_str()) {
            format!("`{}` is a source: write `use \"{}\" at=\"…\"`", **name, **name)
        } else {
            suggestion(name.as_str(), self.names.stages.keys().map(StageName::as_str), "this recipe has no other stage")
        };
        self.sink.push(Mistake::new(
            name.place,
            format!("unknown stage `{}`", **name),
            "not declared in this recipe",
            help,
        ));
    }

    /// Checks that the project has a distribution.
    pub(super) fn distribution(&self, wanted: &Spanned<DistributionRef>) {
        let known = &self.world.distributions;
        if !self.world.project_complete || known.iter().any(|(known, _)| *known == wanted.value) {
            return;
        }
        let message = format!("unknown distribution `{}` with suite `{}`", wanted.name, wanted.suite);
        let names: Vec<String> = known.iter().map(|(known, _)| format!("{} {}", known.name, known.suite)).collect();
        let written = format!("{} {}", wanted.name, wanted.suite);
        let help = suggestion(&written, names.iter().map(String::as_str), "images/project.kdl declares none");
        self.sink.push(Mistake::new(wanted.place, message, "not in images/project.kdl", help));
    }
}
