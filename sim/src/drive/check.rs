//! Looking: reads of the oracle's own, which no fault touches and nobody comes between.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use palimpsest::Timeline;
use palimpsest::base::{Key, Lsn};

use super::Driver;
use super::read::key_space;
use super::said::{Said, said_many, said_one, values};
use crate::dice::mix;
use crate::keys;
use crate::model::{Answer, History};
use crate::oracle::{self, Settled, with};
use crate::plan::{KeyIndex, Letter, Look};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// After one in so many operations some keys are read at once.
const KEYS_ONE_IN: u64 = 8;

/// So many of them.
const KEYS_AT_ONCE: u16 = 6;

/// How many points a sample has, about.
const SAMPLE_LEN: usize = 24;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Points evenly apart, other ones each time.
    Sample,
    /// Everything.
    Full,
}

/// Where everything is looked at, it is at so many LSNs at most, beside those of refusals.
const LSNS_LOOKED_AT: usize = 64;

/// And at so many keys.
const KEYS_LOOKED_AT: usize = 16;

/// At most so many of them, evenly apart.
fn apart<T>(all: impl ExactSizeIterator<Item = T>, count: usize) -> impl Iterator<Item = T> {
    let stride = all.len().div_ceil(count).max(1);
    all.step_by(stride)
}

impl Driver {
    /// Carries out a read past the gate, at once.
    pub(super) fn at_once<T>(&self, read: impl Future<Output = T>) -> T {
        self.world.set_direct(true);
        let read = pin!(read);
        let polled = read.poll(&mut Context::from_waker(Waker::noop()));
        self.world.set_direct(false);
        self.session().tally.answers += 1;
        match polled {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("a read waits for something that is no I/O"),
        }
    }

    fn peek(&self, timeline: &Timeline<SimIo>, key: Key, lsn: Lsn) -> Said<Answer> {
        said_one(self.at_once(timeline.get(key, lsn)))
    }

    fn check_point(
        &self,
        (letter, timeline): (Letter, &Timeline<SimIo>),
        key: Key,
        lsn: Lsn,
    ) -> Result<(), Verdict> {
        let ask = |history: &History| history.answer(key, lsn);
        let allowed = oracle::view(&self.session().truths, (letter, lsn), ask).now();
        let asked = || format!("get {} {key} at {lsn}", char::from(letter.0));
        let said = self.peek(timeline, key, lsn);
        said.judge(asked, &allowed)
    }

    /// Reads some keys at once, and compares all of them.
    fn check_keys(
        &self,
        (letter, timeline): (Letter, &Timeline<SimIo>),
        keys: &[Key],
        lsn: Lsn,
    ) -> Result<(), Verdict> {
        let ask = |history: &History| values(history, keys, lsn);
        let allowed = oracle::view(&self.session().truths, (letter, lsn), ask).now();
        let count = keys.len();
        let asked = || format!("get {count} keys of {} at {lsn}", char::from(letter.0));
        let said = said_many(self.at_once(timeline.get_vectored(&key_space(keys), lsn)));
        said.judge(asked, &allowed)
    }

    /// After each operation: the laws, the order of the LSNs, and as many points as the plan's
    /// `look` says.
    pub(super) fn look_around(&self, line: u64) -> Result<(), Verdict> {
        self.look_at_cutoffs()?;
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            timeline.check_laws();
            let durable = timeline.disk_consistent_lsn();
            self.truth(letter, |truth| truth.acknowledge(durable))?;
            match self.plan.knobs.look {
                Look::Sample => {
                    let draw = mix(self.plan.knobs.seed ^ mix(line));
                    self.check_drawn((letter, &timeline), draw)?;
                }
                Look::All => self.check_all((letter, &timeline))?,
            }
        }
        Ok(())
    }

    /// Asks for a key at the end, for one before it, and for one where a refusal begins or ends.
    fn check_drawn(&self, asked: (Letter, &Timeline<SimIo>), draw: u64) -> Result<(), Verdict> {
        let last = self.truth(asked.0, |truth| truth.last);
        let older = Lsn(last.0.saturating_sub(mix(draw) % 256));
        let edges = self.edges(asked.0);
        let edge = edges[(mix(draw ^ 1) % edges.len() as u64) as usize];
        for (at, lsn) in (2..).zip([last, older, edge]) {
            let number = mix(draw ^ at) % u64::from(self.plan.knobs.key_count);
            self.check_point(asked, self.key(KeyIndex(number as u16)), lsn)?;
        }
        if mix(draw ^ 5).is_multiple_of(KEYS_ONE_IN) {
            let number = mix(draw ^ 6) % u64::from(self.plan.knobs.key_count);
            let count = self.plan.knobs.key_count.min(KEYS_AT_ONCE);
            let keys = self.keys((KeyIndex(number as u16), count));
            self.check_keys(asked, &keys, [last, edge][(draw % 2) as usize])?;
        }
        Ok(())
    }

    /// Asks for every key at every LSN at which something changes or a refusal begins or ends: one
    /// by one, all together, and all but each. Of very many, some that are evenly apart.
    fn check_all(&self, asked: (Letter, &Timeline<SimIo>)) -> Result<(), Verdict> {
        let (points, last) = self.points(asked.0);
        let changes = BTreeSet::from_iter(points.into_iter().map(|(_, lsn)| lsn));
        let mut lsns = BTreeSet::from_iter(apart(changes.into_iter(), LSNS_LOOKED_AT));
        lsns.extend(self.edges(asked.0));
        lsns.extend([keys::shifted(last, -1), last, keys::shifted(last, 1)]);
        let keys = self.all_keys();
        let some = Vec::from_iter(apart(keys.iter().copied(), KEYS_LOOKED_AT));
        for lsn in lsns {
            for key in &some {
                self.check_point(asked, *key, lsn)?;
            }
            self.check_keys(asked, &some, lsn)?;
        }
        for without in 0..some.len() {
            let mut fewer = some.clone();
            fewer.remove(without);
            self.check_keys(asked, &fewer, last)?;
        }
        self.check_keys(asked, &keys, last)
    }

    /// The LSNs of a timeline at which reads begin or cease to be legal.
    fn edges(&self, letter: Letter) -> Vec<Lsn> {
        let session = self.session();
        let truth = &session.truths[&letter];
        let cutoff = truth.cutoff.seen();
        let retained = oracle::retained(&session.truths, letter).all();
        let here = truth.ancestor.into_iter().flat_map(|(on, at)| {
            let below = session.truths.get(&on);
            [at, below.map_or(at, |below| below.cutoff.seen())]
        });
        let points = [cutoff].into_iter().chain(retained).chain(here);
        points
            .flat_map(|lsn| [keys::shifted(lsn, -1), lsn, keys::shifted(lsn, 1)])
            .collect()
    }

    /// Asks for the points at which something changes and for every key at the end, at the cutoff
    /// and at each point that is retained: for all of them, or for a sample. Then for the moments
    /// before a sample of them, beyond the end, and for all keys at once.
    pub(super) fn check_points(&self, letter: Letter, depth: Depth) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        self.look_at_cutoffs()?;
        let (points, last) = self.points(letter);
        let stride = match (depth, self.plan.knobs.look) {
            (Depth::Full, _) | (_, Look::All) => 1,
            (Depth::Sample, Look::Sample) => points.len().div_ceil(SAMPLE_LEN).max(1),
        };
        let answers = self.session().tally.answers;
        let first = (mix(answers ^ self.plan.knobs.seed) % stride as u64) as usize;
        let asked = (letter, &timeline);
        for &(key, lsn) in points.iter().skip(first).step_by(stride) {
            self.check_point(asked, key, lsn)?;
        }
        let stride = points.len().div_ceil(SAMPLE_LEN).max(1);
        for &(key, lsn) in points.iter().step_by(stride) {
            self.check_point(asked, key, keys::shifted(lsn, -1))?;
        }
        self.check_keys(asked, &self.all_keys(), last)?;
        self.check_point(asked, self.key(KeyIndex(0)), keys::shifted(last, 1))
    }

    /// The points that matter on a timeline, and its last record's LSN.
    fn points(&self, letter: Letter) -> (Vec<(Key, Lsn)>, Lsn) {
        let keys = self.all_keys();
        let session = self.session();
        let truth = &session.truths[&letter];
        let mut points: Vec<(Key, Lsn)> = truth.history.points().collect();
        let cutoff = truth.cutoff.seen();
        let mut lsns = vec![truth.last];
        if cutoff != Lsn::ZERO {
            lsns.push(cutoff);
        }
        lsns.extend(oracle::retained(&session.truths, letter).surely);
        for lsn in lsns {
            points.extend(keys.iter().map(|key| (*key, lsn)));
        }
        (points, truth.last)
    }

    /// Finds out whether the batch in doubt is there, all of it or nothing.
    pub(super) fn settle(&self, letter: Letter) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        if self.truth(letter, |truth| truth.pending.is_none()) {
            return Ok(());
        }
        let truth = self.truth(letter, |truth| truth.clone());
        let pending = truth.pending.as_ref().expect("it was looked for");
        let engine_last = timeline.last_record_lsn();
        if engine_last != truth.last && engine_last != pending.last {
            let law = format!("the last record is at {} or {}", truth.last, pending.last);
            return Err(Verdict::law(law, format!("{engine_last}")));
        }
        let (mut can_be_there, mut can_be_absent) = (true, truth.last == pending.last);
        if truth.last != pending.last {
            can_be_there = engine_last == pending.last;
            can_be_absent = !can_be_there;
        }
        let whole = with(&truth.history, pending);
        let cutoff = timeline.gc_cutoff();
        for (key, lsn, _) in &pending.changes {
            // What is below the cutoff cannot be asked for; it shows at the cutoff as well.
            let (key, lsn) = (*key, cutoff.max(*lsn));
            if engine_last < lsn {
                continue;
            }
            let said = self.peek(&timeline, key, lsn);
            let is = |answer: Answer| matches!(&said, Said::Answer(said) if *said == answer);
            can_be_there &= is(whole.answer(key, lsn));
            can_be_absent &= is(truth.history.answer(key, lsn));
        }
        let settled = match (can_be_there, can_be_absent) {
            (true, true) => Settled::Either,
            (true, false) => Settled::There,
            (false, true) => Settled::Absent,
            (false, false) => {
                let law = format!("a batch up to {} is whole or absent", pending.last);
                return Err(Verdict::law(law, "a part of it"));
            }
        };
        self.truth(letter, |truth| truth.settle(settled));
        Ok(())
    }
}
