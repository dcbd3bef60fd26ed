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

/// More samples than these are thinned out, so that a long life takes little memory.
const SAMPLE_COUNT_MAX: usize = 4096;

/// Samples of when an LSN may have become the last one, in all lives.
///
/// # Shape
/// Times and LSNs of the samples grow.
#[derive(Clone, Debug, Default)]
pub enum AgeSamples {
    /// The timeline was not opened yet.
    #[default]
    None,
    /// It was, with these.
    Known(VecDeque<(Time, Lsn)>),
    /// The clock was set while it was there: no age is known any more, and none sets a bound.
    Unknown,
}

impl AgeSamples {
    /// Goes on at an opening, at which `last` is the last record: what was above it is lost.
    /// `opened` is `None` if the clock was set since.
    pub fn begin(&mut self, opened: Option<Time>, last: Lsn) {
        let Some(opened) = opened else {
            *self = AgeSamples::Unknown;
            return;
        };
        match self {
            AgeSamples::None => *self = AgeSamples::Known(VecDeque::from([(opened, last)])),
            AgeSamples::Known(samples) => {
                samples
                    .iter_mut()
                    .for_each(|(_, lsn)| *lsn = last.min(*lsn));
                samples.push_back((opened, last));
            }
            AgeSamples::Unknown => {}
        }
    }

    /// Notes an opening that may not come to its end: the index that it has written may have a
    /// sample of it all the same.
    pub fn attempt(&mut self, opened: Option<Time>, last: Lsn) {
        match (&mut *self, opened) {
            (AgeSamples::None, _) => self.begin(opened, last),
            (AgeSamples::Known(samples), Some(opened)) => {
                let before = samples.back().copied();
                let (time, lsn) = before.unwrap_or((opened, last));
                samples.push_back((opened.max(time), last.max(lsn)));
            }
            (AgeSamples::Known(_), None) => *self = AgeSamples::Unknown,
            (AgeSamples::Unknown, _) => {}
        }
    }

    /// Notes that `last` may now be the last record.
    pub fn note(&mut self, horizon: &Horizon, last: Lsn) {
        let AgeSamples::Known(samples) = self else {
            return;
        };
        let before = samples.back().map_or(last, |(_, before)| *before);
        samples.push_back((horizon.now, last.max(before)));
        if SAMPLE_COUNT_MAX < samples.len() {
            // Of two that are neighbours, the earlier time and the higher LSN: not too low a bound.
            let thinned = samples.iter().step_by(2).map(|(time, _)| *time);
            let highest = samples.iter().skip(1).step_by(2).map(|(_, lsn)| *lsn);
            let rest = highest.chain(samples.back().map(|(_, lsn)| *lsn));
            *samples = thinned.zip(rest).collect();
        }
    }

    /// The clock was set: no age is known any more.
    pub fn forget(&mut self) {
        *self = AgeSamples::Unknown;
    }

    /// The highest LSN that is old enough.
    pub fn highest(&self, horizon: &Horizon) -> Lsn {
        let AgeSamples::Known(samples) = self else {
            return Lsn::MAX;
        };
        if horizon.age.is_zero() {
            return Lsn::MAX;
        }
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
