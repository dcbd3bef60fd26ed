//! Disks with one wrong layer each.

mod fixture;

use std::collections::BTreeSet;

use palimpsest::base::{Lsn, ShardIdentity};

use super::{Known, check_layers};
use crate::model::Change;
use crate::oracle::Expected;
use crate::verdict::Verdict;
use fixture::{Fixture, TIMELINE, key};

/// The model: `a` is written at 10, 20 and 30, `b` at 20, `c` has no base; all is durable up to 40,
/// and the first LSN is 1.
fn model() -> Expected {
    let mut model = Expected::absent();
    model.created(Lsn(0));
    let records = [
        ("a", 10, Change::Image(b"a1".to_vec())),
        ("b", 20, Change::Image(b"b2".to_vec())),
        ("a", 20, Change::Append(b"2".to_vec())),
        ("c", 20, Change::Append(b"c2".to_vec())),
        ("a", 30, Change::Image(b"a3".to_vec())),
    ];
    for (name, lsn, change) in records {
        model.history.put(key(name), Lsn(lsn), change);
    }
    model.last = Lsn(40);
    model
}

const ALL: ShardIdentity = ShardIdentity::UNSHARDED;

fn checked(fixture: &Fixture, model: &Expected, retained: &[u64]) -> Result<(), Verdict> {
    let retained: BTreeSet<Lsn> = retained.iter().map(|lsn| Lsn(*lsn)).collect();
    check_layers(&mut fixture.disk(), TIMELINE, model, &retained)
}

/// Expects a verdict whose law or finding contains this.
fn check_broken(fixture: &Fixture, expected: &str) {
    let verdict = checked(fixture, &model(), &[]).expect_err(expected);
    assert!(verdict.to_string().contains(expected), "{verdict}");
}

/// Two L0s that are right.
fn l0s() -> Fixture {
    Fixture::up_to(40)
        .delta("..", 1, 21, "a@10 =a1, a@20 +2, b@20 =b2, c@20 +c2")
        .delta("..", 21, 41, "a@30 =a3")
}

#[test]
fn layers_that_are_right_pass() {
    assert_eq!(checked(&l0s(), &model(), &[]), Ok(()));
    let compacted = Fixture::up_to(40)
        .delta("..b", 1, 41, "a@10 =a1, a@20 +2, a@30 =a3")
        .delta("b..", 1, 41, "b@20 =b2, c@20 +c2");
    assert_eq!(checked(&compacted, &model(), &[]), Ok(()));
    let imaged = l0s().image("..c", 20, "a=a12, b=b2");
    assert_eq!(checked(&imaged, &model(), &[]), Ok(()));
}

#[test]
fn a_layer_that_is_not_there_breaks_law_5() {
    check_broken(&l0s().naming("..", 41, 51), "law 5");
}

#[test]
fn a_record_that_was_never_written_is_seen() {
    let wrong = l0s().delta("..", 31, 41, "");
    check_broken(&wrong, "no two delta layers cover the same point");
    let wrong = Fixture::up_to(40).delta("..", 1, 41, "a@10 =a1, a@15 +x");
    check_broken(&wrong, "was never written");
}

#[test]
fn a_record_with_other_bytes_is_seen() {
    let wrong = Fixture::up_to(40).delta("..", 1, 21, "a@10 =a2, a@20 +2, b@20 =b2, c@20 +c2");
    check_broken(&wrong, "has other bytes");
}

#[test]
fn a_record_outside_of_its_layers_name_is_seen() {
    let wrong = Fixture::up_to(40).delta("b..", 1, 41, "a@10 =a1, b@20 =b2, c@20 +c2");
    check_broken(&wrong, "a layer has what its name covers");
}

#[test]
fn a_record_that_a_layer_left_out_is_seen() {
    let wrong = Fixture::up_to(40).delta("..", 1, 41, "a@10 =a1, a@20 +2, c@20 +c2, a@30 =a3");
    check_broken(
        &wrong,
        "a delta layer has every record that its name covers",
    );
}

#[test]
fn deltas_that_cover_one_point_twice_are_seen() {
    let wrong = l0s().delta("..b", 11, 41, "a@20 +2, a@30 =a3");
    check_broken(&wrong, "no two delta layers cover the same point");
}

#[test]
fn a_layer_beyond_what_is_durable_is_seen() {
    let wrong = l0s().delta("..", 41, 51, "");
    check_broken(&wrong, "no layer reaches above disk_consistent_lsn");
    check_broken(&l0s().image("..c", 41, "a=a3, b=b2"), "reaches above");
}

#[test]
fn an_image_with_another_value_is_seen() {
    check_broken(
        &l0s().image("..c", 20, "a=a1, b=b2"),
        "every value of an image",
    );
    check_broken(
        &l0s().image("..c", 10, "a=a1, b=b2"),
        "every value of an image",
    );
}

#[test]
fn an_image_that_left_a_key_out_is_seen() {
    check_broken(&l0s().image("..c", 20, "a=a12"), "an image has every key");
}

#[test]
fn an_image_over_a_key_without_a_base_is_seen() {
    let wrong = l0s().image("..", 20, "a=a12, b=b2");
    check_broken(&wrong, "an image has every key");
}

#[test]
fn records_that_a_read_may_need_must_be_somewhere() {
    let lost = Fixture::up_to(40).delta("..", 21, 41, "a@30 =a3");
    check_broken(&lost, "that a read may need");
    // With an image of these records, no read at the cutoff or above it needs them.
    let imaged = || lost.clone().image("..c", 30, "a=a3, b=b2").cutoff(30);
    let mut model = model();
    model.cutoff.recover(Lsn(0)).unwrap();
    model.cutoff.begin_gc();
    model.cutoff.end_gc(Lsn(30));
    model.cutoff.see(Lsn(30)).unwrap();
    let verdict = checked(&imaged(), &model, &[]).unwrap_err();
    assert!(
        verdict.to_string().contains(&key("c").to_string()),
        "{verdict}"
    );
    let kept = imaged().delta("c..", 1, 21, "c@20 +c2");
    assert_eq!(checked(&kept, &model, &[]), Ok(()));
    // A branch at 25 reads below the image.
    let verdict = checked(&kept, &model, &[25]).unwrap_err();
    assert!(
        verdict.to_string().contains("that a read may need"),
        "{verdict}"
    );
    let below = kept.image("..c", 20, "a=a12, b=b2");
    assert_eq!(checked(&below, &model, &[25]), Ok(()));
}

#[test]
fn a_cutoff_that_was_never_published_is_seen() {
    check_broken(&l0s().cutoff(10), "law 8");
}

#[test]
fn what_was_forgotten_is_not_missed() {
    let mut model = model();
    model.history.forget(Lsn(35), &BTreeSet::new());
    assert_eq!(checked(&l0s(), &model, &[]), Ok(()));
}

#[test]
fn a_branch_has_no_record_of_its_ancestor() {
    let ancestor = model();
    let mut model = Expected::absent();
    model.branched((fixture::ON, Lsn(20)), &ancestor);
    model
        .history
        .put(key("a"), Lsn(25), Change::Append(b"!".to_vec()));
    model.last = Lsn(40);
    let branch = |text| Fixture::up_to(40).on(20).delta("..", 21, 41, text);
    assert_eq!(checked(&branch("a@25 +!"), &model, &[]), Ok(()));
    let imaged = branch("a@25 +!").image("..c", 30, "a=a12!, b=b2");
    assert_eq!(checked(&imaged, &model, &[]), Ok(()));
    let verdict = checked(&branch("a@25 +!, a@30 =a3"), &model, &[]).unwrap_err();
    assert!(
        verdict.to_string().contains("was never written"),
        "{verdict}"
    );
    let elsewhere = Fixture::up_to(40).on(10).delta("..", 21, 41, "a@25 +!");
    let verdict = checked(&elsewhere, &model, &[]).unwrap_err();
    assert!(verdict.to_string().contains("stands on"), "{verdict}");
}

/// Checks right layers, adds a record to the model, and checks them again.
fn checked_again(key_name: &str, lsn: u64) -> Result<(), Verdict> {
    let (mut disk, retained, mut model) = (l0s().disk(), BTreeSet::new(), model());
    let mut known = Known::default();
    for _ in 0..2 {
        let checked = known.check_layers(&mut disk, TIMELINE, (&model, &retained), ALL);
        assert_eq!(checked, Ok(()));
    }
    let change = Change::Image(b"x".to_vec());
    model.history.put(key(key_name), Lsn(lsn), change);
    known.check_layers(&mut disk, TIMELINE, (&model, &retained), ALL)
}

#[test]
fn a_layer_that_was_right_is_held_against_a_model_that_changed() {
    for (key_name, lsn) in [("b", 15), ("b", 25), ("c", 30), ("a", 35), ("b", 40)] {
        let verdict = checked_again(key_name, lsn).expect_err("no layer has it");
        let law = "a delta layer has every record that its name covers";
        assert!(verdict.to_string().contains(law), "{lsn}: {verdict}");
    }
    assert_eq!(checked_again("b", 50), Ok(()));
}

#[test]
fn a_layer_that_was_right_is_read_again_where_its_bytes_are_others() {
    let other = Fixture::up_to(40)
        .delta("..", 1, 21, "a@10 =a2, a@20 +2, b@20 =b2, c@20 +c2")
        .delta("..", 21, 41, "a@30 =a3");
    let (retained, model) = (BTreeSet::new(), model());
    let mut known = Known::default();
    let mut check = |fixture: &Fixture| {
        known.check_layers(&mut fixture.disk(), TIMELINE, (&model, &retained), ALL)
    };
    assert_eq!(check(&l0s()), Ok(()));
    let verdict = check(&other).expect_err("it is another value");
    assert!(verdict.to_string().contains("has other bytes"), "{verdict}");
}
