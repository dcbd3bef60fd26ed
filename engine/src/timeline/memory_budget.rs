//! The memory that the timelines of an engine hold together, and which of them give some back.
//!
//! ```text
//!  a batch ─▶ Share::hold(len) ─▶ beyond the limit? the longest is called on, until the rest fits
//!                                     │
//!   its next batch, or its maintenance, which is woken ─▶ Share::must_yield ─▶ freeze ─▶ drop
//! ```
//!
//! 1. Each open layer has a share, from its creation until it is frozen. The budget never waits and
//!    never refuses: a timeline gives a share that was called on back as soon as it may.
//! 2. What jobs and scans hold of values is granted: half of what is free, as far as it is wanted,
//!    and a sixteenth of all or 1 MiB in any case, so that no job waits for another's memory. A job
//!    that gets less works in more passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::upkeep::{Lane, Upkeep};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The least that a job is granted, however little is free. Bytes.
const GRANT_LEN_MIN: u64 = 1 << 20;

/// The least is smaller where the budget is too small for so many.
const GRANT_COUNT: u64 = 16;

/// The bytes that an engine holds in memory, by share, and how many it may.
pub(crate) struct MemoryBudget {
    limit: u64,
    holdings: Mutex<Holdings>,
    work_limit: u64,
    /// The sum of all grants.
    granted: AtomicU64,
}

/// What a job may hold of values at once, until this is dropped.
pub(crate) struct Grant {
    budget: Arc<MemoryBudget>,
    len: u64,
}

#[derive(Default)]
struct Holdings {
    /// By the number of the share.
    each: BTreeMap<u64, Holding>,
    next: u64,
    /// The bytes of the shares that are not called on.
    uncalled: u64,
}

struct Holding {
    len: u64,
    is_called: bool,
    /// Woken when the share is called on.
    upkeep: Arc<Upkeep>,
}

/// A part of a budget, which is given back when this is dropped.
pub(crate) struct Share {
    budget: Arc<MemoryBudget>,
    number: u64,
}

impl MemoryBudget {
    /// A budget of so many bytes for open layers, and for the work of jobs and scans.
    pub(crate) fn new(limit: u64, work_limit: u64) -> MemoryBudget {
        MemoryBudget {
            limit,
            holdings: Mutex::default(),
            work_limit,
            granted: AtomicU64::new(0),
        }
    }

    /// Grants the memory for some work: what is wanted, if half of what is free is as much, and
    /// the least in any case.
    pub(crate) fn grant(self: &Arc<Self>, wanted: u64) -> Grant {
        let least = wanted.min(self.grant_len_min());
        let share = |granted: u64| {
            let free = self.work_limit.saturating_sub(granted);
            wanted.min((free / 2).max(least))
        };
        let add = |granted: u64| Some(granted + share(granted));
        let order = Ordering::Relaxed;
        let before = self.granted.fetch_update(order, order, add);
        let before = before.expect("an update is never refused");
        Grant {
            budget: self.clone(),
            len: share(before),
        }
    }

    /// What is granted in any case, if it is wanted.
    fn grant_len_min(&self) -> u64 {
        GRANT_LEN_MIN.min(self.work_limit / GRANT_COUNT)
    }

    /// What jobs and scans were granted together.
    pub(crate) fn granted_len(&self) -> u64 {
        self.granted.load(Ordering::Relaxed)
    }

    /// An empty share, of a timeline whose maintenance has this to wake it.
    pub(crate) fn share(self: &Arc<Self>, upkeep: Arc<Upkeep>) -> Share {
        let mut holdings = self.holdings();
        let number = holdings.next;
        holdings.next += 1;
        let holding = Holding {
            len: 0,
            is_called: false,
            upkeep,
        };
        holdings.each.insert(number, holding);
        drop(holdings);
        Share {
            budget: self.clone(),
            number,
        }
    }

    /// What all open layers hold together.
    pub(crate) fn held_len(&self) -> u64 {
        let holdings = self.holdings();
        holdings.each.values().map(|holding| holding.len).sum()
    }

    fn holdings(&self) -> MutexGuard<'_, Holdings> {
        // A share is dropped while a panic unwinds too, and nothing here is half done then.
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    /// Its bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.granted.fetch_sub(self.len, Ordering::Relaxed);
    }
}

impl Holdings {
    /// Calls on the longest share that is not called on, the oldest of several.
    fn call_on_longest(&mut self) {
        let uncalled = self.each.values_mut().filter(|it| !it.is_called);
        // The last of several equals is the greatest: they are looked at from the newest.
        let Some(longest) = uncalled.rev().max_by_key(|it| it.len) else {
            return;
        };
        longest.is_called = true;
        self.uncalled -= longest.len;
        longest.upkeep.wake(Lane::Flush);
    }
}

impl Share {
    /// Holds this many bytes from now on. Beyond the limit it calls on the longest shares, which
    /// may be this one, until the others fit.
    pub(crate) fn hold(&self, len: u64) {
        let mut holdings = self.budget.holdings();
        let holding = holdings.each.get_mut(&self.number);
        let holding = holding.expect("it is there until the share is dropped");
        let before = std::mem::replace(&mut holding.len, len);
        if holding.is_called {
            return;
        }
        holdings.uncalled = holdings.uncalled - before + len;
        while self.budget.limit < holdings.uncalled {
            holdings.call_on_longest();
        }
    }

    /// Whether this share is to be given back.
    pub(crate) fn must_yield(&self) -> bool {
        let holdings = self.budget.holdings();
        holdings.each[&self.number].is_called
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut holdings = self.budget.holdings();
        if let Some(gone) = holdings.each.remove(&self.number)
            && !gone.is_called
        {
            holdings.uncalled -= gone.len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares<const N: usize>(limit: u64) -> (Arc<MemoryBudget>, [Share; N]) {
        let budget = Arc::new(MemoryBudget::new(limit, 0));
        let shares = std::array::from_fn(|_| budget.share(Arc::default()));
        (budget, shares)
    }

    fn called(shares: &[Share]) -> Vec<bool> {
        shares.iter().map(Share::must_yield).collect()
    }

    #[test]
    fn the_longest_share_is_called_on_beyond_the_limit_alone() {
        let (_budget, shares) = shares::<3>(100);
        shares[0].hold(20);
        shares[1].hold(50);
        shares[2].hold(30);
        assert_eq!(called(&shares), [false, false, false]);
        shares[2].hold(31);
        assert_eq!(called(&shares), [false, true, false]);
        // What is called on does not count any more, however it grows.
        shares[1].hold(500);
        shares[0].hold(69);
        assert_eq!(called(&shares), [false, true, false]);
        shares[2].hold(32);
        assert_eq!(called(&shares), [true, true, false]);
    }

    #[test]
    fn of_equal_shares_the_oldest_is_called_on() {
        let (_budget, shares) = shares::<3>(100);
        shares.iter().for_each(|share| share.hold(40));
        assert_eq!(called(&shares), [true, false, false]);
    }

    #[test]
    fn a_share_that_is_dropped_makes_room() {
        let (budget, shares) = shares::<2>(100);
        let [first, second] = shares;
        first.hold(60);
        drop(first);
        second.hold(100);
        assert!(!second.must_yield());
        second.hold(101);
        assert!(second.must_yield());
        drop(second);
        let holdings = budget.holdings();
        assert_eq!((holdings.uncalled, holdings.each.len()), (0, 0));
    }

    #[test]
    fn maintenance_is_woken_when_its_share_is_called_on() {
        let budget = Arc::new(MemoryBudget::new(10, 0));
        let upkeep: Arc<Upkeep> = Arc::default();
        let woken = upkeep.listen(Lane::Flush);
        let (long, short) = (budget.share(upkeep), budget.share(Arc::default()));
        long.hold(10);
        short.hold(1);
        assert!(long.must_yield());
        crate::io::block_on(woken);
    }

    #[test]
    fn work_is_granted_half_of_what_is_free_and_never_waits() {
        let budget = Arc::new(MemoryBudget::new(0, 64 << 20));
        let grants = [100 << 20, 10 << 20, 1000, 100 << 20, 100 << 20].map(|it| budget.grant(it));
        let lens = grants.each_ref().map(Grant::len);
        let rest = (22 << 20) - 1000;
        assert_eq!(lens, [32 << 20, 10 << 20, 1000, rest / 2, rest / 4]);
        assert_eq!(budget.granted_len(), lens.iter().sum::<u64>());
        let more: Vec<Grant> = (0..10).map(|_| budget.grant(2 << 20)).collect();
        assert!(more.iter().all(|it| GRANT_LEN_MIN <= it.len()));
        assert!(budget.granted_len() <= (64 << 20) + 10 * GRANT_LEN_MIN);
        drop((grants, more));
        assert_eq!(budget.granted_len(), 0);
    }
}
