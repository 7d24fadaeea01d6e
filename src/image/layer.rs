//! Streams → a layer: their members one after the other, ended by two zero blocks. The digest of the compressed and
//! that of the uncompressed bytes are computed while they pass, and nothing is compressed again.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::prelude::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Hasher};
use crate::packages::stream::{Stream, codec, end_blocks, inflate};
use crate::recipe::Compression;
use crate::store::Store;

use super::ImageError;
use super::oci::{Descriptor, LAYER_GZIP, LAYER_ZSTD};

/// Where layers are among the store's records.
const KIND: &str = "layer";
/// Bytes that are decompressed at a time.
const BATCH: u64 = 8 << 20;
/// Members that are decompressed at a time; those of small packages are small.
const BATCH_MEMBERS: usize = 64;

/// A layer in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The blob.
    pub descriptor: Descriptor,
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Bytes of the uncompressed layer.
    pub length: u64,
    /// What is in it, for people.
    pub comment: String,
}

/// Makes a layer of `parts`, all of which have this compression; one that was made before is only looked up.
pub(super) fn build(
    store: &Store,
    compression: Compression,
    parts: &[Stream],
    comment: &str,
) -> Result<Layer, ImageError> {
    let blobs: Vec<Digest> = parts.iter().map(|part| part.blob).collect();
    let key = Digest::of_value(&(codec(compression), blobs));
    let _claim = store.claim(KIND, &key)?;
    let known: Option<Layer> = store.record(KIND, &key)?;
    if let Some(known) = known.filter(|layer| store.has_blob(&layer.descriptor.digest)) {
        return Ok(Layer { comment: comment.to_owned(), ..known });
    }
    let end = end_blocks(store, compression)?;
    let parts: Vec<&Stream> = parts.iter().chain([&end]).filter(|part| part.length > 0).collect();
    let media_type = match compression {
        Compression::Gzip => LAYER_GZIP,
        Compression::Zstd => LAYER_ZSTD,
    };
    let (digest, size, diff_id) = concatenate(store, compression, &parts)?;
    let layer = Layer {
        descriptor: Descriptor::new(media_type, digest, size),
        diff_id,
        length: parts.iter().map(|part| part.length).sum(),
        comment: comment.to_owned(),
    };
    store.put_record(KIND, &key, &layer)?;
    Ok(layer)
}

/// Some members, compressed.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Compressed and uncompressed length of each.
    members: Vec<(usize, u64)>,
    length: u64,
}

/// Reads the parts once. Three things happen at a time: members are decompressed on all cores, the uncompressed bytes
/// are hashed, and the compressed ones are hashed and stored. Each stage waits for the next, so that what is in memory
/// is a few batches, whatever the size of the layer.
fn concatenate(
    store: &Store,
    compression: Compression,
    parts: &[&Stream],
) -> Result<(Digest, u64, Digest), ImageError> {
    thread::scope(|scope| {
        let (to_writer, compressed) = sync_channel::<Vec<u8>>(1);
        let (to_hasher, uncompressed) = sync_channel::<Vec<Vec<u8>>>(1);
        let writer = scope.spawn(move || write(store, &compressed));
        let hasher = scope.spawn(move || hash(&uncompressed));
        let fed = feed(store, compression, parts, to_writer, to_hasher);
        let written = joined(writer.join());
        let diff_id = joined(hasher.join());
        fed?; // says more than what the others met for want of input
        let (digest, size) = written?;
        Ok((digest, size, diff_id))
    })
}

/// A panic of a thread is one of ours.
fn joined<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn write(store: &Store, batches: &Receiver<Vec<u8>>) -> Result<(Digest, u64), ImageError> {
    let mut blob = store.blob_writer()?;
    for batch in batches {
        blob.append(&batch)?;
    }
    Ok(blob.commit()?)
}

fn hash(batches: &Receiver<Vec<Vec<u8>>>) -> Digest {
    let mut hasher = Hasher::new();
    for bytes in batches.iter().flatten() {
        hasher.update(&bytes);
    }
    hasher.finish()
}

fn feed(
    store: &Store,
    compression: Compression,
    parts: &[&Stream],
    to_writer: SyncSender<Vec<u8>>,
    to_hasher: SyncSender<Vec<Vec<u8>>>,
) -> Result<(), ImageError> {
    let mut batch = Batch::default();
    let send = |batch: &mut Batch| {
        let Batch { bytes, members, .. } = std::mem::take(batch);
        let inflated = inflate_all(compression, &bytes, &members)?;
        // a closed channel means that the other side failed, and it will say how
        Ok::<bool, ImageError>(to_hasher.send(inflated).is_ok() && to_writer.send(bytes).is_ok())
    };
    for part in parts {
        let mut blob = store.open_blob(&part.blob)?;
        for member in &part.members {
            let full = batch.length + member.uncompressed_len > BATCH || batch.members.len() == BATCH_MEMBERS;
            if full && !send(&mut batch)? {
                return Ok(());
            }
            let start = batch.bytes.len();
            let mut limited = (&mut blob).take(member.compressed_len);
            let read = limited.read_to_end(&mut batch.bytes);
            read.map_err(|source| ImageError::Io {
                doing: format!("read the piece {} of a layer", part.blob),
                source,
            })?;
            batch.members.push((batch.bytes.len() - start, member.uncompressed_len));
            batch.length += member.uncompressed_len;
        }
    }
    send(&mut batch).map(|_| ())
}

fn inflate_all(compression: Compression, bytes: &[u8], members: &[(usize, u64)]) -> Result<Vec<Vec<u8>>, ImageError> {
    let mut rest = bytes;
    let mut pieces = Vec::with_capacity(members.len());
    for &(length, uncompressed) in members {
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push((piece, uncompressed));
        rest = tail;
    }
    let inflate = |&(piece, length): &(&[u8], u64)| inflate(compression, piece, length);
    let inflated: Result<Vec<Vec<u8>>, _> = pieces.par_iter().map(inflate).collect();
    inflated.map_err(|source| ImageError::Damaged { source })
}
