//! Any bytes as a list of submodules.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::gitmodules(bytes));
