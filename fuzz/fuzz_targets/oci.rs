//! Any bytes as a manifest, an index and a configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::oci(bytes));
