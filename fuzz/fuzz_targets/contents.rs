//! Any bytes as a list of which package has which file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::contents(bytes));
