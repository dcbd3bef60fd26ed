//! Counts of calls, by job and kind.

use palimpsest::base::TimelineId;
use palimpsest::io::{Job, Op};

use super::World;
use crate::faults::StepKind;

impl World {
    /// How many calls these jobs of a timeline have made in this life, without their passes.
    #[expect(clippy::disallowed_methods, reason = "a sum is the same in any order")]
    pub fn call_count(&self, timeline: TimelineId, jobs: &[Job]) -> u32 {
        let state = self.state();
        let is_one = |(op, step): &(Op, StepKind)| {
            let is_of_them = op.timeline == Some(timeline) && jobs.contains(&op.job);
            is_of_them && *step != StepKind::Pass
        };
        let calls = state.call_counts.iter();
        calls
            .filter(|(call, _)| is_one(call))
            .map(|(_, count)| count)
            .sum()
    }
}
