//! What the engine must refuse at its doors, whatever the plan is about: options that its
//! documentation rules out, and records that no batch may have.
//!
//! 1. Each opening is preceded by some with wrong options. A door that stands open is a broken law,
//!    and a door that is shut makes no call, so that a plan runs as it would without.
//! 2. Plans cannot have such options themselves: the limits of their knobs are these doors.

use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use palimpsest::base::{Key, Lsn};
use palimpsest::format::Value;
use palimpsest::{Batch, Engine, Error, Options, Record, Writer};

use super::Driver;
use super::options::options;
use crate::model::Change;
use crate::paths::ROOT;
use crate::plan::Knobs;
use crate::verdict::Verdict;
use crate::world::{SimIo, World};

/// An option at a value that is ruled out.
type WrongOption = (&'static str, fn(&mut Options));

/// Each option that is ruled out by itself, and the one that another rules out.
const WRONG: [WrongOption; 28] = [
    ("freeze_len_max 0", |it| it.freeze_len_max = 0),
    ("open_len_max 0", |it| it.open_len_max = 0),
    ("failing_frozen_count_max 0", |it| {
        it.failing_frozen_count_max = 0
    }),
    ("freeze_distance_max 0", |it| it.freeze_distance_max = 0),
    ("buffer_len 0", |it| it.buffer_len = 0),
    ("l0_count_trigger 0", |it| it.l0_count_trigger = 0),
    ("tier_distance 0", |it| it.tier_distance = 0),
    ("l0_run_len_max 0", |it| it.l0_run_len_max = 0),
    ("layer_len_target 0", |it| it.layer_len_target = 0),
    ("image_delta_count_trigger 0", |it| {
        it.image_delta_count_trigger = 0;
    }),
    ("sparse_image_delta_count_trigger 0", |it| {
        it.sparse_image_delta_count_trigger = 0;
    }),
    ("image_preempt_l0_count 0", |it| {
        it.image_preempt_l0_count = 0
    }),
    ("history_record_count_trigger 0", |it| {
        it.history_record_count_trigger = 0;
    }),
    ("history_len_max 0", |it| it.history_len_max = 0),
    ("gc_compact_len_trigger 0", |it| {
        it.gc_compact_len_trigger = 0
    }),
    ("gc_compact_growth_trigger 0", |it| {
        it.gc_compact_growth_trigger = 0;
    }),
    ("gc_compact_len_max 0", |it| it.gc_compact_len_max = 0),
    ("shed_image_count_max 0", |it| it.shed_image_count_max = 0),
    ("l0_delay_count 0", |it| it.l0_delay_count = 0),
    ("open_files_max 0", |it| it.open_files_max = 0),
    ("read_len_max 0", |it| it.read_len_max = 0),
    ("scan_key_count_max 0", |it| it.scan_key_count_max = 0),
    ("scan_len_max 0", |it| it.scan_len_max = 0),
    ("work_len_max 0", |it| it.work_len_max = 0),
    ("image_age_max 0", |it| {
        it.image_age_max = Some(Duration::ZERO);
    }),
    ("maintenance_period 0", |it| {
        it.maintenance_period = Some(Duration::ZERO);
    }),
    ("maintenance_period below 1 ms", |it| {
        it.maintenance_period = Some(Duration::from_micros(999));
    }),
    ("l0_stall_count below l0_count_trigger", |it| {
        it.l0_count_trigger = it.l0_count_trigger.max(2);
        it.l0_stall_count = Some(it.l0_count_trigger - 1);
    }),
];

impl Driver {
    /// Opens the engine with each wrong option beside the options of these knobs.
    ///
    /// # Errors
    /// A wrong answer, if it opens, or fails in another way.
    pub(super) fn try_wrong_options(&self, knobs: &Knobs) -> Result<(), Verdict> {
        let right = options(knobs);
        for (name, set) in WRONG {
            let mut wrong = right.clone();
            set(&mut wrong);
            let opening = Engine::open(SimIo::new(&self.world), Path::new(ROOT), wrong);
            let found = match self.world.poll_directly(pin!(opening)) {
                Poll::Ready(Err(Error::Refused { .. })) => continue,
                Poll::Ready(Ok(_)) => "it is open".to_owned(),
                Poll::Ready(Err(error)) => error.to_string(),
                Poll::Pending => "it waits".to_owned(),
            };
            let asked = format!("open the engine with {name}");
            return Err(Verdict::wrong(asked, "a refusal", found));
        }
        Ok(())
    }
}

/// Puts a batch with one more record, which the built-in redo does not know.
///
/// # Errors
/// A wrong answer, if it is not refused at once: nothing of it may be written.
pub(super) fn try_unknown_record(
    world: &World,
    writer: &mut Writer<SimIo>,
    batch: &Batch,
    last: Option<&(Key, Lsn, Change)>,
) -> Result<(), Verdict> {
    let behind = last.and_then(|(key, lsn, _)| Some((*key, lsn.checked_add(1)?)));
    let Some((key, lsn)) = behind.filter(|(_, lsn)| *lsn < Lsn::MAX) else {
        return Ok(());
    };
    let (will_init, rec) = (false, vec![u8::MAX]);
    let mut batch = batch.clone();
    let pushed = batch.push(
        key,
        lsn,
        &Value::Record(Record::Postgres { will_init, rec }),
    );
    pushed.map_err(|error| Verdict::wrong("push", "it is taken", error.to_string()))?;
    let found = match world.poll_directly(pin!(writer.put_batch(&batch))) {
        Poll::Ready(Err(Error::Refused { .. })) => return Ok(()),
        Poll::Ready(put) => format!("{put:?}"),
        Poll::Pending => "it waits".to_owned(),
    };
    let asked = format!("put a record of {key} at {lsn} that no redo knows");
    Err(Verdict::wrong(asked, "a refusal", found))
}

/// Pushes records behind a batch that no batch may have there.
///
/// # Errors
/// A wrong answer, if one is taken.
pub(super) fn try_wrong_records(batch: &Batch, (key, lsn): (Key, Lsn)) -> Result<(), Verdict> {
    let below = lsn.0.checked_sub(1).map(|below| (key, Lsn(below)));
    let wrong = [(key, Lsn::MAX), (Key::MAX, lsn), (key, lsn)];
    for (key, lsn) in wrong.into_iter().chain(below) {
        let pushed = batch.clone().push(key, lsn, &Value::Image(Vec::new()));
        if !matches!(pushed, Err(Error::Refused { .. })) {
            let asked = format!("push {key} at {lsn} behind the last record");
            return Err(Verdict::wrong(asked, "a refusal", format!("{pushed:?}")));
        }
    }
    Ok(())
}
