use std::collections::BTreeSet;

use super::*;
use crate::text::Words;

/// The fields of knobs with their values, as `Debug` prints them.
fn fields(knobs: &Knobs) -> Vec<String> {
    let text = format!("{knobs:?}").replace("On { period", "On period");
    text.split(": ").map(String::from).collect()
}

/// For each knob a value other than its plainest.
const OTHERS: &str = "7 7 edges 7 7 7 7s 7 7 7 7 7 tiered 7 7 7 7 7 7s 7 zstd:7 7 7 7 7 7 \
    7 7s 7 7s 7 7 7 every_7s_stall_8 8 1/4_stripe_2 all rots";

#[test]
fn every_field_has_one_row_and_every_row_one_field() {
    let plain = Knobs::plain();
    let mut all = plain.clone();
    for (knob, other) in KNOBS.iter().zip(OTHERS.split(' ')) {
        let mut knobs = plain.clone();
        let other = other.replace('_', " ");
        let value = (knob.value)(&mut knobs);
        value.read(&mut Words::new(&other), knob.name).unwrap();
        assert_eq!(value.written(), other, "{}", knob.name);
        (knob.value)(&mut all)
            .read(&mut Words::new(&other), knob.name)
            .unwrap();
        let (before, after) = (fields(&plain), fields(&knobs));
        assert_ne!(before, after, "{}", knob.name);
        (knob.set_plain)(&mut knobs);
        assert_eq!(knobs, plain, "{}", knob.name);
    }
    // Each field was set by some row.
    for (before, after) in fields(&plain).iter().zip(fields(&all)).skip(1) {
        assert_ne!(*before, after);
    }
    assert_eq!(fields(&plain).len() - 1, KNOBS.len());
    assert_eq!(all.check().err().map(|_| ()), None);
}

#[test]
fn the_plainest_knobs_pass_their_check() {
    assert!(Knobs::plain().check().is_ok());
}

#[test]
fn no_two_knobs_share_a_name_or_an_order() {
    let names: BTreeSet<&str> = KNOBS.iter().map(|knob| knob.name).collect();
    assert_eq!(names.len(), KNOBS.len());
    let mut orders: Vec<u8> = KNOBS.iter().filter_map(|knob| knob.shrink_order).collect();
    orders.sort_unstable();
    assert!(
        orders.iter().copied().eq(1..=orders.len() as u8),
        "{orders:?}"
    );
}
