//! Any bytes as a keyring, a clear-signed document and a signature.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orchestrate::fuzzed::inrelease(bytes));
