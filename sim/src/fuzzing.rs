//! The functions that fuzz targets call: they take bytes and panic if something is wrong.

use arbitrary::{Arbitrary, Unstructured};

use crate::plan::Plan;
use crate::run::{Keep, run};

/// The number of trace lines that a failure shows.
const TRACE_LINES_SHOWN: usize = 40;

/// The plan that a fuzzer's bytes stand for; `None` if they are too few for one.
pub fn plan_of(bytes: &[u8]) -> Option<Plan> {
    Plan::arbitrary(&mut Unstructured::new(bytes)).ok()
}

/// Runs the plan that the bytes stand for.
///
/// # Panics
/// If the verdict is a failure: with the verdict, the last steps, and the plan, which `cargo sim
/// replay FILE` runs again.
pub fn check_plan(bytes: &[u8]) {
    let Some(plan) = plan_of(bytes) else {
        return;
    };
    let outcome = run(&plan, Keep::Tail);
    if let Some(verdict) = outcome.verdict {
        let shown = outcome.trace.len().saturating_sub(TRACE_LINES_SHOWN);
        let steps = outcome.trace[shown..].join("\n");
        panic!("{verdict}\n\nthe last steps:\n{steps}\n\nthe plan:\n{plan}");
    }
}

/// A planted bug behind a few bytes that chance does not find: a fuzzer that works must find it.
///
/// # Panics
/// When the bytes are those.
pub fn check_canary(bytes: &[u8]) {
    if let [b'b', b'i', b'r', b'd', rest @ ..] = bytes
        && let Some(number) = rest.first_chunk()
    {
        assert!(
            u32::from_le_bytes(*number) != 0x5A60_1EAF,
            "the canary was found"
        );
    }
}
