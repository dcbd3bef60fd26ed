//! Looking: reads of the oracle's own, which no fault touches and nobody comes between.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use palimpsest::base::{Key, Lsn};
use palimpsest::{Error, Timeline};

use super::Driver;
use crate::dice::mix;
use crate::keys;
use crate::model::Answer;
use crate::oracle::{Allowed, Settled, with};
use crate::plan::{KeyIndex, Letter};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How many points are asked for after each operation.
const POINTS_PER_OPERATION: u64 = 2;

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

/// What the engine said to a read.
#[derive(Debug)]
pub(super) enum Said {
    Answer(Answer),
    NotYet,
    Error(Error),
}

impl Said {
    pub(super) fn new(result: Result<Option<Vec<u8>>, Error>) -> Said {
        match result {
            Ok(None) => Said::Answer(Answer::Absent),
            Ok(Some(value)) => Said::Answer(Answer::Value(value)),
            Err(Error::NoBase { .. }) => Said::Answer(Answer::NoBase),
            Err(Error::Redo { .. }) => Said::Answer(Answer::NoRedo),
            Err(Error::NotYet { .. }) => Said::NotYet,
            Err(error) => Said::Error(error),
        }
    }

    /// # Errors
    /// A wrong answer if it is none of those allowed.
    pub(super) fn judge(
        &self,
        asked: impl FnOnce() -> String,
        allowed: &Allowed,
    ) -> Result<(), Verdict> {
        let is_right = match self {
            Said::Answer(answer) => allowed.answers.contains(answer),
            Said::NotYet => allowed.not_yet,
            Said::Error(_) => false,
        };
        if is_right {
            return Ok(());
        }
        let mut expected: Vec<String> = allowed.answers.iter().map(describe).collect();
        if allowed.not_yet {
            expected.push("too early".to_string());
        }
        let got = match self {
            Said::Answer(answer) => describe(answer),
            Said::NotYet => "too early".to_string(),
            Said::Error(error) => error.to_string(),
        };
        Err(Verdict::wrong(asked(), expected.join(" or "), got))
    }
}

fn describe(answer: &Answer) -> String {
    match answer {
        Answer::Absent => "no history".to_string(),
        Answer::NoBase => "records without a base".to_string(),
        Answer::NoRedo => "a record that does not fit its page".to_string(),
        Answer::Value(value) => {
            let head: Vec<String> = value
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let hash = value
                .iter()
                .fold(0, |hash, &byte| mix(hash ^ u64::from(byte)));
            format!(
                "{} bytes, {}…, hash {hash:016x}",
                value.len(),
                head.join(" ")
            )
        }
    }
}

impl Driver {
    pub(super) fn key(&self, index: KeyIndex) -> Key {
        keys::key(self.plan.knobs.layout, index)
    }

    /// Reads past the gate, at once.
    fn peek(&self, timeline: &Timeline<SimIo>, key: Key, lsn: Lsn) -> Said {
        self.world.set_direct(true);
        let read = pin!(timeline.get(key, lsn));
        let polled = read.poll(&mut Context::from_waker(Waker::noop()));
        self.world.set_direct(false);
        self.session().tally.answers += 1;
        match polled {
            Poll::Ready(result) => Said::new(result),
            Poll::Pending => panic!("a read waits for something that is no I/O"),
        }
    }

    fn check_point(
        &self,
        (letter, timeline): (Letter, &Timeline<SimIo>),
        key: Key,
        lsn: Lsn,
    ) -> Result<(), Verdict> {
        let allowed = self.truth(letter, |truth| truth.allowed(key, lsn));
        let asked = || format!("get {} {key} at {lsn}", char::from(letter.0));
        let said = self.peek(timeline, key, lsn);
        said.judge(asked, &allowed)
    }

    /// After each operation: the laws, the order of the LSNs, and a few points.
    pub(super) fn look_around(&self, line: u64) -> Result<(), Verdict> {
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            timeline.check_laws();
            let durable = timeline.disk_consistent_lsn();
            self.truth(letter, |truth| truth.acknowledge(durable))?;
            for point in 0..POINTS_PER_OPERATION {
                let draw = mix(self.plan.knobs.seed ^ mix(line ^ point << 32));
                let key_count = u64::from(self.plan.knobs.key_count);
                let key = self.key(KeyIndex((draw % key_count) as u16));
                let last = self.truth(letter, |truth| truth.last);
                let back = if point == 0 { 0 } else { mix(draw) % 256 };
                let lsn = Lsn(last.0.saturating_sub(back));
                self.check_point((letter, &timeline), key, lsn)?;
            }
        }
        Ok(())
    }

    /// Asks for the points at which something changes and for every key at the end: for all of
    /// them, or for a sample. Then for the moments before a sample of them, and beyond the end.
    pub(super) fn check_points(&self, letter: Letter, depth: Depth) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let (mut points, last) = self.truth(letter, |truth| {
            let points: Vec<(Key, Lsn)> = truth.history.points().collect();
            (points, truth.last)
        });
        let keys = (0..self.plan.knobs.key_count).map(|index| self.key(KeyIndex(index)));
        points.extend(keys.map(|key| (key, last)));
        let stride = match depth {
            Depth::Full => 1,
            Depth::Sample => points.len().div_ceil(SAMPLE_LEN).max(1),
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
        self.check_point(asked, self.key(KeyIndex(0)), keys::shifted(last, 1))
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
        for (key, lsn, _) in pending
            .changes
            .iter()
            .filter(|(_, lsn, _)| *lsn <= engine_last)
        {
            let said = self.peek(&timeline, *key, *lsn);
            let is = |answer: Answer| matches!(&said, Said::Answer(said) if *said == answer);
            can_be_there &= is(whole.answer(*key, *lsn));
            can_be_absent &= is(truth.history.answer(*key, *lsn));
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
