//! What a plan holds across its lines: handles of timelines that were shut down, and scans.
//!
//! 1. A scan is held in a slot until it is let go, whatever becomes of its timeline: collections,
//!    a shutdown, its deletion. Its answers are those of one snapshot. An instance that was shut
//!    down may end it with `Closed`.
//! 2. No call of the engine waits for a held scan: a line that did would be stuck.
//! 3. A scan holds the engine's directory. Before the engine is dropped each held scan is read once
//!    more and let go. A crash ends it.

use palimpsest::base::{Generation, KeyRange, Lsn};
use palimpsest::{Error, Scan, Timeline, Writer};

use super::Driver;
use super::options::options;
use crate::checkers::bounds::Batched;
use crate::checkers::racing::Racing;
use crate::checkers::{HeldAnswers, Response, values};
use crate::keys;
use crate::label::TimelineLabel;
use crate::model::History;
use crate::plan::{Held, How, Slot};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// The handles kept of an instance that was shut down.
pub(super) struct HeldInstance {
    pub(super) timeline: Timeline<SimIo>,
    pub(super) _scan: Option<Scan<SimIo>>,
    pub(super) _writer: Option<Writer<SimIo>>,
}

/// A slot in which a scan is held.
pub(super) struct HeldSlot {
    /// The line that began the scan.
    since: u32,
    /// The scan; `None` while a batch of it is read.
    scan: Option<HeldScan>,
}

/// A scan that outlives its line.
struct HeldScan {
    label: TimelineLabel,
    lsn: Lsn,
    /// The instance of its timeline.
    generation: Generation,
    scan: Scan<SimIo>,
    answers: HeldAnswers,
}

impl Driver {
    /// Begins a scan and holds it in a slot.
    pub(super) async fn hold(
        &self,
        (number, slot): (u32, Slot),
        (label, offset): (TimelineLabel, i64),
        how: How,
    ) -> Result<(), Verdict> {
        self.release(slot);
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let _using = self.users.enter(label);
        let (keys, lsn) = (
            keys::all(&self.knobs()),
            self.with_expected(label, |expected| keys::shifted(expected.last, offset)),
        );
        let ask = |history: &History| values(history, &keys, lsn);
        let guard = self.judge.begin(Some(label));
        let racing = self.look(|sight, _| Racing::begin(sight, (label, lsn), ask))?;
        let begun = self.call(how, timeline.scan(KeyRange::ALL, lsn)).await;
        let raced = self.show(|sight, _| racing.end(sight, ask));
        let (response, scan) = match begun {
            None => return Ok(()),
            Some(Ok(scan)) => (Response::Answer(()), Some(scan)),
            Some(Err(error)) => (Response::refused(error), None),
        };
        let snapshots = self.show(|sight, _| raced.seen(sight, ask));
        let allowed = self.look(|sight, _| raced.allowed(sight, ask))?.begun();
        let asked = || format!("begin a scan of {label} at {lsn}");
        match &response {
            Response::Error(error) => guard.check(&asked(), error)?,
            _ => response.judge(asked, &allowed)?,
        }
        if let Some(scan) = scan {
            let held = HeldScan {
                label,
                lsn,
                generation: timeline.generation(),
                scan,
                answers: HeldAnswers::new(snapshots),
            };
            let held = HeldSlot {
                since: number,
                scan: Some(held),
            };
            self.handles().slots.insert(slot, held);
        }
        Ok(())
    }

    /// Reads the next batch of a held scan. It is held on after an error or a cancel.
    pub(super) async fn next(&self, slot: Slot, how: How) -> Result<(), Verdict> {
        let taken = match self.handles().slots.get_mut(&slot) {
            Some(held) => held.scan.take().map(|scan| (held.since, scan)),
            None => None,
        };
        let Some((since, mut held)) = taken else {
            return Ok(());
        };
        let read = self.next_of(&mut held, how).await;
        let left = match self.handles().slots.get_mut(&slot) {
            Some(place) if place.since == since => place.scan.replace(held),
            // It was let go meanwhile.
            _ => Some(held),
        };
        drop(left);
        read
    }

    async fn next_of(&self, held: &mut HeldScan, how: How) -> Result<(), Verdict> {
        let (label, lsn) = (held.label, held.lsn);
        let present = self.timeline(label);
        let is_open = present.is_some_and(|present| present.generation() == held.generation);
        let _using = is_open.then(|| self.users.enter(label));
        let keys = keys::all(&self.knobs());
        let ask = |history: &History| values(history, &keys, lsn);
        let guard = self.judge.begin(Some(label)).with_layers();
        let racing = match is_open {
            true => Some(self.look(|sight, _| Racing::begin(sight, (label, lsn), ask))?),
            false => None,
        };
        let start = held.scan.position();
        let batch = self.call(how, held.scan.next_batch()).await;
        if let Some(racing) = racing {
            let seen = self.show(|sight, _| racing.end(sight, ask).seen(sight, ask));
            held.answers.add(seen);
        }
        let asked = || format!("go on with a scan of {label} at {lsn}");
        match batch {
            None => Ok(()),
            Some(Ok(batch)) => {
                let size = Batched::of(batch.as_deref().unwrap_or_default());
                size.check(&options(&self.knobs()))?;
                let end = match batch {
                    Some(_) => held.scan.position(),
                    None => KeyRange::ALL.end,
                };
                let batch = (KeyRange::new(start, end), batch.unwrap_or_default());
                self.session().tally.did("batches of held scans");
                held.answers.check(asked, batch)
            }
            Some(Err(Error::Closed)) if !is_open => {
                self.session().tally.did("held scans that were closed");
                Ok(())
            }
            Some(Err(error)) => guard.check(&asked(), &error),
        }
    }

    pub(super) fn let_go(&self, held: Held) -> Result<(), Verdict> {
        match held {
            Held::Handles => self.drop_held(),
            Held::Scan(slot) => {
                self.release(slot);
                Ok(())
            }
        }
    }

    /// Reads each held scan once more, and lets it go.
    pub(super) async fn release_all(&self) -> Result<(), Verdict> {
        loop {
            let first = self.handles().slots.keys().next().copied();
            let Some(slot) = first else {
                return Ok(());
            };
            self.next(slot, How::Wait).await?;
            self.release(slot);
        }
    }

    fn release(&self, slot: Slot) {
        // A scan's last layers may be removed as it is dropped: outside of the lock.
        let gone = self.handles().slots.remove(&slot);
        drop(gone);
    }
}
