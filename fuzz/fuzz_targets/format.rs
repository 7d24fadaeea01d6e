//! Any bytes as a recipe to lay out.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::format(bytes));
