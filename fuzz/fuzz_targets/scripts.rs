//! Any bytes as a maintainer script.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::scripts(bytes));
