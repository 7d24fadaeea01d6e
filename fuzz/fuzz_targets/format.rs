//! Any text laid out: what is laid out once stays so, and says what it said before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::recipe;

fuzz_target!(|text: &str| {
    match recipe::format("fuzz.kdl", text) {
        Ok(once) => {
            let twice = recipe::format("fuzz.kdl", &once).unwrap_or_else(|mistakes| panic!("{mistakes}\n{once}"));
            assert_eq!(once, twice, "laid out twice");
        }
        // the formatter compares what both texts say, and calls a difference a bug
        Err(mistakes) => assert!(!mistakes.is_empty() && !mistakes.list.iter().any(|mistake| mistake.help.contains("bug"))),
    }
});
