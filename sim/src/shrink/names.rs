//! Plain names: keys and timelines get the first names that there are.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::Candidates;
use crate::faults::{Address, Scope};
use crate::label::TimelineLabel;
use crate::plan::{KeyIndex, Plan};

/// Renames keys and timelines, and leaves out the keys that no line names.
pub fn simplify(candidates: &mut Candidates<'_>) {
    candidates.take_first(4, |plan, index| {
        let mut plan = plan.clone();
        if index < 2 {
            rename_labels(&mut plan);
        }
        let key_count = rename_keys(&mut plan);
        if index.is_multiple_of(2) {
            plan.knobs.key_count = key_count;
        }
        Some(plan)
    });
    candidates.take_first(1, |plan, _| {
        let mut plan = plan.clone();
        plan.knobs.seed = 0;
        Some(plan)
    });
}

/// Renames the keys to the first ones, in their order. Returns how many there are, at least one.
fn rename_keys(plan: &mut Plan) -> u16 {
    let mut keys = BTreeSet::new();
    for line in &mut plan.ops {
        keys.extend(line.op.keys_mut().map(|key| *key));
    }
    let place = |key: KeyIndex| keys.iter().take_while(|other| **other < key).count();
    for line in &mut plan.ops {
        for key in line.op.keys_mut() {
            *key = KeyIndex(place(*key) as u16);
        }
    }
    keys.len().max(1) as u16
}

fn rename_labels(plan: &mut Plan) {
    let mut names: BTreeMap<TimelineLabel, TimelineLabel> = BTreeMap::new();
    let mut rename = |label: &mut TimelineLabel| {
        let next = TimelineLabel(b'a' + names.len() as u8);
        *label = *names.entry(*label).or_insert(next);
    };
    for line in &mut plan.ops {
        line.op.timelines_mut().for_each(&mut rename);
    }
    for rule in &mut plan.faults {
        if let Address::Call {
            scope: Scope::Timeline(label),
            ..
        } = &mut rule.address
        {
            rename(label);
        }
    }
}
