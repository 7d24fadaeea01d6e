//! Any text as a lock: what is accepted is in the one form that is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::lock;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = lock::parse_recipe(text) {
        assert_eq!(lock::parse_recipe(&lock::render_recipe(&parsed)).expect("was just written"), parsed);
    }
    if let Ok(parsed) = lock::parse_archives(text) {
        assert_eq!(lock::parse_archives(&lock::render_archives(&parsed)).expect("was just written"), parsed);
    }
});
