//! Which calls waited longest for their turn: those that a schedule held back, if it did.

use crate::faults::{CallSite, Fault, Rule};

/// So many are remembered.
const WAITS_MAX: usize = 12;

/// Who waited for fewer steps was not held back.
const STEPS_MIN: u64 = 4;

/// The calls that waited longest.
#[derive(Clone, Default)]
pub(super) struct Waits {
    longest: Vec<(u64, CallSite)>,
}

impl Waits {
    /// Notes that others made so many steps while a call waited.
    pub(super) fn note(&mut self, step_count: u64, site: &CallSite) {
        if step_count < STEPS_MIN {
            return;
        }
        let at = self
            .longest
            .partition_point(|(other, _)| step_count <= *other);
        if at < WAITS_MAX {
            self.longest.insert(at, (step_count, *site));
            self.longest.truncate(WAITS_MAX);
        }
    }

    /// The longest first, as rules by which each of them would wait alone.
    pub(super) fn rules(&self) -> Vec<Rule> {
        let rule = |(_, site): &(u64, CallSite)| Rule {
            address: site.address(),
            fault: Fault::Stall,
            times: 1,
            one_in: 1,
        };
        self.longest.iter().map(rule).collect()
    }
}
