use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::format::{Edit, Edits};

/// An entry in words: `i20` an image, `n20` a record that needs no base, `20` a record. The value
/// of `i20` is "20", a record adds ",LSN". `i20=10,20` is an image with another value, and `x20` an
/// empty one, which deletes a sparse key.
fn entry(word: &str) -> Entry {
    let (place, text) = word.split_once('=').unwrap_or((word, ""));
    let digits = place.trim_start_matches(['i', 'n', 'x']);
    let lsn = Lsn(digits.parse().expect("an entry has an LSN"));
    let text = match text {
        "" => digits,
        text => text,
    };
    let value = match &place[..1] {
        "i" => Value::Image(text.into()),
        "x" => Value::Image(Vec::new()),
        "n" => {
            let content = text.into();
            Value::Record(Edit::Set { content }.into_init_record())
        }
        _ => {
            let suffix = format!(",{text}").into_bytes();
            Value::Record(Edit::Append { suffix }.into_record())
        }
    };
    (lsn, value)
}

fn entries(words: &str) -> Vec<Entry> {
    words.split_whitespace().map(entry).collect()
}

fn print(entries: &[Entry]) -> String {
    let print = |(lsn, value): &Entry| match value {
        Value::Image(image) if image.is_empty() => format!("x{}", lsn.0),
        Value::Image(image) => format!("i{}={}", lsn.0, String::from_utf8_lossy(image)),
        Value::Record(record) if record.will_init() => format!("n{}", lsn.0),
        Value::Record(_) => lsn.0.to_string(),
    };
    let words: Vec<String> = entries.iter().map(print).collect();
    words.join(" ")
}

fn print_all(retained: &Retained) -> String {
    let below = retained.below.iter();
    let mut lines: Vec<String> = below
        .map(|(point, kept)| format!("{}: {}", point.0, print(kept)))
        .collect();
    lines.push(format!("above: {}", print(&retained.above)));
    lines.join(" | ").replace(":  |", ": - |")
}

/// A history with the LSNs that must stay readable, and what stays of it.
struct Case {
    name: &'static str,
    threshold: usize,
    base: Option<&'static str>,
    history: &'static str,
    points: &'static [u64],
    horizon: u64,
    stays: &'static str,
}

const CASE: Case = Case {
    name: "",
    threshold: 5,
    base: None,
    history: "",
    points: &[],
    horizon: 40,
    stays: "",
};

impl Case {
    fn retain(&self) -> Result<Retained, RetainError> {
        let points: Vec<Lsn> = self.points.iter().map(|point| Lsn(*point)).collect();
        let rule = RetainRule {
            points: &points,
            horizon: Lsn(self.horizon),
            threshold: self.threshold,
        };
        let base = self.base.map(str::as_bytes);
        let below = base.map_or(Below::Nothing, Below::Value);
        retain(&mut entries(self.history), below, rule, (Key::MIN, &Edits))
    }
}

const BELOW: [Case; 10] = [
    Case {
        name: "two points, the last of which has too many records",
        threshold: 3,
        history: "i10 20 30 40 50 60",
        points: &[20, 40],
        horizon: 50,
        stays: "20: i20=10,20 | 40: 30 40 | 50: i50=10,20,30,40,50 | above: 60",
        ..CASE
    },
    Case {
        name: "an entry at a point belongs to it",
        history: "i10 20 21 40 41",
        points: &[20],
        stays: "20: i20=10,20 | 40: 21 40 | above: 41",
        ..CASE
    },
    Case {
        name: "born in a later bucket",
        history: "n25 30 50",
        points: &[10, 20],
        stays: "10: - | 20: - | 40: n25 30 | above: 50",
        ..CASE
    },
    Case {
        name: "born above the horizon",
        history: "n55",
        points: &[10, 20],
        stays: "10: - | 20: - | 40: - | above: n55",
        ..CASE
    },
    Case {
        name: "a lone image moves to the point",
        history: "i10",
        points: &[20],
        stays: "20: i20=10 | 40: - | above: ",
        ..CASE
    },
    Case {
        name: "a lone image moves to the horizon",
        history: "i10",
        stays: "40: i40=10 | above: ",
        ..CASE
    },
    Case {
        name: "an image and a record that says the same",
        history: "i10 i20=10,20 20 30",
        points: &[20],
        stays: "20: i20=10,20 | 40: 30 | above: ",
        ..CASE
    },
    Case {
        name: "one point twice",
        history: "i10 15 30",
        points: &[20, 20, 30],
        stays: "20: i20=10,15 | 20: - | 30: 30 | 40: - | above: ",
        ..CASE
    },
    Case {
        name: "records are counted over buckets, up to a base",
        history: "i10 21 22 31 32 41 55",
        points: &[20, 30, 40],
        horizon: 50,
        stays: "20: i20=10 | 30: 21 22 | 40: 31 32 | 50: i50=10,21,22,31,32,41 | above: 55",
        ..CASE
    },
    Case {
        name: "as many records as the threshold",
        history: "i10 21 22 23 24 25",
        points: &[20],
        stays: "20: i20=10 | 40: i40=10,21,22,23,24,25 | above: ",
        ..CASE
    },
];

const BASES: [Case; 9] = [
    Case {
        name: "few records over a base",
        base: Some("10"),
        history: "20 30",
        points: &[25],
        stays: "25: 20 | 40: 30 | above: ",
        ..CASE
    },
    Case {
        name: "as many records over a base as the threshold",
        base: Some("10"),
        history: "11 12 13 14 15",
        points: &[30],
        stays: "30: i30=10,11,12,13,14,15 | 40: - | above: ",
        ..CASE
    },
    Case {
        name: "a base, and nothing in the first bucket",
        base: Some("10"),
        history: "35",
        points: &[20],
        stays: "20: - | 40: 35 | above: ",
        ..CASE
    },
    Case {
        name: "the base comes within the first bucket",
        history: "20 i30=AB 35",
        points: &[30],
        stays: "30: i30=AB | 40: 35 | above: ",
        ..CASE
    },
    Case {
        name: "above the horizon all stays",
        history: "i10 50 i60 70",
        stays: "40: i40=10 | above: 50 i60=60 70",
        ..CASE
    },
    Case {
        name: "three points and an image above the horizon",
        threshold: 3,
        history: "n10 20 30 40 50 60 70 i80=10,20,30,40,50,60,70,80 90",
        points: &[20, 40, 50],
        horizon: 60,
        stays: "20: i20=10,20 | 40: 30 40 | 50: i50=10,20,30,40,50 | 60: 60 | \
                above: 70 i80=10,20,30,40,50,60,70,80 90",
        ..CASE
    },
    Case {
        name: "what stands below the first base was lost before",
        threshold: 3,
        history: "20 30 i40=10,20,30,40 50 60 70 i80=10,20,30,40,50,60,70,80 90",
        points: &[40, 50],
        horizon: 60,
        stays: "40: i40=10,20,30,40 | 50: 50 | 60: 60 | above: 70 i80=10,20,30,40,50,60,70,80 90",
        ..CASE
    },
    Case {
        name: "a branch without points of its own",
        threshold: 3,
        base: Some("10"),
        history: "20 30 40 70",
        horizon: 60,
        stays: "60: i60=10,20,30,40 | above: 70",
        ..CASE
    },
    Case {
        name: "a branch with a point",
        threshold: 3,
        base: Some("10"),
        history: "20 40 60 70",
        points: &[30],
        horizon: 60,
        stays: "30: 20 | 60: i60=10,20,40,60 | above: 70",
    },
];

#[test]
fn what_stays_is_what_can_be_read() {
    for case in BELOW.iter().chain(&BASES) {
        let retained = case.retain();
        let retained = retained.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(print_all(&retained), case.stays, "{}", case.name);
    }
}

/// A peer keeps the record at 22 as well: `30: 22 n25 28`. But a read at 30 ends at the record at
/// 25, and none is allowed between 20 and 30: no read comes to the record at 22.
#[test]
fn records_below_the_last_base_of_a_bucket_go() {
    let case = Case {
        history: "i10 22 n25 28 45",
        points: &[20, 30],
        ..CASE
    };
    let stays = "20: i20=10 | 30: n25 28 | 40: - | above: 45";
    assert_eq!(print_all(&case.retain().unwrap()), stays);
}

/// A peer counts an image that stays for a record. So it leaves `40: 31 32 33 34` the first time,
/// and makes an image at 40 the second time, over four records as before.
#[test]
fn an_image_that_stays_is_no_record() {
    let case = Case {
        history: "i10 21 22 23 24 25 31 32 33 34",
        points: &[20, 30, 40],
        horizon: 50,
        ..CASE
    };
    let stays = "20: i20=10 | 30: i30=10,21,22,23,24,25 | 40: 31 32 33 34 | 50: - | above: ";
    let once = case.retain().unwrap();
    assert_eq!(print_all(&once), stays);
    let again = Case {
        history: "i20=10 i30=10,21,22,23,24,25 31 32 33 34",
        ..case
    };
    assert_eq!(again.retain().unwrap().below, once.below);
}

#[test]
fn a_history_without_a_base_is_refused_with_its_trace() {
    for (history, points, lsn) in [("20 30", &[][..], 40), ("20 i30=AB 35", &[20][..], 20)] {
        let case = Case {
            history,
            points,
            ..CASE
        };
        let error = case.retain().unwrap_err();
        assert!(matches!(&error, RetainError::NoBase { lsn: at, .. } if *at == Lsn(lsn)));
    }
    let case = Case {
        history: "20 n25 i30 35",
        points: &[20],
        ..CASE
    };
    expect_error(
        &case,
        "the records up to 0/14 have no base: d@0/14 di@0/19 i@0/1E d@0/23, points 0/14, \
         horizon 0/28",
    );
    let above = Case {
        history: "50 60",
        ..CASE
    };
    expect_error(
        &above,
        "the records up to 0/3C have no base: d@0/32 d@0/3C, points, horizon 0/28",
    );
}

fn expect_error(case: &Case, expected: &str) {
    assert_eq!(case.retain().unwrap_err().to_string(), expected);
}

#[test]
fn a_long_trace_ends_after_its_oldest_entries() {
    let mut history = (1..=200).map(|lsn| entry(&lsn.to_string())).collect();
    let rule = RetainRule {
        points: &[],
        horizon: Lsn(500),
        threshold: 5,
    };
    let error = retain(&mut history, Below::Nothing, rule, (Key::MIN, &Edits))
        .unwrap_err()
        .to_string();
    assert_eq!(error.matches("d@").count(), TRACE_COUNT_MAX);
    assert!(
        error.contains("d@0/80 ... and more, points, horizon"),
        "{error}"
    );
}

/// What stays of a sparse key with nothing below, at points 20 and 30 and a horizon of 40; then of
/// the same history above the value "base".
#[test]
fn a_deletion_stays_only_above_a_value() {
    let cases = [
        (
            "x20",
            "20: - | 30: - | 40: - | above: ",
            "20: x20 | 30: - | 40: - | above: ",
        ),
        (
            "i10 x25 35",
            "20: i20=10 | 30: x25 | 40: 35 | above: ",
            "20: i10=10 | 30: x25 | 40: 35 | above: ",
        ),
        (
            "i10 x20 x25 35 x50",
            "20: - | 30: - | 40: 35 | above: x50",
            "20: x20 | 30: x25 | 40: 35 | above: x50",
        ),
        (
            "10 x30 i45",
            "20: i20=,10 | 30: x30 | 40: - | above: i45=45",
            "20: 10 | 30: x30 | 40: - | above: i45=45",
        ),
        (
            "25 26 27",
            "20: - | 30: i30=,25,26,27 | 40: - | above: ",
            "20: - | 30: i30=base,25,26,27 | 40: - | above: ",
        ),
    ];
    for (history, sparse, above_a_value) in cases {
        let rule = RetainRule {
            points: &[Lsn(20), Lsn(30)],
            horizon: Lsn(40),
            threshold: 3,
        };
        let stays = |below| retain(&mut entries(history), below, rule, (Key::MIN, &Edits)).unwrap();
        assert_eq!(print_all(&stays(Below::Empty)), sparse, "{history}");
        let above = stays(Below::Value(b"base"));
        assert_eq!(print_all(&above), above_a_value, "{history}");
    }
}

/// A redo that counts its calls' records is no function of the value and the records above it.
#[test]
fn a_redo_that_is_not_made_in_steps_is_found_before_use() {
    struct Count;
    impl Redo for Count {
        fn check(&self, _: Key, _: &RecordRef<'_>) -> Result<(), String> {
            Ok(())
        }

        fn redo(
            &self,
            _: Key,
            _: Option<&[u8]>,
            records: &[(Lsn, RecordRef<'_>)],
        ) -> Result<Vec<u8>, RedoError> {
            Ok(vec![u8::try_from(records.len()).expect("a short history")])
        }
    }
    let rule = RetainRule {
        points: &[Lsn(20)],
        horizon: Lsn(40),
        threshold: 5,
    };
    let error = retain(
        &mut entries("n10 20 30"),
        Below::Nothing,
        rule,
        (Key::MIN, &Count),
    )
    .unwrap_err();
    assert!(matches!(error, RetainError::Differs { lsn: Lsn(40), .. }));
}

/// A history, what stands below it and what must stay readable.
#[derive(Clone, Debug)]
struct Drawn {
    base: Option<Vec<u8>>,
    is_sparse: bool,
    history: Vec<Entry>,
    points: Vec<Lsn>,
    horizon: Lsn,
    threshold: usize,
}

impl Drawn {
    fn retain(&self, mut history: Vec<Entry>) -> Result<Retained, RetainError> {
        let rule = RetainRule {
            points: &self.points,
            horizon: self.horizon,
            threshold: self.threshold,
        };
        let below = match &self.base {
            Some(base) => Below::Value(base),
            None if self.is_sparse => Below::Empty,
            None => Below::Nothing,
        };
        retain(&mut history, below, rule, (Key::MIN, &Edits))
    }

    /// The LSNs that can be read.
    fn readable(&self) -> BTreeSet<Lsn> {
        let above = (self.horizon.0..80).map(Lsn);
        self.points.iter().copied().chain(above).collect()
    }

    /// The value at an LSN as a fold over all entries; `Err` if there are records without a base.
    fn value(&self, history: &[Entry], lsn: Lsn) -> Result<Option<Vec<u8>>, ()> {
        let empty = self.is_sparse.then(Vec::new);
        let mut value = self.base.clone().or(empty);
        for (_, entry) in history.iter().filter(|(at, _)| *at <= lsn) {
            value = match (entry, value) {
                (Value::Image(image), _) => Some(image.clone()),
                (Value::Record(record), below) if record.will_init() || below.is_some() => {
                    let below = below.filter(|_| !record.will_init());
                    let record = [(Lsn(0), RecordRef::from(record))];
                    let value = Edits.redo(Key::MIN, below.as_deref(), &record);
                    Some(value.map_err(|_| ())?)
                }
                (Value::Record(_), _) => return Err(()),
            };
        }
        Ok(value)
    }
}

fn any_history() -> impl Strategy<Value = Drawn> {
    let one = (1..70_u64, 0..9_u8);
    let points = proptest::collection::vec(1..60_u64, 0..5);
    let shape = (
        proptest::option::of(Just(b"base".to_vec())),
        points,
        1..6_usize,
        any::<bool>(),
    );
    (vec(one, 0..24), shape, 20..60_u64).prop_map(
        |(mut lsns, (base, points, threshold, is_sparse), horizon)| {
            lsns.sort_unstable();
            lsns.dedup_by_key(|(lsn, _)| *lsn);
            if let (None, false, Some(first)) = (&base, is_sparse, lsns.first_mut()) {
                first.1 = first.1.min(1);
            }
            let history = lsns.iter().map(|(lsn, kind)| match kind {
                0 => entry(&format!("i{lsn}")),
                1 => entry(&format!("n{lsn}")),
                2 => (Lsn(*lsn), Value::Image(Vec::new())),
                _ => entry(&lsn.to_string()),
            });
            let mut points: Vec<Lsn> = points.into_iter().map(Lsn).collect();
            points.retain(|point| point.0 < horizon);
            points.sort_unstable();
            Drawn {
                base,
                is_sparse,
                history: history.collect(),
                points,
                horizon: Lsn(horizon),
                threshold,
            }
        },
    )
}

fn flat(retained: &Retained) -> Vec<Entry> {
    let below = retained.below.iter().flat_map(|(_, kept)| kept);
    below.chain(&retained.above).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_can_be_read_stays_as_it_was(drawn in any_history()) {
        let retained = drawn.retain(drawn.history.clone()).unwrap();
        for lsn in drawn.readable() {
            let before = drawn.value(&drawn.history, lsn);
            prop_assert_eq!(drawn.value(&flat(&retained), lsn), before);
        }
    }

    #[test]
    fn what_stays_of_what_stays_is_all_of_it(drawn in any_history()) {
        let once = drawn.retain(drawn.history.clone()).unwrap();
        let twice = drawn.retain(flat(&once)).unwrap();
        prop_assert_eq!(twice.below, once.below);
        prop_assert_eq!(twice.above, once.above);
    }

    /// Leaving out any one entry makes a history without a base, or changes a value that can be
    /// read: values name every LSN that they are made of.
    #[test]
    fn nothing_stays_that_cannot_be_read(drawn in any_history()) {
        let stays = flat(&drawn.retain(drawn.history.clone()).unwrap());
        for index in 0..stays.len() {
            let mut less = stays.clone();
            less.remove(index);
            let differs = |lsn: &Lsn| drawn.value(&less, *lsn) != drawn.value(&stays, *lsn);
            let is_image = matches!(stays[index].1, Value::Image(_));
            // A second deletion in a row is no value of its own.
            let is_empty = stays[index].1 == Value::Image(Vec::new());
            let is_made = is_image && (stays[index].0 <= drawn.horizon || is_empty);
            let is_read = drawn.readable().iter().any(differs);
            prop_assert!(is_made || is_read, "{}: {index}", print(&stays));
        }
    }

    #[test]
    fn no_point_replays_as_many_records_as_the_threshold(drawn in any_history()) {
        let retained = drawn.retain(drawn.history.clone()).unwrap();
        let mut count = 0;
        for (_, value) in retained.below.iter().flat_map(|(_, kept)| kept) {
            count = if value.will_init() { 0 } else { count + 1 };
            prop_assert!(count < drawn.threshold);
        }
    }
}
