//! Levels and plans, from layers that are written as text.
//!
//! A layer is `KEYS@LSN..LSN`, or `KEYS@LSN` for an image; keys are numbers, `1..5` or `all`, and
//! `=30` behind it is its length.

use proptest::prelude::{Strategy, *};

use super::level::{depth, find_level, heights};
use super::*;
use crate::base::{Key, KeySpace, LsnRange, SparseKeys};
use crate::timeline::options::Options;

fn number(text: &str) -> u64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is no number"))
}

fn keys(text: &str) -> KeyRange {
    let at = |text: &str| Key::MIN.add(number(text) as u32);
    match text.split_once("..") {
        None if text == "all" => KeyRange::ALL,
        None => KeyRange::single(at(text)),
        Some((start, end)) => KeyRange::new(at(start), at(end)),
    }
}

fn layer(text: &str) -> (LayerName, u64) {
    let (text, len) = text.split_once('=').unwrap_or((text, "1"));
    let (keys_text, lsns) = text.split_once('@').expect("keys at LSNs");
    let keys = keys(keys_text);
    let name = match lsns.split_once("..") {
        None => LayerName::Image {
            keys,
            lsn: Lsn(number(lsns)),
        },
        Some((start, end)) => LayerName::Delta {
            keys,
            lsns: LsnRange::new(Lsn(number(start)), Lsn(number(end))),
        },
    };
    (name, number(len))
}

fn layers(text: &str) -> Vec<(LayerName, u64)> {
    text.split_whitespace().map(layer).collect()
}

fn names(text: &str) -> Vec<LayerName> {
    layers(text).into_iter().map(|(name, _)| name).collect()
}

fn print(name: &LayerName) -> String {
    let keys = name.keys();
    let keys = match keys.is_all() {
        true => "all".to_owned(),
        false => format!("{}..{}", keys.start.field6, keys.end.field6),
    };
    match name {
        LayerName::Image { lsn, .. } => format!("{keys}@{}", lsn.0),
        LayerName::Delta { lsns, .. } => format!("{keys}@{}..{}", lsns.start.0, lsns.end.0),
    }
}

/// What a plan prints, shortened.
fn tell(plan: Option<TierPlan>) -> String {
    let Some(plan) = plan else {
        return "none".to_owned();
    };
    let deltas: Vec<String> = plan.deltas.iter().map(print).collect();
    let lsns = format!("{}..{}", plan.lsns.start.0, plan.lsns.end.0);
    match plan.action {
        TierAction::Merge => format!("{lsns} merge {}", deltas.join(" ")),
        TierAction::Cover(lsn, parts) => {
            let parts = parts
                .iter()
                .map(|keys| print(&LayerName::Image { keys: *keys, lsn }));
            format!("{lsns} cover {}", parts.collect::<Vec<_>>().join(" "))
        }
    }
}

fn limits(declared: &str) -> TierLimits {
    TierLimits {
        keys: KeySpace::from_ranges(declared.split_whitespace().map(keys)),
        cutoff: Lsn::ZERO,
        covered: None,
    }
}

fn options(l0_count_trigger: usize, tier_distance: u64) -> Options {
    Options {
        l0_count_trigger,
        tier_distance,
        ..Options::default()
    }
}

/// A peer's own figures, in MiB.
#[test]
fn levels_are_higher_by_the_fan_out() {
    let cases = [
        (2, [448, 896, 1792]),
        (3, [448, 1344, 4032]),
        (10, [448, 4480, 44800]),
    ];
    for (fan_out, expected) in cases {
        let found: Vec<u64> = heights(256 << 20, fan_out)
            .take(3)
            .map(|it| it >> 20)
            .collect();
        assert_eq!(found, expected, "{fan_out}");
        assert_eq!(heights(256 << 20, fan_out).last(), Some(u64::MAX));
    }
    assert_eq!(heights(1, 2).count(), 65);
    assert_eq!(heights(u64::MAX, 2).collect::<Vec<u64>>(), [u64::MAX]);
}

/// The stacks of a peer's unit tests: where a level ends, and how deep it is.
#[test]
fn a_level_is_found_by_the_shapes_of_its_layers() {
    let stack = "all@32768..36864 all@20480..28672 all@16384..20480 all@12288..16384
         all@8192..12288 all@4096..8192";
    let overlapping = "0..9@16384..20480 0..9@12288..16384 9..20@9472..13568 0..9@8192..12288
         9..20@4096..9472";
    let cases = [
        (stack, 0x10000, 0x2000, "4096..65536", 6),
        (stack, 0x10000, 0x1000, "28672..65536", 1),
        (stack, 0x3000, 0x1000, "4096..12288", 2),
        (stack, 0x6000, 0x1000, "crossed", 0),
        (overlapping, 0x10000, 0x1000, "16384..65536", 1),
        // The first layer below the end is too high, or there is none.
        (stack, 0x7000, 0x1000, "none", 0),
        (stack, 0x1000, 0x1000, "none", 0),
        ("", 0x1000, 0x1000, "none", 0),
    ];
    for (text, end, height_max, expected, expected_depth) in cases {
        let names = names(text);
        let found = find_level(&names, Lsn(end), height_max);
        let found_depth = match found {
            Ok(Some(level)) => depth(&level::inside(&names, level), &KeySpace::new()),
            _ => 0,
        };
        let found = match found {
            Ok(None) => "none".to_owned(),
            Ok(Some(level)) => format!("{}..{}", level.start.0, level.end.0),
            Err(_) => "crossed".to_owned(),
        };
        assert_eq!(
            (found.as_str(), found_depth),
            (expected, expected_depth),
            "{text} {end}"
        );
    }
}

#[test]
fn depth_counts_deltas_above_the_newest_image() {
    let cases = [
        ("", 0),
        // A peer's own cases.
        (
            "4000..5000@6000..7000 3000..4000@7000..8000 1000..2000@8000..9000",
            1,
        ),
        (
            "1000..2000@8000..8100 1500..2500@7000..7100 2000..3000@6000..6100",
            2,
        ),
        (
            "1000..2000@8000..8100 1500..2500@7000..7100 2000..3000@6000..6100 1500..2500@9000",
            1,
        ),
        // An image at the last LSN of a delta is above it; one inside it is not.
        ("1..9@10..20 1..9@19", 0),
        ("1..9@10..20 1..9@18", 1),
        // One key, cut by LSN.
        ("1..2@10..20 1..2@20..30 1..9@30..40", 1),
        ("all@10..20 all@20..30 all@30..40 5..6@39", 3),
    ];
    for (text, expected) in cases {
        assert_eq!(depth(&names(text), &KeySpace::new()), expected, "{text}");
    }
    let sparse = KeySpace::from_ranges([keys("5..9")]);
    assert_eq!(depth(&names("1..9@10..20 5..9@20..30"), &sparse), 1);
    assert_eq!(depth(&names("5..9@10..20 6..8@20..30"), &sparse), 0);
}

#[test]
fn the_first_level_that_is_deep_enough_is_merged() {
    let cases = [
        (2, "all@10..20", "none"),
        (
            2,
            "all@10..20 all@20..30",
            "10..30 merge all@10..20 all@20..30",
        ),
        (3, "all@10..20 all@20..30", "none"),
        // What was merged is higher, and joins its like.
        (2, "1..9@10..30 all@30..40", "none"),
        (
            2,
            "1..5@10..30 5..9@10..30 all@30..40 all@40..50",
            "30..50 merge all@30..40 all@40..50",
        ),
        (
            2,
            "1..5@10..30 3..9@30..50",
            "10..50 merge 1..5@10..30 3..9@30..50",
        ),
        // Columns beside each other are one level, however deep each is.
        (2, "1..5@10..30 5..9@30..50", "none"),
        // Below an L0 that is alone, a level is deep enough.
        (
            2,
            "1..5@10..30 3..9@30..50 all@50..60",
            "10..50 merge 1..5@10..30 3..9@30..50",
        ),
        // L0s of all heights: no level is deep enough, and they are too many.
        (
            2,
            "all@10..1000 all@1000..1010",
            "10..1010 merge all@10..1000 all@1000..1010",
        ),
        // L0s count under an image as well.
        (
            2,
            "all@10..20 all@20..30 all@29",
            "10..30 merge all@10..20 all@20..30",
        ),
        (2, "1..9@10..20 1..9@20..30 all@29", "none"),
        // Over a hole that a collection has left.
        (
            2,
            "all@10..20 all@40..50",
            "10..50 merge all@10..20 all@40..50",
        ),
        (1, "all@10..20", "10..20 merge all@10..20"),
        (1, "1..9@10..20", "none"),
    ];
    for (trigger, text, expected) in cases {
        let plan = plan(
            &layers(text),
            &limits(""),
            &options(trigger, 10),
            Mode::ByNeed,
        );
        assert_eq!(tell(plan), expected, "{trigger} {text}");
    }
}

#[test]
fn a_forced_compaction_takes_the_newest_l0s() {
    let cases = [
        ("1..9@10..30", "none"),
        ("1..9@10..30 all@30..40", "30..40 merge all@30..40"),
        ("all@10..300 all@300..310", "300..310 merge all@300..310"),
        (
            "all@10..20 1..9@20..50",
            "10..50 merge all@10..20 1..9@20..50",
        ),
    ];
    for (text, expected) in cases {
        let plan = plan(&layers(text), &limits(""), &options(5, 10), Mode::Forced);
        assert_eq!(tell(plan), expected, "{text}");
    }
}

#[test]
fn a_level_that_costs_more_than_its_images_gets_images() {
    let two = "1..9@10..20=9000 1..9@20..30=9000";
    let (merge, cover) = (
        "10..30 merge 1..9@10..20 1..9@20..30",
        "10..30 cover all@29",
    );
    let covered = TierLimits {
        covered: Some(Lsn(29)),
        ..limits("1..3")
    };
    let below = TierLimits {
        cutoff: Lsn(30),
        ..limits("1..3")
    };
    let cases = [
        (two, limits(""), merge),
        (two, limits("1..3"), cover),
        // Three pages are longer than the deltas.
        (two, limits("1..4"), merge),
        (two, limits("all"), merge),
        // It was tried, no read is allowed there, or an image has it already.
        (two, covered, merge),
        (two, below, merge),
        (
            two,
            TierLimits {
                cutoff: Lsn(29),
                ..limits("1..3")
            },
            cover,
        ),
        (
            "1..9@10..20=9000 1..9@20..30=9000 20..30@29",
            limits("1..3"),
            merge,
        ),
    ];
    for (text, limits, expected) in cases {
        let plan = plan(&layers(text), &limits, &options(2, 10), Mode::ByNeed);
        assert_eq!(tell(plan), expected, "{text} {limits:?}");
    }
}

#[test]
fn no_image_covers_sparse_keys() {
    let sparse = KeySpace::from_ranges([keys("6..8")]);
    let options = Options {
        sparse_keys: SparseKeys::new(sparse, KeySpace::new()),
        ..options(2, 10)
    };
    let plan_of = |text: &str, declared: &str| {
        tell(plan(
            &layers(text),
            &limits(declared),
            &options,
            Mode::ByNeed,
        ))
    };
    let found = plan_of("1..9@10..20=9000 1..9@20..30=9000", "1..3");
    assert!(
        found.starts_with("10..30 cover 0..6@29 8..4294967295@29"),
        "{found}"
    );
    // Sparse keys are no pages, and images make nothing less deep that has sparse keys alone.
    let found = plan_of("1..9@10..20=9000 1..9@20..30=9000", "1..3 6..8");
    assert!(found.starts_with("10..30 cover"), "{found}");
    let found = plan_of("6..8@10..20=9000 6..8@20..30=9000", "1..3");
    assert_eq!(found, "10..30 merge 6..8@10..20 6..8@20..30");
}

/// L0s of these heights, of which the newest ends where the next begins; how many keys each merge
/// parts, and how often.
fn any_history() -> impl Strategy<Value = (Vec<u64>, Vec<u32>, usize, u64)> {
    let heights = proptest::collection::vec(prop_oneof![1..20_u64, 1..2000_u64], 1..40);
    let seams = proptest::collection::vec(1..100_u32, 0..4);
    (heights, seams, 1..5_usize, 1..50_u64)
}

/// What a merge of a level leaves: one layer for each column.
fn merge(layers: &mut Vec<(LayerName, u64)>, plan: &TierPlan, seams: &[u32]) {
    layers.retain(|(name, _)| !plan.deltas.contains(name));
    let mut edges: Vec<u32> = seams.iter().copied().chain([0, 100]).collect();
    edges.sort_unstable();
    edges.dedup();
    let columns = edges.windows(2).map(|pair| LayerName::Delta {
        keys: KeyRange::new(Key::MIN.add(pair[0]), Key::MIN.add(pair[1])),
        lsns: plan.lsns,
    });
    layers.extend(columns.map(|name| (name, 1)));
}

proptest! {
    /// L0s come one by one, and whatever is due is done: the work ends, and what is left is as
    /// shallow as promised.
    #[test]
    fn what_is_due_ends_and_leaves_few_layers(history in any_history()) {
        let (heights, seams, trigger, distance) = history;
        let options = options(trigger, distance);
        let limits = limits("");
        let mut layers: Vec<(LayerName, u64)> = Vec::new();
        let mut end = 10;
        for (index, height) in heights.iter().enumerate() {
            let lsns = LsnRange::new(Lsn(end), Lsn(end + height));
            layers.push((LayerName::Delta { keys: KeyRange::ALL, lsns }, 1));
            end += height;
            let mut merge_count = 0;
            while let Some(plan) = plan(&layers, &limits, &options, Mode::ByNeed) {
                merge_count += 1;
                prop_assert!(merge_count <= 2 * index + 2, "it does not end");
                let seams = &seams[..seams.len().min(merge_count)];
                merge(&mut layers, &plan, seams);
            }
            let names: Vec<LayerName> = layers.iter().map(|(name, _)| *name).collect();
            let l0_count = names.iter().filter(|name| name.is_l0()).count();
            prop_assert!(l0_count < trigger.max(1));
            let fan_out = trigger.max(2) as u64;
            let highest = names.iter().map(|name| name.lsns().end.0 - name.lsns().start.0).max();
            let mut level_count = 1;
            let mut height = distance + distance / 2 + distance / 4;
            while height < highest.unwrap_or(0) {
                height *= fan_out;
                level_count += 1;
            }
            let deepest = depth(&names, &KeySpace::new()) as u64;
            prop_assert!(deepest <= (fan_out - 1) * (level_count + 1), "{deepest}");
        }
    }

    /// A level is crossed by no layer, its layers are no higher than they may be, and it goes down
    /// to the next layer that is.
    #[test]
    fn a_level_is_as_wide_as_it_can_be(
        places in proptest::collection::vec((0..3_u32, 0..40_u64, 1..12_u64), 0..20),
        end in 0..60_u64,
        height_max in 1..12_u64,
    ) {
        let columns = places.iter().map(|(column, start, height)| LayerName::Delta {
            keys: KeyRange::new(Key::MIN.add(column * 10), Key::MIN.add(column * 10 + 10)),
            lsns: LsnRange::new(Lsn(*start), Lsn(start + height)),
        });
        let names: Vec<LayerName> = columns.collect();
        let crosses = |lsn: u64, name: &LayerName| {
            name.lsns().start.0 < lsn && lsn < name.lsns().end.0
        };
        let is_crossed = |lsn: u64| names.iter().any(|name| crosses(lsn, name));
        let is_high = |name: &LayerName| height_max < name.lsns().end.0 - name.lsns().start.0;
        let below = names.iter().filter(|name| name.lsns().start.0 < end);
        let below: Vec<&LayerName> = below.collect();
        // By looking at each LSN: the lowest that nothing crosses, with nothing too high above it.
        let is_start = |start: u64| {
            let above = below.iter().filter(|name| start <= name.lsns().start.0);
            let mut above = above.peekable();
            above.peek().is_some() && !is_crossed(start) && !above.any(|name| is_high(name))
        };
        let lowest = below.iter().map(|name| name.lsns().start.0).min().unwrap_or(0);
        let expected = (lowest..end).find(|start| is_start(*start));
        match find_level(&names, Lsn(end), height_max) {
            Err(crossing) => prop_assert!(crosses(end, &crossing)),
            Ok(found) => {
                prop_assert!(!is_crossed(end));
                prop_assert_eq!(found.map(|level| level.start.0), expected);
            }
        }
    }
}
