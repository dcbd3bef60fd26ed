//! The calls that waited longest to be picked: those that the schedule delayed, if it did.

use crate::faults::{CallSite, Fault, Rule};

/// How many are remembered.
const WAITS_MAX: usize = 12;

/// A call that waited for fewer steps was not delayed.
const STEPS_MIN: u64 = 4;

/// The calls that waited longest.
#[derive(Clone, Default)]
pub(super) struct Waits {
    longest: Vec<(u64, CallSite)>,
}

impl Waits {
    /// Notes a call that waited while other tasks made this many steps.
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

    /// The calls, longest wait first, each as a rule that delays it alone.
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
