//! Any bytes as a package index (stanzas of deb822).
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::distribution::debian::index;

fuzz_target!(|bytes: &[u8]| {
    let _ = index::parse(bytes);
    let _ = index::parse_installed(bytes);
});
