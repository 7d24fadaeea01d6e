//! What the word under the cursor means, and what it comes to.

use super::super::language::{Language, without_links};
use super::super::node::Node;
use super::super::record::AcceptedValue;
use super::super::show::ShownPart;
use super::super::values::names_in;
use super::super::vocabulary::STRUCTURE;
use super::locate::{Located, On};
use super::{Hover, Inspected};
use crate::model::{ImageName, Platform};

pub(super) fn hover(project: &Inspected, located: &Located<'_>) -> Option<Hover> {
    let text = match (located.node.name.as_str(), located.on) {
        ("is", On::Argument(0)) => definition(project, &located.node.key()?),
        ("is", On::Property(_) | On::Value(_)) => parameter(project, located),
        ("image", On::Argument(0)) => image(project, located),
        (_, On::Name) => node(located),
        (_, On::Property(_)) => taken(located, None),
        (_, On::Argument(index)) => values(project, located).or_else(|| taken(located, Some(index))),
        (_, On::Value(_)) => values(project, located).or_else(|| taken(located, None)),
    };
    text.map(|text| Hover { text, place: located.word })
}

/// The meaning of a node, and how it is written.
fn node(located: &Located<'_>) -> Option<String> {
    let Some(shape) = located.shape else {
        let known = STRUCTURE.iter().find(|known| known.name == located.node.name.as_str())?;
        return Some(format!("{}\n\n```kdl\n{}\n```", without_links(known.meaning), known.example));
    };
    let ways = shape.ways().map(|(example, meaning)| format!("{}\n\n```kdl\n{example}\n```", without_links(meaning)));
    Some(ways.collect::<Vec<_>>().join("\n\n"))
}

/// What a node takes as its argument of this number, or as the property that the cursor is on.
fn taken(located: &Located<'_>, argument: Option<usize>) -> Option<String> {
    let described = Language::get().node(located.block, &located.node.name)?;
    let taken: &AcceptedValue = match argument {
        Some(index) => described.argument(index)?,
        None => described.property(located.property()?)?,
    };
    let what = if taken.what.is_empty() { taken.expected } else { &taken.what };
    let words: Vec<String> = taken.words.iter().map(|word| format!("`\"{word}\"`")).collect();
    Some(match words.is_empty() {
        true => format!("{what}, like `{}`", taken.example),
        false => format!("one of {}", words.join(", ")),
    })
}

/// What a definition wants to be told, and what it brings.
fn definition(project: &Inspected, name: &str) -> Option<String> {
    let (place, node) = project.definition(name)?;
    let mut text = format!("definition `{name}`, {}\n", project.sources().line(place));
    for parameter in node.block().iter().filter(|child| *child.name == "param") {
        text.push_str(&format!("- {}\n", parameter_line(project, parameter)));
    }
    let brings: Vec<&str> =
        node.block().iter().map(|child| child.name.as_str()).filter(|name| *name != "param").collect();
    text.push_str(&format!(
        "\nbrings {}",
        brings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    ));
    Some(text)
}

fn parameter_line(project: &Inspected, parameter: &Node) -> String {
    let doc = parameter.property("doc").and_then(|doc| doc.value.value.text()).unwrap_or_default();
    format!("`{}` {doc}", project.text(parameter.header)).trim_end().to_owned()
}

fn parameter(project: &Inspected, located: &Located<'_>) -> Option<String> {
    let (_, node) = project.definition(&located.node.key()?)?;
    let name = located.property()?;
    let named = |child: &&Node| *child.name == "param" && child.key().is_some_and(|key| *key == name);
    node.block().iter().find(named).map(|parameter| parameter_line(project, parameter))
}

/// The image with all that definitions bring, every value with where it came from.
fn image(project: &Inspected, located: &Located<'_>) -> Option<String> {
    let (file, _) = project.sources().position(located.word);
    let name = ImageName::new(*located.node.key()?).ok()?;
    let recipe = project.unified.recipes.iter().find(|unified| {
        project.project.recipes.get(&unified.name).is_some_and(|set| format!("{}/recipe.kdl", set.folder) == file)
    })?;
    let shown = project.unified.show(&recipe.name, Some(&name), None, project.sources())?;
    let line = |line: Vec<ShownPart>| {
        let part = |part: ShownPart| match part {
            ShownPart::Code(text) | ShownPart::Origin(text) => text,
        };
        line.into_iter().map(part).collect::<String>()
    };
    let lines: Vec<String> = shown.lines().into_iter().map(line).collect();
    Some(format!("```kdl\n{}\n```", lines.join("\n")))
}

/// What the `${…}` of a text stand for, on each platform where they differ.
fn values(project: &Inspected, located: &Located<'_>) -> Option<String> {
    let text = located.value()?.value.text()?;
    let (file, _) = project.sources().position(located.word);
    let mut lines = Vec::new();
    for name in names_in(text).filter(|name| !name.starts_with("platform.")) {
        let mut known: Vec<(String, Vec<Platform>)> = Vec::new();
        let own = project.unified.recipes.iter().filter(|unified| {
            project.project.recipes.get(&unified.name).is_some_and(|set| format!("{}/recipe.kdl", set.folder) == file)
        });
        for reading in own.flat_map(|unified| &unified.readings) {
            let Some(value) = reading.values.get(name) else { continue };
            match known.iter_mut().find(|(known, _)| known == value) {
                Some((_, platforms)) => platforms.push(reading.platform),
                None => known.push((value.clone(), vec![reading.platform])),
            }
        }
        match &known[..] {
            [] => {}
            [(value, _)] => lines.push(format!("`${{{name}}}` is `{value}`")),
            several => lines.extend(several.iter().map(|(value, platforms)| {
                let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
                format!("`${{{name}}}` is `{value}` for {}", platforms.join(", "))
            })),
        }
    }
    (!lines.is_empty()).then(|| lines.join("  \n"))
}
