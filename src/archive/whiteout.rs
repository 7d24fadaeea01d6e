//! Marks by which a layer hides what is in the layers below it (OCI image specification, layer.md, "Whiteouts"): empty
//! files that are read and never unpacked.

use crate::model::ImagePath;

const PREFIX: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a mark hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whiteout {
    /// This path, and everything in it: `FOLDER/.wh.NAME`.
    Path(ImagePath),
    /// Everything in this folder, but not the folder: `FOLDER/.wh..wh..opq`.
    Within(ImagePath),
}

impl Whiteout {
    /// Whether a name is a mark's, also one that hides nothing.
    #[must_use]
    pub fn is_mark(path: &ImagePath) -> bool {
        path.name().starts_with(PREFIX)
    }

    /// What the mark at `path` hides; none when it is no mark, or names nothing that can be.
    #[must_use]
    pub fn read(path: &ImagePath) -> Option<Self> {
        let folder = path.parent().unwrap_or_default();
        if path.name() == OPAQUE {
            return Some(Self::Within(folder));
        }
        let hidden = ImagePath::new(path.name().strip_prefix(PREFIX)?).ok().filter(|hidden| !hidden.is_root())?;
        Some(Self::Path(folder.join(&hidden)))
    }

    /// Where the mark stands; none for the root itself, which cannot be hidden.
    #[must_use]
    pub fn mark(&self) -> Option<ImagePath> {
        match self {
            Self::Path(path) => Some(path.parent()?.join(&ImagePath::new(&[PREFIX, path.name()].concat()).ok()?)),
            Self::Within(folder) => Some(folder.join(&ImagePath::new(OPAQUE).ok()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        let path = |text: &str| text.parse::<ImagePath>().expect("a path");
        for (whiteout, mark) in [
            (Whiteout::Path(path("a/b")), "a/.wh.b"),
            (Whiteout::Path(path("b")), ".wh.b"),
            (Whiteout::Within(path("a")), "a/.wh..wh..opq"),
        ] {
            assert_eq!(whiteout.mark(), Some(path(mark)));
            assert_eq!(Whiteout::read(&path(mark)), Some(whiteout));
        }
        for name in ["a/.wh.", "a/.wh..", "a/.wh...", "a/b", "a/wh.b"] {
            assert_eq!(Whiteout::read(&path(name)), None, "{name}");
        }
        assert!(Whiteout::is_mark(&path("a/.wh.")) && !Whiteout::is_mark(&path("a/b")));
    }
}
