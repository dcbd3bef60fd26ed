//! Edits of the bytes that a plan is drawn from, chunk by chunk: libFuzzer's own edits know no
//! operations, and nearly always give all that stands behind them another meaning.

use crate::dice::{Chance, Dice};
use crate::plan::chunks::Chunks;

/// The length of a chunk that is drawn anew, in bytes. What its move does not use is trimmed.
const FRESH_LEN: (u64, u64) = (8, 120);
/// One mutation in this many is followed by another one.
const AGAIN_ONE_IN: u64 = 2;
/// The most moves that are removed, copied or drawn at once.
const RUN_LEN_MAX: u64 = 4;

/// What one edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    /// Puts moves that are drawn anew between two others.
    Insert,
    /// Removes moves that follow each other.
    Remove,
    /// Writes moves once more, elsewhere.
    Copy,
    /// Exchanges two moves.
    Swap,
    /// Draws a move anew.
    Replace,
    /// Changes bytes of a move.
    Change,
    /// Draws all moves from one on anew, as many as there were at most.
    Tail,
    /// Removes a group of rules, or draws it anew.
    Rules,
    /// Changes bytes of a group of rules.
    ChangeRules,
    /// Draws the schedule anew.
    Schedule,
    /// Changes bytes of the schedule.
    ChangeSchedule,
    /// Changes bytes of the knobs.
    Knobs,
}

const EDITS: [(u64, Edit); 12] = [
    (6, Edit::Insert),
    (4, Edit::Remove),
    (3, Edit::Copy),
    (2, Edit::Swap),
    (2, Edit::Replace),
    (5, Edit::Change),
    (2, Edit::Tail),
    (4, Edit::Rules),
    (3, Edit::ChangeRules),
    (1, Edit::Schedule),
    (2, Edit::ChangeSchedule),
    (2, Edit::Knobs),
];

/// Edits the chunks once or a few times.
pub fn edit(chunks: &mut Chunks, dice: &mut Dice) {
    loop {
        edit_once(chunks, dice);
        if !dice.one_in(AGAIN_ONE_IN) {
            return;
        }
    }
}

fn edit_once(chunks: &mut Chunks, dice: &mut Dice) {
    let moves = &mut chunks.moves;
    let edit = match moves.is_empty() {
        true => Edit::Insert,
        false => dice.pick_weighted(&EDITS),
    };
    match edit {
        Edit::Insert => {
            let at = dice.below(moves.len() as u64 + 1) as usize;
            let run = draw_moves(dice, RUN_LEN_MAX);
            moves.splice(at..at, run);
        }
        Edit::Remove => {
            let (first, end) = draw_run(moves.len(), dice);
            moves.drain(first..end);
        }
        Edit::Copy => {
            let (first, end) = draw_run(moves.len(), dice);
            let run = moves[first..end].to_vec();
            let at = dice.below(moves.len() as u64 + 1) as usize;
            moves.splice(at..at, run);
        }
        Edit::Swap => {
            let (first, second) = (draw_index(moves.len(), dice), draw_index(moves.len(), dice));
            moves.swap(first, second);
        }
        Edit::Replace => {
            let index = draw_index(moves.len(), dice);
            moves[index] = draw_fresh(dice);
        }
        Edit::Change => {
            let index = draw_index(moves.len(), dice);
            change(&mut moves[index], dice);
        }
        Edit::Tail => {
            let first = draw_index(moves.len(), dice);
            let run = draw_moves(dice, (moves.len() - first) as u64);
            moves.splice(first.., run);
        }
        Edit::Rules => {
            let index = draw_index(chunks.rules.len(), dice);
            chunks.rules[index] = match dice.one_in(3) {
                true => Vec::new(),
                false => draw_fresh(dice),
            };
        }
        Edit::ChangeRules => {
            let index = draw_index(chunks.rules.len(), dice);
            change(&mut chunks.rules[index], dice);
        }
        Edit::Schedule => chunks.schedule = draw_fresh(dice),
        Edit::ChangeSchedule => change(&mut chunks.schedule, dice),
        Edit::Knobs => change(&mut chunks.knobs, dice),
    }
}

/// The first moves of one and the last moves of the other. Knobs and schedule are those of the
/// first, so that its moves mean what they meant; each group of rules is that of either.
pub fn cross(first: &Chunks, second: &Chunks, dice: &mut Dice) -> Chunks {
    let mut crossed = first.clone();
    let head_len = match first.moves.len() {
        0 => 0,
        len => dice.between(1, len as u64) as usize,
    };
    crossed.moves.truncate(head_len);
    if !second.moves.is_empty() {
        let tail_from = draw_index(second.moves.len(), dice);
        crossed.moves.extend_from_slice(&second.moves[tail_from..]);
    }
    for (rules, others) in crossed.rules.iter_mut().zip(&second.rules) {
        if dice.one_in(2) {
            rules.clone_from(others);
        }
    }
    crossed
}

/// Changes a byte or a few; an empty chunk is drawn anew.
fn change(chunk: &mut Vec<u8>, dice: &mut Dice) {
    if chunk.is_empty() {
        *chunk = draw_fresh(dice);
        return;
    }
    for _ in 0..dice.between(1, 3) {
        let index = draw_index(chunk.len(), dice);
        chunk[index] = match dice.below(4) {
            0 => chunk[index].wrapping_add(1),
            1 => chunk[index].wrapping_sub(1),
            2 => 0,
            _ => dice.below(256) as u8,
        };
    }
}

fn draw_moves(dice: &mut Dice, count_max: u64) -> Vec<Vec<u8>> {
    let count = dice.between(1, count_max);
    (0..count).map(|_| draw_fresh(dice)).collect()
}

fn draw_fresh(dice: &mut Dice) -> Vec<u8> {
    let len = dice.between(FRESH_LEN.0, FRESH_LEN.1);
    (0..len).map(|_| dice.below(256) as u8).collect()
}

fn draw_index(count: usize, dice: &mut Dice) -> usize {
    dice.below(count as u64) as usize
}

/// Draws a run of moves: its first one, and the end behind its last one.
fn draw_run(count: usize, dice: &mut Dice) -> (usize, usize) {
    let first = draw_index(count, dice);
    let len = dice.between(1, RUN_LEN_MAX) as usize;
    (first, (first + len).min(count))
}
