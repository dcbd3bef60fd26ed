//! Readers that are slow, or held, keep nothing waiting.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use palimpsest_sim::{Keep, Outcome, Plan, run};

/// All waits of either plan together.
const PLANNED: Duration = Duration::from_secs(6);

fn outcome(name: &str) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plans/{name}.plan"));
    let text = fs::read_to_string(&path).unwrap();
    let plan: Plan = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let outcome = run(&plan, Keep::Tail);
    assert!(outcome.verdict.is_none(), "{:?}", outcome.verdict);
    outcome
}

/// A read takes an hour. The batch that waits for a flush and a compaction does not wait for it:
/// the law on what an operation may wait for is part of the run.
#[test]
fn a_slow_read_keeps_no_batch_waiting() {
    let elapsed = outcome("slow-read-keeps-no-batch-waiting").counts.elapsed;
    assert!(
        Duration::from_secs(3600) <= elapsed,
        "the read itself takes an hour, {elapsed:?}"
    );
}

/// A held scan that is not read keeps nothing waiting.
#[test]
fn a_held_scan_keeps_no_batch_waiting() {
    let elapsed = outcome("held-scan-keeps-no-batch-waiting").counts.elapsed;
    assert!(elapsed < 2 * PLANNED, "{elapsed:?}");
}
