//! Any bytes as a package.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::archive::{ArchiveError, DebReader, Limits};

fn read(bytes: &[u8]) -> Result<(), ArchiveError> {
    let limits = Limits { entries: 1000, entry_size: 1 << 20, total_size: 4 << 20, extended: 64 << 10 };
    let mut deb = DebReader::open(bytes, limits)?;
    let mut data = deb.data()?;
    while data.next_entry()?.is_some() {}
    drop(data);
    deb.finish().map(drop)
}

fuzz_target!(|bytes: &[u8]| {
    let _ = read(bytes);
});
