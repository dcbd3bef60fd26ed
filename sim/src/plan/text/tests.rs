use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::faults::Fault;
use crate::plan::{KNOBS, Plan, PlanError, PlanOp};

/// Everything that the grammar has, as it is printed.
const EVERYTHING: &str = "\
palimpsest plan 4
knobs
  seed 18446744073709551615
  keys 8
  layout dense
  sparse 3
  freeze-len 4096
  freeze-distance 512
  freeze-age 10s
  open-len 4611686018427387904
  reserve-len 0
  buffer-len 64
  l0-trigger 2
  l0-run-len 4096
  strategy tiered
  tier-distance 16
  layer-len 512
  image-trigger 3
  sparse-trigger 5
  image-look 9
  image-age 30s
  image-preempt 6
  compression zstd
  history-trigger 4
  history-len 512
  gc-compact-trigger 4096
  gc-compact-growth 50
  gc-compact-len 512
  gc-distance 0
  gc-age 0s
  l0-delay-count 4
  l0-delay 100ms
  cache-len 0
  open-files 3
  read-len 512
  housekeeping every 250ms stall 3
  tenant 9
  shard all
  look sample
  device rots
ops
  create a 16
  put a +8 k0 image:100:7f, +0 k1 append:5:2
  put a +0 k2 init:0:ffffffffffffffff, +1 k2 set:1:1, +1 k2 patch:20:3:4, +1 k2 clear
  & put a +1 k3 append-if:1048576:0
  & freeze a
  & flush a
  drop 3 flush a
  join
  get a k0 -8
  get a k7 0
  get a k7 +1
  scan a 0
  wait 250ms
  wait 1001us
  wait 2592000s
  drop 2 restart
  crash power draw:99
  crash power all
  crash power none
  crash kill
  delete a
  branch b a -8
  drop 2 branch c b 0
  get-many b k3 5 -8
  & get-many c k7 8 +1
  & scan b -1
  compact b
  & compact b forced
  images c
  drop 9 images c forced
  & gc b
  gc c
  clock +10800s
  clock -1s
  shutdown a
  & shutdown b twice keeping
  drop 4 shutdown c keeping
  let-go
  hold 1 a -8
  drop 2 hold 9 b 0
  next 1
  & next 9
  let-go 9
  create d 7 once
  & branch e a -8 once
  drop 3 delete d once
  open d
  drop 1 open d once
  declare b k0 5
  set gc-distance 8
  intrude
  gc-compact b
  & gc-compact c k1 2 from -9 to +1 dry
  & gc-compact-all a forced
  strategy b tiered
  policy b distance 5 age 3s
faults
  at life1/a/flush#1/delta#1/write#2 eio
  at life*/*/*/*/sync eio times 2 one-in 3
  at life2/io#37 crash power draw:9
  at life*/io#1 crash kill
  at life*/*/open/index/read short:7
  at life3/z/put/ephemeral/*#4 enospc one-in 2
  at life1/a/compact/index/create erofs
  at life1/*/open/*/open eacces times 2
  at life*/*/flush/delta/sync revert
  at life1/a/read/image/read slow:250ms
  at life1/a/put/ephemeral/write stall times 9
  at life*/*/flush/delta/sync rot:8191
  at life*/*/flush/delta/write#2 astray:16
  at life*/*/gc/index/write lost
  at life*/*/open/index/read stale
schedule
  choices 0 3 1 1 0 7*4 255 0*3000
  then uniform 123
";

/// Reads a wrong text and returns the error's message.
fn problem_in(text: &str) -> String {
    let error: Result<Plan, PlanError> = text.parse();
    error.expect_err("it is wrong").to_string()
}

/// The error's message for a plan that begins with these lines.
fn problem_in_lines(lines: &str) -> String {
    problem_in(&EVERYTHING.replace("create a 16", lines))
}

#[test]
fn the_grammar_has_each_knob_operation_and_fault() {
    let grammar = include_str!("../text.rs");
    let knobs = KNOBS.iter().map(|knob| knob.name);
    let verbs = PlanOp::ROWS.map(|row| row.verb);
    let faults = Fault::ROWS.map(|row| row.name);
    for word in knobs.chain(verbs).chain(faults) {
        let (alone, counted) = (format!("\"{word}\""), format!("\"{word}:\""));
        let is_there = grammar.contains(&alone) || grammar.contains(&counted);
        assert!(is_there, "{word}");
    }
}

#[test]
fn everything_prints_as_it_was_written() {
    let plan: Plan = EVERYTHING.parse().unwrap();
    assert_eq!(plan.to_string(), EVERYTHING);
    assert_eq!(plan.check(), Ok(()));
    for tail in [
        "in-order",
        "newest-first",
        "by-rank 7",
        "pct 7 3",
        "starve driver 7",
        "starve line 12 7",
        "starve keep 7",
        "to-completion 7",
    ] {
        let text = EVERYTHING.replace("uniform 123", tail);
        let plan: Plan = text.parse().unwrap();
        assert_eq!(plan.to_string(), text);
    }
}

#[test]
fn comments_blank_lines_and_spacing_change_nothing() {
    let text = EVERYTHING
        .replace("ops\n", "\n# What is asked.\r\n\tops # in order\n\n")
        .replace("  join\n", "      join\t# flush#1 ends\n")
        .replace("life*/*/*/*/sync", "*/*/*/*/sync")
        .replace("times 2 one-in 3", "one-in 3   times 2")
        .replace("0*3000", "0*1000\n  choices 0*2000");
    assert_eq!(text.parse::<Plan>(), EVERYTHING.parse());
}

#[test]
fn a_text_that_was_cut_off_is_no_plan() {
    let end = EVERYTHING.find("then").unwrap();
    for len in 0..end {
        assert!(EVERYTHING[..len].parse::<Plan>().is_err(), "{len} bytes");
    }
}

/// What is written in `EVERYTHING`, the text that replaces it, and the error's message.
const PROBLEMS: [(&str, &str, &str); 82] = [
    (
        "plan 4",
        "plan 3",
        "line 1: plan format 3; this build reads 4",
    ),
    (
        "palimpsest plan 4\n",
        "",
        "line 1: title knobs; start with `palimpsest plan 4`",
    ),
    (
        "  keys 8\n",
        "",
        "line 42: key k1; write k0 to k0, or raise the knob `keys`",
    ),
    ("keys 8", "keys 0", "line 4: keys 0; keep it from 1 to 999"),
    (
        "keys 8",
        "keys 8 9",
        "line 4: word 9; end the line before it",
    ),
    (
        "layout dense",
        "layout thick",
        "line 5: layout thick; write one of dense spread edges",
    ),
    (
        "10s",
        "10",
        "line 9: freeze-age 10; write it like 10s, 250ms, 7us or 1ns",
    ),
    (
        "10s",
        "2592001s",
        "line 9: freeze-age 2592001s; write at most 2592000s, thirty days",
    ),
    (
        "ops\n",
        "opps\n",
        "line 41: knob opps; write `ops` behind the last knob",
    ),
    (
        "create a 16",
        "create A 16",
        "line 42: timeline A; write a letter from a to z",
    ),
    (
        "create a 16",
        "create a",
        "line 42: start LSN is missing; write a number",
    ),
    (
        "create a 16",
        "create a 18446744073709551604",
        "line 44: LSN step 1; keep the highest start and all steps together below 2^64 - 1",
    ),
    (
        "+8 k0",
        "8 k0",
        "line 43: LSN step 8; write `+` and a number",
    ),
    (
        "+8 k0",
        "+8 k8",
        "line 43: key k8; write k0 to k7, or raise the knob `keys`",
    ),
    (
        "image:100:7f,",
        "image:100:7f",
        "line 43: word +0; end the line before it",
    ),
    (
        "image:100:7f,",
        "image:100:7f,,",
        "line 43: record is missing; write it like +8 k0 image:100:7f",
    ),
    (
        "image:100:7f",
        "image:100",
        "line 43: seed is missing; write KIND:LEN:SEED, or patch:OFFSET:LEN:SEED",
    ),
    (
        "image:100:7f",
        "image:1048577:7f",
        "line 43: length 1048577; keep it from 0 to 1048576",
    ),
    (
        "clear",
        "clear:0",
        "line 44: part 0; end the edit before it",
    ),
    (
        "drop 3",
        "drop 0",
        "line 48: drop 0; keep it from 1 to 4294967295",
    ),
    (
        "  drop 2 restart",
        "  & restart",
        "line 57: operation restart; write it without `&`: it is always waited for",
    ),
    (
        "  join",
        "  & join",
        "line 49: operation join; write it without `&` and `drop`: it is always waited for",
    ),
    (
        "k0 -8",
        "k0 8",
        "line 50: LSN 8; write 0, -8 or +1: how far from the last record's",
    ),
    (
        "drop 2 restart",
        "  reboot\u{7}",
        "line 57: operation reboot\\u{7}; write one of create branch delete open put freeze flush \
         compact strategy policy images gc gc-compact gc-compact-all lease shed declare get \
         get-many scan hold next join wait clock shutdown let-go set intrude split switch restart \
         crash, behind `&` or `drop N` if you like",
    ),
    (
        "draw:99",
        "some",
        "line 58: survival some; write one of all none draw:SEED case:NUMBER",
    ),
    (
        "life1/a",
        "life0/a",
        "line 99: life 0; keep it from 1 to 4294967295",
    ),
    (
        "life1/a",
        "a",
        "line 99: life a; write life1, life2, … or life*",
    ),
    (
        "flush#1",
        "push#1",
        "line 99: job push; write one of open create delete put freeze flush read branch \
         lease compact image gc gc-compact shed split keep drop",
    ),
    (
        "write#2",
        "write#-2",
        "line 99: ordinal -2; write a number from 0 to 4294967295",
    ),
    (
        "/io#37",
        "/io#37/write",
        "line 101: address life2/io#37/write; write LIFE/io#N or LIFE/SCOPE/JOB/PART/STEP, as \
         life2/a/flush#1/index/sync",
    ),
    (
        "times 2",
        "times 0",
        "line 100: times 0; keep it from 1 to 4294967295",
    ),
    (
        "times 2",
        "times 2 times 2",
        "line 100: word times; say it once",
    ),
    (
        "short:7",
        "short:0",
        "line 103: length 0; keep it from 1 to 4294967295",
    ),
    (
        "choices 0",
        "choices 256",
        "line 115: choice 256; write a number from 0 to 255",
    ),
    (
        "0*3000",
        "0*100000",
        "line 115: count of choices 100000; keep it from 1 to 99990",
    ),
    (
        "then uniform 123\n",
        "",
        "line 116: `then` is missing; end with `then in-order`, `then uniform SEED` or the like",
    ),
    (
        "then uniform 123",
        "then at-will",
        "line 116: `then` at-will; write one of in-order newest-first uniform by-rank pct starve \
         to-completion",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/a/read/image/read revert",
        "line 108: fault revert; write one of the steps that it can happen to: sync",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/a/read/image/read tear",
        "line 108: fault tear; write one of the steps that it can happen to: rename replace",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/a/read/dir/read eio",
        "line 108: fault eio; write one of the steps that it can happen to: list remove create-dir \
         remove-dir sync-dir",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/a/keep/image/read stall",
        "line 108: job keep; write the job that maintenance runs: flush, compact, image or gc",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/engine/read/image/read stall",
        "line 108: scope engine; write a timeline's letter or *: the engine has only dir and \
         lock, and a split its index",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/a/open/lock/lock stall",
        "line 108: scope a; write engine or *: a timeline has no lock",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life1/engine/gc/lock/lock stall",
        "line 108: job gc; write open or split: no other job locks",
    ),
    (
        "at life1/a/read/image/read slow:250ms",
        "at life61/a/read/image/read crash kill",
        "line 108: life 61; write at most life60: a later one does not crash by a rule",
    ),
    (
        "at life*/*/gc/index/write lost",
        "at life*/*/gc/dir/* lost",
        "line 112: fault lost; write another part: it can happen to nothing of this one",
    ),
    (
        "then uniform 123",
        "then starve line 0 3",
        "line 116: line 0; keep it from 1 to 4294967295",
    ),
    (
        "then uniform 123",
        "then starve flush 3",
        "line 116: starved task flush; write one of keep drop",
    ),
    (
        "then uniform 123",
        "then starve line 3",
        "line 116: seed is missing; write a number",
    ),
    (
        "then uniform 123",
        "then pct 3 5000",
        "line 116: count of changes 5000; keep it from 0 to 1000",
    ),
    (
        "uniform 123\n",
        "uniform 123\nops\n",
        "line 117: line ops; end the text with the schedule's `then`",
    ),
    (
        "l0-trigger 2",
        "l0-trigger 0",
        "line 13: l0-trigger 0; keep it from 1 to 18446744073709551615",
    ),
    (
        "image-trigger 3\n",
        "images-trigger 3\n",
        "line 18: knob images-trigger; write one of image-trigger sparse-trigger image-look \
         image-age image-preempt compression \
         history-trigger history-len gc-compact-trigger gc-compact-growth \
         gc-compact-len gc-distance gc-age l0-delay-count l0-delay cache-len \
         open-files read-len housekeeping tenant shard look device here",
    ),
    (
        "compression zstd",
        "compression lz4",
        "line 23: compression lz4; write `none`, `zstd` or `zstd:3`, with a level from 1 to 22",
    ),
    (
        "gc-age 0s",
        "gc-age 31d",
        "line 30: gc-age 31d; write it like 10s, 250ms, 7us or 1ns",
    ),
    (
        "read-len 512",
        "read-len 0",
        "line 35: read-len 0; keep it from 1 to 18446744073709551615",
    ),
    (
        "housekeeping every",
        "housekeeping on",
        "line 36: housekeeping on; write `off`, or `every 250ms stall 0`",
    ),
    (
        "every 250ms",
        "every",
        "line 36: period stall; write it like 10s, 250ms, 7us or 1ns",
    ),
    (
        "every 250ms",
        "every 1us",
        "line 36: period 1µs; write at least 1ms",
    ),
    (
        " stall 3",
        "",
        "line 36: housekeeping is missing; write `off`, or `every 250ms stall 0`",
    ),
    (
        "stall 3",
        "stall 1",
        "line 36: stall 1; write 0 for never, or at least the knob `l0-trigger`",
    ),
    (
        "look sample",
        "look away",
        "line 39: look away; write one of nothing sample all",
    ),
    (
        "stall 3",
        "stall 3 4",
        "line 36: word 4; end the line before it",
    ),
    (
        "branch b a -8",
        "branch b -8",
        "line 63: timeline -8; write a letter from a to z",
    ),
    (
        "branch b a -8",
        "branch b a",
        "line 63: LSN is missing; write 0, -8 or +1: how far from the last record's",
    ),
    (
        "k3 5 -8",
        "k3 9 -8",
        "line 65: count of keys 9; keep it from 1 to 8",
    ),
    (
        "k3 5 -8",
        "k3 -8",
        "line 65: count of keys -8; write a number from 0 to 65535",
    ),
    (
        "scan b -1",
        "scan b",
        "line 67: LSN is missing; write 0, -8 or +1: how far from the last record's",
    ),
    (
        "compact b forced",
        "compact b by-need",
        "line 69: word by-need; write `forced`, or nothing",
    ),
    (
        "images c forced",
        "images c forced k0",
        "line 71: word k0; end the line before it",
    ),
    (
        "drop 9 images",
        "drop 0 images",
        "line 71: drop 0; keep it from 1 to 4294967295",
    ),
    (
        "  gc c",
        "  gc c forced",
        "line 73: word forced; end the line before it",
    ),
    (
        "k0 5\n  set",
        "k0 0\n  set",
        "line 90: count of keys 0; keep it from 1 to 8",
    ),
    (
        "k0 5\n  set",
        "k8 5\n  set",
        "line 90: key k8; write k0 to k7, or raise the knob `keys`",
    ),
    (
        "  declare",
        "  & declare",
        "line 90: operation declare b k0 5; write it without `&` and `drop`: it is always waited \
         for",
    ),
    (
        "device rots\n",
        "device posix\n",
        "line 110: fault rot:8191; write the knob `device rots`",
    ),
    (
        "device rots\n",
        "device perfect\n",
        "line 40: device perfect; write one of posix ext4-ordered rename-not-atomic rots",
    ),
    (
        "slow:250ms",
        "slow:3601s",
        "line 108: duration 3601s; write at most 3600s, an hour",
    ),
    (
        "astray:16",
        "astray:0",
        "line 111: sectors 0; keep it from 1 to 4294967295",
    ),
    (
        "clock +10800s",
        "clock 3h",
        "line 74: jump 3h; write it like +10800s or -250ms",
    ),
    (
        "b twice keeping",
        "b twice twice",
        "line 77: word twice; write `twice` or `keeping`, once",
    ),
    (
        "  let-go",
        "  & let-go",
        "line 79: operation let-go; write it without `&` and `drop`: it is always waited for",
    ),
];

#[test]
fn an_error_names_the_line_and_the_remedy() {
    for (written, instead, expected) in PROBLEMS {
        assert!(EVERYTHING.contains(written), "{written}");
        let found = problem_in(&EVERYTHING.replacen(written, instead, 1));
        assert_eq!(found, expected, "{written:?} became {instead:?}");
    }
}

#[test]
fn an_error_keeps_its_line() {
    let error = EVERYTHING.replace("scan a 0", "scan").parse::<Plan>();
    assert_eq!(error.unwrap_err().line(), Some(53));
}

#[test]
fn more_records_than_memory_should_hold_are_refused() {
    let records = vec!["+1 k0 image:1048576:1"; 257].join(", ");
    let expected = "line 42: sum of lengths 269484032; keep it from 0 to 268435456";
    assert_eq!(problem_in_lines(&format!("put a {records}")), expected);
}

#[test]
fn longer_waits_than_a_clock_should_count_are_refused() {
    let waits = vec!["wait 2592000s"; 1217].join("\n  ");
    let expected = "line 1258: seconds of all waits 3154464000; keep it from 0 to 3153600000";
    assert_eq!(problem_in_lines(&waits), expected);
}

#[test]
fn more_records_than_a_batch_should_have_are_refused() {
    let records = vec!["+1 k0 image:1:1"; 10_001].join(", ");
    let expected = "line 42: count of records of one put 10001; keep it from 1 to 10000";
    assert_eq!(problem_in_lines(&format!("put a {records}")), expected);
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let from_bytes = vec(any::<u8>(), 0..3000)
        .prop_map(|bytes| Plan::arbitrary(&mut Unstructured::new(&bytes)).unwrap());
    prop_oneof![any::<u64>().prop_map(Plan::draw), from_bytes]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn parsing_undoes_printing(plan in any_plan()) {
        prop_assert_eq!(plan.check(), Ok(()));
        let read: Plan = plan.to_string().parse().unwrap();
        prop_assert_eq!(read, plan);
    }

    #[test]
    fn a_damaged_text_is_an_error_or_another_plan(
        plan in any_plan(),
        damages in vec((any::<prop::sample::Index>(), any::<char>(), 0..3), 1..4),
    ) {
        let mut text: Vec<char> = plan.to_string().chars().collect();
        for (index, character, kind) in damages {
            let index = index.index(text.len());
            match kind {
                0 => text[index] = character,
                1 => text.insert(index, text[text.len() - 1 - index]),
                _ => { text.remove(index); }
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(plan) = text.parse::<Plan>() {
            prop_assert_eq!(plan.check(), Ok(()));
            prop_assert_eq!(plan.to_string().parse::<Plan>(), Ok(plan));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        prop_assert!(text.parse::<Plan>().is_err());
    }
}
