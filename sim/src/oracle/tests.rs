//! Unit tests of legal reads and of cutoffs.

use std::time::Duration;

use palimpsest::base::{Key, Lsn, Time};

use super::{
    AgeSamples, Certainty, Cutoff, Existence, Expectations, Expected, Horizon, Start,
    ancestors_first, is_kept, retained, view,
};
use crate::label::TimelineLabel;
use crate::model::{Answer, Change};

const A: TimelineLabel = TimelineLabel(b'a');
const B: TimelineLabel = TimelineLabel(b'b');
const C: TimelineLabel = TimelineLabel(b'c');

/// `a` up to 100, `b` off it at 50 and up to 100, `c` off that at 60 and up to 100, each with a
/// record at every tenth LSN of its own.
fn expectations() -> Expectations {
    let mut expectations = Expectations::new();
    let mut root = Expected::absent();
    root.created(Lsn(0));
    fill(&mut root);
    expectations.insert(A, root);
    for (label, on, at) in [(B, A, 50), (C, B, 60)] {
        let mut expected = Expected::absent();
        expected.branched((on, Lsn(at)), &expectations[&on]);
        fill(&mut expected);
        expectations.insert(label, expected);
    }
    expectations
}

fn fill(expected: &mut Expected) {
    for lsn in (10..=100)
        .step_by(10)
        .map(Lsn)
        .filter(|lsn| expected.last < *lsn)
    {
        let page = vec![expected.history.record_count() as u8; 1 + lsn.0 as usize];
        expected.history.put(Key::MIN, lsn, Change::Image(page));
    }
    expected.last = Lsn(100);
}

fn with_cutoff(mut expectations: Expectations, label: TimelineLabel, cutoff: u64) -> Expectations {
    let expected = expectations.get_mut(&label).unwrap();
    expected.cutoff = Cutoff::at(Lsn(cutoff));
    expectations
}

fn lsns(points: &std::collections::BTreeSet<Lsn>) -> Vec<u64> {
    points.iter().map(|lsn| lsn.0).collect()
}

#[test]
fn a_branch_has_what_its_ancestor_had() {
    let expectations = expectations();
    let answer = |label, lsn| expectations[&label].history.answer(Key::MIN, Lsn(lsn));
    assert_eq!(answer(B, 50), answer(A, 50));
    assert_eq!(answer(C, 59), answer(B, 59));
    assert_eq!(answer(C, 9), Answer::Absent);
    assert!(expectations[&B].is_own(Lsn(51)) && !expectations[&B].is_own(Lsn(50)));
}

#[test]
fn every_descendant_retains_a_point() {
    let expectations = expectations();
    assert_eq!(lsns(&retained(&expectations, A).surely), [50]);
    assert_eq!(lsns(&retained(&expectations, B).surely), [60]);
    let mut lower = expectations;
    let below = lower[&B].clone();
    lower.get_mut(&C).unwrap().branched((B, Lsn(20)), &below);
    assert_eq!(lsns(&retained(&lower, A).surely), [20, 50]);
    assert_eq!(lsns(&retained(&lower, B).surely), [20]);
}

#[test]
fn what_is_kept_is_above_the_cutoff_or_retained() {
    let expectations = with_cutoff(expectations(), A, 80);
    let kept = |label, lsn| is_kept(&expectations, label, Lsn(lsn)) == Certainty::Yes;
    assert!(kept(A, 80) && kept(A, 50));
    assert!(!kept(A, 79) && !kept(A, 51) && !kept(A, 49));
    // The branches read it at 50, or below.
    assert!(kept(B, 100) && kept(B, 50) && !kept(B, 49));
    assert!(kept(C, 100) && kept(C, 60) && kept(C, 55) && !kept(C, 49));
}

#[test]
fn a_branch_in_doubt_keeps_its_point_perhaps() {
    let mut expectations = with_cutoff(expectations(), A, 80);
    let expected = expectations
        .entry(TimelineLabel(b'd'))
        .or_insert_with(Expected::absent);
    expected.existence = Existence::InDoubt;
    expected.starts.push(Start {
        lsn: Lsn(30),
        ancestor: Some(A),
    });
    assert_eq!(is_kept(&expectations, A, Lsn(30)), Certainty::Perhaps);
    assert_eq!(is_kept(&expectations, A, Lsn(31)), Certainty::No);
    let view = view(&expectations, (A, Lsn(30)), |history| {
        history.record_count()
    });
    let allowed = view.now();
    assert!(allowed.below && allowed.answers.len() == 1 && !allowed.not_yet);
}

#[test]
fn a_read_is_judged_by_all_that_was_so_while_it_ran() {
    let look = |expectations: &Expectations, lsn| {
        view(expectations, (A, Lsn(lsn)), |history| {
            history.record_count()
        })
    };
    let (before, after) = (expectations(), with_cutoff(expectations(), A, 80));
    let still = look(&before, 70).until(look(&before, 70));
    assert!(!still.below && !still.answers.is_empty());
    let moved = look(&before, 70).until(look(&after, 70));
    assert!(moved.below && !moved.answers.is_empty());
    let gone = look(&after, 70).until(look(&after, 70));
    assert!(gone.below && gone.answers.is_empty());
    let early = look(&before, 101).now();
    assert!(early.not_yet && early.answers.is_empty() && !early.below);
}

#[test]
fn ancestors_come_first() {
    assert_eq!(ancestors_first(&expectations()), [A, B, C]);
    let mut other = Expectations::new();
    let expectations = expectations();
    other.insert(C, expectations[&A].clone());
    let mut branch = Expected::absent();
    branch.branched((C, Lsn(10)), &expectations[&A]);
    other.insert(A, branch);
    assert_eq!(ancestors_first(&other), [C, A]);
}

#[test]
fn a_cutoff_moves_only_by_a_collection_and_never_back() {
    let mut cutoff = Cutoff::at(Lsn(10));
    assert!(cutoff.see(Lsn(10)).is_ok());
    cutoff.may_reach(Lsn(50));
    assert!(cutoff.see(Lsn(11)).is_err(), "no collection is under way");
    cutoff.begin_gc();
    cutoff.may_reach(Lsn(50));
    assert!(cutoff.see(Lsn(30)).is_ok());
    assert!(cutoff.see(Lsn(29)).is_err());
    assert!(cutoff.see(Lsn(51)).is_err());
    cutoff.end_gc(Lsn(60));
    assert!(cutoff.see(Lsn(60)).is_ok());
    assert!(cutoff.see(Lsn(61)).is_err());
}

#[test]
fn after_a_crash_a_cutoff_is_between_the_durable_and_the_published_one() {
    let mut cutoff = Cutoff::at(Lsn(10));
    cutoff.begin_gc();
    cutoff.end_gc(Lsn(50));
    cutoff.see(Lsn(40)).unwrap();
    cutoff.acknowledge(Lsn(30));
    assert!(cutoff.clone().recover(Lsn(29)).is_err());
    assert!(cutoff.clone().recover(Lsn(41)).is_err());
    for found in [30, 40] {
        let mut recovered = cutoff;
        recovered.recover(Lsn(found)).unwrap();
        assert_eq!(recovered, Cutoff::at(Lsn(found)));
    }
}

#[test]
fn no_collection_reaches_further_than_the_distance_allows() {
    let expected = &expectations()[&A];
    let far = |distance| Horizon {
        distance,
        age: Duration::ZERO,
        now: Time(0),
    };
    assert_eq!(expected.highest_cutoff(&far(30)), Lsn(70));
    assert_eq!(expected.highest_cutoff(&far(300)), Lsn::ZERO);
}

#[test]
fn no_collection_reaches_further_than_age_allows() {
    let at = |seconds: u64| Horizon {
        distance: 0,
        age: Duration::from_secs(10),
        now: Time(seconds * 1_000_000_000),
    };
    let mut samples = AgeSamples::default();
    assert_eq!(samples.highest(&at(99)), Lsn::MAX);
    samples.begin(Some(at(5).now), Lsn(30));
    samples.note(&at(7), Lsn(40));
    samples.note(&at(8), Lsn(35));
    let highest = [14, 15, 16, 17, 18].map(|seconds| samples.highest(&at(seconds)).0);
    assert_eq!(highest, [0, 30, 30, 40, 40]);
    samples.note(&at(20), Lsn(50));
    let highest = [20, 29, 30].map(|seconds| samples.highest(&at(seconds)).0);
    assert_eq!(highest, [40, 40, 50]);
    samples.forget();
    assert_eq!(samples.highest(&at(99)), Lsn::MAX);
}
