//! Looking: reads of the oracle's own, which no fault touches and nobody comes between.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use palimpsest::base::{Key, Lsn};
use palimpsest::{Error, Timeline};

use super::Driver;
use super::read::key_space;
use super::said::{Said, Tell, said_many, said_one, values};
use crate::dice::mix;
use crate::keys;
use crate::label::Letter;
use crate::model::{Answer, Change, History};
use crate::oracle::{self, Allowed, Answered, Answers, Settled, Truth};
use crate::plan::{KeyIndex, Look};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// After one in so many operations some keys are read at once.
const KEYS_ONE_IN: u64 = 8;

/// So many of them.
const KEYS_AT_ONCE: u16 = 6;

/// How many points a sample has, about: all keys at the LSNs that matter most come on top.
const SAMPLE_LEN: usize = 16;

/// And of the moments before points.
const BEFORE_LEN: usize = 12;

/// How many points are asked for one by one at most, where all are wanted.
const FULL_LEN: usize = 256;

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
    pub(super) fn at_once<T>(&self, read: Pin<&mut impl Future<Output = T>>) -> T {
        self.world.set_direct(true);
        let polled = read.poll(&mut Context::from_waker(Waker::noop()));
        self.world.set_direct(false);
        self.session().tally.answers += 1;
        match polled {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("a read waits for something that is no I/O"),
        }
    }

    fn peek(&self, timeline: &Timeline<SimIo>, key: Key, lsn: Lsn) -> Said<Answer> {
        said_one(self.at_once(pin!(timeline.get(key, lsn))))
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
        let judged = self.hold((letter, &said), asked, &allowed);
        judged.inspect_err(|_| self.witness_read((letter, key), lsn))
    }

    /// Holds what was said against what may be said, unless it names a file that is wrong, or the
    /// timeline is being shut down.
    fn hold<T: Tell + PartialEq>(
        &self,
        (letter, said): (Letter, &Said<T>),
        asked: impl FnOnce() -> String,
        allowed: &Allowed<T>,
    ) -> Result<(), Verdict> {
        match said {
            Said::Error(error) if self.judge.is_rot(error) => Ok(()),
            Said::Error(Error::Closed) if self.judge.is_ending(letter) => Ok(()),
            _ => said.judge(asked, allowed),
        }
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
        let space = key_space(keys);
        let said = said_many(self.at_once(pin!(timeline.get_vectored(&space, lsn))));
        let judged = self.hold((letter, &said), asked, &allowed);
        judged.inspect_err(|_| {
            if let Some(key) = said.culprit(&allowed).or(keys.first().copied()) {
                self.witness_read((letter, key), lsn);
            }
        })
    }

    /// After each operation: the laws, the order of the LSNs, and as many points as the plan's
    /// `look` says; of the timeline that it touched more than of the others.
    pub(super) fn look_around(&self, line: u64, touched: Option<Letter>) -> Result<(), Verdict> {
        self.look_at_cutoffs()?;
        let draw = mix(self.plan.knobs.seed ^ mix(line));
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            timeline.check_laws();
            let durable = timeline.disk_consistent_lsn();
            self.truth(letter, |truth| truth.acknowledge(durable))?;
            match self.plan.knobs.look {
                Look::Nothing => {}
                Look::Sample if touched.is_none_or(|touched| touched == letter) => {
                    self.check_drawn((letter, &timeline), draw)?;
                }
                Look::Sample => self.check_one_drawn((letter, &timeline), draw)?,
                Look::All => self.check_all((letter, &timeline))?,
            }
        }
        Ok(())
    }

    /// Asks for a key at the end, for one before it, and for one where a refusal begins or ends.
    fn check_drawn(&self, asked: (Letter, &Timeline<SimIo>), draw: u64) -> Result<(), Verdict> {
        let [last, older, edge] = self.drawn_lsns(asked.0, draw);
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

    /// Asks for one of these alone.
    fn check_one_drawn(&self, asked: (Letter, &Timeline<SimIo>), draw: u64) -> Result<(), Verdict> {
        let lsns = self.drawn_lsns(asked.0, draw);
        let number = mix(draw ^ 7) % u64::from(self.plan.knobs.key_count);
        let key = self.key(KeyIndex(number as u16));
        self.check_point(asked, key, lsns[(mix(draw ^ 8) % 3) as usize])
    }

    /// The last LSN, one before it, and one where a refusal begins or ends.
    fn drawn_lsns(&self, letter: Letter, draw: u64) -> [Lsn; 3] {
        let last = self.truth(letter, |truth| truth.last);
        let older = Lsn(last.0.saturating_sub(mix(draw) % 256));
        let edges = self.edges(letter);
        let edge = edges[(mix(draw ^ 1) % edges.len() as u64) as usize];
        [last, older, edge]
    }

    /// Asks for every key at every LSN at which something changes or a refusal begins or ends: one
    /// by one, all together, and all but each. Of very many, some that are evenly apart.
    fn check_all(&self, asked: (Letter, &Timeline<SimIo>)) -> Result<(), Verdict> {
        let (points, matter) = self.points(asked.0);
        let last = matter[0];
        let changes = BTreeSet::from_iter(points.into_iter().map(|(_, lsn)| lsn));
        let mut lsns = BTreeSet::from_iter(apart(changes.into_iter(), LSNS_LOOKED_AT));
        lsns.extend(self.edges(asked.0));
        lsns.extend(matter);
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

    /// Asks for the points at which something changes, one by one: for all of them, unless there
    /// are very many, or for a sample. Then for the moments before a sample of them, for all keys
    /// at once at the end, at the cutoff and at each point that is retained, and beyond the end.
    pub(super) fn check_points(&self, letter: Letter, depth: Depth) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        self.look_at_cutoffs()?;
        let (points, lsns) = self.points(letter);
        let stride = |count: usize| points.len().div_ceil(count).max(1);
        let stride_at = match (depth, self.plan.knobs.look) {
            (_, Look::All) => 1,
            (Depth::Full, Look::Nothing | Look::Sample) => stride(FULL_LEN),
            (Depth::Sample, Look::Nothing | Look::Sample) => stride(SAMPLE_LEN),
        };
        let asked = (letter, &timeline);
        let seed = self.plan.knobs.seed;
        let salt = match self.plan.knobs.look {
            Look::All => points.len() as u64,
            Look::Nothing | Look::Sample => self.session().tally.answers,
        };
        let first = |stride: usize| (mix(salt ^ seed) % stride as u64) as usize;
        for &(key, lsn) in points.iter().skip(first(stride_at)).step_by(stride_at) {
            self.check_point(asked, key, lsn)?;
        }
        let stride_before = stride(BEFORE_LEN);
        for &(key, lsn) in points
            .iter()
            .skip(first(stride_before))
            .step_by(stride_before)
        {
            self.check_point(asked, key, keys::shifted(lsn, -1))?;
        }
        let keys = self.all_keys();
        for lsn in &lsns {
            self.check_keys(asked, &keys, *lsn)?;
        }
        self.check_point(asked, self.key(KeyIndex(0)), keys::shifted(lsns[0], 1))
    }

    /// The points at which something changes on a timeline; and the LSNs at which every key
    /// matters: its last record's first, then the cutoff and those that are retained.
    fn points(&self, letter: Letter) -> (Vec<(Key, Lsn)>, Vec<Lsn>) {
        let session = self.session();
        let truth = &session.truths[&letter];
        let points = truth.history.points().collect();
        let cutoff = Some(truth.cutoff.seen()).filter(|cutoff| *cutoff != Lsn::ZERO);
        let retained = oracle::retained(&session.truths, letter).surely;
        let mut lsns = vec![truth.last];
        lsns.extend(cutoff);
        lsns.extend(retained);
        (points, lsns)
    }

    /// For whoever wants to compare it: how many layers there are.
    pub(super) fn note_layers(&self) {
        let timelines = self.handles().timelines.clone();
        let counts = timelines
            .values()
            .map(|timeline| timeline.layers().files().len());
        let count = counts.sum();
        if let Some(ended) = &mut self.session().ended {
            ended.layer_count = count;
        }
    }

    /// For whoever wants to compare it: what every point of the history is answered now.
    pub(super) fn note_answers(&self) {
        if self.session().ended.is_none() {
            return;
        }
        let mut answers = Answers::new();
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            let (points, _) = self.points(letter);
            for (key, lsn) in points {
                if let Said::Answer(answer) = self.peek(&timeline, key, lsn) {
                    let past = self.truth(letter, |truth| truth.history.past(key, lsn));
                    answers.insert((letter, key, lsn), Answered { answer, past });
                }
            }
        }
        if let Some(ended) = &mut self.session().ended {
            ended.answers.append(&mut answers);
        }
    }

    /// Finds out whether the batch in doubt is there, all of it or nothing. It stays in doubt if
    /// that can be told by nothing but a file that is wrong.
    pub(super) fn settle(&self, letter: Letter) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let doubt = self.truth(letter, |truth| Doubt::of(truth, timeline.gc_cutoff()));
        let Some(doubt) = doubt else {
            return Ok(());
        };
        let engine_last = timeline.last_record_lsn();
        if engine_last != doubt.last && engine_last != doubt.pending_last {
            let law = format!(
                "the last record is at {} or {}",
                doubt.last, doubt.pending_last
            );
            return Err(Verdict::law(law, format!("{engine_last}")));
        }
        let (mut can_be_there, mut can_be_absent) = (true, doubt.last == doubt.pending_last);
        if doubt.last != doubt.pending_last {
            can_be_there = engine_last == doubt.pending_last;
            can_be_absent = !can_be_there;
        }
        let is_known = can_be_there != can_be_absent;
        for point in &doubt.points {
            if engine_last < point.lsn {
                continue;
            }
            let said = self.peek(&timeline, point.key, point.lsn);
            match &said {
                Said::Error(error) if self.judge.is_rot(error) && is_known => continue,
                Said::Error(error) if self.judge.is_rot(error) => return Ok(()),
                Said::Error(Error::Closed) if self.judge.is_ending(letter) => return Ok(()),
                _ => {}
            }
            let is = |answer: &Answer| matches!(&said, Said::Answer(said) if said == answer);
            can_be_there &= is(&point.there);
            can_be_absent &= is(&point.absent);
        }
        let settled = match (can_be_there, can_be_absent) {
            (true, true) => Settled::Either,
            (true, false) => Settled::There,
            (false, true) => Settled::Absent,
            (false, false) => {
                let law = format!("a batch up to {} is whole or absent", doubt.pending_last);
                return Err(Verdict::law(law, "a part of it"));
            }
        };
        self.truth(letter, |truth| truth.settle(settled));
        Ok(())
    }
}

/// What is asked to settle whether a batch in doubt is there.
struct Doubt {
    /// The last record's LSN without it.
    last: Lsn,
    /// And with it.
    pending_last: Lsn,
    points: Vec<DoubtfulPoint>,
}

/// A point with its answers, if the batch is there and if it is not.
struct DoubtfulPoint {
    key: Key,
    lsn: Lsn,
    there: Answer,
    absent: Answer,
}

impl Doubt {
    /// Of the batch in doubt, if there is one.
    fn of(truth: &Truth, cutoff: Lsn) -> Option<Doubt> {
        let pending = truth.pending.as_ref()?;
        let whole = pending.whole(&truth.history);
        let point = |(key, lsn, _): &(Key, Lsn, Change)| {
            // What is below the cutoff cannot be asked for; it shows at the cutoff as well.
            let (key, lsn) = (*key, cutoff.max(*lsn));
            DoubtfulPoint {
                key,
                lsn,
                there: whole.answer(key, lsn),
                absent: truth.history.answer(key, lsn),
            }
        };
        Some(Doubt {
            last: truth.last,
            pending_last: pending.last,
            points: pending.changes.iter().map(point).collect(),
        })
    }
}
