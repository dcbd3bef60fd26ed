//! The engine makes each call that faults are drawn for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use palimpsest::io::{Job, Part};

use super::super::rules::SITES;
use crate::faults::StepKind;
use crate::plan::Plan;
use crate::run::run_watched;

/// The number of plans after which a call that no run has made counts as never made.
const PLAN_COUNT: u64 = 6000;

type Place = (Job, Part, StepKind);

/// The number of plans that suffice to find the calls that the engine makes often.
const FEW_PLANS: u64 = 300;

/// Not one plan in a thousand makes these calls: a job removes what an earlier cancelled job of its
/// kind left. A fault there is a matter of chance, by addresses that mean any step.
const HARDLY_EVER: [Place; 6] = [
    // The reserve, on a full disk.
    (Job::Open, Part::Index, StepKind::Remove),
    (Job::Delete, Part::Index, StepKind::Remove),
    (Job::Flush, Part::Delta, StepKind::Remove),
    (Job::Flush, Part::Image, StepKind::Remove),
    (Job::Compact, Part::Delta, StepKind::Remove),
    (Job::Image, Part::Image, StepKind::Remove),
];

#[test]
fn faults_are_drawn_for_every_call_that_the_engine_makes() {
    let places = SITES.iter().flat_map(|site| {
        let steps = site.steps.iter();
        steps.map(|step| (site.job, site.part, *step))
    });
    let drawn: BTreeSet<Place> = places.chain(HARDLY_EVER).collect();
    let passed: Arc<Mutex<BTreeSet<Place>>> = Arc::default();
    for seed in 0..FEW_PLANS {
        let passed = passed.clone();
        run_watched(&Plan::draw(seed), |_| {
            Box::new(move |_, call| {
                let place = (call.op.job, call.op.part, call.step);
                passed.lock().unwrap().insert(place);
            })
        });
    }
    let passed = passed.lock().unwrap();
    let spared: Vec<&Place> = passed.difference(&drawn).collect();
    assert!(spared.is_empty(), "no fault is drawn for {spared:?}");
}

#[test]
fn the_engine_makes_every_call_that_faults_are_drawn_for() {
    let places = SITES.iter().flat_map(|site| {
        let steps = site.steps.iter();
        steps.map(|step| (site.job, site.part, *step))
    });
    let missed: Arc<Mutex<BTreeSet<Place>>> = Arc::new(Mutex::new(places.collect()));
    for seed in 0..PLAN_COUNT {
        let found = missed.clone();
        run_watched(&Plan::draw(seed), |_| {
            Box::new(move |_, call| {
                let place = (call.op.job, call.op.part, call.step);
                found.lock().unwrap().remove(&place);
            })
        });
        if missed.lock().unwrap().is_empty() {
            return;
        }
    }
    panic!("no run makes these calls: {:?}", missed.lock().unwrap());
}
