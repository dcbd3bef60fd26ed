//! What was the last record when: how far age lets a collection go.

use std::collections::VecDeque;
use std::time::Duration;

use palimpsest::base::{Lsn, Time};

/// How far a collection may go, and when.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// So far below the last record.
    pub distance: u64,
    /// Not above what was the last record so long ago; zero if age does not count.
    pub age: Duration,
    /// The time.
    pub now: Time,
}

/// When the last record may have become the last one, since the engine was opened.
///
/// # Shape
/// Nothing if that is not known: then age sets no bound. Both of a moment grow.
#[derive(Clone, Debug, Default)]
pub struct AgeSamples {
    moments: Option<VecDeque<(Time, Lsn)>>,
}

impl AgeSamples {
    /// Everything up to `last` may have been there when the engine was opened, and no earlier:
    /// nothing is remembered across that. Nothing is known if nobody knows when that was.
    pub fn begin(&mut self, opened: Option<Time>, last: Lsn) {
        self.moments = opened.map(|opened| VecDeque::from([(opened, last)]));
    }

    /// From now on `last` may be the last record.
    pub fn note(&mut self, horizon: &Horizon, last: Lsn) {
        let Some(moments) = self.moments.as_mut().filter(|_| !horizon.age.is_zero()) else {
            return;
        };
        let before = moments.back().map_or(last, |(_, before)| *before);
        moments.push_back((horizon.now, last.max(before)));
        // Of those that are old enough, the newest is the one that counts.
        while moments.get(1).is_some_and(|(at, _)| horizon.is_old(*at)) {
            moments.pop_front();
        }
    }

    /// The clock was set: nobody knows any more how old anything is.
    pub fn forget(&mut self) {
        self.moments = None;
    }

    /// The highest LSN that is old enough.
    pub fn highest(&self, horizon: &Horizon) -> Lsn {
        let Some(moments) = self.moments.as_ref().filter(|_| !horizon.age.is_zero()) else {
            return Lsn::MAX;
        };
        let old = moments.partition_point(|(at, _)| horizon.is_old(*at));
        let newest = old.checked_sub(1).and_then(|newest| moments.get(newest));
        newest.map_or(Lsn::ZERO, |(_, lsn)| *lsn)
    }
}

impl Horizon {
    fn is_old(&self, at: Time) -> bool {
        self.age <= self.now.saturating_since(at)
    }
}
