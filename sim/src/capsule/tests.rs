#![expect(
    clippy::disallowed_methods,
    reason = "folders are made and the clock is read outside of any run"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;
use crate::plan::Plan;

fn example() -> Capsule {
    let lines = |text: &str| text.lines().map(str::to_string).collect();
    let plan = Plan::draw(7).to_string();
    Capsule {
        seed: Some(7),
        origin: Origin {
            revision: "unknown".to_string(),
            lock: 0xAB,
        },
        verdict: "wrong answer".to_string(),
        signature: "wrong answer: no history".to_string(),
        full_digest: 1,
        shrunk_digest: u64::MAX,
        failure: lines("asked     get a k0 at 0/8\nexpected  3 bytes\ngot       no history"),
        rules: Vec::new(),
        read: lines("visit 1: a memory from 0/8 for 0/8..0/9\n\n  end 3 bytes"),
        steps: lines("io 1 t0 life1/a/put#1/ephemeral#1/write#1\nend 1 bytes 00"),
        shrunk_plan: lines(&plan),
        full_plan: lines(&plan),
    }
}

/// The error message for a text that is no capsule.
fn said(text: &str) -> String {
    text.parse::<Capsule>().unwrap_err().to_string()
}

#[test]
fn a_capsule_is_read_as_it_was_written() {
    let capsule = example();
    assert_eq!(capsule.to_string().parse(), Ok(capsule.clone()));
    assert_eq!(capsule.plan(Which::Shrunk), Ok(Plan::draw(7)));
}

#[test]
fn a_capsule_that_is_cut_anywhere_is_told_as_cut_off() {
    let text = example().to_string();
    for len in 0..text.len() {
        let cut = &text[..len];
        let said = said(cut);
        let expected = match len < "palimpsest capsule 1".len() {
            true => "this build reads",
            false => "cut off",
        };
        assert!(said.contains(expected), "{len}: {said}");
    }
}

#[test]
fn a_capsule_that_was_changed_is_told_as_changed() {
    let text = example().to_string();
    let changed = said(&text.replace("no history", "no histery"));
    assert!(
        changed.contains("checksum is not that of its text"),
        "{changed}"
    );
    let longer = said(&text.replace("no history", "no history at all"));
    assert!(
        longer.contains("the capsule was changed: it has "),
        "{longer}"
    );
    assert!(longer.contains("copy it again"), "{longer}");
}

#[test]
fn a_capsule_of_another_format_says_which_and_where() {
    let said = said("palimpsest capsule 9\nsomething new\n");
    assert!(
        said.starts_with("line 1: capsule format 9; this build reads"),
        "{said}"
    );
}

#[test]
fn fields_out_of_order_are_refused_with_their_line() {
    let body = "palimpsest capsule 1\nseed x\n";
    let sum = super::text::hash(body.as_bytes());
    let said = said(&format!("{body}end {} bytes {sum:016x}\n", body.len()));
    assert!(
        said.starts_with("line 2: expected `seed` and a whole number"),
        "{said}"
    );
}

/// A plan that fails on any engine: its device acknowledges a sync that it does not make.
fn lying_plan() -> Plan {
    let drawn = Plan::draw(0).to_string();
    let (knobs, _) = drawn.split_once("ops\n").unwrap();
    let ops = "  create a 0\n  put a +8 k0 image:9:1\n  flush a\n  crash power none\n";
    let rules = "  at life*/*/*/*/sync lie times 9\n  at life9/a/gc/index/sync eio\n";
    let text = format!("{knobs}ops\n{ops}faults\n{rules}schedule\n  then in-order\n");
    text.parse().unwrap()
}

fn made() -> Capsule {
    let plan = lying_plan();
    let deadline = Instant::now() + Duration::from_secs(60);
    make(Some(3), (&plan, &plan), deadline).unwrap()
}

#[test]
fn a_capsule_says_which_rules_were_necessary() {
    let capsule = made();
    let [first, second] = &capsule.rules[..] else {
        panic!("{:?}", capsule.rules);
    };
    assert!(
        first.starts_with("needed  at life*/*/*/*/sync lie"),
        "{first}"
    );
    assert!(first.ends_with("(without it all is right)"), "{first}");
    assert!(second.starts_with("not needed  at life9/a/gc"), "{second}");
}

#[test]
fn a_capsule_run_again_is_the_same_another_or_fixed() {
    let capsule = made();
    let same = replay(&capsule);
    assert_eq!((same.name(), same.exit_code()), ("same failure", 2));
    let text = same.told(&capsule).to_string();
    assert!(text.contains("the run is the same, step by step"), "{text}");
    assert!(!text.contains("Cargo.lock"), "{text}");

    let other = Capsule {
        signature: "panic: nothing of the kind".to_string(),
        ..capsule.clone()
    };
    let another = replay(&other);
    assert_eq!(
        (another.name(), another.exit_code()),
        ("another failure", 2)
    );
    let text = another.told(&other).to_string();
    assert!(text.contains("panic: nothing of the kind"), "{text}");
    assert!(text.contains(&capsule.signature), "{text}");

    let mut right = lying_plan();
    right.faults.clear();
    let right: Vec<String> = right.to_string().lines().map(str::to_string).collect();
    let healed = Capsule {
        shrunk_plan: right.clone(),
        ..capsule.clone()
    };
    let by_full = replay(&healed);
    assert_eq!(by_full.name(), "same failure");
    let fixed = replay(&Capsule {
        full_plan: right,
        ..healed
    });
    assert_eq!((fixed.name(), fixed.exit_code()), ("fixed", 0));
}

#[test]
fn a_capsule_with_a_plan_of_another_format_does_not_fit() {
    let mut capsule = example();
    capsule.shrunk_plan[0] = "palimpsest plan 1".to_string();
    let replayed = replay(&capsule);
    assert_eq!(
        (replayed.name(), replayed.exit_code()),
        ("does not fit this build", 6)
    );
    let text = replayed.told(&capsule).to_string();
    assert!(text.contains("line 1: plan format 1"), "{text}");
    assert!(text.contains("Cargo.lock 00000000000000ab, now"), "{text}");
}

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("palimpsest-base-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_base_folds_what_fails_alike_and_keeps_the_smallest() {
    let folder = folder("folds");
    let base = Base::new(&folder);
    let large = example();
    let mut small = example();
    small.shrunk_plan.retain(|line| !line.starts_with("  put"));
    let other = Capsule {
        signature: "stuck: nothing is held".to_string(),
        ..example()
    };
    let first = base.add(&large, "monday").unwrap();
    assert_eq!(first.id, base.add(&small, "tuesday").unwrap().id);
    base.add(&large, "wednesday").unwrap();
    base.add(&other, "thursday").unwrap();
    let entries = base.entries().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| entry.kept.as_ref().unwrap())
        .map(|kept| (kept.count, kept.first_seen.as_str()))
        .collect();
    assert_eq!(told, [(1, "thursday"), (3, "monday")]);
    assert_eq!(entries[1].capsule.as_ref().unwrap(), &small);
    assert_eq!(entries[0].capsule.as_ref().unwrap(), &other);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other() {
    let folder = folder("by-hand");
    let base = Base::new(&folder);
    let entry = base.add(&example(), "monday").unwrap();
    std::fs::remove_file(folder.join(format!("{}.seen", entry.id))).unwrap();
    std::fs::write(folder.join("zero.capsule"), [0xFF]).unwrap();
    let entries = base.entries().unwrap();
    assert!(entries[0].kept.is_err() && entries[0].capsule.is_ok());
    assert!(entries[1].kept.is_err() && entries[1].capsule.is_err());
    let again = base.add(&example(), "tuesday").unwrap().kept.unwrap();
    assert_eq!((again.count, again.first_seen.as_str()), (1, "tuesday"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_damaged_base_says_which_file_and_what_to_do() {
    let folder = folder("damaged");
    let base = Base::new(&folder);
    assert!(base.entries().unwrap().is_empty());
    let entry = base.add(&example(), "monday").unwrap();
    std::fs::write(folder.join(format!("{}.capsule", entry.id)), "palimpsest").unwrap();
    assert!(base.entries().unwrap()[0].capsule.is_err());
    std::fs::write(folder.join(format!("{}.seen", entry.id)), "many").unwrap();
    let kept = &base.entries().unwrap()[0].kept;
    let said = kept.as_ref().unwrap_err().to_string();
    assert!(
        said.contains(&format!("{}.seen: expected `count`", entry.id)),
        "{said}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
