//! Each plan of `certified/` survives every crash, once; `cargo sim exhaust --depth 2` goes deeper.
#![expect(
    clippy::disallowed_methods,
    reason = "the plans are read from outside of any run"
)]

use std::fs;
use std::path::Path;

use palimpsest_sim::Plan;
use palimpsest_sim::exhaust::{Limits, exhaust, exhaust_all};

const LIMITS: Limits<'static> = Limits {
    depth: 1,
    deadline: None,
    thread_count: 2,
    is_over: &|| false,
    from_line: 0,
};

#[test]
fn no_crash_of_a_certified_plan_loses_anything() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("certified");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let plan: Plan = text.parse().unwrap();
        let certificate = exhaust(&plan, LIMITS).unwrap();
        assert!(
            certificate.is_complete(),
            "{}: {certificate}",
            path.display()
        );
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn no_crash_of_two_operations_loses_anything() {
    let certificate = exhaust_all(2, LIMITS, |_, _| {}).unwrap();
    assert!(certificate.is_complete(), "{certificate}");
}
