//! Parsers of this room that nothing outside of it may call, for `crate::fuzzed`.

use std::collections::BTreeMap;

use super::Segment;
use crate::archive::Control;
use crate::distribution::debian;
use crate::model::Mode;

/// Any bytes as a record of the store.
pub(crate) fn record(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Segment>(bytes).map(|segment| segment.entries.len());
}

/// Any bytes as a script that may divert files.
pub(crate) fn diversions(bytes: &[u8]) {
    let files = BTreeMap::from([("preinst".to_owned(), (Mode::from_bits(0o755), bytes.to_vec()))]);
    let _ = debian::diversions(&Control { control: String::new(), files });
}
