//! Any bytes as a program.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::archive::elf::facts;

fuzz_target!(|bytes: &[u8]| {
    let found = facts(bytes);
    let shifted = [&[0], bytes].concat();
    assert_eq!(facts(&shifted[1..]), found, "facts do not depend on where the bytes are");
});
