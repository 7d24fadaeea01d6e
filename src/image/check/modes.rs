//! Whether permissions are wider than the recipe says.

use crate::archive::EntryKind as Kind;
use crate::model::ImagePath;
use crate::recipe::ImageEntryKind;

use super::{Finding, Found, Subject, is_file, is_of_recipe};
use crate::packages::{Last, Node};

/// Set-user-ID and set-group-ID.
const SET_ID: u32 = 0o6000;
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o002;
/// Programs that install packages: an image with one is a system, whose set-uid programs are its distribution's.
const INSTALLERS: [&str; 3] = ["/usr/bin/dpkg", "/sbin/apk", "/usr/bin/apk"];

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let place = subject.image.name.place;
    let root = runs_as_root(subject);
    let system = INSTALLERS.iter().any(|program| subject.exists(program));
    let mut errors = Vec::new();
    for node in subject.tree.iter() {
        let (mode, path) = (node.entry.mode, &node.entry.path);
        let (file, folder) = (is_file(node), node.entry.kind == Kind::Dir);
        if file && mode.bits() & SET_ID != 0 {
            let allowed = root || (system && !is_of_recipe(node)) || says(subject, node, SET_ID);
            if !allowed {
                errors.push(Finding::SetId { place, path: path.clone(), mode });
            }
        }
        let open = mode.bits() & OTHERS_WRITE != 0 && (file || (folder && mode.bits() & STICKY == 0));
        if open && !says(subject, node, OTHERS_WRITE) {
            errors.push(Finding::WorldWritable { place, path: path.clone(), mode });
        }
    }
    Found { errors, notes: Vec::new() }
}

/// Whoever runs as root gains nothing by a set-uid program.
fn runs_as_root(subject: &Subject<'_>) -> bool {
    let user = subject.execution.user.split(':').next().unwrap_or_default();
    matches!(user, "" | "root" | "0")
}

/// Whether an entry of the recipe gives a file these bits in so many words (`mode=`).
fn says(subject: &Subject<'_>, node: &Node, bits: u32) -> bool {
    let lead = |path: &ImagePath| subject.tree.resolve(path, Last::Follow).ok();
    let given = node.entry.mode.bits() & bits;
    is_of_recipe(node)
        && subject.image.entries.iter().any(|entry| {
            let (ImageEntryKind::Copy { to: path, .. }
            | ImageEntryKind::File { path, .. }
            | ImageEntryKind::Dir { path }) = &entry.kind
            else {
                return false;
            };
            entry.mode.is_some_and(|mode| mode.bits() & bits == given)
                && lead(path).is_some_and(|path| node.entry.path.is_within(&path))
        })
}
