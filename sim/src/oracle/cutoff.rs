//! The cutoff: what the engine may have published, and what it must have kept.
//!
//! ```text
//!            durable              seen                high
//!  ─────────────┼───────────────────┼───────────────────┼──────────▶ LSN
//!   gone for    │  gone, but for    │  may be gone while │  kept
//!   good        │  what a crash     │  a collection runs │
//!               │  brings back      │  or nothing looks  │
//! ```
//!
//! 1. `durable <= seen <= high`, always.
//! 2. Only collections move it. Between `begin_gc` and `end_gc` of any, `high` grows to as far as
//!    one may go at that moment; when none is under way, a look brings `high` down to what is seen.
//! 3. A timeline that maintains itself has a collection under way for as long as it is open.
//! 4. Within a life the published cutoff only grows: `see` checks it. What a collection returns is
//!    durable: `acknowledge`.
//! 5. A crash or a close may take back what was published and is not durable, so `close` goes back
//!    to `durable`. It keeps `high`, since what was published may have become durable as well.
//! 6. A reopen finds `durable <= found <= high`, and nothing is in doubt after it: `recover`. A
//!    timeline whose own task publishes by itself may have published what it found without making
//!    it durable, so of that no more is known than before: `is_durable_up_to`.
//! 7. While a timeline is closed, an open of a branch on it may open it, unseen: its cutoff is
//!    hidden, and reads through the branch between `seen` and `high` may be refused.

use palimpsest::base::Lsn;

use crate::verdict::Verdict;

/// What is known of a timeline's cutoff.
///
/// # Shape
/// `durable <= seen <= high`. The published cutoff only grows within a life, the durable one across
/// lives: law 8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cutoff {
    /// What a collection said that is durable.
    durable: Lsn,
    /// What was published when it was looked at last.
    seen: Lsn,
    /// What a collection may have published since.
    high: Lsn,
    /// How many collections are under way.
    gc_count: u32,
    /// Whether nobody can look at what is published now.
    is_hidden: bool,
}

impl Cutoff {
    /// A timeline was found with this cutoff, and nothing moves it.
    pub fn at(found: Lsn) -> Cutoff {
        Cutoff {
            durable: found,
            seen: found,
            high: found,
            gc_count: 0,
            is_hidden: false,
        }
    }

    /// Nobody can look at what is published, which may by now be up to `highest`.
    pub fn hide(&mut self, highest: Lsn) {
        self.may_reach(highest);
        self.is_hidden = true;
    }

    /// The timeline is closed. What was published and is not durable may be gone with it, also
    /// where somebody opens it who does not say what he found: for one that stands on it.
    pub fn close(&mut self) {
        self.seen = self.durable;
        self.is_hidden = true;
    }

    /// Whether what is at the LSN and not kept for anybody may be gone, although nobody has seen
    /// that.
    pub fn may_hide(&self, lsn: Lsn) -> bool {
        self.is_hidden && lsn < self.high
    }

    /// What was published when it was looked at last.
    pub fn seen(&self) -> Lsn {
        self.seen
    }

    /// What will be left of it after a crash, at least.
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// A collection begins.
    pub fn begin_gc(&mut self) {
        self.gc_count += 1;
    }

    /// A collection has ended, in whatever way. It may have published up to `highest`.
    pub fn end_gc(&mut self, highest: Lsn) {
        self.may_reach(highest);
        self.gc_count -= 1;
    }

    /// What is under way may by now have published up to `highest`.
    pub fn may_reach(&mut self, highest: Lsn) {
        if 0 < self.gc_count {
            self.high = self.high.max(highest);
        }
    }

    /// This one is published now.
    ///
    /// # Errors
    /// A broken law, if it went back or further than any collection may have moved it.
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

    /// What was found is published; of what is durable no more is known than this.
    pub fn is_durable_up_to(&mut self, known: Lsn) {
        self.durable = known.min(self.seen);
    }

    /// A collection said that this one is durable.
    pub fn acknowledge(&mut self, durable: Lsn) {
        self.durable = self.durable.max(durable);
    }

    /// The timeline was opened again, with this cutoff.
    ///
    /// # Errors
    /// A broken law, if an acknowledged one was lost, or if nobody can have made it.
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
