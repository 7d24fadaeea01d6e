//! What an image adds to its packages: files, folders, links, capabilities.

use crate::model::{Capability, ImageName, ImagePath, Mode, Ownership, SourceName, Spanned, StageName};

use super::Mistake;
use super::drafts::ImageDraft;
use super::node::Value;
use super::project::{CopyFrom, ImageEntry, ImageEntryKind};
use super::read::Read;
use super::reader::Reader;
use super::reads::{Beside, Destination};
use crate::diagnostic::nearest::{nearest, suggestion};

/// Adds an entry, with the owner and mode that its node says.
fn add(draft: &mut ImageDraft, node: &mut Reader<'_>, kind: Option<ImageEntryKind>) {
    let owner = node.property::<Ownership>("owner").map(|owner| owner.value);
    let mode = node.property::<Mode>("mode").map(|mode| mode.value);
    draft.entries.extend(kind.map(|kind| ImageEntry { place: node.place(), kind, owner, mode }));
}

/// Adds an entry that has neither.
fn add_plain(draft: &mut ImageDraft, node: &Reader<'_>, kind: ImageEntryKind) {
    draft.entries.push(ImageEntry { place: node.place(), kind, owner: None, mode: None });
}

pub(super) fn copy(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let kind = if node.has("from") { copy_from(node) } else { copy_local(node) };
    add(draft, node, kind);
}

/// The name of what something is copied from.
struct Origin(String);

impl Read for Origin {
    const WORD: &'static str = "NAME";
    const EXPECTED: &'static str = "the name of a stage, a source or an image";
    const EXAMPLE: &'static str = "\"compile\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        String::read(value).map(|name| name.map(Self))
    }
}

/// From a stage, else a source of the recipe, else an image.
fn copy_from(node: &mut Reader<'_>) -> Option<ImageEntryKind> {
    let path = node.argument::<ImagePath>("a path");
    let from = node.required::<Origin>("from").map(|from| from.map(|from| from.0));
    let to = node.property::<Destination>("to");
    let (path, from) = (path?, from?);
    let to = to.map_or_else(|| path.value.clone(), |to| to.value.of(path.name()));
    let names = node.cx.names;
    let image = ImageName::new(from.as_str()).ok().map(|name| node.cx.meant(Spanned::new(name, from.place)));
    let image = image.filter(|image| node.cx.world.images.contains_key(&image.value));
    let from = if names.stages.contains_key(from.as_str()) {
        CopyFrom::Stage(Spanned::new(StageName::new(from.value).ok()?, from.place), path)
    } else if names.sources.contains_key(from.as_str()) {
        CopyFrom::Source(Spanned::new(SourceName::new(from.value).ok()?, from.place), path)
    } else if let Some(image) = image {
        node.cx.image(&image);
        CopyFrom::Image(image, path)
    } else {
        unknown_origin(node, &from);
        return None;
    };
    Some(ImageEntryKind::Copy { from, to })
}

fn unknown_origin(node: &Reader<'_>, from: &Spanned<String>) {
    if !node.cx.world.recipes_complete {
        return; // it may be an image of a recipe that could not be read
    }
    let names = node.cx.names;
    let here = names.stages.keys().map(StageName::as_str).chain(names.sources.keys().map(SourceName::as_str));
    let known = here.clone().chain(node.cx.world.images.keys().map(ImageName::as_str));
    let help = match nearest(from, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => suggestion(from, here, "declare a `stage` or `source` of this name"),
    };
    node.mistake(from.place, format!("`{}` is no stage, source or image", **from), "nothing to copy from", help);
}

fn copy_local(node: &mut Reader<'_>) -> Option<ImageEntryKind> {
    if let Some(absolute) = node.node.key().filter(|path| path.starts_with('/')) {
        let help =
            "add `from=\"STAGE\"` (or a source, or an image); a file beside the recipe has no `/` at its beginning";
        node.mistake(absolute.place, "`copy` does not say where this comes from", "absolute", help);
        let _: Option<Spanned<String>> = node.optional_argument();
        let _: Option<Spanned<Destination>> = node.property("to");
        return None;
    }
    let path = node.argument::<Beside>("a path beside the recipe").map(|path| path.map(|path| path.0));
    let to = node.required_or::<Destination>("to", |node| {
        let help = "write it like `copy \"files/app.conf\" to=\"/etc/app.conf\"`";
        node.mistake(node.place(), "`copy` does not say where this goes", "`to` is missing", help);
    });
    let (path, to) = (path?, to?);
    let to = to.value.of(path.file_name().unwrap_or_default().as_bytes());
    Some(ImageEntryKind::Copy { from: CopyFrom::Local(path), to })
}

pub(super) fn file(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let path = node.argument::<ImagePath>("a path");
    let text = node.argument::<String>("its text");
    let kind = path.zip(text).map(|(path, text)| ImageEntryKind::File { path: path.value, text: text.value });
    add(draft, node, kind);
}

pub(super) fn dir(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let path = node.argument::<ImagePath>("a path");
    add(draft, node, path.map(|path| ImageEntryKind::Dir { path: path.value }));
}

pub(super) fn symlink(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let path = node.argument::<ImagePath>("a path");
    let target = node.required::<String>("to");
    let owner = node.property::<Ownership>("owner").map(|owner| owner.value);
    let (Some(path), Some(target)) = (path, target) else { return };
    if target.is_empty() || target.len() > 4095 {
        return node.mistake(target.place, "a link points at 1 to 4095 bytes of path", "not a path", node.like());
    }
    let kind = ImageEntryKind::Symlink { path: path.value, target: target.value };
    draft.entries.push(ImageEntry { place: node.place(), kind, owner, mode: None });
}

pub(super) fn remove(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    for path in node.arguments::<ImagePath>("a path") {
        if path.is_root() {
            node.mistake(path.place, "this would remove everything", "the root itself", "name what is in the way");
        } else {
            add_plain(draft, node, ImageEntryKind::Remove { path: path.value });
        }
    }
}

pub(super) fn file_capability(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let path = node.argument::<ImagePath>("a path");
    let mut capabilities: Vec<Spanned<Capability>> = Vec::new();
    for name in node.arguments::<String>("a capability") {
        let Some(known) = capability(node, &name) else { continue };
        match capabilities.iter().find(|first| first.value == known) {
            Some(first) => {
                let mistake =
                    Mistake::new(name.place, format!("`{known}` is given twice"), "again here", "keep one of the two");
                node.cx.sink.push(mistake.and(first.place, "first here"));
            }
            None => capabilities.push(Spanned::new(known, name.place)),
        }
    }
    let Some(path) = path else { return };
    let capabilities = capabilities.into_iter().map(|name| name.value).collect();
    add_plain(draft, node, ImageEntryKind::FileCapability { path: path.value, capabilities });
}

/// A capability by its name.
pub(super) fn capability(node: &Reader<'_>, written: &Spanned<String>) -> Option<Capability> {
    let known = written.parse().ok();
    if known.is_none() {
        let lower = written.to_ascii_lowercase();
        let plain = lower.strip_prefix("cap_").unwrap_or(&lower);
        let help = suggestion(plain, Capability::NAMES.iter().copied(), "");
        node.mistake(written.place, format!("unknown capability `{}`", **written), "not in capabilities(7)", help);
    }
    known
}
