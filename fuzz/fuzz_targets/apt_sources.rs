//! Any bytes as the lists of archives of the host's apt.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::apt_sources(bytes));
