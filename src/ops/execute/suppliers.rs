//! Says how to find the package that has what an image lacks. A build reads no index, so it does not look itself.

use std::collections::BTreeSet;

use super::Run;
use crate::image::{Finding, ImageError, MissingFile};
use crate::model::Platform;

impl Run<'_, '_> {
    /// Adds to the findings of an image the command that names the packages which would mend them.
    pub(super) fn with_command(&self, error: ImageError, platform: Platform) -> ImageError {
        let ImageError::Checks { findings, mut hints } = error else { return error };
        let needs: BTreeSet<MissingFile> = findings.iter().filter_map(Finding::need).collect();
        let names = needs.iter().map(|(MissingFile::Library(name) | MissingFile::File(name))| name.as_str());
        let names: Vec<&str> = names.filter(|name| is_plain(name)).collect();
        if !names.is_empty() && !self.lock.archives.suites.is_empty() {
            let platform =
                if platform == self.services.build { String::new() } else { format!("--platform {platform} ") };
            hints.push(format!(
                "`orchestrate find {platform}{}` names the packages that have what is missing",
                names.join(" ")
            ));
        }
        ImageError::Checks { findings, hints }
    }
}

/// Whether a shell takes a name as it is: packages of strangers name files, and people copy commands.
fn is_plain(name: &str) -> bool {
    !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+/-".contains(&byte))
}
