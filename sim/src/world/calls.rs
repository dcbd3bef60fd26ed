//! Who has called how often.

use palimpsest::base::TimelineId;
use palimpsest::io::{Job, Op};

use super::World;
use crate::faults::StepKind;

impl World {
    /// How many calls the jobs of a timeline have made in this life that shape its layers.
    #[expect(clippy::disallowed_methods, reason = "a sum is the same in any order")]
    pub fn shaping_calls(&self, timeline: TimelineId) -> u32 {
        let state = self.state();
        let is_one = |(op, step): &(Op, StepKind)| {
            let shapes = matches!(op.job, Job::Compact | Job::Image | Job::Gc);
            op.timeline == Some(timeline) && shapes && *step != StepKind::Pass
        };
        let calls = state.call_counts.iter();
        calls
            .filter(|(call, _)| is_one(call))
            .map(|(_, count)| count)
            .sum()
    }
}
