//! Jobs on one timeline. Whatever one of them does, no answer changes: law 1.

use std::future::Future;

use palimpsest::timeline::{Collected, Mode, Progress};
use palimpsest::{Error, Result, Timeline};

use super::read::key_space;
use super::{Driver, Session};
use crate::keys;
use crate::label::Letter;
use crate::laws;
use crate::oracle;
use crate::plan::{self, How, KeyIndex};
use crate::verdict::Verdict;
use crate::world::SimIo;

impl Driver {
    pub(super) async fn freeze(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let excuse = self.judge.begin(Some(letter));
        let lsn = self.truth(letter, |truth| truth.begin_close());
        let frozen = self.call(how, timeline.freeze()).await;
        let is_done = matches!(frozen, Some(Ok(())));
        self.truth(letter, |truth| truth.end_close(is_done.then_some(lsn)));
        match frozen {
            Some(Ok(())) => excuse.check_done("freeze"),
            Some(Err(error)) => excuse.check("freeze", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn flush(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let excuse = self.judge.begin(Some(letter));
        let target = self.truth(letter, |truth| truth.begin_close());
        let flushed = self.call(how, timeline.flush()).await;
        let is_done = matches!(flushed, Some(Ok(_)));
        if is_done {
            excuse.check_done("flush")?;
        }
        self.truth(letter, |truth| truth.end_close(is_done.then_some(target)));
        match flushed {
            Some(Ok(durable)) if durable < target => {
                let expected = format!("durable up to {target}, what was written before");
                Err(Verdict::wrong("flush", expected, format!("{durable}")))
            }
            Some(Ok(durable)) => self.truth(letter, |truth| {
                // Another flush may have said more already.
                let durable = durable.max(truth.acknowledged);
                truth.acknowledge(durable)
            }),
            Some(Err(error)) => excuse.check("flush", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn compact(
        &self,
        letter: Letter,
        mode: plan::Mode,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let (before, is_alone) = (l0_count(&timeline), self.is_alone(how));
        let compact = timeline.compact(engine_mode(mode));
        let progress = self.reshape(letter, "compact", (how, compact)).await?;
        let after = l0_count(&timeline);
        if progress == Some(Progress::Done) && is_alone && before <= after {
            let law = format!("a compaction leaves fewer than {before} L0s");
            return Err(Verdict::law(law, format!("{after}")));
        }
        Ok(())
    }

    pub(super) async fn create_images(
        &self,
        letter: Letter,
        mode: plan::Mode,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        let images = timeline.create_images(engine_mode(mode));
        self.reshape(letter, "create images", (how, images)).await?;
        Ok(())
    }

    /// Runs a job that gives other layers the same answers.
    async fn reshape(
        &self,
        letter: Letter,
        what: &'static str,
        (how, job): (How, impl Future<Output = Result<Progress>>),
    ) -> Result<Option<Progress>, Verdict> {
        let excuse = self.judge.begin(Some(letter)).with_layers();
        match self.call(how, job).await {
            Some(Ok(Progress::Done)) => {
                excuse.check_done(what)?;
                self.count_done(what);
                self.explain_if_still(letter)?;
                Ok(Some(Progress::Done))
            }
            Some(Ok(progress)) => {
                let timeline = self.timeline(letter);
                if progress == Progress::Idle
                    && self.is_alone(how)
                    && let Some(timeline) = timeline
                {
                    laws::check_saved(&mut self.world.state().disk, &timeline)?;
                }
                Ok(Some(progress))
            }
            Some(Err(error)) => excuse.check(what, &error).map(|()| None),
            None => Ok(None),
        }
    }

    pub(super) async fn gc(&self, letter: Letter, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(letter) else {
            return Ok(());
        };
        self.look_at_cutoffs()?;
        let excuse = self.judge.begin(Some(letter));
        let before = self.truth(letter, |truth| {
            truth.cutoff.begin_gc();
            truth.cutoff
        });
        let collected = self.call(how, timeline.gc()).await;
        let horizon = self.horizon();
        self.truth(letter, |truth| {
            truth.cutoff.end_gc(truth.highest_cutoff(&horizon));
        });
        self.look_at_cutoffs()?;
        match collected {
            Some(Ok(collected)) => {
                if before.durable() < collected.cutoff || 0 < collected.layer_count {
                    excuse.check_done("collection")?;
                }
                self.collected(letter, before, collected)
            }
            Some(Err(Error::Busy { .. })) if self.judge.has_unread_index() => Ok(()),
            Some(Err(error)) => excuse.check("collect garbage", &error),
            None => Ok(()),
        }
    }

    /// A collection was done: what it says is durable, and nothing that can be read is gone.
    fn collected(
        &self,
        letter: Letter,
        before: oracle::Cutoff,
        collected: Collected,
    ) -> Result<(), Verdict> {
        let after = self.truth(letter, |truth| {
            truth.cutoff.acknowledge(collected.cutoff);
            truth.cutoff.seen()
        });
        let (low, found) = (before.seen(), collected.cutoff);
        if found < low || after < found {
            let expected = format!("a cutoff from {low} to {after}, which is published");
            return Err(Verdict::wrong(
                "collect garbage",
                expected,
                format!("{found}"),
            ));
        }
        self.count_done("collect garbage");
        self.forget(letter);
        self.explain_if_still(letter)
    }

    /// Forgets what no read needs any more, where there is much of it.
    fn forget(&self, letter: Letter) {
        let mut session = self.session();
        let retained = oracle::retained(&session.truths, letter).all();
        if let Some(truth) = session.truths.get_mut(&letter) {
            truth.forget(&retained);
        }
    }

    pub(super) fn declare(&self, letter: Letter, keys: (KeyIndex, u16)) {
        if let Some(timeline) = self.timeline(letter) {
            timeline.declare_keys(key_space(&self.keys(keys)));
        }
    }

    /// Whether nothing else runs that could change a timeline meanwhile.
    fn is_alone(&self, how: How) -> bool {
        let handles = self.handles();
        let is_off = self.plan.knobs.housekeeping == plan::Housekeeping::Off;
        how == How::Wait && handles.beside.is_empty() && handles.puts.is_empty() && is_off
    }

    /// Holds the raw disk against the model, if no batch is in doubt.
    fn explain_if_still(&self, letter: Letter) -> Result<(), Verdict> {
        let is_still = self.truth(letter, |truth| truth.pending.is_none());
        if is_still && self.is_time_to_look() {
            return self.explain(letter);
        }
        Ok(())
    }

    /// Whether a batch stays in doubt, for what could tell is wrong.
    pub(super) fn is_unsettled(&self, letter: Letter) -> bool {
        self.truth(letter, |truth| truth.pending.is_some())
    }

    /// Holds every layer on the raw disk against the model.
    pub(super) fn explain(&self, letter: Letter) -> Result<(), Verdict> {
        self.look_at_cutoffs()?;
        if self.is_unsettled(letter) {
            return Ok(());
        }
        let mut session = self.session();
        let Session { truths, known, .. } = &mut *session;
        let retained = oracle::retained(truths, letter).surely;
        let disk = &mut self.world.state().disk;
        known.check_layers(disk, keys::timeline(letter), (&truths[&letter], &retained))
    }
}

fn engine_mode(mode: plan::Mode) -> Mode {
    match mode {
        plan::Mode::ByNeed => Mode::ByNeed,
        plan::Mode::Forced => Mode::Forced,
    }
}

/// How many L0s a timeline has.
pub(super) fn l0_count(timeline: &Timeline<SimIo>) -> usize {
    timeline.layers().l0_count()
}
