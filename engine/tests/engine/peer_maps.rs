//! Gc compactions of whole layer maps: the worked examples of a peer's tests, on ten keys, 0 to 9,
//! with a value of each at LSN 10.

use palimpsest::base::KeyRange;
use palimpsest::timeline::{Effect, HistoryRange};
use palimpsest::{Batch, Key, Lsn, Options, Value, block_on};

use crate::script::{Stage, check_with, keep};

/// The values of all keys at 10, which the history begins with.
const BASES: &str = "0@10=0 1@10=1 2@10=2 3@10=3 4@10=4 5@10=5 6@10=6 7@10=7 8@10=8 9@10=9";

/// The values at 10 as records that need no base.
const INITS: &str = "0@10!0 1@10!1 2@10!2 3@10!3 4@10!4 5@10!5 6@10!6 7@10!7 8@10!8 9@10!9";

/// What happens from 20 to 40, and from there to 48.
const CHANGES: [&str; 2] = [
    "1@20+a 5@20+a 6@20+a 3@28+b 2@30+c 3@30+c 3@40+d",
    "8@48+e 9@48+e",
];

/// What happens from 20 to 40, and from there to 48, as whole values: nothing is replayed.
const IMAGES: [&str; 2] = [
    "1@20=1a 5@20=5a 6@20=6a 3@28=3b 2@30=2c 3@30=3c 3@40=3d",
    "8@48=8e 9@48=9e",
];

/// What a gc compaction leaves of the changes, at each cutoff, whatever they stand on.
const ABOVE_ANY_BASE: &[(u64, &str)] = &[
    (30, "image all@30, delta 3..4@30..41, delta 41..49"),
    (40, "image all@40, delta 41..49"),
];

/// The values of all keys behind the changes, at two LSNs.
const CHANGED: &[(u64, &str)] = &[
    (48, "0 1a 2c 3bcd 4 5a 6a 7 8e 9e"),
    (40, "0 1a 2c 3bcd 4 5a 6a 7 8 9"),
];

/// A history of a peer's, and what its keys are at some LSNs, in the order of the keys.
struct Case {
    name: &'static str,
    /// What it begins with, and whether that is made an image of all keys.
    base: (&'static str, bool),
    changes: [&'static str; 2],
    /// The LSNs of branches.
    retained: &'static [u64],
    /// The cutoffs, one after the other, with what stands below each in the end.
    cutoffs: &'static [(u64, &'static str)],
    values: &'static [(u64, &'static str)],
}

/// A peer's inputs end at 48, and so do its outputs. Ours end at 41, behind their last record.
const CASES: [Case; 5] = [
    Case {
        name: "images alone",
        base: (BASES, true),
        changes: IMAGES,
        retained: &[],
        cutoffs: &[
            (30, "image all@30, delta 3..4@30..41, delta 41..49"),
            (40, "image all@40, delta 41..49"),
        ],
        values: &[
            (48, "0 1a 2c 3d 4 5a 6a 7 8e 9e"),
            (40, "0 1a 2c 3d 4 5a 6a 7 8 9"),
        ],
    },
    Case {
        name: "records above images",
        base: (BASES, true),
        changes: CHANGES,
        retained: &[],
        cutoffs: ABOVE_ANY_BASE,
        values: CHANGED,
    },
    Case {
        name: "records above records that need no base",
        base: (INITS, false),
        changes: CHANGES,
        retained: &[],
        cutoffs: ABOVE_ANY_BASE,
        values: CHANGED,
    },
    Case {
        name: "branches at 10 and 20",
        base: (BASES, true),
        changes: CHANGES,
        retained: &[10, 20],
        cutoffs: &[
            (30, "image all@10, delta 1..7@10..41, delta 41..49"),
            (38, "image all@10, delta 1..7@10..41, delta 41..49"),
        ],
        values: &[
            (48, "0 1a 2c 3bcd 4 5a 6a 7 8e 9e"),
            (38, "0 1a 2c 3bc 4 5a 6a 7 8 9"),
            (20, "0 1a 2 3 4 5a 6a 7 8 9"),
            (10, "0 1 2 3 4 5 6 7 8 9"),
        ],
    },
    Case {
        name: "a branch at the cutoff itself",
        base: (BASES, true),
        changes: CHANGES,
        retained: &[30],
        cutoffs: &[
            (30, "image all@30, delta 3..4@30..41, delta 41..49"),
            (40, "image all@30, delta 3..4@30..41, delta 41..49"),
        ],
        values: &[
            (48, "0 1a 2c 3bcd 4 5a 6a 7 8e 9e"),
            (30, "0 1a 2c 3bc 4 5a 6a 7 8 9"),
        ],
    },
];

/// The LSN of the last record.
const LAST: u64 = 48;

/// The LSNs of branches, with the names of these.
fn branches(retained: &[u64]) -> impl Iterator<Item = (u64, &'static str)> {
    retained.iter().copied().zip(["x", "y"])
}

impl Case {
    fn begin(&self) -> Stage {
        let mut stage = Stage::new(keep(LAST));
        let images = if self.base.1 { "images forced" } else { "" };
        let [first, second] = self.changes;
        stage.play_all(&format!(
            "create 9; put {}; flush; {images}; put {first}; flush; put {second}; flush",
            self.base.0
        ));
        for (lsn, name) in branches(self.retained) {
            stage.play_all(&format!("branch {name} at {lsn}; on main"));
        }
        stage
    }

    /// Compares each key's value at each LSN, where it can be read.
    fn check_values(&self, stage: &mut Stage, cutoff: u64, when: &str) {
        for (lsn, expected) in self.values {
            let is_readable = cutoff <= *lsn || self.retained.contains(lsn);
            if !is_readable {
                continue;
            }
            let expected = (0..10).zip(expected.split(' '));
            let (gets, told): (Vec<String>, Vec<String>) = expected
                .map(|(key, value)| (format!("{key}@{lsn}"), format!("{key}@{lsn} = {value}")))
                .unzip();
            let gets = format!("get {}", gets.join(" "));
            // Below the cutoff a branch reads what it retains.
            let found = match branches(self.retained).find(|(at, _)| at == lsn && *at < cutoff) {
                Some((_, name)) => stage.play_all(&format!("on {name}; {gets}; on main")),
                None => stage.play_all(&gets),
            };
            assert_eq!(
                found,
                [told.join(", ")],
                "{} at {cutoff}, {when}",
                self.name
            );
        }
    }
}

#[test]
fn no_read_changes_as_the_cutoff_moves_over_a_history() {
    for case in CASES {
        let mut stage = case.begin();
        case.check_values(&mut stage, 0, "before");
        for (cutoff, layers) in case.cutoffs {
            stage.set_options(keep(LAST - cutoff));
            stage.play_all("drop; open");
            for (_, name) in branches(case.retained) {
                stage.play_all(&format!("open {name}; on main"));
            }
            stage.play_all("gc");
            assert_eq!(stage.play_all("cutoff"), [format!("cutoff {cutoff}")]);
            let told = stage.play_all("gc-compact dry");
            case.check_values(&mut stage, *cutoff, "dry");
            assert_eq!(stage.play_all("gc-compact"), told, "{}", case.name);
            case.check_values(&mut stage, *cutoff, "once");
            assert_eq!(stage.play_all("layers"), [*layers], "{}", case.name);
            stage.play_all("gc-compact");
            case.check_values(&mut stage, *cutoff, "again");
            assert_eq!(stage.play_all("layers"), [*layers], "{}, again", case.name);
        }
    }
}

/// A peer's picture of a rectangle, keys 3 to 7 up to the cutoff 40, with 20 retained: which layers
/// are read, cut, replaced and kept, and what is written.
#[test]
fn a_rectangle_is_cut_out_of_the_layers_around_it() {
    let mut stage = Stage::new(keep(0));
    stage.play_all(&format!(
        "create 9; put {BASES}; flush; images forced; gc; drop"
    ));
    stage.set_options(Options {
        layer_len_target: 100_000,
        ..keep(19)
    });
    let layers = stage.play_all(
        "open; put 0@12+a 2@13+a 6@18+b 9@30+c; flush; compact forced
         put 2@32+d*29000 3@35+e*29000 4@38+f*29000 5@39+g*15000 9@45+h; flush; compact forced
         put 5@59+i; flush; branch b at 20; on main; gc; layers",
    );
    let around = "image all@10, delta 0..:@11..31, delta 2..5@31..46, delta 5..:@31..46, \
                  delta 46..60";
    assert_eq!(layers, ["cutoff 40, 0 gone", around]);
    let reads = "get 2@45 3@45 4@45 5@59 6@59 7@59 9@45; on b; get 2@20 3@20 6@20 9@20; on main";
    let values = stage.play_all(reads);
    let above = "2@45 = 2ad*29000, 3@45 = 3e*29000, 4@45 = 4f*29000, 5@59 = 5g*15000i, \
                 6@59 = 6b, 7@59 = 7, 9@45 = 9ch";
    assert_eq!(values, [above, "2@20 = 2a, 3@20 = 3, 6@20 = 6b, 9@20 = 9"]);

    let cut = "3 replaced by delta 0..3@11..31, delta 7..:@11..31, delta 2..3@31..46, \
               delta 7..:@31..46, delta 3..6@20..46, image 3..7@20";
    assert_eq!(stage.play_all("gc-compact 3..7 dry"), [cut]);
    assert_eq!(stage.play_all("gc-compact 3..7"), [cut]);
    assert_eq!(stage.play_all(reads), values);
    let after = "image all@10, delta 0..3@11..31, delta 7..:@11..31, image 3..7@20, \
                 delta 3..6@20..46, delta 2..3@31..46, delta 7..:@31..46, delta 46..60";
    assert_eq!(stage.play_all("layers"), [after]);
}

/// A peer reads the base of a start in the middle at the floor, where records of the history stand
/// too, and so replays that of 28 twice: `Abbcdef`. Ours is the value right below the floor.
#[test]
fn a_record_at_the_floor_is_replayed_once() {
    check_with(
        keep(0),
        "create 9; put a@10=A; put z@27=0; flush
         put a@28+b; put a@29+c; put a@30+d; put a@31+e; put a@32+f; flush; gc; layers
         gc-compact from 28; layers; get a@32; visits a@32",
        "cutoff 32, 0 gone; delta 10..28, delta 28..33
         1 replaced by delta a..b@28..33; delta 10..28, delta a..b@28..33
         a@32 = Abcdef; delta a..b@28..33",
    );
}

/// A peer drops keys outside of the declared ones, also from what it only cuts off.
#[test]
fn keys_that_were_not_declared_stay() {
    check_with(
        keep(0),
        "create 8; declare b..d; put a@10=0 b@10=0 y@10=0; flush; put a@20+1 b@20+1 y@20+1; flush
         branch x at 10; on main; gc; gc-compact b..c; layers; gc-compact; layers
         get a@20 b@20 y@20; on x; get a@10 b@10 y@10",
        "cutoff 20, 0 gone
         2 replaced by delta MIN..b@9..11, delta c..MAX@9..11, delta MIN..b@11..21, \
         delta c..MAX@11..21, delta b..c@10..21, image b..c@10
         delta MIN..b@9..11, delta c..MAX@9..11, image b..c@10, delta b..c@10..21, \
         delta MIN..b@11..21, delta c..MAX@11..21
         6 replaced by delta a..z@10..21, image all@10; image all@10, delta a..z@10..21
         a@20 = 01, b@20 = 01, y@20 = 01; a@10 = 0, b@10 = 0, y@10 = 0",
    );
}

/// A peer discards a delta over all keys, for it would be taken for an L0, and with it what it has.
/// Ours parts it in two.
#[test]
fn a_delta_over_all_keys_is_parted() {
    let mut stage = Stage::new(keep(0));
    stage.play_all("create 8");
    let highest = Key {
        field6: u32::MAX - 1,
        ..Key::MAX
    };
    let mut batch = Batch::new();
    for lsn in [10, 20] {
        for key in [Key::MIN, highest] {
            batch
                .push(key, Lsn(lsn), &Value::Image(vec![lsn as u8]))
                .unwrap();
        }
    }
    block_on(async { stage.timeline().writer()?.put_batch(&batch).await }).unwrap();
    stage.play_all("flush; branch b at 10; on main; gc");
    let reduced = stage
        .timeline()
        .gc_compact(HistoryRange::ALL, Effect::Write);
    let written = block_on(reduced).unwrap().written;
    let deltas = written.iter().filter(|name| name.is_delta());
    let keys: Vec<KeyRange> = deltas.map(|name| name.keys()).collect();
    assert_eq!(
        keys,
        [KeyRange::single(Key::MIN), KeyRange::single(highest)]
    );
    for (key, lsn) in [(Key::MIN, 20), (highest, 20)] {
        let found = block_on(stage.timeline().get(key, Lsn(lsn))).unwrap();
        assert_eq!(found, Some(vec![lsn as u8]));
    }
}
