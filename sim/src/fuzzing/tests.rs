use super::{cross_plans, edit_plan, plan_of};
use crate::dice::{Chance, Dice};
use crate::plan::chunks::Chunks;
use crate::plan::{OP_COUNT_AIM_MAX, Plan, PlanOp};

/// The length limit of an edit, in bytes.
const LEN_MAX: usize = 4096;

fn draw_bytes(dice: &mut Dice, len_max: u64) -> Vec<u8> {
    let len = dice.below(len_max + 1);
    (0..len).map(|_| dice.below(256) as u8).collect()
}

/// The bytes of a plan with so many moves.
fn draw_plan(seed: u64, move_count: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut chunks = Chunks {
        moves: vec![Vec::new(); move_count],
        ..Chunks::default()
    };
    for chunk in chunks.iter_mut() {
        *chunk = draw_bytes(&mut dice, 60);
    }
    chunks.trimmed().join()
}

/// The bytes after an edit; libFuzzer's own one sets them all to its mark.
fn edited(bytes: &[u8], len_max: usize, seed: u32) -> Vec<u8> {
    let mut data = bytes.to_vec();
    data.resize(bytes.len().max(len_max), 0);
    let blind = |data: &mut [u8], len: usize, len_max: usize| {
        let len = len.clamp(1, len_max);
        data[..len].fill(0x5A);
        len
    };
    let len = edit_plan(&mut data, (bytes.len(), len_max), seed, blind);
    data.truncate(len);
    data
}

fn crossed(first: &[u8], second: &[u8], len_max: usize, seed: u32) -> Vec<u8> {
    let mut out = vec![0; len_max];
    let len = cross_plans((first, second), &mut out, seed);
    out.truncate(len);
    out
}

/// The lines of a plan but for the creations: where a timeline starts may depend on all of them.
fn lines(plan: &Plan) -> Vec<String> {
    let lines = plan.ops.iter();
    let lines = lines.filter(|line| !matches!(line.op, PlanOp::Create { .. }));
    lines.map(|line| format!("{line:?}")).collect()
}

#[test]
fn any_edit_makes_a_valid_plan_within_the_limit() {
    let mut dice = Dice::new(1);
    for seed in 0..500 {
        let bytes = draw_bytes(&mut dice, 2000);
        let len_max = dice.between(1, 3000) as usize;
        let edited = edited(&bytes, len_max, seed);
        assert!((1..=len_max).contains(&edited.len()), "seed {seed}");
        assert_eq!(plan_of(&edited).check(), Ok(()), "seed {seed}");
    }
}

#[test]
fn edits_of_edits_stay_valid_and_go_on() {
    let mut bytes = Vec::new();
    let mut texts = Vec::new();
    for seed in 0..300 {
        bytes = edited(&bytes, LEN_MAX, seed);
        let plan = plan_of(&bytes);
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        texts.push(plan.to_string());
    }
    texts.sort();
    texts.dedup();
    assert!(200 < texts.len(), "{} plans", texts.len());
}

#[test]
fn a_seed_makes_one_edit() {
    for seed in 0..50 {
        let (first, second) = (draw_plan(1, 20), draw_plan(2, 20));
        assert_eq!(edited(&first, LEN_MAX, seed), edited(&first, LEN_MAX, seed));
        let cross = || crossed(&first, &second, LEN_MAX, seed);
        assert_eq!(cross(), cross());
    }
}

/// Whether the first move writes no line, as one that waits for what is in flight where nothing is.
fn is_silent(chunks: &Chunks) -> bool {
    let line_count = |move_count| {
        let mut chunks = chunks.clone();
        chunks.moves.truncate(move_count);
        lines(&Plan::of_chunks(&chunks)).len()
    };
    line_count(1) == line_count(0)
}

#[test]
fn a_cross_has_moves_of_both() {
    let mut other_rules_count = 0;
    for seed in 0..100 {
        let [first, second] = [1, 2].map(|plan| draw_plan(2 * u64::from(seed) + plan, 12));
        let crossed = crossed(&first, &second, LEN_MAX, seed);
        let [first, second, both] = [&first, &second, &crossed].map(|it| Chunks::split(it));
        assert_eq!(both.moves.first(), first.moves.first(), "seed {seed}");
        assert_eq!(both.knobs, first.knobs, "seed {seed}");
        other_rules_count += usize::from(both.rules != first.rules);
        let plan = Plan::of_chunks(&both);
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        let common = lines(&plan)
            .iter()
            .zip(&lines(&Plan::of_chunks(&first)))
            .take_while(|(both, first)| both == first)
            .count();
        let has_first = 1 <= common || is_silent(&first);
        assert!(has_first, "seed {seed}: the first moves of the first");
        let last = both.moves.last().expect("two plans have moves");
        let is_of_second = second.moves.iter().any(|it| it.starts_with(last));
        // A plan that is long enough takes no further move.
        let is_full = OP_COUNT_AIM_MAX <= plan.ops.len() as u64;
        assert!(
            is_of_second || is_full,
            "seed {seed}: the last moves of the second"
        );
    }
    assert!(50 < other_rules_count, "{other_rules_count}");
}

#[test]
fn a_cross_of_any_bytes_is_valid() {
    let mut dice = Dice::new(3);
    for seed in 0..300 {
        let [first, second] = [(); 2].map(|()| draw_bytes(&mut dice, 2000));
        let len_max = dice.below(2000) as usize;
        let crossed = crossed(&first, &second, len_max, seed);
        assert!(crossed.len() <= len_max);
        assert_eq!(plan_of(&crossed).check(), Ok(()), "seed {seed}");
    }
}
