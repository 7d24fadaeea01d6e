//! What has to be known of an image to build another on it: its packages and its tree, as one compressed blob.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::archive::{ElfFacts, Entry};
use crate::model::Digest;
use crate::packages::{Content, FileTree, InstalledPackage, Node, NodeOwner};
use crate::store::Store;

use super::{BuiltImage, ImageError};

/// Larger than the tree of any image that fits on a disk.
const LARGEST: u64 = 1 << 30;
/// The fastest: it is read far more often than written.
const LEVEL: i32 = 1;

/// An image as another sees it that is built on it.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Its packages, those of its own base first.
    pub(super) packages: Vec<InstalledPackage>,
    /// What is at each path; nothing in it is `own`.
    pub(super) tree: FileTree,
}

#[derive(Serialize, Deserialize)]
struct Written {
    packages: Vec<InstalledPackage>,
    segments: Vec<Digest>,
    nodes: Vec<WrittenNode>,
}

#[derive(Serialize, Deserialize)]
struct WrittenNode {
    entry: Entry,
    owner: NodeOwner,
    /// Number of the segment, offset in it, and digest of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<(usize, u64, Digest)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elf: Option<ElfFacts>,
}

/// Stores the state of an image, all of whose files are in segments.
pub(super) fn save(store: &Store, packages: Vec<InstalledPackage>, tree: &FileTree) -> Result<Digest, ImageError> {
    let mut numbers: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut segments = Vec::new();
    let mut nodes = Vec::new();
    for Node { entry, owner, content, elf, .. } in tree.iter() {
        let content = match content {
            Some(Content::Stored { key, offset, digest }) => {
                let number = *numbers.entry(*key).or_insert_with(|| {
                    segments.push(*key);
                    segments.len() - 1
                });
                Some((number, *offset, *digest))
            }
            _ => None,
        };
        nodes.push(WrittenNode { entry: entry.clone(), owner: *owner, content, elf: elf.clone() });
    }
    let text = super::oci::bytes(&Written { packages, segments, nodes });
    let packed = zstd::encode_all(text.as_slice(), LEVEL);
    let packed =
        packed.map_err(|source| ImageError::Io { doing: "compress the state of an image".to_owned(), source })?;
    Ok(store.put_blob(&packed)?)
}

/// The state of an image that was built before.
pub(super) fn load(store: &Store, image: &BuiltImage) -> Result<State, ImageError> {
    use std::io::Read as _;
    let damaged = |source| ImageError::Io { doing: format!("read the state of the image {}", image.name), source };
    if !store.has_blob(&image.state) {
        return Err(ImageError::Lost { what: "the state of an image", digest: image.state });
    }
    let blob = store.open_blob(&image.state)?;
    let mut text = Vec::new();
    let decoder = zstd::Decoder::new(blob).map_err(damaged)?;
    decoder.take(LARGEST).read_to_end(&mut text).map_err(damaged)?;
    understood(&text).map_err(|error| damaged(error.into()))
}

/// The state that `text` says.
pub(super) fn understood(text: &[u8]) -> Result<State, serde_json::Error> {
    let Written { packages, segments, nodes } = serde_json::from_slice(text)?;
    let mut tree = FileTree::default();
    for WrittenNode { entry, owner, content, elf } in nodes {
        let content = content
            .and_then(|(number, offset, digest)| Some(Content::Stored { key: *segments.get(number)?, offset, digest }));
        tree.insert(Node { entry, owner, own: false, content, elf });
    }
    Ok(State { packages, tree })
}
