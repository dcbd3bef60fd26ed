//! Waits that nothing needs, as they are today: only a collection should wait for a reader.
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

/// A read takes an hour. The maintenance of its timeline waits for it in a collection, so that
/// nothing is flushed, and a batch waits for the flush. Nothing of that read stands in the way of a
/// flush or a compaction: the wait is the engine's own.
#[test]
fn a_slow_read_keeps_a_batch_waiting() {
    let elapsed = outcome("slow-read-keeps-a-batch-waiting").counts.elapsed;
    assert!(Duration::from_secs(3600) <= elapsed, "{elapsed:?}");
}

/// A held scan that is not read keeps a batch waiting until it is let go.
#[test]
fn a_held_scan_keeps_a_batch_waiting() {
    let outcome = outcome("held-scan-keeps-a-batch-waiting");
    let waited = outcome.tally.done.get("held scans that were waited for");
    assert_eq!(waited, Some(&1));
    let elapsed = outcome.counts.elapsed;
    assert!(PLANNED < elapsed, "{elapsed:?}");
}
