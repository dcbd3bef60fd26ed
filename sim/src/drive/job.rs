//! Jobs on one timeline: no job changes an answer (law 1).

use std::future::Future;
use std::sync::Mutex;

use palimpsest::io::Io;
use palimpsest::timeline::{Effect, HistoryRange, Mode, Progress};
use palimpsest::{Error, KeyRange, Lsn, Result, Strategy, Timeline};

use super::Driver;
use crate::checkers::durable::{self, Acknowledged};
use crate::checkers::tiers::{self, Shape};
use crate::checkers::{Stage, cutoff, forecast, layers, leases, runs, visibility};
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::{self, HistoryPlan, How, Try};
use crate::verdict::Verdict;
use crate::world::SimIo;

impl Driver {
    pub(super) async fn freeze(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let guard = self.judge.begin(Some(label));
        let lsn = self.with_expected(label, |expected| expected.begin_close());
        let frozen = self.call(how, timeline.freeze()).await;
        let is_done = matches!(frozen, Some(Ok(())));
        self.with_expected(label, |expected| expected.end_close(is_done.then_some(lsn)));
        match frozen {
            Some(Ok(())) => guard.check_done("freeze"),
            Some(Err(error)) => guard.check("freeze", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn flush(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let guard = self.judge.begin(Some(label));
        let target = self.with_expected(label, |expected| expected.begin_close());
        let flushed = self.call(how, timeline.flush()).await;
        let is_done = matches!(flushed, Some(Ok(_)));
        if is_done {
            guard.check_done("flush")?;
        }
        self.with_expected(label, |expected| {
            expected.end_close(is_done.then_some(target))
        });
        match flushed {
            Some(Ok(durable)) if durable < target => {
                let expected = format!("durable up to {target}, what was written before");
                Err(Verdict::wrong("flush", expected, format!("{durable}")))
            }
            Some(Ok(durable)) => {
                self.check_durable(label, &Acknowledged::Flushed(durable))?;
                self.with_expected(label, |expected| {
                    // A concurrent flush may have acknowledged more already.
                    let durable = durable.max(expected.acknowledged);
                    expected.acknowledge(durable)
                })
            }
            Some(Err(error)) => guard.check("flush", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn compact(
        &self,
        label: TimelineLabel,
        mode: plan::Mode,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let (before, is_alone) = (layers::l0s(&timeline), self.is_alone(how));
        let names = Vec::from_iter(timeline.layers().files().names());
        let (strategy, shape) = (timeline.strategy(), Shape::of(&timeline));
        let compact = timeline.compact(engine_mode(mode));
        let progress = self.reshape(label, "compact", (how, compact)).await?;
        if progress == Some(Progress::Done) && is_alone {
            match strategy {
                Strategy::L0ToL1 => {
                    self.look(|sight, _| layers::check_compacted(sight, &timeline, &before))?;
                    self.look(|sight, checkers| checkers.layers.check_cut(sight, label, &names))?;
                }
                Strategy::Tiered => {
                    self.look(|_, _| tiers::check_compacted(&timeline, &shape))?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn create_images(
        &self,
        label: TimelineLabel,
        mode: plan::Mode,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let is_alone = self.is_alone(how);
        let said = Mutex::new(None);
        let images = async {
            let imaged = timeline.create_images(engine_mode(mode)).await?;
            let progress = imaged.progress;
            *said.lock().expect("one task has it") = Some(imaged);
            Ok(progress)
        };
        self.reshape(label, "create images", (how, images)).await?;
        let said = said.into_inner().expect("one task has it");
        if self.timeline(label).is_none() {
            return Ok(());
        }
        self.look(|sight, checkers| {
            let (imaged, said) = (&mut checkers.imaged, said.as_ref());
            imaged.check(sight, (label, &timeline), (said, is_alone))
        })
    }

    /// Runs a job that replaces layers by others with the same answers.
    async fn reshape(
        &self,
        label: TimelineLabel,
        what: &'static str,
        (how, job): (How, impl Future<Output = Result<Progress>>),
    ) -> Result<Option<Progress>, Verdict> {
        let guard = self.judge.begin(Some(label)).with_layers();
        match self.call(how, job).await {
            Some(Ok(Progress::Done)) => {
                guard.check_done(what)?;
                self.session().tally.did(what);
                if self.is_alone(how)
                    && let Some(timeline) = self.timeline(label)
                {
                    self.check_durable(label, &Acknowledged::Reshaped(&timeline))?;
                }
                self.explain_if_still(label)?;
                Ok(Some(Progress::Done))
            }
            Some(Ok(progress)) => {
                let timeline = self.timeline(label);
                if progress == Progress::Idle
                    && self.is_alone(how)
                    && let Some(timeline) = timeline
                {
                    self.look(|sight, _| layers::check_idle(sight, &timeline))?;
                }
                Ok(Some(progress))
            }
            Some(Err(error)) => guard.check(what, &error).map(|()| None),
            None => Ok(None),
        }
    }

    pub(super) async fn gc(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        self.look(|sight, _| cutoff::look(sight))?;
        let said = match self.is_alone(how) {
            true => self.show(|sight, _| forecast::said(sight, label))?,
            false => None,
        };
        let guard = self.judge.begin(Some(label));
        let before = self.with_expected(label, |expected| {
            expected.cutoff.begin_gc();
            expected.cutoff
        });
        let began = SimIo::new(&self.world).now();
        let collected = self.call(how, timeline.gc()).await;
        self.show(|sight, _| {
            let horizon = sight.horizon();
            let expected = sight.expected(label);
            expected.cutoff.end_gc(expected.highest_cutoff(&horizon));
        });
        self.look(|sight, _| cutoff::look(sight))?;
        match collected {
            Some(Ok(collected)) => {
                if before.durable() < collected.cutoff || 0 < collected.layer_count {
                    guard.check_done("collection")?;
                }
                let (moved, cutoff) = ((before, collected), collected.cutoff);
                self.look(|sight, _| cutoff::collected(sight, label, moved))?;
                self.check_durable(label, &Acknowledged::Collected(cutoff))?;
                let times = (began, SimIo::new(&self.world).now());
                self.look(|sight, _| leases::check_collected(sight, label, times))?;
                if let Some(said) = said.filter(|_| self.is_alone(how)) {
                    forecast::check(label, &said, collected)?;
                }
                if self.is_alone(how) && 0 < collected.layer_count {
                    self.check_durable(label, &Acknowledged::Reshaped(&timeline))?;
                }
                self.session().tally.did("collect garbage");
                self.explain_if_still(label)
            }
            Some(Err(Error::Busy { .. })) if self.judge.has_unread_index() => Ok(()),
            Some(Err(error)) => guard.check("collect garbage", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn gc_compact(
        &self,
        label: TimelineLabel,
        past: HistoryPlan,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        self.look(|sight, _| cutoff::look(sight))?;
        let range = self.history_range(&timeline, past);
        let effect = match past.attempt {
            Try::Real => Effect::Write,
            Try::Dry => Effect::DryRun,
        };
        self.with_expected(label, |expected| {
            expected.is_reduced |= effect == Effect::Write;
        });
        let guard = self.judge.begin(Some(label)).with_layers();
        let is_alone = self.is_alone(how);
        let before = is_alone.then(|| self.show(|sight, _| Stage::begin(sight, label, range)));
        let compacted = self.call(how, timeline.gc_compact(range, effect)).await;
        match compacted {
            Some(Ok(compacted)) => {
                let is_done = compacted.progress == Progress::Done && effect == Effect::Write;
                if is_done {
                    guard.check_done("gc compaction")?;
                }
                if self.timeline(label).is_none() {
                    return Ok(());
                }
                self.look(|sight, checkers| {
                    let reduced = &mut checkers.reduced;
                    reduced.check(sight, (label, effect), before, &compacted)
                })?;
                if is_done {
                    self.session().tally.did("reduce history");
                    if is_alone {
                        self.check_durable(label, &Acknowledged::Reshaped(&timeline))?;
                    }
                    self.explain_if_still(label)?;
                }
                Ok(())
            }
            Some(Err(Error::Busy { .. })) if self.judge.has_unread_index() => Ok(()),
            Some(Err(Error::Refused { .. }))
                if self.knobs().history_len_max < runs::HISTORY_LEN_NEVER =>
            {
                let Some(before) = before else {
                    return Ok(());
                };
                self.look(|sight, checkers| checkers.reduced.check_refused(sight, &before))
            }
            Some(Err(error)) => guard.check("reduce history", &error),
            None => Ok(()),
        }
    }

    pub(super) async fn gc_compact_all(
        &self,
        label: TimelineLabel,
        mode: plan::Mode,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        self.look(|sight, _| cutoff::look(sight))?;
        self.with_expected(label, |expected| expected.is_reduced = true);
        let guard = self.judge.begin(Some(label)).with_layers();
        let is_quiet = how != How::Beside && self.is_alone(How::Wait);
        self.show(|sight, _| runs::begin(sight, label, is_quiet));
        let mode = engine_mode(mode);
        let run = match self.call(how, timeline.gc_compact_all(mode)).await {
            Some(Ok(run)) => run,
            Some(Err(error)) => {
                self.with_expected(label, |expected| expected.run_points = None);
                return match error {
                    Error::Busy { .. } if self.judge.has_unread_index() => Ok(()),
                    error => guard.check("reduce history", &error),
                };
            }
            None => return Ok(()),
        };
        if run.progress == Progress::Done {
            guard.check_done("gc compaction")?;
            self.session().tally.did("reduce history");
        }
        if self.timeline(label).is_none() || !is_quiet {
            return Ok(());
        }
        self.look(|sight, _| runs::check(sight, (label, mode), &run))?;
        self.check_durable(label, &Acknowledged::Reshaped(&timeline))?;
        self.explain_if_still(label)
    }

    /// The range that a plan means.
    fn history_range(&self, timeline: &Timeline<SimIo>, past: HistoryPlan) -> HistoryRange {
        let last = timeline.last_record_lsn().0;
        let at = |offset: i64| Lsn(last.saturating_add_signed(offset).min(u64::MAX - 1));
        let mut range = HistoryRange::ALL;
        if let Some(some) = past.keys {
            let some = keys::some(&self.knobs(), some);
            if let (Some(first), Some(last)) = (some.first(), some.last()) {
                range.keys = KeyRange::new(*first, last.next());
            }
        }
        if let Some(from) = past.from {
            range.lsns.start = at(from);
        }
        if let Some(to) = past.to {
            range.lsns.end = at(to);
        }
        range
    }

    /// Checks that no power loss takes back what was acknowledged just now.
    pub(super) fn check_durable(
        &self,
        label: TimelineLabel,
        what: &Acknowledged,
    ) -> Result<(), Verdict> {
        self.look(|sight, _| durable::check(sight, label, what))
    }

    /// Whether nothing else runs that could change a timeline meanwhile.
    pub(super) fn is_alone(&self, how: How) -> bool {
        let is_off = self.knobs().maintenance == plan::Maintenance::Off;
        self.is_only_line(how) && is_off
    }

    /// Whether no other line runs; maintenance may.
    pub(super) fn is_only_line(&self, how: How) -> bool {
        let handles = self.handles();
        let is_rest = handles.beside.is_empty() && handles.puts.is_empty();
        how == How::Wait && is_rest && !handles.is_joining
    }

    /// Compares the raw disk with the model, if no batch is in doubt.
    pub(super) fn explain_if_still(&self, label: TimelineLabel) -> Result<(), Verdict> {
        let is_still = self.with_expected(label, |expected| expected.pending.is_none());
        if is_still && self.session().is_time_to_look(self.look_one_in) {
            self.look(|sight, checkers| match sight.open.contains_key(&label) {
                true => visibility::check(sight, &mut checkers.answers, label),
                false => Ok(()),
            })?;
            return self.explain(label);
        }
        Ok(())
    }
}

/// Creates images, and says how that ended.
pub(super) async fn images(timeline: &Timeline<SimIo>, mode: Mode) -> Result<Progress> {
    let imaged = timeline.create_images(mode).await?;
    Ok(imaged.progress)
}

fn engine_mode(mode: plan::Mode) -> Mode {
    match mode {
        plan::Mode::ByNeed => Mode::ByNeed,
        plan::Mode::Forced => Mode::Forced,
    }
}
