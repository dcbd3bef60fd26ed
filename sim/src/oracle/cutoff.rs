//! The cutoff: what the engine may have published, and what it must have kept.
//!
//! ```text
//!            durable              seen                high
//!  ─────────────┼───────────────────┼───────────────────┼──────────▶ LSN
//!   gone for    │  gone, but for    │  may be gone while │  kept
//!   good        │  what a crash     │  a collection runs │
//!               │  brings back      │  or it is hidden   │
//! ```
//!
//! 1. `durable <= seen <= high`, always.
//! 2. Only collections move it. Between `begin_gc` and `end_gc` of any, `high` grows to the highest
//!    cutoff that one may make at that moment; when none runs, a look brings `high` down to what is
//!    seen.
//! 3. A timeline that maintains itself has a collection in flight while it is open.
//! 4. Within a life the published cutoff only grows: `see` checks it. What a collection returns is
//!    durable: `acknowledge`.
//! 5. A crash or a close may take back what was published and is not durable, so `close` goes back
//!    to `durable`. It keeps `high`, since what was published may have become durable as well.
//! 6. A reopen finds `durable <= found <= high`, and nothing is in doubt after it: `recover`.
//!    Maintenance may have published what it found without making it durable, so what is known to
//!    be durable does not grow: `is_durable_up_to`.
//! 7. While a timeline is closed, the open of a branch may open it unseen: its cutoff is hidden,
//!    and reads through the branch between `seen` and `high` may be refused.

use palimpsest::base::Lsn;

use crate::verdict::Verdict;

/// What is known of a timeline's cutoff.
///
/// # Shape
/// `durable <= seen <= high`. The published cutoff only grows within a life, the durable one across
/// lives: law 8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cutoff {
    /// The cutoff that a collection has returned as durable.
    durable: Lsn,
    /// The published cutoff at the last look.
    seen: Lsn,
    /// The highest cutoff that a collection may have published since.
    high: Lsn,
    /// How many collections are in flight.
    gc_count: u32,
    /// Whether the published cutoff cannot be looked at now.
    is_hidden: bool,
}

impl Cutoff {
    /// The cutoff of a timeline that was found with it, while no collection runs.
    pub fn at(found: Lsn) -> Cutoff {
        Cutoff {
            durable: found,
            seen: found,
            high: found,
            gc_count: 0,
            is_hidden: false,
        }
    }

    /// Hides the published cutoff, which may by now be up to `highest`.
    pub fn hide(&mut self, highest: Lsn) {
        self.may_reach(highest);
        self.is_hidden = true;
    }

    /// Closes the timeline. What was published and is not durable may be lost with it, also where
    /// the open of a branch opens it unseen.
    pub fn close(&mut self) {
        self.seen = self.durable;
        self.is_hidden = true;
    }

    /// Whether history at the LSN may be gone unseen, if it is not retained.
    pub fn may_hide(&self, lsn: Lsn) -> bool {
        self.is_hidden && lsn < self.high
    }

    /// The published cutoff at the last look.
    pub fn seen(&self) -> Lsn {
        self.seen
    }

    /// The lowest cutoff that a crash may leave.
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// Begins a collection.
    pub fn begin_gc(&mut self) {
        self.gc_count += 1;
    }

    /// Ends a collection, whatever its outcome. It may have published up to `highest`.
    pub fn end_gc(&mut self, highest: Lsn) {
        self.may_reach(highest);
        self.gc_count -= 1;
    }

    /// Notes that collections in flight may by now have published up to `highest`.
    pub fn may_reach(&mut self, highest: Lsn) {
        if 0 < self.gc_count {
            self.high = self.high.max(highest);
        }
    }

    /// Checks a published cutoff that was looked at.
    ///
    /// # Errors
    /// A broken law, if it went back, or further than any collection may have moved it.
    pub fn see(&mut self, found: Lsn) -> Result<(), Verdict> {
        if found < self.seen || self.high < found {
            let (low, high) = (self.seen, self.high);
            let law = format!("law 8: {low} <= cutoff <= {high}, what collections can have made");
            return Err(Verdict::law(law, format!("{found}")));
        }
        self.seen = found;
        self.is_hidden = false;
        if self.gc_count == 0 {
            self.high = found;
        }
        Ok(())
    }

    /// Notes that what was found is published, and only `known` is certainly durable.
    pub fn is_durable_up_to(&mut self, known: Lsn) {
        self.durable = known.min(self.seen);
    }

    /// Notes a cutoff that a collection has returned as durable.
    pub fn acknowledge(&mut self, durable: Lsn) {
        self.durable = self.durable.max(durable);
    }

    /// Checks the cutoff of a reopened timeline.
    ///
    /// # Errors
    /// A broken law, if an acknowledged one was lost, or if no collection can have made it.
    pub fn recover(&mut self, found: Lsn) -> Result<(), Verdict> {
        if found < self.durable || self.high < found {
            let (low, high) = (self.durable, self.high);
            let law = format!("law 8: after a reopen {low} <= cutoff <= {high}");
            return Err(Verdict::law(law, format!("{found}")));
        }
        *self = Cutoff::at(found);
        Ok(())
    }
}
