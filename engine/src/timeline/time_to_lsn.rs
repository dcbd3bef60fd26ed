//! Which LSN was the last one when: what a horizon in time is found by.
//!
//! A few moments are remembered, evenly over the horizon, and none across a restart: so a cutoff
//! found here is never too high, and grows only after the timeline was open for that long.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::{Lsn, Time};

/// Into so many parts a horizon is divided: a cutoff is late by one of them at most.
const PART_COUNT: u32 = 32;

/// Moments, the oldest first, each with the last record's LSN then.
pub(crate) struct TimeToLsn {
    horizon: Duration,
    samples: VecDeque<(Time, Lsn)>,
}

impl TimeToLsn {
    /// Nothing is known from before `now`.
    pub(crate) fn new(horizon: Duration, now: Time, last_record_lsn: Lsn) -> TimeToLsn {
        TimeToLsn {
            horizon,
            samples: VecDeque::from([(now, last_record_lsn)]),
        }
    }

    /// Until `now`, nothing was later than `last_record_lsn`.
    pub(crate) fn note(&mut self, now: Time, last_record_lsn: Lsn) {
        assert!(
            self.samples
                .back()
                .is_some_and(|(_, lsn)| *lsn <= last_record_lsn),
            "law 4"
        );
        let newest = self.samples.back().map(|(time, _)| *time);
        let step = self.horizon / PART_COUNT;
        if newest.is_some_and(|newest| now.saturating_since(newest) <= step) {
            return;
        }
        self.samples.push_back((now, last_record_lsn));
        // Of those that are old enough, the newest is the one that counts.
        while self
            .samples
            .get(1)
            .is_some_and(|(time, _)| self.horizon <= now.saturating_since(*time))
        {
            self.samples.pop_front();
        }
        if PART_COUNT as usize * 2 < self.samples.len() {
            // The clock stepped to and fro: what is forgotten makes the cutoff late, not wrong.
            self.samples.remove(1);
        }
        assert!(self.samples.len() <= PART_COUNT as usize * 2);
    }

    /// The last record's LSN at the newest known moment that is old enough, if there is one.
    pub(crate) fn cutoff(&self, now: Time) -> Option<Lsn> {
        let is_old = |(time, _): &&(Time, Lsn)| self.horizon <= now.saturating_since(*time);
        self.samples.iter().rev().find(is_old).map(|(_, lsn)| *lsn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000_000)
    }

    #[test]
    fn cutoff_is_what_was_last_when_the_horizon_began() {
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(100), at(1000), Lsn(10));
        assert_eq!(time_to_lsn.cutoff(at(1099)), None);
        assert_eq!(time_to_lsn.cutoff(at(1100)), Some(Lsn(10)));
        time_to_lsn.note(at(1050), Lsn(20));
        time_to_lsn.note(at(1051), Lsn(21)); // Too near to the one before.
        assert_eq!(time_to_lsn.cutoff(at(1149)), Some(Lsn(10)));
        assert_eq!(time_to_lsn.cutoff(at(1151)), Some(Lsn(20)));
        assert_eq!(time_to_lsn.cutoff(at(9999)), Some(Lsn(20)));
    }

    #[test]
    fn few_moments_are_kept_however_long_it_goes() {
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(100), at(0), Lsn(0));
        for second in 1..100_000 {
            time_to_lsn.note(at(second), Lsn(second));
            assert!(time_to_lsn.samples.len() <= PART_COUNT as usize * 2);
            if let Some(cutoff) = time_to_lsn.cutoff(at(second)) {
                assert!(second <= cutoff.0 + 104);
                assert!(cutoff.0 + 100 <= second);
            }
        }
    }

    #[test]
    fn clock_that_steps_back_makes_the_cutoff_late_and_not_wrong() {
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(10), at(1000), Lsn(1));
        time_to_lsn.note(at(500), Lsn(2));
        assert_eq!(time_to_lsn.cutoff(at(505)), None);
        assert_eq!(time_to_lsn.cutoff(at(1010)), Some(Lsn(1)));
    }
}
