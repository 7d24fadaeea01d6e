//! Any bytes as what a registry answers to who has no token.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::registry(bytes));
