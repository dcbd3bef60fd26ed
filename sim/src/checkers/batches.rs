//! Checks that batches are whole or absent, and that layers are frozen in time.
//!
//! * Verified: a batch in doubt shows all of its records or none, and the last LSN is one of the
//!   two that these give. A batch that finds the open layer too long, too wide or too old goes to a
//!   new one.
//! * Not verified: that an acknowledged batch is there: the answers show it. Nor the age of a layer
//!   where the clock was set, since its age is then unknown.
//! * A batch stays in doubt where only a wrong file could tell, or while the timeline is being shut
//!   down.
//!
//! It has no state: what is in doubt is in the timeline's [`Expected`].

use palimpsest::base::{Key, Lsn, ShardIdentity, Time};
use palimpsest::{Batch, Error, Timeline};

use super::{Answers, Finding, Response, Sight};
use crate::label::TimelineLabel;
use crate::model::{Answer, Change};
use crate::oracle::{Expected, Settled};
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// A timeline before a batch began.
#[derive(Clone, Copy)]
pub struct Before {
    /// The LSN of its last record.
    pub last: Option<Lsn>,
    /// The time.
    pub begun: Time,
    /// How often the clock had been set.
    pub clock_jump_count: u64,
    /// Its open layer, if that had records.
    pub open: Option<OpenLayer>,
}

/// An open layer with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenLayer {
    /// The LSN at which it starts.
    pub start: Lsn,
    /// The bytes of its values, and 48 for each record.
    pub len: u64,
    /// Of these, the bytes of its values.
    pub values_len: u64,
    /// When it was made.
    pub opened_at: Time,
}

impl OpenLayer {
    /// The open layer of a timeline, if it has records.
    pub fn of(timeline: &Timeline<SimIo>) -> Option<OpenLayer> {
        let map = timeline.layers();
        let open = map.open().filter(|open| 0 < open.entry_count())?;
        Some(OpenLayer {
            start: open.start(),
            len: open.byte_len() + 48 * open.entry_count() as u64,
            values_len: open.byte_len(),
            opened_at: open.opened_at(),
        })
    }
}

/// Settles whether the batch in doubt is there, whole or not at all. It stays in doubt if only a
/// wrong file could tell.
///
/// # Errors
/// A broken law, if a part of it is there.
pub fn settle(
    sight: &mut Sight,
    answers: &mut Answers,
    label: TimelineLabel,
) -> Result<(), Finding> {
    let Some(timeline) = sight.open.get(&label).cloned() else {
        return Ok(());
    };
    let Some(doubt) = DoubtReads::of(sight.expected(label), timeline.gc_cutoff()) else {
        return Ok(());
    };
    let engine_last = timeline.last_record_lsn();
    if engine_last != doubt.last && engine_last != doubt.pending_last {
        let (without, with) = (doubt.last, doubt.pending_last);
        let law = format!("the last record is at {without} or {with}");
        return Err(Verdict::law(law, format!("{engine_last}")).into());
    }
    if let Some(settled) = doubt.look(sight, answers, (label, &timeline))? {
        sight.expected(label).settle(settled);
    }
    Ok(())
}

/// The reads that settle whether a batch in doubt is there.
struct DoubtReads {
    /// The LSN of the last record without the batch.
    last: Lsn,
    /// The LSN of the last record with the batch.
    pending_last: Lsn,
    points: Vec<DoubtfulPoint>,
}

/// A point with its two answers: with the batch and without it.
struct DoubtfulPoint {
    key: Key,
    lsn: Lsn,
    there: Answer,
    absent: Answer,
}

impl DoubtReads {
    /// The reads for the batch in doubt, if there is one.
    fn of(expected: &Expected, cutoff: Lsn) -> Option<DoubtReads> {
        let pending = expected.pending.as_ref()?;
        let whole = pending.whole(&expected.history);
        let point = |(key, lsn, _): &(Key, Lsn, Change)| {
            // A record below the cutoff cannot be read there; it shows at the cutoff as well.
            let (key, lsn) = (*key, cutoff.max(*lsn));
            DoubtfulPoint {
                key,
                lsn,
                there: whole.answer(key, lsn),
                absent: expected.history.answer(key, lsn),
            }
        };
        Some(DoubtReads {
            last: expected.last,
            pending_last: pending.last,
            points: pending.changes.iter().map(point).collect(),
        })
    }

    /// Whether the engine shows the batch; `None` if it cannot be told.
    fn look(
        &self,
        sight: &Sight,
        answers: &mut Answers,
        (label, timeline): (TimelineLabel, &Timeline<SimIo>),
    ) -> Result<Option<Settled>, Verdict> {
        let engine_last = timeline.last_record_lsn();
        let (mut can_be_there, mut can_be_absent) = (true, self.last == self.pending_last);
        if self.last != self.pending_last {
            can_be_there = engine_last == self.pending_last;
            can_be_absent = !can_be_there;
        }
        let is_known = can_be_there != can_be_absent;
        for point in &self.points {
            // A key of another shard cannot be asked for.
            let shard = ShardIdentity::from(sight.knobs.shard);
            if engine_last < point.lsn || !shard.holds(point.key) {
                continue;
            }
            let response = answers.peek(sight, timeline, point.key, point.lsn);
            match &response {
                Response::Error(error) if sight.judge.is_rot(error) && is_known => continue,
                Response::Error(error) if sight.judge.is_rot(error) => return Ok(None),
                Response::Error(Error::Closed) if sight.judge.is_shutting_down(label) => {
                    return Ok(None);
                }
                _ => {}
            }
            let is =
                |answer: &Answer| matches!(&response, Response::Answer(found) if found == answer);
            can_be_there &= is(&point.there);
            can_be_absent &= is(&point.absent);
        }
        match (can_be_there, can_be_absent) {
            (true, true) => Ok(Some(Settled::Either)),
            (true, false) => Ok(Some(Settled::There)),
            (false, true) => Ok(Some(Settled::Absent)),
            (false, false) => {
                let law = format!("a batch up to {} is whole or absent", self.pending_last);
                Err(Verdict::law(law, "a part of it"))
            }
        }
    }
}

/// Checks that the layer that a batch found was frozen before it, if the batch would have made it
/// too long or too wide, or if it was too old. A batch that starts at the LSN of the last record
/// must stay in its layer.
///
/// # Errors
/// A broken law, if the layer was not frozen.
pub fn check_rolled(
    sight: &Sight,
    label: TimelineLabel,
    batch: &Batch,
    before: Before,
) -> Result<(), Verdict> {
    let Some(timeline) = sight.open.get(&label) else {
        return Ok(());
    };
    let map = timeline.layers();
    let Some(open) = map.open() else {
        return Ok(());
    };
    let is_alone = open.entry_count() <= batch.record_count();
    if is_alone || batch.first_lsn() <= before.last {
        return Ok(());
    }
    let knobs = sight.knobs;
    let age = before.begun.saturating_since(open.opened_at());
    let is_age_known = before.clock_jump_count == sight.world.clock_jump_count();
    if knobs.freeze_age_max <= age && is_age_known {
        return Err(Verdict::law(
            "a batch that finds its layer too old freezes it before",
            format!("the layer was {age:?} old"),
        ));
    }
    let (len, width) = (
        open.byte_len(),
        timeline.last_record_lsn().0 - open.start().0,
    );
    if len < knobs.freeze_len_max && width < knobs.freeze_distance_max {
        return Ok(());
    }
    Err(Verdict::law(
        "a batch that would make its layer too long or too wide freezes it before",
        format!("the layer has {len} bytes over {width} LSNs now"),
    ))
}

/// Checks that a batch has added to no layer that alone was longer than all open layers may be.
///
/// # Errors
/// A broken law, if it has.
pub fn check_made_room(
    sight: &Sight,
    label: TimelineLabel,
    batch: &Batch,
    before: Before,
) -> Result<(), Verdict> {
    let Some(found) = before.open.filter(|_| before.last < batch.first_lsn()) else {
        return Ok(());
    };
    let open = sight.open.get(&label).and_then(OpenLayer::of);
    let is_added = open.is_some_and(|open| open.start == found.start);
    if !is_added || found.len <= sight.knobs.open_len_max {
        return Ok(());
    }
    let law = format!(
        "open layers of more than {} bytes are frozen",
        sight.knobs.open_len_max
    );
    Err(Verdict::law(
        law,
        format!("a batch was added to one of {}", found.len),
    ))
}

/// Checks that a batch which ran alone, where nothing maintains the engine, has frozen the layer
/// that it found only for a reason: the layer was too old, or would have grown too long or too
/// wide, or was the longest of open layers that are too long together.
///
/// # Errors
/// A broken law, if there was none.
pub fn check_needed(
    sight: &Sight,
    label: TimelineLabel,
    batch: &Batch,
    before: Before,
) -> Result<(), Verdict> {
    let (Some(found), Some(last)) = (before.open, batch.last_lsn()) else {
        return Ok(());
    };
    let open = sight.open.get(&label).and_then(OpenLayer::of);
    if open.is_none_or(|open| open.start == found.start) {
        return Ok(());
    }
    let knobs = sight.knobs;
    if knobs.maintenance != Maintenance::Off {
        return Ok(());
    }
    // The longest of so many has at least its share of what is too much.
    let timeline_count = sight.expectations.len() as u64;
    let may_be_longest = knobs.open_len_max < found.len * timeline_count;
    let is_known = before.clock_jump_count == sight.world.clock_jump_count();
    let age = before.begun.saturating_since(found.opened_at);
    let is_due = knobs.freeze_len_max <= found.values_len + batch.byte_len()
        || knobs.freeze_distance_max <= last.0 - found.start.0
        || knobs.freeze_age_max <= age;
    if is_due || may_be_longest || !is_known {
        return Ok(());
    }
    let law = "a batch freezes the layer that it finds only for a reason";
    Err(Verdict::law(
        law,
        format!("it was {age:?} old, with {} bytes", found.len),
    ))
}
