//! What a package ships, path by path.

use serde::{Deserialize, Serialize};

use crate::archive::{ElfFacts, Entry};
use crate::model::{Digest, ImagePath};

/// Something that a package ships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageEntry {
    /// Everything but its bytes, where a merged system has it.
    pub entry: Entry,
    /// Its path in the package, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<ImagePath>,
    /// Whether a path policy left it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// The digest of a file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// Where they begin in the uncompressed stream of the segment.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// What its ELF headers say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elf: Option<ElfFacts>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PackageEntry {
    /// Its path in the package.
    pub(super) fn packed_path(&self) -> &ImagePath {
        self.packed.as_ref().unwrap_or(&self.entry.path)
    }
}
