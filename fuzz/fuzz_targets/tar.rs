//! Any bytes as a tar archive.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::tar(bytes));
