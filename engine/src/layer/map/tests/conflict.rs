//! Conflicts of deltas.

use super::*;

fn check(names: &str, expected: Option<&str>) {
    let found = history(&layers(names)).find_conflict();
    let found = found.map(|(a, b)| format!("{} {}", print(a), print(b)));
    assert_eq!(found.as_deref(), expected, "{names}");
}

#[test]
fn deltas_over_one_key_have_equal_or_disjoint_lsns() {
    check(
        "0..10@10..20 5..15@15..25",
        Some("0..10@10..20 5..15@15..25"),
    );
    check("0..10@10..20 0..10@20..30", None);
    check("0..10@10..20 5..15@10..20", None);
}

#[test]
fn deltas_over_different_keys_may_have_any_lsns() {
    check("0..3@10..20 3..6@10..20 6..9@10..20", None);
    check("0..3@10..20 3..6@15..25 6..9@10..20", None);
}

#[test]
fn a_delta_of_one_key_and_an_image_are_exempt() {
    check("0..10@10..30 5..6@15..20", None);
    check("0..10@10..30 0..10@15", None);
}

#[test]
fn an_l0_conflicts_like_any_delta() {
    check("all@10..20 5..9@15..25", Some("all@10..20 5..9@15..25"));
    check("all@10..20 5..9@20..25", None);
}

/// A peer compares a delta with the ends of others of several keys, and looks again only where more
/// than one of these lies inside: so the delta of one key is a fault to it once a third is there.
/// Ours compares two at a time, and what is well stays well whatever else there is.
#[test]
fn a_third_delta_makes_no_conflict_of_two_others() {
    check("0..10@10..30 5..6@15..20 20..30@15..25", None);
    check(
        "0..10@10..30 5..7@15..20 20..30@15..25",
        Some("0..10@10..30 5..7@15..20"),
    );
}

/// Of two deltas with equal LSNs, the first ends before the conflict and the second does not.
#[test]
fn of_equal_lsns_the_one_that_reaches_furthest_counts() {
    let names = "0..3@10..20 1..9@10..20 2..4@10..20 5..8@15..25";
    check(names, Some("1..9@10..20 5..8@15..25"));
}

#[test]
#[should_panic(expected = "have a key and an LSN in common")]
fn we_write_no_two_deltas_of_equal_lsns_over_one_key() {
    history(&layers("0..10@10..20 9..15@10..20")).check_laws();
}

#[test]
#[should_panic(expected = "have a key and an LSN in common")]
fn we_write_no_single_key_into_another_delta() {
    history(&layers("0..10@10..30 5..6@15..20")).check_laws();
}

#[test]
#[should_panic(expected = "have a key and an LSN in common")]
fn we_write_no_two_l0s_of_one_lsn() {
    history(&layers("all@10..20 all@19..30")).check_laws();
}

fn is_single(name: &LayerName) -> bool {
    name.keys() == KeyRange::single(name.keys().start)
}

fn pairs(names: &[LayerName]) -> impl Iterator<Item = (&LayerName, &LayerName)> {
    let deltas = || names.iter().filter(|name| name.is_delta());
    deltas().flat_map(move |a| deltas().map(move |b| (a, b)))
}

fn conflict(a: &LayerName, b: &LayerName) -> bool {
    !is_single(a) && !is_single(b) && a.lsns() != b.lsns() && list::overlap(a, b)
}

proptest! {
    #[test]
    fn a_conflict_is_found_if_there_is_one(names in any_layers()) {
        match history(&names).find_conflict() {
            Some((a, b)) => prop_assert!(conflict(&a, &b)),
            None => prop_assert!(pairs(&names).all(|(a, b)| !conflict(a, b))),
        }
    }

    #[test]
    fn the_laws_hold_where_no_two_deltas_overlap(names in any_layers()) {
        let is_lawful = pairs(&names).all(|(a, b)| a == b || !list::overlap(a, b));
        let checked = std::panic::catch_unwind(|| history(&names).check_laws());
        prop_assert_eq!(checked.is_ok(), is_lawful);
        let layers = history(&names);
        let in_conflict = names.iter().any(|name| layers.has_conflict(name));
        prop_assert_eq!(in_conflict, !is_lawful);
        let ends = names.iter().map(|name| name.lsns().end);
        prop_assert_eq!(layers.lsn_end(), ends.max().unwrap_or(Lsn::ZERO));
    }

    #[test]
    fn lawful_layers_have_no_conflict(names in any_lawful_layers()) {
        history(&names).check_laws();
        prop_assert_eq!(history(&names).find_conflict(), None);
    }
}
