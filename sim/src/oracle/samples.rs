//! Samples of the last LSN over time: how far age lets a collection go.

use std::collections::VecDeque;
use std::time::Duration;

use palimpsest::base::{Lsn, Time};

/// How far a collection may go at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// How far below the last record.
    pub distance: u64,
    /// Up to what was the last record this long ago; zero if age does not count.
    pub age: Duration,
    /// The present time.
    pub now: Time,
}

/// Samples of when an LSN may have become the last one, since the engine was opened.
///
/// # Shape
/// `None` if that is not known: then age sets no bound. Times and LSNs of the samples grow.
#[derive(Clone, Debug, Default)]
pub struct AgeSamples {
    samples: Option<VecDeque<(Time, Lsn)>>,
}

impl AgeSamples {
    /// Starts over: all up to `last` counts as old as the open of the engine, which has no earlier
    /// samples. `opened` is `None` if the clock was set since: then no age is known.
    pub fn begin(&mut self, opened: Option<Time>, last: Lsn) {
        self.samples = opened.map(|opened| VecDeque::from([(opened, last)]));
    }

    /// Notes that `last` may now be the last record.
    pub fn note(&mut self, horizon: &Horizon, last: Lsn) {
        let Some(samples) = self.samples.as_mut().filter(|_| !horizon.age.is_zero()) else {
            return;
        };
        let before = samples.back().map_or(last, |(_, before)| *before);
        samples.push_back((horizon.now, last.max(before)));
        // Of the samples that are old enough, only the newest counts.
        while samples.get(1).is_some_and(|(at, _)| horizon.is_old(*at)) {
            samples.pop_front();
        }
    }

    /// The clock was set: no age is known any more.
    pub fn forget(&mut self) {
        self.samples = None;
    }

    /// The highest LSN that is old enough.
    pub fn highest(&self, horizon: &Horizon) -> Lsn {
        let Some(samples) = self.samples.as_ref().filter(|_| !horizon.age.is_zero()) else {
            return Lsn::MAX;
        };
        let old = samples.partition_point(|(at, _)| horizon.is_old(*at));
        let newest = old.checked_sub(1).and_then(|newest| samples.get(newest));
        newest.map_or(Lsn::ZERO, |(_, lsn)| *lsn)
    }
}

impl Horizon {
    fn is_old(&self, at: Time) -> bool {
        self.age <= self.now.saturating_since(at)
    }
}
