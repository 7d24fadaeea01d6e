//! Any bytes as an index of source packages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::sources(bytes));
