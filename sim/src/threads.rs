//! Runs work on several threads, outside of any run.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own"
)]

use std::sync::atomic::{AtomicU64, Ordering};

/// Runs the work on `thread_count` threads concurrently, each with a stack of `stack_len` bytes.
/// The calling thread is one of them.
pub fn side_by_side(thread_count: u64, stack_len: usize, work: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..thread_count {
            let thread = std::thread::Builder::new().stack_size(stack_len);
            // If a thread cannot be started, the other threads do its work.
            let _ = thread.spawn_scoped(scope, work);
        }
        work();
    });
}

/// A counter that several threads share: each number is taken once.
pub struct Numbers {
    next: AtomicU64,
    end: u64,
}

impl Numbers {
    /// The numbers from `start` up to but not including `end`.
    pub fn new(start: u64, end: u64) -> Numbers {
        Numbers {
            next: AtomicU64::new(start),
            end,
        }
    }

    /// The next number, if there is one.
    pub fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.end).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once() {
        let (numbers, sum) = (Numbers::new(3, 103), AtomicU64::new(0));
        side_by_side(4, 1 << 20, &|| {
            while let Some(number) = numbers.take() {
                sum.fetch_add(number, Ordering::Relaxed);
            }
        });
        assert_eq!(sum.into_inner(), (3..103).sum::<u64>());
    }
}
