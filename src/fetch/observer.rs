//! Who watches transfers.

/// Is told how transfers go. All methods do nothing unless written; they are called from whichever thread fetches.
pub trait FetchObserver: Sync {
    /// A transfer begins; `size` is in bytes, where it is known.
    fn started(&self, label: &str, size: Option<u64>) {
        let _ = (label, size);
    }

    /// So many bytes of it are there; fewer than before when it had to begin again.
    fn progress(&self, label: &str, bytes: u64) {
        let _ = (label, bytes);
    }

    /// A URL did not help, and another attempt follows.
    fn retried(&self, label: &str, url: &str, reason: &str) {
        let _ = (label, url, reason);
    }

    /// It ended, well or not.
    fn finished(&self, label: &str) {
        let _ = label;
    }
}

/// Nobody watches.
impl FetchObserver for () {}
