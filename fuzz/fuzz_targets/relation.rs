//! Any text as relations between packages, and any versions: their order is one.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use orchestrate::distribution::debian::{relation, version};

fuzz_target!(|text: &str| {
    let _ = relation::parse(text);
    let _ = relation::parse_flat(text);
    let mut words = text.split(' ');
    if let (Some(a), Some(b), Some(c)) = (words.next(), words.next(), words.next()) {
        assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
        assert_eq!(version::compare(a, a), Ordering::Equal);
        if version::compare(a, b).is_le() && version::compare(b, c).is_le() {
            assert!(version::compare(a, c).is_le(), "{a} <= {b} <= {c}");
        }
    }
});
