//! What is legal, and what a cutoff may be.

use std::time::Duration;

use palimpsest::base::{Key, Lsn, Time};

use super::{
    Ages, Certainty, Cutoff, Existence, Horizon, Start, Truth, Truths, ancestors_first, is_kept,
    retained, view,
};
use crate::label::Letter;
use crate::model::{Answer, Change};

const A: Letter = Letter(b'a');
const B: Letter = Letter(b'b');
const C: Letter = Letter(b'c');

/// `a` up to 100, `b` off it at 50 and up to 100, `c` off that at 60 and up to 100, each with a
/// record at every tenth LSN of its own.
fn truths() -> Truths {
    let mut truths = Truths::new();
    let mut root = Truth::absent();
    root.created(Lsn(0));
    fill(&mut root);
    truths.insert(A, root);
    for (letter, on, at) in [(B, A, 50), (C, B, 60)] {
        let mut truth = Truth::absent();
        truth.branched((on, Lsn(at)), &truths[&on]);
        fill(&mut truth);
        truths.insert(letter, truth);
    }
    truths
}

fn fill(truth: &mut Truth) {
    for lsn in (10..=100)
        .step_by(10)
        .map(Lsn)
        .filter(|lsn| truth.last < *lsn)
    {
        let page = vec![truth.history.record_count() as u8; 1 + lsn.0 as usize];
        truth.history.put(Key::MIN, lsn, Change::Image(page));
    }
    truth.last = Lsn(100);
}

fn with_cutoff(mut truths: Truths, letter: Letter, cutoff: u64) -> Truths {
    let truth = truths.get_mut(&letter).unwrap();
    truth.cutoff = Cutoff::at(Lsn(cutoff));
    truths
}

fn lsns(points: &std::collections::BTreeSet<Lsn>) -> Vec<u64> {
    points.iter().map(|lsn| lsn.0).collect()
}

#[test]
fn a_branch_has_what_its_ancestor_had() {
    let truths = truths();
    let answer = |letter, lsn| truths[&letter].history.answer(Key::MIN, Lsn(lsn));
    assert_eq!(answer(B, 50), answer(A, 50));
    assert_eq!(answer(C, 59), answer(B, 59));
    assert_eq!(answer(C, 9), Answer::Absent);
    assert!(truths[&B].is_own(Lsn(51)) && !truths[&B].is_own(Lsn(50)));
}

#[test]
fn every_descendant_retains_a_point() {
    let truths = truths();
    assert_eq!(lsns(&retained(&truths, A).surely), [50]);
    assert_eq!(lsns(&retained(&truths, B).surely), [60]);
    let mut lower = truths;
    let below = lower[&B].clone();
    lower.get_mut(&C).unwrap().branched((B, Lsn(20)), &below);
    assert_eq!(lsns(&retained(&lower, A).surely), [20, 50]);
    assert_eq!(lsns(&retained(&lower, B).surely), [20]);
}

#[test]
fn what_is_kept_is_above_the_cutoff_or_retained() {
    let truths = with_cutoff(truths(), A, 80);
    let kept = |letter, lsn| is_kept(&truths, letter, Lsn(lsn)) == Certainty::Yes;
    assert!(kept(A, 80) && kept(A, 50));
    assert!(!kept(A, 79) && !kept(A, 51) && !kept(A, 49));
    // The branches read it at 50, or below.
    assert!(kept(B, 100) && kept(B, 50) && !kept(B, 49));
    assert!(kept(C, 100) && kept(C, 60) && kept(C, 55) && !kept(C, 49));
}

#[test]
fn a_branch_in_doubt_keeps_its_point_perhaps() {
    let mut truths = with_cutoff(truths(), A, 80);
    let truth = truths.entry(Letter(b'd')).or_insert_with(Truth::absent);
    truth.existence = Existence::InDoubt;
    truth.starts.push(Start {
        lsn: Lsn(30),
        ancestor: Some(A),
    });
    assert_eq!(is_kept(&truths, A, Lsn(30)), Certainty::Perhaps);
    assert_eq!(is_kept(&truths, A, Lsn(31)), Certainty::No);
    let view = view(&truths, (A, Lsn(30)), |history| history.record_count());
    let allowed = view.now();
    assert!(allowed.below && allowed.answers.len() == 1 && !allowed.not_yet);
}

#[test]
fn a_read_is_judged_by_all_that_was_so_while_it_ran() {
    let look = |truths: &Truths, lsn| view(truths, (A, Lsn(lsn)), |history| history.record_count());
    let (before, after) = (truths(), with_cutoff(truths(), A, 80));
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
    assert_eq!(ancestors_first(&truths()), [A, B, C]);
    let mut other = Truths::new();
    let truths = truths();
    other.insert(C, truths[&A].clone());
    let mut branch = Truth::absent();
    branch.branched((C, Lsn(10)), &truths[&A]);
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
    let truth = &truths()[&A];
    let far = |distance| Horizon {
        distance,
        age: Duration::ZERO,
        now: Time(0),
    };
    assert_eq!(truth.highest_cutoff(&far(30)), Lsn(70));
    assert_eq!(truth.highest_cutoff(&far(300)), Lsn::ZERO);
}

#[test]
fn no_collection_reaches_further_than_age_allows() {
    let at = |seconds: u64| Horizon {
        distance: 0,
        age: Duration::from_secs(10),
        now: Time(seconds * 1_000_000_000),
    };
    let mut ages = Ages::default();
    assert_eq!(ages.highest(&at(99)), Lsn::MAX);
    ages.begin(Some(at(5).now), Lsn(30));
    ages.note(&at(7), Lsn(40));
    ages.note(&at(8), Lsn(35));
    let highest = [14, 15, 16, 17, 18].map(|seconds| ages.highest(&at(seconds)).0);
    assert_eq!(highest, [0, 30, 30, 40, 40]);
    ages.note(&at(20), Lsn(50));
    let highest = [20, 29, 30].map(|seconds| ages.highest(&at(seconds)).0);
    assert_eq!(highest, [40, 40, 50]);
    ages.forget();
    assert_eq!(ages.highest(&at(99)), Lsn::MAX);
}
