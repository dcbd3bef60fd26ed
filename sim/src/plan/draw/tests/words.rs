//! Each word of a plan's text is drawn by some seed: no run ever tries a word that no seed draws.
//!
//! Exceptions are `lie` and `tear`, which no device may do, `case:N`, which names one of all cases,
//! and the values of `look`.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::op::Start;
use crate::plan::{Plan, PlanOp};

/// The number of plans that are drawn.
const PLAN_COUNT: u64 = 3000;

/// For each first word of a line, the words that must follow it; `-` and `+` begin a number.
const WORDS: [(&str, &str); 31] = [
    ("create", "a b"),
    ("branch", "b c - +"),
    ("delete", "b c"),
    ("put", "image init set append append-if patch clear"),
    ("freeze", "a b"),
    ("flush", "a b"),
    ("compact", "a b forced"),
    ("images", "a b forced"),
    ("gc", "a b"),
    ("declare", "a b"),
    ("get", "a b - +"),
    ("get-many", "a b - +"),
    ("scan", "a b - +"),
    ("join", ""),
    ("wait", ""),
    ("clock", "+ -"),
    ("shutdown", "twice keeping"),
    ("let-go", ""),
    ("restart", ""),
    ("crash", "kill power all none draw"),
    ("housekeeping", "off every stall"),
    ("device", "posix ext4-ordered rename-not-atomic rots"),
    ("layout", "dense spread edges"),
    ("shard", "all stripe"),
    ("split", "stripe keep copying once"),
    ("compression", "none zstd"),
    ("choices", "1 2 3"),
    (
        "then",
        "in-order newest-first uniform by-rank pct to-completion starve driver line keep drop",
    ),
    // The faults of a rule.
    (
        "at",
        "eio enospc erofs eacces emfile enfile enomem revert slow stall short rot astray lost \
         stale times one-in crash kill power all none draw",
    ),
    // The calls of a rule.
    (
        "at",
        "io engine a b open create delete put freeze flush read branch compact image gc drop \
         shed split delta index ephemeral dir lock list create-dir remove-dir remove rename \
         replace link write sync sync-dir len pass",
    ),
    // The openings after the first crash, after the second, and after the third.
    ("crash in open", "life2 life3 life4"),
];

/// The verbs of the operations that may be started in this way.
fn verbs(start: Start) -> String {
    let rows = PlanOp::ROWS.into_iter().filter(|row| start <= row.start);
    Vec::from_iter(rows.map(|row| row.verb)).join(" ")
}

/// The words of all lines, by how the line starts.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// The words of a line and of its addresses, without the ordinals.
fn words(line: &str) -> BTreeSet<String> {
    let words: Vec<&str> = line.split([' ', ':', '/', ',', '#', '*']).collect();
    let signs = words.iter().filter_map(|word| word.get(..1));
    let signs = signs.filter(|sign| ["+", "-"].contains(sign));
    words
        .iter()
        .copied()
        .chain(signs)
        .map(String::from)
        .collect()
}

fn see(seen: &mut Seen, line: &str) {
    let mut rest = line.trim();
    if let Some(beside) = rest.strip_prefix("& ") {
        rest = beside;
        see_words(seen, "&", first_word(rest));
    } else if let Some(dropped) = rest.strip_prefix("drop ") {
        rest = dropped
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start();
        see_words(seen, "drop", first_word(rest));
    }
    see_words(seen, first_word(rest), rest);
    if first_word(rest) == "at" && rest.contains("/open/") && rest.contains(" crash ") {
        see_words(seen, "crash in open", rest);
    }
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn see_words(seen: &mut Seen, start: &str, text: &str) {
    let words = words(text);
    seen.entry(start.to_string()).or_default().extend(words);
}

#[test]
fn every_word_is_drawn_by_some_seed() {
    let mut seen = Seen::new();
    for seed in 0..PLAN_COUNT {
        let text = Plan::draw(seed).to_string();
        text.lines().for_each(|line| see(&mut seen, line));
    }
    let mut missed = Vec::new();
    let (beside, dropped) = (verbs(Start::Beside), verbs(Start::Dropped));
    let started = [("&", beside.as_str()), ("drop", dropped.as_str())];
    let all = PlanOp::ROWS.map(|row| (row.verb, ""));
    for (start, wanted) in WORDS.into_iter().chain(started).chain(all) {
        let found = seen.get(start);
        let is_missed = |word: &&str| found.is_none_or(|found| !found.contains(*word));
        let all = wanted.split_whitespace();
        missed.extend(all.filter(is_missed).map(|word| format!("{start}: {word}")));
        if found.is_none() {
            missed.push(start.to_string());
        }
    }
    assert_eq!(missed, [""; 0]);
}
