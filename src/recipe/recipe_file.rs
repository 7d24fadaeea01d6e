//! `recipe.kdl`: what its images say of themselves, and its sources, stages, images and tests.

use crate::model::Platform;

use super::context::Context;
use super::drafts::RecipeDraft;
use super::platforms::Reading;
use super::project::{Recipe, Status};
use super::project_file::read_platforms;
use super::reader::{Reader, Row, Table, texts};
use super::reads::FileUrl;
use super::shape::{RECIPE_BLOCK, Shape};
use super::{checks, images, sources, stages};

pub(super) const RECIPE: Table<RecipeDraft> = Table {
    what: RECIPE_BLOCK,
    rows: &[
        Row::new(
            Shape::once("title", "title \"HTTP router\"")
                .means("The label `org.opencontainers.image.title` of its images."),
            |draft, node| draft.about.title = text(node),
        ),
        Row::new(
            Shape::once("description", "description \"Routes requests\"")
                .means("The label `org.opencontainers.image.description`."),
            |draft, node| draft.about.description = text(node),
        ),
        Row::new(
            Shape::once("license", "license \"Apache-2.0\"")
                .means("An SPDX expression, the label `org.opencontainers.image.licenses`."),
            |draft, node| draft.about.license = node.argument("an SPDX expression"),
        ),
        Row::new(
            Shape::once("url", "url \"https://example.org\"").means("The label `org.opencontainers.image.url`."),
            |draft, node| {
                draft.about.url = node.argument::<FileUrl>("a URL").map(|url| url.value.0);
            },
        ),
        Row::new(
            Shape::once("authors", "authors \"Ada Lovelace <ada@example.org>\"")
                .means("The label `org.opencontainers.image.authors`."),
            |draft, node| {
                draft.about.authors = texts(node, "an author");
            },
        ),
        // read before all else, because the rest is read once for each
        Row::new(
            Shape::once("platforms", "platforms \"linux/amd64\" \"linux/arm64\"")
                .means("What it is built for. It cannot depend on a platform or a variant.")
                .otherwise("the project's"),
            |_, node| node.pass::<Platform>("a platform"),
        ),
        Row::new(
            Shape::once("status", "status \"maintained\"")
                .means("`maintained`; `frozen`: built, never refreshed; `retired`: neither, unless named.")
                .otherwise("`maintained`"),
            |draft, node| {
                let words =
                    [("maintained", Status::Maintained), ("frozen", Status::Frozen), ("retired", Status::Retired)];
                draft.status = node.word("`\"maintained\"`, `\"frozen\"` or `\"retired\"`", &words).unwrap_or_default();
            },
        ),
        Row::new(
            Shape::any("tags", "tags \"2\" \"2.10\"")
                .means("Extra tags of its images. Not supported yet: refused.")
                .set(),
            |draft, node| {
                for tag in node.arguments::<String>("a tag") {
                    if is_tag(&tag) {
                        draft.tags.push(tag);
                    } else {
                        let help =
                            "use letters, digits, `_`, `.` and `-`, at most 128, and begin with none of the last two";
                        node.mistake(tag.place, format!("`{}` cannot be a tag", *tag), "not a tag", help);
                    }
                }
            },
        ),
        Row::new(
            Shape::any("source", "source \"upstream\" { git \"https://example.org/project\" tag=\"v1.2.3\" }")
                .means("[Something from outside](#sources).")
                .keyed()
                .block(&sources::SOURCE),
            sources::read,
        ),
        Row::new(
            Shape::any("stage", "stage \"compile\" from=\"builder\" { run \"make install DESTDIR=$OUT\" }")
                .means("[A build step](#stages).")
                .keyed()
                .block(&stages::STAGE),
            stages::read,
        ),
        Row::new(
            Shape::any("image", "image \"router\" from=\"runtime\" { entrypoint \"/usr/bin/router\" }")
                .means("[An image](#images); its name is unique in the project.")
                .keyed()
                .block(&images::IMAGE),
            images::read,
        ),
        Row::new(
            Shape::any(
                "test",
                "test \"prints its version\" image=\"router\" { run \"/usr/bin/router\" \"--version\" }",
            )
            .means("[A test](#tests) of an image of the project. Not supported yet: refused.")
            .keyed()
            .block(&checks::TEST),
            checks::read,
        ),
    ],
};

/// Reads a recipe for one platform.
pub(super) fn read(reading: &Reading, cx: &Context<'_>) -> Recipe {
    let mut draft = RecipeDraft::default();
    RECIPE.read(&reading.nodes, &mut draft, cx);
    Recipe {
        about: draft.about,
        status: draft.status,
        tags: draft.tags,
        values: reading.values.clone(),
        sources: draft.sources,
        stages: draft.stages,
        images: draft.images,
        tests: draft.tests,
    }
}

/// The platforms that a recipe names for itself.
pub(super) struct Platforms;

impl Platforms {
    pub(super) const TABLE: Table<Vec<crate::model::Platform>> = Table {
        what: "a recipe",
        rows: &[Row::new(Shape::once("platforms", "platforms \"linux/amd64\" \"linux/arm64\""), |platforms, node| {
            *platforms = read_platforms(node);
        })],
    };
}

fn text(node: &mut Reader<'_>) -> Option<String> {
    let text = node.argument::<String>("a text")?;
    if text.trim().is_empty() {
        node.mistake(text.place, format!("`{}` is empty", *node.node.name), "says nothing", node.like());
        return None;
    }
    Some(text.value)
}

/// A tag as registries accept it (OCI distribution specification, "Pulling manifests").
fn is_tag(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(|byte| first(byte) || byte == b'.' || byte == b'-')
}
