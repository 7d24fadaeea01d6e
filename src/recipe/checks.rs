//! `test`: what a built image is run with, and what must come out.

use crate::model::ImageName;

use super::drafts::RecipeDraft;
use super::project::Test;
use super::reader::texts;
use super::reader::{Reader, Row, Table};
use super::shape::Shape;

/// A test that is being read.
#[derive(Default)]
pub(super) struct TestDraft {
    run: Vec<String>,
    stdout: Vec<String>,
}

pub(super) const TEST: Table<TestDraft> = Table {
    what: "a test",
    rows: &[
        Row::new(
            Shape::once("run", "run \"/usr/bin/router\" \"--version\"")
                .means("A program of the image and its arguments, without a shell. `${…}` is replaced.")
                .required(),
            |draft, node| draft.run = texts(node, "a program"),
        ),
        Row::new(Shape::any("stdout", "stdout contains=\"2.10\"").means("What must come out."), |draft, node| {
            draft.stdout.extend(node.required::<String>("contains").map(|text| text.value));
        }),
    ],
};

/// Reads a `test` node into the recipe.
pub(super) fn read(recipe: &mut RecipeDraft, node: &mut Reader<'_>) {
    let title = node.argument::<String>("a title");
    let image = node.required::<ImageName>("image").map(|image| node.cx.meant(image));
    if let Some(image) = &image {
        node.cx.image(image);
    }
    let mut draft = TestDraft::default();
    node.block(&TEST, &mut draft);
    if node.node.children.is_some() && !node.has_child("run") {
        node.mistake(
            node.place(),
            "the test runs nothing",
            "no `run` in it",
            "add `run \"/usr/bin/app\" \"--version\"`",
        );
    }
    let (Some(title), Some(image)) = (title, image) else { return };
    recipe.tests.push(Test { place: node.place(), title: title.value, image, run: draft.run, stdout: draft.stdout });
}
