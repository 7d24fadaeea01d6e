//! What an image is built on: another image of the project, one of a registry, or nothing.

use crate::model::{ImageName, ImageReference, ReferenceError, Spanned};

use super::Mistake;
use super::node::Value;
use super::project::Base;
use super::read::Read;
use super::reader::Reader;

/// What the image is built on: `from` or `oci`, as a property or in its block.
pub(super) fn read(node: &mut Reader<'_>, in_block: Vec<Spanned<Base>>) -> Option<Base> {
    let from = node.property::<Parent>("from").map(Parent::base);
    let oci = node.property::<ImageReference>("oci").map(of_registry);
    let said = ["from", "oci"].into_iter().any(|name| node.has(name) || node.has_child(name));
    let bases: Vec<Spanned<Base>> = from.into_iter().chain(oci).chain(in_block).collect();
    if !said {
        let help = "add `from=\"scratch\"`, `from=\"IMAGE\"` or `oci=\"registry/name@sha256:…\"`";
        node.mistake(node.place(), "the image does not say what it is built on", "on what?", help);
    }
    if let [first, second, ..] = &bases[..] {
        let mistake = Mistake::new(second.place, "the image is built on two things", "and this", "keep one of them");
        node.cx.sink.push(mistake.and(first.place, "this"));
    }
    match bases.into_iter().next()?.value {
        Base::Image(name) => {
            let name = node.cx.meant(name);
            node.cx.image(&name);
            Some(Base::Image(name))
        }
        other => Some(other),
    }
}

/// `scratch`, or the name of an image.
pub(super) enum Parent {
    Scratch,
    Image(ImageName),
}

impl Parent {
    pub(super) fn base(written: Spanned<Self>) -> Spanned<Base> {
        let place = written.place;
        written.map(|parent| match parent {
            Self::Scratch => Base::Scratch,
            Self::Image(name) => Base::Image(Spanned::new(name, place)),
        })
    }
}

impl Read for Parent {
    const WORD: &'static str = "IMAGE";
    const EXPECTED: &'static str = "the name of an image, or `scratch`";
    const EXAMPLE: &'static str = "\"runtime\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let name = ImageName::read(value)?;
        Some(name.map(|name| if name.as_str() == "scratch" { Self::Scratch } else { Self::Image(name) }))
    }
}

impl Read for ImageReference {
    const WORD: &'static str = "REFERENCE";
    const EXPECTED: &'static str = "an image of a registry with its digest";
    const EXAMPLE: &'static str =
        "\"registry.example.org/name@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"";
    fn read(value: &Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        Some(text.parse().map_err(|error: ReferenceError| error.to_string()))
    }
}

/// An image of a registry as what another is built on.
pub(super) fn of_registry(written: Spanned<ImageReference>) -> Spanned<Base> {
    let place = written.place;
    written.map(|reference| Base::Oci(Spanned::new(reference, place)))
}
