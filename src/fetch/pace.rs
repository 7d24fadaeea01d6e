//! How fast a transfer must be: who sends next to nothing would otherwise hold a build for as long as he likes.

use std::time::Duration;

use super::config::Patience;
use super::trouble::Trouble;

/// The pace of one transfer. Only the time counts in which we waited for bytes, not that in which we used them.
pub(super) struct Pace {
    least: u64,
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(patience: &Patience) -> Self {
        let (least, window) = (patience.least_rate, patience.rate_window);
        Self { least, window, waited: Duration::ZERO, bytes: 0 }
    }

    /// Counts bytes that came after waiting for so long. At the end of each window they must have been enough.
    pub(super) fn took(&mut self, waited: Duration, bytes: usize) -> Result<(), Trouble> {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return Ok(());
        }
        // a million bytes a second over weeks still fit
        if u128::from(self.bytes) * 1000 < u128::from(self.least) * self.waited.as_millis() {
            return Err(Trouble::Slow(format!("it sends fewer than {} bytes a second", self.least)));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_may_pause_but_not_crawl() {
        let patience = Patience { least_rate: 100, rate_window: Duration::from_secs(10), ..Patience::default() };
        let mut pace = Pace::new(&patience);
        assert!(pace.took(Duration::from_secs(9), 0).is_ok(), "the window is not over");
        assert!(pace.took(Duration::from_secs(1), 1000).is_ok(), "enough came in the end");
        assert!(pace.took(Duration::from_secs(5), 100_000).is_ok());
        assert!(pace.took(Duration::from_secs(5), 0).is_ok());
        // what came in earlier windows does not count
        for _ in 0..9 {
            assert!(pace.took(Duration::from_secs(1), 1).is_ok());
        }
        assert!(matches!(pace.took(Duration::from_secs(1), 1), Err(Trouble::Slow(_))));
    }
}
