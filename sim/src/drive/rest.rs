//! The end of the last life: all jobs are done, and stay idle when something is written.

use palimpsest::timeline::Mode;
use palimpsest::{Strategy, Timeline};

use super::Driver;
use super::finish::Quiesced;
use super::job::images;
use crate::checkers::rest::{self, Rest};
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::{EditPlan, Entry, How, KeyIndex};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// The number of the line that the batch is written by: no plan has it.
const NUMBER: u32 = 0;

impl Driver {
    /// Brings every open timeline to rest, and checks that it rests on.
    pub(super) async fn check_rest(&self) -> Result<(), Verdict> {
        for label in self.labels() {
            if let Some(timeline) = self.timeline(label) {
                self.check_rest_of(label, &timeline).await?;
            }
        }
        Ok(())
    }

    async fn check_rest_of(
        &self,
        label: TimelineLabel,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let knobs = self.knobs();
        // Parts of a few keys: what has no value may be all that is in one.
        timeline.declare_keys(keys::space(&keys::all(&knobs)));
        let reduce = async || {
            let run = timeline.gc_compact_all(Mode::ByNeed).await;
            run.map(|run| run.progress)
        };
        self.with_expected(label, |expected| expected.is_reduced = true);
        if !self.judge.has_unread_index()
            && self.until_idle("reduce history", reduce).await? == Quiesced::Rotten
        {
            return Ok(());
        }
        for mode in [Mode::ByNeed, Mode::Forced] {
            let compacted = self.until_idle("compact", || timeline.compact(mode));
            let imaged = self.until_idle("create images", || images(timeline, mode));
            if compacted.await? == Quiesced::Rotten || imaged.await? == Quiesced::Rotten {
                return Ok(());
            }
        }
        let rest = self.show(|sight, _| Rest::begin(sight, label));
        self.check_idle(label, timeline).await?;
        self.look(|sight, _| rest.check_quiet(sight))?;
        self.put(NUMBER, label, &[record()], How::Wait).await?;
        let flushed = timeline.flush().await;
        flushed.map_err(|error| {
            Verdict::wrong("flush, with no fault left", "it is done", error.to_string())
        })?;
        // All images stand above what was there: one delta is above them.
        let triggers = [
            knobs.image_delta_count_trigger,
            knobs.sparse_image_delta_count_trigger,
            knobs.l0_count_trigger,
        ];
        // Of a tiered compaction it may be the one that makes a level deep enough, where keys have
        // no image.
        let is_tiered = timeline.strategy() == Strategy::Tiered;
        let is_one_too_few = triggers.iter().all(|trigger| 1 < *trigger);
        if is_one_too_few && !is_tiered && knobs.image_age_max.is_zero() {
            self.check_idle(label, timeline).await?;
        }
        Ok(())
    }

    async fn check_idle(
        &self,
        label: TimelineLabel,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let compacted = timeline.compact(Mode::ByNeed).await;
        rest::check_idle((label, "to compact"), compacted)?;
        let imaged = images(timeline, Mode::ByNeed).await;
        rest::check_idle((label, "to image"), imaged)
    }
}

/// A record that stands on nothing below it.
fn record() -> Entry {
    Entry {
        lsn_step: 8,
        key: KeyIndex(0),
        edit: EditPlan::Image { len: 8, seed: 0 },
    }
}
