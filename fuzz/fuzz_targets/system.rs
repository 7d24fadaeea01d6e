//! Any bytes as what packages say about how they are configured.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::system(bytes));
