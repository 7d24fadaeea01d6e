//! Any bytes as a file of logins.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::netrc(bytes));
