use std::time::Duration;

use palimpsest::io::{Job, Part};

use super::*;
use crate::faults::{Fault, StepKind, read_rule};
use crate::plan::Plan;
use crate::verdict::Verdict;
use crate::weakness::{self, By, Found, HuntLimits, NotFound, Search, Weakness};

const DELTA: SyncSite = SyncSite {
    job: Job::Flush,
    part: Part::Delta,
    step: StepKind::Sync,
    number: None,
};

fn row(site: SyncSite, search: Search) -> SyncRow {
    SyncRow {
        site,
        call_count: 1,
        search,
    }
}

fn caught() -> Search {
    Search::Found(Box::new(Found {
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
    let is_sync = |site: &SyncSite| matches!(site.step, StepKind::Sync | StepKind::SyncDir);
    assert!(sites.keys().all(is_sync));
    assert_eq!(DELTA.to_string(), "life*/*/flush/delta/sync");
}

#[test]
fn a_sync_that_is_needed_is_missed_at_once() {
    let limits = HuntLimits {
        time: Duration::from_secs(60),
        shrink_time: Duration::from_millis(1),
        thread_count: 2,
        is_interrupted: &|| false,
    };
    let search = weakness::hunt(&Weakness::at(DELTA.address(), Fault::Lie), limits);
    let Search::Found(caught) = search else {
        panic!("{search:?}");
    };
    assert!(matches!(caught.by, By::Exhaust(_, 1)), "{}", caught.by);
}

#[test]
fn a_sync_that_no_plan_missed_survives_unless_waived() {
    let rows = [row(DELTA, Search::NotFound(NotFound::default()))];
    for (text, survivor_count) in [("", 1), ("life*/*/flush/delta/sync: why", 0)] {
        let table = SyncTable {
            rows: &rows,
            waivers: &SyncWaivers::read(text).unwrap(),
            scope: SyncScope::All,
        };
        assert_eq!(table.survivors().count(), survivor_count, "{text}");
        assert!(table.stale().is_empty());
    }
}

#[test]
fn a_waiver_of_a_missed_or_absent_sync_is_stale() {
    let address = DELTA.to_string();
    let waivers = SyncWaivers::read(&format!("{address}: why")).unwrap();
    let stale = |rows: &[SyncRow], scope| {
        let table = SyncTable {
            rows,
            waivers: &waivers,
            scope,
        };
        table.stale()
    };
    assert_eq!(stale(&[row(DELTA, caught())], SyncScope::Some), [&*address]);
    assert_eq!(stale(&[], SyncScope::All), [&*address]);
    assert!(stale(&[], SyncScope::Some).is_empty());
}

#[test]
fn a_waiver_has_an_address_and_a_reason_once() {
    for text in ["life*/*/gc/index/sync", "a:b", "a: b\na: c"] {
        assert!(SyncWaivers::read(text).is_err(), "{text}");
    }
    let waivers = SyncWaivers::of_the_repository().unwrap();
    for address in waivers.addresses() {
        // Few seeds make this sync; `cargo sim syncs` says whether the engine makes it at all.
        let rule = read_rule(&format!("at {address} lie")).unwrap();
        assert_eq!(rule.address.to_string(), address);
    }
}
