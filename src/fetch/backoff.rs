//! How long to wait before the next attempt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::config::Patience;

/// The pause after the attempt with this number, counted from zero: doubling, with the upper half left to chance so
/// that many clients do not come back at the same moment. Chance comes from a counter: what matters is that two pauses
/// differ, not that nobody can foresee them.
pub(super) fn pause(patience: &Patience, attempt: u32) -> Duration {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let full = patience.pause.saturating_mul(1 << attempt.min(16)).min(patience.longest_pause);
    let drawn = u64::from(std::process::id()) << 32 ^ DRAWN.fetch_add(1, Ordering::Relaxed);
    // SplitMix64's finaliser: neighbouring counts give unrelated values
    let mixed = (drawn ^ drawn >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 54; // ten bits
    let half = full / 2;
    half + half * u32::try_from(mixed).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_vary_and_are_bounded() {
        let patience = Patience { pause: Duration::from_millis(100), ..Patience::default() };
        let mut seen = std::collections::BTreeSet::new();
        for attempt in [0, 1, 2, 5, 40] {
            let full = Duration::from_millis(100 << attempt.min(16)).min(patience.longest_pause);
            for _ in 0..50 {
                let pause = pause(&patience, attempt);
                assert!(full / 2 <= pause && pause < full, "{attempt}: {pause:?}");
                seen.insert(pause);
            }
        }
        assert!(seen.len() > 100);
    }
}
