//! Any bytes as compressed data.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::pieces(bytes));
