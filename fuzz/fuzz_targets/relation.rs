//! Any bytes as relations and versions.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::relation(bytes));
