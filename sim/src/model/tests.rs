//! Checks the model against facts that do not need it.

use std::collections::BTreeSet;

use palimpsest::base::{Key, Lsn};

use super::{Answer, Change, History};

const KEY: Key = Key::MIN;

/// Parses a history: `10 =a` writes an image at 10, `20 +b` appends at 20.
fn history(text: &str) -> History {
    let mut history = History::default();
    for record in text.split(", ") {
        let (lsn, edit) = record.split_once(' ').unwrap();
        let (kind, bytes) = edit.split_at(1);
        let bytes = bytes.as_bytes().to_vec();
        let change = match kind {
            "=" => Change::Image(bytes),
            _ => Change::Append(bytes),
        };
        history.put(KEY, Lsn(lsn.parse().unwrap()), change);
    }
    history
}

fn lsns(history: &History) -> Vec<u64> {
    history.points().map(|(_, lsn)| lsn.0).collect()
}

fn value(text: &str) -> Answer {
    Answer::Value(text.as_bytes().to_vec())
}

#[test]
fn a_value_is_its_base_and_what_came_after_it() {
    let history = history("10 +x, 20 =a, 30 +b, 40 =c");
    assert_eq!(history.answer(KEY, Lsn(9)), Answer::Absent);
    assert_eq!(history.answer(KEY, Lsn(10)), Answer::NoBase);
    assert_eq!(history.answer(KEY, Lsn(20)), value("a"));
    assert_eq!(history.answer(KEY, Lsn(39)), value("ab"));
    assert_eq!(history.answer(KEY, Lsn::MAX), value("c"));
}

#[test]
fn a_branch_inherits_what_stands_at_its_point_and_below() {
    let inherited = history("10 =a, 20 +b, 30 +c").up_to(Lsn(20));
    assert_eq!(inherited.answer(KEY, Lsn(50)), value("ab"));
}

#[test]
fn what_a_base_at_the_cutoff_hides_is_forgotten() {
    let mut history = history("10 =a, 20 +b, 30 =c, 40 +d, 50 =e");
    history.forget(Lsn(45), &BTreeSet::new());
    assert_eq!(lsns(&history), [30, 40, 50]);
    assert_eq!(history.answer(KEY, Lsn(45)), value("cd"));
    assert_eq!(history.remembered_from(), Lsn(45));
}

#[test]
fn a_retained_point_keeps_what_it_is_made_of() {
    let mut history = history("10 =a, 20 +b, 25 +x, 30 =c, 40 =d");
    history.forget(Lsn(40), &BTreeSet::from([Lsn(20)]));
    assert_eq!(lsns(&history), [10, 20, 40]);
    assert_eq!(history.answer(KEY, Lsn(20)), value("ab"));
}

#[test]
fn no_legal_read_changes_by_forgetting() {
    let whole = history("10 +x, 20 =a, 30 +b, 40 =c, 50 +d, 60 +e, 70 =f");
    for cutoff in (0..=80).step_by(5).map(Lsn) {
        for point in (0..=80).step_by(5).map(Lsn) {
            let mut history = whole.clone();
            history.forget(cutoff, &BTreeSet::from([point]));
            let legal = (0..=90)
                .map(Lsn)
                .filter(|&lsn| cutoff <= lsn || lsn == point);
            for lsn in legal {
                assert_eq!(history.answer(KEY, lsn), whole.answer(KEY, lsn), "{lsn}");
            }
        }
    }
}
