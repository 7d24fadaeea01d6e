//! Any bytes as a Dockerfile, an apko or a melange file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::import(bytes));
