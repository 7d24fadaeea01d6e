//! Says which package has what an image lacks.

use std::collections::BTreeSet;

use super::Run;
use crate::image::{Finding, ImageError, MissingFile};
use crate::model::Platform;
use crate::ops::refresh::contents::suppliers;

impl Run<'_, '_> {
    /// Adds to the findings of an image which packages of the archives would mend them. Without a network, or with
    /// archives that do not say, it adds how to find out.
    pub(super) fn with_suppliers(&self, error: ImageError, platform: Platform) -> ImageError {
        let ImageError::Checks { findings, mut hints } = error else { return error };
        let needs: BTreeSet<MissingFile> = findings.iter().filter_map(Finding::need).collect();
        if needs.is_empty() || self.lock.archives.suites.is_empty() {
            return ImageError::Checks { findings, hints };
        }
        match suppliers(self.project, self.services, self.lock, platform, &needs) {
            Ok(found) => hints.extend(found.iter().map(|(need, packages)| {
                let (MissingFile::Library(name) | MissingFile::File(name)) = need;
                let packages: Vec<String> = packages.iter().map(|package| format!("`{package}`")).collect();
                format!("`{name}` is in the package {}", packages.join(" or "))
            })),
            // the findings matter, not that they could not be explained
            Err(error) => hints.push(format!(
                "which package has it could not be looked up ({}): the next build that may use the \
                 network says so",
                causes(&error)
            )),
        }
        ImageError::Checks { findings, hints }
    }
}

/// An error with its causes, each in one line: what was tried in vain at each mirror is not the matter here.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    let lines = std::iter::once(error.to_string()).chain(causes);
    lines.filter_map(|text| Some(text.lines().next()?.trim_end_matches(':').to_owned())).collect::<Vec<_>>().join(": ")
}
