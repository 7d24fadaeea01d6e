//! Any bytes as an ar archive.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::ar(bytes));
