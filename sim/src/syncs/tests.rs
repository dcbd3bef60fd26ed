use std::time::Duration;

use palimpsest::io::{Job, Part};

use super::*;
use crate::faults::{Fault, StepKind, read_rule};
use crate::lack::{self, By, Caught, Hunted, Lack, Limits, Missed};
use crate::plan::Plan;
use crate::verdict::Verdict;

const DELTA: Site = Site {
    job: Job::Flush,
    part: Part::Delta,
    step: StepKind::Sync,
    number: None,
};

fn row(site: Site, hunted: Hunted) -> Row {
    Row {
        site,
        call_count: 1,
        hunted,
    }
}

fn caught() -> Hunted {
    Hunted::Caught(Box::new(Caught {
        plan: Plan::draw(0),
        verdict: Verdict::law("a law", "a breach"),
        by: By::Seed(0),
        elapsed: Duration::ZERO,
    }))
}

#[test]
fn the_certified_plans_sync_what_they_write() {
    let sites = collect(0..0, 1);
    assert!(sites.contains_key(&DELTA), "{sites:?}");
    let is_sync = |site: &Site| matches!(site.step, StepKind::Sync | StepKind::SyncDir);
    assert!(sites.keys().all(is_sync));
    assert_eq!(DELTA.to_string(), "life*/*/flush/delta/sync");
}

#[test]
fn a_sync_that_is_needed_is_missed_at_once() {
    let limits = Limits {
        time: Duration::from_secs(60),
        shrink_time: Duration::from_millis(1),
        thread_count: 2,
        is_over: &|| false,
    };
    let hunted = lack::hunt(&Lack::at(DELTA.address(), Fault::Lie), limits);
    let Hunted::Caught(caught) = hunted else {
        panic!("{hunted:?}");
    };
    assert!(matches!(caught.by, By::Exhaust(_, 1)), "{}", caught.by);
}

#[test]
fn what_nothing_missed_survives_unless_it_is_waived() {
    let rows = [row(DELTA, Hunted::Missed(Missed::default()))];
    for (text, survivor_count) in [("", 1), ("life*/*/flush/delta/sync: why", 0)] {
        let table = Table {
            rows: &rows,
            waivers: &Waivers::read(text).unwrap(),
            scope: Scope::All,
        };
        assert_eq!(table.survivors().count(), survivor_count, "{text}");
        assert!(table.stale().is_empty());
    }
}

#[test]
fn a_waiver_of_what_was_missed_or_is_not_made_is_stale() {
    let address = DELTA.to_string();
    let waivers = Waivers::read(&format!("{address}: why")).unwrap();
    let stale = |rows: &[Row], scope| {
        let table = Table {
            rows,
            waivers: &waivers,
            scope,
        };
        table.stale()
    };
    assert_eq!(stale(&[row(DELTA, caught())], Scope::Some), [&*address]);
    assert_eq!(stale(&[], Scope::All), [&*address]);
    assert!(stale(&[], Scope::Some).is_empty());
}

#[test]
fn a_waiver_has_an_address_and_a_reason_once() {
    for text in ["life*/*/gc/index/sync", "a:b", "a: b\na: c"] {
        assert!(Waivers::read(text).is_err(), "{text}");
    }
    let waivers = Waivers::of_the_repository().unwrap();
    for address in waivers.addresses() {
        // Whether it is made at all, `cargo sim syncs` says: few seeds come to it.
        let rule = read_rule(&format!("at {address} lie")).unwrap();
        assert_eq!(rule.address.to_string(), address);
    }
}
