//! Checks that reads answer what is true.
//!
//! * Verified: at points of key × LSN × timeline, one by one and many at once, a legal read gives
//!   value of the model, and an illegal one is refused as too early or too late. The points are
//!   those where something changes, the LSNs right before them, and the LSNs at which reads begin
//!   or cease to be legal: between two of them no answer can change.
//! * Not verified: reads that race with other tasks (see [`racing`](super::racing)), and what a
//!   read costs (see [`visits`](super::visits)).
//! * An error is passed over if it names a file that the device has made wrong, or if the timeline
//!   is being shut down: there is no answer to compare.
//!
//! Its state is the count of compared answers. Samples begin at a point drawn from it, so that a
//! run covers all points.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use palimpsest::base::{Key, Lsn, ShardIdentity};
use palimpsest::{Error, Timeline};

use super::{Describe, Finding, Response, Sight, foreign, response_many, response_one, values};
use crate::dice::mix;
use crate::keys;
use crate::label::TimelineLabel;
use crate::model::{Answer, History};
use crate::oracle::{self, Allowed};
use crate::plan::{KeyIndex, Look};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Some keys are read together after one in this many operations.
const KEYS_ONE_IN: u64 = 8;

/// How many keys are read together.
const KEYS_AT_ONCE: u16 = 6;

/// How many points a sample has, about; all keys at the LSNs that matter most are added.
const SAMPLE_LEN: usize = 16;

/// How many of the LSNs right before points a sample has.
const BEFORE_LEN: usize = 12;

/// How many points a full check reads one by one at most.
const FULL_LEN: usize = 256;

/// How many LSNs `look all` reads at most after an operation, beside those of refusals.
const LSNS_LOOKED_AT: usize = 64;

/// How many keys it reads at most at each of these LSNs.
const KEYS_LOOKED_AT: usize = 16;

/// How many points are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Evenly spaced points, other ones each time.
    Sample,
    /// All points.
    Full,
}

/// Compares answers of the engine with the model.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    compared: u64,
}

/// At most `count` of the items, evenly spaced.
fn apart<T>(all: impl ExactSizeIterator<Item = T>, count: usize) -> impl Iterator<Item = T> {
    let stride = all.len().div_ceil(count).max(1);
    all.step_by(stride)
}

impl Answers {
    /// How many answers were compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// Counts an answer that was compared.
    pub fn count(&mut self) {
        self.compared += 1;
    }

    /// Carries out a read at once, past scheduler and faults.
    ///
    /// # Panics
    /// If the read waits for something other than I/O, which never waits here.
    pub fn at_once<T>(&mut self, sight: &Sight, read: Pin<&mut impl Future<Output = T>>) -> T {
        let polled = sight.world.poll_directly(read);
        self.count();
        match polled {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("a read past the scheduler waits for something other than I/O"),
        }
    }

    /// What a read returns now.
    pub fn peek(
        &mut self,
        sight: &Sight,
        timeline: &Timeline<SimIo>,
        key: Key,
        lsn: Lsn,
    ) -> Response<Answer> {
        response_one(self.at_once(sight, pin!(timeline.get(key, lsn))))
    }

    /// What a timeline returns for the lowest key at its start: shows whether it is open.
    pub fn at_start(
        &mut self,
        sight: &Sight,
        timeline: &Timeline<SimIo>,
    ) -> palimpsest::Result<Option<Vec<u8>>> {
        // Every shard holds the lowest key.
        let key = Key::MIN;
        self.at_once(sight, pin!(timeline.get(key, Lsn::ZERO)))
    }

    /// Reads one key and compares the answer.
    fn check_point(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        (key, lsn): (Key, Lsn),
    ) -> Result<(), Finding> {
        let asked = || format!("get {label} {key} at {lsn}");
        let shard = ShardIdentity::from(sight.knobs.shard);
        if !shard.holds(key) {
            let found = self.at_once(sight, pin!(sight.open[&label].get(key, lsn)));
            return Ok(foreign::check(shard, key, asked(), found)?);
        }
        let ask = |history: &History| history.answer(key, lsn);
        let allowed = oracle::view(sight.expectations, (label, lsn), ask).now();
        let response = self.peek(sight, &sight.open[&label], key, lsn);
        let held = hold(sight, (label, &response), asked, &allowed);
        held.map_err(|verdict| Finding::from(verdict).at(label, key, lsn))
    }

    /// Reads some keys together and compares all answers.
    fn check_keys(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        (keys, lsn): (&[Key], Lsn),
    ) -> Result<(), Finding> {
        let ask = |history: &History| values(history, keys, lsn);
        let allowed = oracle::view(sight.expectations, (label, lsn), ask).now();
        let count = keys.len();
        let asked = || format!("get {count} keys of {label} at {lsn}");
        let space = keys::space(keys);
        let read = pin!(sight.open[&label].get_vectored(&space, lsn));
        let response = response_many(self.at_once(sight, read));
        let held = hold(sight, (label, &response), asked, &allowed);
        held.map_err(|verdict| {
            let finding = Finding::from(verdict);
            match response.culprit(&allowed).or(keys.first().copied()) {
                Some(key) => finding.at(label, key, lsn),
                None => finding,
            }
        })
    }

    /// Checks open timelines after an operation, at as many points as the knob `look` says: more on
    /// the timeline that it touched than on the others.
    pub fn check_after(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        (draw, is_touched): (u64, bool),
    ) -> Result<(), Finding> {
        match sight.knobs.look {
            Look::Nothing => Ok(()),
            Look::Sample if is_touched => self.check_drawn(sight, label, draw),
            Look::Sample => self.check_one_drawn(sight, label, draw),
            Look::All => self.check_all(sight, label),
        }
    }

    /// Reads a key at the end, right before it, and where refusals begin or end.
    fn check_drawn(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        draw: u64,
    ) -> Result<(), Finding> {
        let [last, older, edge] = drawn_lsns(sight, label, draw);
        let knobs = sight.knobs;
        for (at, lsn) in (2..).zip([last, older, edge]) {
            let number = mix(draw ^ at) % u64::from(knobs.key_count);
            let key = keys::key(knobs, KeyIndex(number as u16));
            self.check_point(sight, label, (key, lsn))?;
        }
        if mix(draw ^ 5).is_multiple_of(KEYS_ONE_IN) {
            let number = mix(draw ^ 6) % u64::from(knobs.key_count);
            let count = knobs.key_count.min(KEYS_AT_ONCE);
            let keys = keys::some(knobs, (KeyIndex(number as u16), count));
            let lsn = [last, edge][(draw % 2) as usize];
            self.check_keys(sight, label, (&keys, lsn))?;
        }
        Ok(())
    }

    /// Reads a key at one of these LSNs.
    fn check_one_drawn(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        draw: u64,
    ) -> Result<(), Finding> {
        let lsns = drawn_lsns(sight, label, draw);
        let number = mix(draw ^ 7) % u64::from(sight.knobs.key_count);
        let key = keys::key(sight.knobs, KeyIndex(number as u16));
        let lsn = lsns[(mix(draw ^ 8) % 3) as usize];
        self.check_point(sight, label, (key, lsn))
    }

    /// Reads every key at every LSN at which something changes or refusals begin or end: one by
    /// one, all together, and all but each. Where there are very many, it takes evenly spaced ones.
    fn check_all(&mut self, sight: &Sight, label: TimelineLabel) -> Result<(), Finding> {
        let (points, matter) = points(sight, label);
        let last = matter[0];
        let changes = BTreeSet::from_iter(points.into_iter().map(|(_, lsn)| lsn));
        let mut lsns = BTreeSet::from_iter(apart(changes.into_iter(), LSNS_LOOKED_AT));
        lsns.extend(edges(sight, label));
        lsns.extend(matter);
        lsns.extend([keys::shifted(last, -1), last, keys::shifted(last, 1)]);
        let keys = keys::all(sight.knobs);
        let some = Vec::from_iter(apart(keys.iter().copied(), KEYS_LOOKED_AT));
        for lsn in lsns {
            for key in &some {
                self.check_point(sight, label, (*key, lsn))?;
            }
            self.check_keys(sight, label, (&some, lsn))?;
        }
        for without in 0..some.len() {
            let mut fewer = some.clone();
            fewer.remove(without);
            self.check_keys(sight, label, (&fewer, last))?;
        }
        self.check_keys(sight, label, (&keys, last))
    }

    /// Reads an open timeline at the points at which something changes, one by one: all of them
    /// unless there are very many, or a sample. Then at the LSNs right before a sample of them; all
    /// keys together at the end, at the cutoff and at each retained point; and beyond the end.
    pub fn check_points(
        &mut self,
        sight: &Sight,
        label: TimelineLabel,
        depth: Depth,
    ) -> Result<(), Finding> {
        let (points, lsns) = points(sight, label);
        let knobs = sight.knobs;
        let stride = |count: usize| points.len().div_ceil(count).max(1);
        let stride_at = match (depth, knobs.look) {
            (_, Look::All) => 1,
            (Depth::Full, Look::Nothing | Look::Sample) => stride(FULL_LEN),
            (Depth::Sample, Look::Nothing | Look::Sample) => stride(SAMPLE_LEN),
        };
        let salt = match knobs.look {
            Look::All => points.len() as u64,
            Look::Nothing | Look::Sample => self.compared,
        };
        let first = |stride: usize| (mix(salt ^ knobs.seed) % stride as u64) as usize;
        for point in points.iter().skip(first(stride_at)).step_by(stride_at) {
            self.check_point(sight, label, *point)?;
        }
        let stride_before = stride(BEFORE_LEN);
        let before = points.iter().skip(first(stride_before));
        for &(key, lsn) in before.step_by(stride_before) {
            self.check_point(sight, label, (key, keys::shifted(lsn, -1)))?;
        }
        let keys = keys::all(knobs);
        for lsn in &lsns {
            self.check_keys(sight, label, (&keys, *lsn))?;
        }
        let first_key = keys::key(knobs, KeyIndex(0));
        self.check_point(sight, label, (first_key, keys::shifted(lsns[0], 1)))
    }
}

/// Compares a response with what is allowed, unless its error names a wrong file or the timeline is
/// being shut down.
fn hold<T: Describe + PartialEq>(
    sight: &Sight,
    (label, response): (TimelineLabel, &Response<T>),
    asked: impl FnOnce() -> String,
    allowed: &Allowed<T>,
) -> Result<(), Verdict> {
    match response {
        Response::Error(error) if sight.judge.is_rot(error) => Ok(()),
        Response::Error(Error::Closed) if sight.judge.is_shutting_down(label) => Ok(()),
        _ => response.judge(asked, allowed),
    }
}

/// The last LSN, one before it, and one where refusals begin or end.
fn drawn_lsns(sight: &Sight, label: TimelineLabel, draw: u64) -> [Lsn; 3] {
    let last = sight.expectations[&label].last;
    let older = Lsn(last.0.saturating_sub(mix(draw) % 256));
    let edges = edges(sight, label);
    let edge = edges[(mix(draw ^ 1) % edges.len() as u64) as usize];
    [last, older, edge]
}

/// The LSNs of a timeline at which reads begin or cease to be legal.
fn edges(sight: &Sight, label: TimelineLabel) -> Vec<Lsn> {
    let expected = &sight.expectations[&label];
    let cutoff = expected.cutoff.seen();
    let retained = oracle::retained(sight.expectations, label).all();
    let here = expected.ancestor.into_iter().flat_map(|(on, at)| {
        let below = sight.expectations.get(&on);
        [at, below.map_or(at, |below| below.cutoff.seen())]
    });
    let points = [cutoff].into_iter().chain(retained).chain(here);
    points
        .flat_map(|lsn| [keys::shifted(lsn, -1), lsn, keys::shifted(lsn, 1)])
        .collect()
}

/// The points at which something changes on a timeline; and the LSNs at which every key is read:
/// that of the last record first, then the cutoff and the retained ones.
pub(super) fn points(sight: &Sight, label: TimelineLabel) -> (Vec<(Key, Lsn)>, Vec<Lsn>) {
    let expected = &sight.expectations[&label];
    let points = expected.history.points().collect();
    let cutoff = Some(expected.cutoff.seen()).filter(|cutoff| *cutoff != Lsn::ZERO);
    let retained = oracle::retained(sight.expectations, label).surely;
    let mut lsns = vec![expected.last];
    lsns.extend(cutoff);
    lsns.extend(retained);
    (points, lsns)
}
