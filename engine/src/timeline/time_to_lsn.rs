//! Maps a time to the LSN of the last record at that time, for the cutoff by age.
//!
//! It keeps a few samples, spread evenly over the horizon; those that are durable stand in the
//! index, so that history grows old across restarts too. A cutoff found here is never too high, as
//! long as the clock does not step forward.

use std::collections::VecDeque;
use std::time::Duration;

use super::options::Options;
use crate::base::{Lsn, Time};
use crate::format::Index;

/// The number of parts of a horizon, each with one sample: a cutoff is late by one part at most.
const PART_COUNT: u32 = 32;
/// More samples than these are thinned out.
const SAMPLE_COUNT_MAX: usize = PART_COUNT as usize * 2;

/// Samples of the last record's LSN over time, the oldest first.
pub(crate) struct TimeToLsn {
    horizon: Duration,
    samples: VecDeque<(Time, Lsn)>,
}

impl TimeToLsn {
    /// The samples of earlier lives, in the order of LSNs, and one that is taken now, if the last
    /// one is not as good: lives that are ever so short use up no samples. A sample of the future
    /// is dropped: the clock has stepped back, and nothing would be sampled up to then.
    pub(crate) fn new(
        horizon: Duration,
        earlier: &[(Time, Lsn)],
        (now, last_record_lsn): (Time, Lsn),
    ) -> TimeToLsn {
        let earlier = earlier.iter().copied();
        let mut earlier = earlier.filter(|(time, lsn)| *time <= now && *lsn <= last_record_lsn);
        let now = (now, last_record_lsn);
        let mut time_to_lsn = TimeToLsn {
            horizon,
            samples: VecDeque::from([earlier.next().unwrap_or(now)]),
        };
        for (time, lsn) in earlier.chain([now]) {
            time_to_lsn.note(time, lsn);
        }
        time_to_lsn
    }

    /// The samples for the cutoff and for the age of images.
    pub(crate) fn both(
        options: &Options,
        earlier: &[(Time, Lsn)],
        now: (Time, Lsn),
    ) -> [TimeToLsn; 2] {
        let image_age = options.image_age_max.unwrap_or_default();
        [options.gc_age, image_age].map(|horizon| TimeToLsn::new(horizon, earlier, now))
    }

    /// What an index keeps that is written at an opening: what it had, and the present time.
    pub(crate) fn at_open(options: &Options, index: &Index, now: Time) -> Vec<(Time, Lsn)> {
        let lsn = index.disk_consistent_lsn;
        let [times, image_times] = TimeToLsn::both(options, &index.times, (now, lsn));
        TimeToLsn::to_keep([&times, &image_times], lsn)
    }

    /// What an index keeps of both, up to an LSN: the samples of each for which age counts.
    pub(crate) fn to_keep(both: [&TimeToLsn; 2], lsn: Lsn) -> Vec<(Time, Lsn)> {
        let counting = both.into_iter().filter(|times| !times.horizon.is_zero());
        let mut kept: Vec<(Time, Lsn)> = counting.flat_map(|times| times.up_to(lsn)).collect();
        kept.sort_by_key(|(time, lsn)| (*lsn, *time));
        kept.dedup();
        kept
    }

    /// The samples up to an LSN, in the order of LSNs: what is true of them after a crash as well.
    fn up_to(&self, lsn: Lsn) -> Vec<(Time, Lsn)> {
        let samples = self.samples.iter().copied();
        samples.filter(|(_, last)| *last <= lsn).collect()
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
        if SAMPLE_COUNT_MAX < self.samples.len() {
            // The clock may step back. A sample that is dropped makes the cutoff late, not wrong.
            self.samples.remove(1);
        }
        assert!(self.samples.len() <= SAMPLE_COUNT_MAX);
    }

    /// When the next sample is to be taken, or one that was taken comes of age: until then the
    /// cutoff stays, if no record is put.
    pub(crate) fn next_change(&self, now: Time, last_record_lsn: Lsn) -> Option<Time> {
        let (newest, lsn) = self.samples.back()?;
        let step = (self.horizon / PART_COUNT).saturating_add(Duration::from_nanos(1));
        let is_due = *lsn < last_record_lsn;
        let sample = is_due.then(|| newest.saturating_add(step));
        let cutoff = self.cutoff(now);
        let mut ahead = self.samples.iter();
        let of_age = ahead.find(|(_, lsn)| cutoff.is_none_or(|cutoff| cutoff < *lsn));
        let of_age = of_age.map(|(time, _)| time.saturating_add(self.horizon));
        sample.into_iter().chain(of_age).min()
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
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(100), &[], (at(1000), Lsn(10)));
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
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(100), &[], (at(0), Lsn(0)));
        for second in 1..100_000 {
            time_to_lsn.note(at(second), Lsn(second));
            assert!(time_to_lsn.samples.len() <= SAMPLE_COUNT_MAX);
            if let Some(cutoff) = time_to_lsn.cutoff(at(second)) {
                assert!(second <= cutoff.0 + 104);
                assert!(cutoff.0 + 100 <= second);
            }
        }
    }

    #[test]
    fn history_grows_old_across_restarts() {
        let horizon = Duration::from_secs(100);
        let mut first = TimeToLsn::new(horizon, &[], (at(1000), Lsn(10)));
        first.note(at(1050), Lsn(20));
        first.note(at(1080), Lsn(30));
        // LSN 30 was not durable.
        let earlier = first.up_to(Lsn(25));
        let second = TimeToLsn::new(horizon, &earlier, (at(1090), Lsn(25)));
        let cutoffs = [1099, 1100, 1149, 1150, 1189, 1190].map(|time| second.cutoff(at(time)));
        let lsn = |lsn| Some(Lsn(lsn));
        assert_eq!(cutoffs, [None, lsn(10), lsn(10), lsn(20), lsn(20), lsn(25)]);
    }

    #[test]
    fn history_grows_old_in_lives_that_are_ever_so_short() {
        let mut kept = Vec::new();
        for second in 1..1000 {
            let now = (at(second), Lsn(second));
            let times = TimeToLsn::new(Duration::from_secs(100), &kept, now);
            kept = times.up_to(Lsn(second));
            let cutoff = times.cutoff(at(second)).map_or(0, |lsn| lsn.0);
            assert!(second <= cutoff + 105, "{cutoff} at {second}");
        }
    }

    #[test]
    fn no_number_of_earlier_samples_is_too_large() {
        let earlier: Vec<_> = (0..1000).map(|lsn| (at(lsn), Lsn(lsn))).collect();
        let horizon = Duration::from_secs(100);
        let mut time_to_lsn = TimeToLsn::new(horizon, &earlier, (at(700), Lsn(900)));
        assert!(time_to_lsn.samples.len() <= SAMPLE_COUNT_MAX);
        assert_eq!(time_to_lsn.samples.back(), Some(&(at(700), Lsn(700))));
        assert_eq!(time_to_lsn.cutoff(at(800)), Some(Lsn(700)));
        time_to_lsn.note(at(900), Lsn(901));
        assert_eq!(time_to_lsn.cutoff(at(900)), Some(Lsn(700)));
    }

    #[test]
    fn an_index_keeps_what_either_horizon_needs() {
        let (short, long) = (Duration::from_secs(10), Duration::from_secs(3200));
        let first = (at(0), Lsn(0));
        let mut both = [short, long].map(|horizon| TimeToLsn::new(horizon, &[], first));
        for second in 1..1000 {
            both.iter_mut()
                .for_each(|times| times.note(at(second), Lsn(second)));
        }
        let kept = TimeToLsn::to_keep([&both[0], &both[1]], Lsn(900));
        let again =
            [short, long].map(|horizon| TimeToLsn::new(horizon, &kept, (at(1001), Lsn(900))));
        assert_eq!(again[0].cutoff(at(1012)), Some(Lsn(900)));
        assert_eq!(again[1].cutoff(at(3210)), Some(Lsn(0)));
        let middle = again[1].cutoff(at(3700)).unwrap();
        assert!((400..=500).contains(&middle.0), "{middle}");
    }

    #[test]
    fn clock_that_steps_back_makes_the_cutoff_late_and_not_wrong() {
        let mut time_to_lsn = TimeToLsn::new(Duration::from_secs(10), &[], (at(1000), Lsn(1)));
        time_to_lsn.note(at(500), Lsn(2));
        assert_eq!(time_to_lsn.cutoff(at(505)), None);
        assert_eq!(time_to_lsn.cutoff(at(1010)), Some(Lsn(1)));
    }
}
