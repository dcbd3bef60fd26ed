//! Each plan of `certified/` survives every single crash. `cargo sim exhaust --depth 2` tries two.
#![expect(
    clippy::disallowed_methods,
    reason = "the folder is listed from outside of any run"
)]

use std::fs;
use std::path::Path;

use palimpsest_sim::exhaust::{ExhaustLimits, exhaust, exhaust_all};
use palimpsest_sim::weakness;

const LIMITS: ExhaustLimits<'static> = ExhaustLimits {
    depth: 1,
    deadline: None,
    thread_count: 2,
    is_interrupted: &|| false,
    from_line: 0,
};

#[test]
fn no_crash_of_a_certified_plan_loses_anything() {
    let plans = weakness::certified();
    for (name, plan) in &plans {
        let certificate = exhaust(plan, LIMITS).unwrap();
        assert!(certificate.is_complete(), "{name}: {certificate}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("certified");
    assert_eq!(fs::read_dir(folder).unwrap().count(), plans.len());
}

#[test]
fn no_crash_of_two_operations_loses_anything() {
    let certificate = exhaust_all(2, LIMITS, |_, _| {}).unwrap();
    assert!(certificate.is_complete(), "{certificate}");
}
