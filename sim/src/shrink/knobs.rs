//! Sets knobs to values at which nothing happens on its own.

use super::candidates::Candidates;
use crate::plan::{KNOBS, Knob};

/// Sets all knobs to where they do least, or else each knob that can be.
pub fn simplify(candidates: &mut Candidates<'_>) {
    let mut knobs: Vec<&Knob> = KNOBS
        .iter()
        .filter(|knob| knob.shrink_order.is_some())
        .collect();
    knobs.sort_by_key(|knob| knob.shrink_order);
    let mut size = knobs.len();
    while 0 < size {
        let chunks: Vec<&[&Knob]> = knobs.chunks(size).collect();
        let mut start = 0;
        while let Some(index) = candidates.take_first(chunks.len() - start, |plan, index| {
            let mut plan = plan.clone();
            let chunk = chunks[start + index].iter();
            chunk.for_each(|knob| (knob.set_plain)(&mut plan.knobs));
            Some(plan)
        }) {
            start += index + 1;
        }
        size /= 2;
    }
}
