//! Plans with the records of a log: what of the log they keep.

use std::collections::{BTreeMap, BTreeSet};

use crate::label::TimelineLabel;
use crate::plan::workload::Change;
use crate::plan::{EditPlan, Entry, KeyIndex, Line, Plan, PlanOp, Workload};

/// A log of records each of which is told by its length, on pages that often come again.
const RECORD_COUNT: usize = 400;

/// The length of the first record.
const FIRST_LEN: usize = 100;

/// The page of a number: numbers that rise are pages that fall.
fn page(number: usize) -> String {
    format!("rel 1663/5/16384 blk {}", 9000 - 7 * number)
}

fn log() -> String {
    let mut lsn = 0x100;
    let line = |index: usize| {
        let len = FIRST_LEN + index;
        lsn += 8 * (1 + index % 5);
        let init = if index % 7 == 3 { "+INIT" } else { "" };
        let first = page(index * index % 31);
        let image = if index % 11 == 5 { " FPW" } else { "" };
        let second = match index % 3 {
            0 => format!(", blkref #1: {}", page(31 + index % 13)),
            _ => String::new(),
        };
        format!(
            "rmgr: Heap len (rec/tot): {len}/{len}, tx: 1, lsn: 0/{lsn:X}, prev 0/0, \
             desc: INSERT{init}, blkref #0: {first}{image}{second}\n"
        )
    };
    (0..RECORD_COUNT).map(line).collect()
}

/// The batches of a plan.
fn batches(plan: &Plan) -> Vec<&[Entry]> {
    let ops = plan.ops.iter();
    let batches = ops.filter_map(|line| match &line.op {
        PlanOp::Put { entries, .. } => Some(entries.as_slice()),
        _ => None,
    });
    batches.collect()
}

/// The record that a patch or an init is of: its length says which.
fn index_of(edit: EditPlan) -> Option<usize> {
    match edit {
        EditPlan::Patch { len, .. } | EditPlan::Init { len, .. } => {
            (len as usize + 5).checked_sub(FIRST_LEN)
        }
        _ => None,
    }
}

/// The records of a batch, each with its LSN above the batch's begin; without those of images
/// alone, whose length says nothing.
fn records(batch: &[Entry], workload: &Workload) -> Vec<(usize, u64)> {
    let mut lsn = 0;
    let mut records = Vec::new();
    for entry in batch {
        lsn += entry.lsn_step;
        let Some(index) = index_of(entry.edit) else {
            continue;
        };
        let change = match entry.edit {
            EditPlan::Init { .. } => Change::Init,
            _ => Change::Record,
        };
        let pages = &workload.record(index).pages;
        assert!(pages.iter().any(|page| page.change == change), "{entry}");
        records.push((index, lsn));
    }
    records.dedup();
    records
}

/// The index of a record that comes one or two records behind another one: between them may be one
/// of images alone.
fn index_behind(before: usize, index: usize) -> usize {
    let mut next = before + 1..=before + 2;
    let found = next.find(|next| next % RECORD_COUNT == index);
    found.unwrap_or_else(|| panic!("{index} behind {before}"))
}

#[test]
fn batches_are_the_logs_records_in_their_order() {
    let workload = Workload::read(&log()).unwrap();
    let mut pair_count = 0;
    for seed in 0..200 {
        let plan = Plan::draw_with(seed, Some(&workload));
        let batches = batches(&plan);
        let pairs = batches.iter().flat_map(|batch| {
            let records = records(batch, &workload);
            records
                .windows(2)
                .map(|two| (two[0], two[1]))
                .collect::<Vec<_>>()
        });
        for ((before, at), (index, lsn)) in pairs {
            let end = index_behind(before, index);
            let gaps = (before + 1..=end).map(|index| workload.record(index).gap);
            assert_eq!(
                lsn - at,
                gaps.sum::<u64>(),
                "seed {seed}: {before}, {index}"
            );
            pair_count += 1;
        }
        let keys = batches.concat().into_iter().map(|entry| entry.key.0);
        let last_key = keys.max().unwrap_or(0);
        assert_eq!(
            plan.knobs.key_count,
            last_key + 1,
            "seed {seed}: all keys are pages"
        );
    }
    assert!(1000 < pair_count, "{pair_count}");
}

#[test]
fn a_page_is_one_key_and_keys_stand_as_pages_do() {
    let workload = Workload::read(&log()).unwrap();
    let mut shared_count = 0;
    for seed in 0..100 {
        let plan = Plan::draw_with(seed, Some(&workload));
        let mut keys: BTreeMap<palimpsest::Key, KeyIndex> = BTreeMap::new();
        for entry in batches(&plan).concat() {
            let Some(index) = index_of(entry.edit) else {
                continue;
            };
            let record = workload.record(index);
            if let [page] = record.pages.as_slice() {
                let key = *keys.entry(page.key).or_insert(entry.key);
                assert_eq!(key, entry.key, "seed {seed}");
                shared_count += 1;
            }
        }
        assert!(keys.values().is_sorted(), "seed {seed}");
        shared_count -= keys.len();
    }
    assert!(1000 < shared_count, "{shared_count}");
}

#[test]
fn a_record_that_needs_a_base_has_one_unless_a_crash_took_it() {
    let workload = Workload::read(&log()).unwrap();
    for seed in 0..100 {
        let mut plan = Plan::draw_with(seed, Some(&workload));
        let crash = |line: &Line| matches!(line.op, PlanOp::Crash(_));
        let crash = plan.ops.iter().position(crash).expect("each plan has one");
        plan.ops.truncate(crash);
        plan.ops
            .retain(|line| line.op.timeline() == Some(TimelineLabel(b'a')));
        let mut based = Vec::new();
        for entry in batches(&plan).concat() {
            match entry.edit {
                EditPlan::Patch { .. } => assert!(based.contains(&entry.key), "seed {seed}"),
                _ => based.push(entry.key),
            }
        }
    }
}

/// Everything else is drawn, and a plan is its text: it needs no log to be run.
#[test]
fn a_plan_with_a_log_is_told_by_its_seed_and_contains_its_batches() {
    let workload = Workload::read(&log()).unwrap();
    for seed in 0..100 {
        let plan = Plan::draw_with(seed, Some(&workload));
        assert_eq!(plan, Plan::draw_with(seed, Some(&workload)));
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        assert_eq!(plan.to_string().parse(), Ok(plan), "seed {seed}");
    }
    let plans: Vec<Plan> = [1, 2]
        .map(|seed| Plan::draw_with(seed, Some(&workload)))
        .into();
    assert_ne!(plans[0], plans[1]);
}

/// More pages than a plan may have keys: some share one.
#[test]
fn a_log_of_many_pages_makes_a_plan_within_its_limits() {
    let line = |index: usize| {
        let pages: String = (0..20)
            .map(|page| format!(", blkref #{page}: rel 1/2/3 blk {}", index * 20 + page))
            .collect();
        let lsn = 0x100 + index;
        format!("rmgr: X len (rec/tot): 9/9, tx: 1, lsn: 0/{lsn:X}, prev 0/0, desc: X{pages}\n")
    };
    let log: String = (0..300).map(line).collect();
    let workload = Workload::read(&log).unwrap();
    let mut key_count_max = 0;
    for seed in 0..60 {
        let plan = Plan::draw_with(seed, Some(&workload));
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        key_count_max = key_count_max.max(plan.knobs.key_count);
        for batch in batches(&plan) {
            let mut lsn = 0;
            let places = batch.iter().map(|entry| {
                lsn += entry.lsn_step;
                (lsn, entry.key)
            });
            let places: BTreeSet<(u64, KeyIndex)> = places.collect();
            assert_eq!(places.len(), batch.len(), "seed {seed}");
        }
    }
    assert_eq!(key_count_max, 999);
}
