//! Any bytes as the four account files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::accounts(bytes));
