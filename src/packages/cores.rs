//! Work on many packages at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::PackagesError;

/// Does `work` for the numbers in `order` on as many threads as there are cores; results come in the order of numbers.
///
/// These are threads of its own and not of rayon's pool: a thread of the pool that waits for compressed blocks would
/// begin another package meanwhile, and so on, and each holds the memory of a decompressor.
pub(super) fn on_all_cores<T: Send>(
    order: &[usize],
    count: usize,
    work: impl Fn(usize) -> Result<T, PackagesError> + Sync,
) -> Result<Vec<T>, PackagesError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<T, PackagesError>>>> = Mutex::new((0..count).map(|_| None).collect());
    let run = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(index);
            results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(count) {
            scope.spawn(run);
        }
        run();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect() // the first error by number, whichever came first in time
}
