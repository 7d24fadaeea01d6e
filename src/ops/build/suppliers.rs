//! Says which package has what an image lacks.

use std::collections::BTreeSet;

use super::Run;
use crate::image::{Finding, ImageError, Need};
use crate::model::Platform;
use crate::ops::refresh::contents::suppliers;

impl Run<'_, '_> {
    /// Adds to the findings of an image which packages of the archives would mend them. Without a network, or with
    /// archives that do not say, it adds how to find out.
    pub(super) fn with_suppliers(&self, error: ImageError, platform: Platform) -> ImageError {
        let ImageError::Checks { findings, mut hints } = error else { return error };
        let needs: BTreeSet<Need> = findings.iter().filter_map(Finding::need).collect();
        if needs.is_empty() || self.lock.archives.suites.is_empty() {
            return ImageError::Checks { findings, hints };
        }
        match suppliers(self.project, self.services, self.lock, platform, &needs) {
            Ok(found) => hints.extend(found.iter().map(|(need, packages)| {
                let (Need::Library(name) | Need::File(name)) = need;
                let packages: Vec<String> = packages.iter().map(|package| format!("`{package}`")).collect();
                format!("`{name}` is in the package {}", packages.join(" or "))
            })),
            // the findings matter, not that they could not be explained
            Err(_) => hints.push(
                "which package has it could not be looked up: `apt-file search` says so, or the next build that may use the network"
                    .to_owned(),
            ),
        }
        ImageError::Checks { findings, hints }
    }
}
