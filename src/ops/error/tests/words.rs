//! What a recipe, a lock or an index may hold instead of a word of the model.

use super::{Gallery, OpsError, denied, parse};
use crate::lock::{LineError, LockError};
use crate::model::{
    ArchivePath, ArchivePathError, ByteSize, Capability, Digest, Glob, ImagePath, ImageReference, Mode, Platform,
    Principal, Timestamp,
};
use crate::ops::Output;

pub(super) fn draw(gallery: &mut Gallery) {
    gallery.mistake(&parse::<ByteSize>("12 parsecs"));
    gallery.mistake(&parse::<Digest>("sha256:12"));
    gallery.mistake(&parse::<Mode>("rwx"));
    gallery.mistake(&parse::<Principal>("no name"));
    gallery.mistake(&Glob::new("a[").expect_err("not one"));
    gallery.mistake(&parse::<Capability>("net_fly"));
    gallery.mistake(&parse::<Timestamp>("yesterday"));
    gallery.mistake(&parse::<Platform>("linux/vax"));
    gallery.mistake(&parse::<Output>("tape:/dev/st0"));
    names(gallery);
    paths(gallery);
    references(gallery);
    lock(gallery);
}

fn names(gallery: &mut Gallery) {
    use crate::model::{ImageName, PackageName};
    gallery.mistake(&ImageName::new("").expect_err("not one"));
    gallery.mistake(&ImageName::new("a".repeat(300)).expect_err("not one"));
    gallery.mistake(&ImageName::new("Web").expect_err("not one"));
    gallery.mistake(&PackageName::new("-nginx").expect_err("not one"));
}

fn paths(gallery: &mut Gallery) {
    for wrong in ["", "../etc", "a\u{7}"] {
        gallery.mistake(&parse::<ArchivePath>(wrong));
    }
    gallery.mistake(&parse::<ArchivePath>(&"a".repeat(5000)));
    gallery.mistake(&ArchivePathError::Base { base: "mailto:debian".to_owned() });
    for wrong in ["/a/../b", "/a\0b", "etc"] {
        gallery.mistake(&ImagePath::absolute(wrong).expect_err("not one"));
    }
    gallery.mistake(&ImagePath::absolute(&format!("/{}", "a".repeat(5000))).expect_err("not one"));
}

fn references(gallery: &mut Gallery) {
    let digest = Digest::of(b"an image");
    gallery.mistake(&parse::<ImageReference>("docker.io/library/debian"));
    gallery.mistake(&parse::<ImageReference>("docker.io/library/debian@sha256:12"));
    gallery.mistake(&parse::<ImageReference>(&format!("debian@{digest}")));
    gallery.mistake(&parse::<ImageReference>(&format!("docker.io/Library@{digest}")));
}

fn lock(gallery: &mut Gallery) {
    let lock = |source| OpsError::Lock { source };
    gallery.add(LockError::Io { source: denied() }, lock);
    let line = LineError { number: 12, reason: "`package` needs `version`".to_owned() };
    gallery.add(LockError::Text { file: "lock/web.kdl".to_owned(), line }, lock);
}
