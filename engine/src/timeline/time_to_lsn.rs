//! Maps a time to the LSN of the last record at that time, for the cutoff by age.
//!
//! It keeps a few samples, spread evenly over the horizon, and none across a restart: so a cutoff
//! found here is never too high, and it grows only after the timeline was open for the length of
//! the horizon.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::{Lsn, Time};

/// The number of parts of a horizon, each with one sample: a cutoff is late by one part at most.
const PART_COUNT: u32 = 32;

/// Samples of the last record's LSN over time, the oldest first.
pub(crate) struct TimeToLsn {
    horizon: Duration,
    samples: VecDeque<(Time, Lsn)>,
}

impl TimeToLsn {
    /// No samples from before `now`.
    pub(crate) fn new(horizon: Duration, now: Time, last_record_lsn: Lsn) -> TimeToLsn {
        TimeToLsn {
            horizon,
            samples: VecDeque::from([(now, last_record_lsn)]),
        }
    }

    /// Records that at `now` the last record was at `last_record_lsn`.
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
        // Of the samples that are older than the horizon, only the newest counts.
        while self
            .samples
            .get(1)
            .is_some_and(|(time, _)| self.horizon <= now.saturating_since(*time))
        {
            self.samples.pop_front();
        }
        if PART_COUNT as usize * 2 < self.samples.len() {
            // The clock may step back. A sample that is dropped makes the cutoff late, not wrong.
            self.samples.remove(1);
        }
        assert!(self.samples.len() <= PART_COUNT as usize * 2);
    }

    /// The last record's LSN in the newest sample that is older than the horizon, if there is one.
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
    fn the_cutoff_is_the_last_record_at_the_start_of_the_horizon() {
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(100), at(1000), Lsn(10));
        assert_eq!(time_to_lsn.cutoff(at(1099)), None);
        assert_eq!(time_to_lsn.cutoff(at(1100)), Some(Lsn(10)));
        time_to_lsn.note(at(1050), Lsn(20));
        time_to_lsn.note(at(1051), Lsn(21)); // Too close to the sample before.
        assert_eq!(time_to_lsn.cutoff(at(1149)), Some(Lsn(10)));
        assert_eq!(time_to_lsn.cutoff(at(1151)), Some(Lsn(20)));
        assert_eq!(time_to_lsn.cutoff(at(9999)), Some(Lsn(20)));
    }

    #[test]
    fn the_number_of_samples_is_bounded() {
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
