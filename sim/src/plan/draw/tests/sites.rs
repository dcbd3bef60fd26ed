//! Each place that faults are drawn for is one where the engine comes by.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use palimpsest::io::{Job, Part};

use super::super::rules::SITES;
use crate::faults::StepKind;
use crate::plan::Plan;
use crate::run::run_watched;

/// After so many plans, what no run has come by is nowhere.
const PLAN_COUNT: u64 = 2000;

type Place = (Job, Part, StepKind);

/// Fewer, to find what the engine comes by often.
const FEW_PLANS: u64 = 300;

/// Not one plan in a thousand comes by here: what a job finds of its like that was given up, it
/// removes. A fault there is a matter of chance, by addresses that mean any step.
const HARDLY_EVER: [Place; 3] = [
    (Job::Flush, Part::Delta, StepKind::Remove),
    (Job::Compact, Part::Delta, StepKind::Remove),
    (Job::Image, Part::Image, StepKind::Remove),
];

#[test]
fn faults_are_drawn_for_every_place_that_the_engine_comes_by() {
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
fn the_engine_comes_by_every_place_that_faults_are_drawn_for() {
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
    panic!("nowhere: {:?}", missed.lock().unwrap());
}
