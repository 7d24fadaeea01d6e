//! Any text as a release file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::distribution::debian::release::Release;

fuzz_target!(|text: &str| {
    let _ = Release::parse(text);
});
