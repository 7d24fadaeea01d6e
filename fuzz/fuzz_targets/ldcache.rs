//! Any bytes as the cache of the dynamic loader.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::ldcache(bytes));
