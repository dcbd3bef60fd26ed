//! The knobs of each life: those of the plan, and as its operations set them.

use super::{Knobs, Line, Plan, PlanOp};

impl Plan {
    /// The knobs of the plan, and as each of its operations sets them.
    pub fn all_knobs(&self) -> impl Iterator<Item = Knobs> {
        with_settings(&self.ops, &self.knobs)
    }
}

/// The knobs, and as each of the operations sets them.
pub(super) fn with_settings(ops: &[Line], knobs: &Knobs) -> impl Iterator<Item = Knobs> {
    let mut now = knobs.clone();
    let set = ops.iter().filter_map(move |line| {
        let PlanOp::Set(setting) = &line.op else {
            return None;
        };
        setting.apply(&mut now);
        Some(now.clone())
    });
    std::iter::once(knobs.clone()).chain(set)
}
