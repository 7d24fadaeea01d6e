//! Runs a graph of tasks on a few threads: a task starts when all it needs are done; after a failure nothing new
//! starts, and what runs is waited for, so that nothing is left half done.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Runs `work` for every task of `tasks`, at most `workers` at a time, each after the tasks that `needs` names for it.
/// Needs outside of `tasks` count as done. Lower numbers go first among those that are ready.
///
/// # Errors
/// All failures, in the order of their tasks: steps that ran at the same time as the first one may fail too.
pub(super) fn run<E: Send>(
    tasks: &BTreeSet<usize>,
    needs: &(dyn Fn(usize) -> Vec<usize> + Sync),
    workers: usize,
    work: &(dyn Fn(usize) -> Result<(), E> + Sync),
) -> Result<(), Vec<E>> {
    let board = Board { state: Mutex::new(State::new(tasks, needs)), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                while let Some(task) = board.take() {
                    board.done(task, work(task));
                }
            });
        }
    });
    let state = board.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if state.failures.is_empty() {
        return Ok(());
    }
    let mut failures = state.failures;
    failures.sort_by_key(|(task, _)| *task);
    Err(failures.into_iter().map(|(_, error)| error).collect())
}

struct Board<E> {
    state: Mutex<State<E>>,
    changed: Condvar,
}

struct State<E> {
    ready: BTreeSet<usize>,
    waiting: Vec<(usize, BTreeSet<usize>)>,
    running: usize,
    failures: Vec<(usize, E)>,
}

impl<E> State<E> {
    fn new(tasks: &BTreeSet<usize>, needs: &dyn Fn(usize) -> Vec<usize>) -> Self {
        let mut state = Self { ready: BTreeSet::new(), waiting: Vec::new(), running: 0, failures: Vec::new() };
        for &task in tasks {
            let open: BTreeSet<_> = needs(task).into_iter().filter(|need| tasks.contains(need)).collect();
            if open.is_empty() {
                state.ready.insert(task);
            } else {
                state.waiting.push((task, open));
            }
        }
        state
    }
}

impl<E> Board<E> {
    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // a worker that panicked has left the state whole: it changes only under this lock, in `take` and `done`
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task; none when all is done or something failed.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if !state.failures.is_empty() {
                return None;
            }
            if let Some(task) = state.ready.pop_first() {
                state.running += 1;
                return Some(task);
            }
            if state.running == 0 {
                return None; // nothing is ready and nothing will be
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, task: usize, result: Result<(), E>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.running -= 1;
        match result {
            Ok(()) => {
                let ready = &mut state.ready;
                state.waiting.retain_mut(|(waiting, open)| {
                    open.remove(&task);
                    if open.is_empty() {
                        ready.insert(*waiting);
                    }
                    !open.is_empty()
                });
            }
            Err(error) => state.failures.push((task, error)),
        }
        drop(guard);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Each task needs those of its divisors that are smaller than it.
    fn divisors(task: usize) -> Vec<usize> {
        (1..task).filter(|other| task.is_multiple_of(*other)).collect()
    }

    #[test]
    fn a_task_runs_once_and_after_all_that_it_needs() {
        for workers in [1, 2, 7] {
            let tasks: BTreeSet<_> = (1..200).collect();
            let order = Mutex::new(Vec::new());
            let work = |task| {
                order.lock().expect("no panic").push(task);
                Ok::<(), ()>(())
            };
            run(&tasks, &divisors, workers, &work).expect("nothing fails");
            let order = order.into_inner().expect("no panic");
            assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), tasks);
            assert_eq!(order.len(), tasks.len());
        }
    }

    #[test]
    fn needs_come_first_even_when_they_are_slow() {
        let tasks: BTreeSet<_> = [1, 2].into();
        let first_done = AtomicUsize::new(0);
        let work = |task| {
            if task == 1 {
                std::thread::sleep(std::time::Duration::from_millis(20));
                first_done.store(1, Ordering::SeqCst);
                Ok(())
            } else if first_done.load(Ordering::SeqCst) == 1 {
                Ok(())
            } else {
                Err("the second ran first")
            }
        };
        assert_eq!(run(&tasks, &divisors, 4, &work), Ok(()));
    }

    #[test]
    fn after_a_failure_nothing_that_needs_it_runs() {
        let tasks: BTreeSet<_> = (1..50).collect();
        let ran = AtomicUsize::new(0);
        let work = |task| {
            ran.fetch_add(1, Ordering::SeqCst);
            if task == 1 { Err("no") } else { Ok(()) }
        };
        assert_eq!(run(&tasks, &divisors, 3, &work), Err(vec!["no"]));
        assert_eq!(ran.into_inner(), 1);
    }

    #[test]
    fn needs_that_are_no_tasks_count_as_done() {
        assert_eq!(run(&[6].into(), &divisors, 2, &|_| Ok::<(), ()>(())), Ok(()));
    }
}
