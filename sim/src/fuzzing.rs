//! The functions that fuzz targets call: they take bytes and panic if something is wrong.

mod edit;
#[cfg(test)]
mod tests;

use crate::dice::{Chance, Dice};
use crate::plan::Plan;
use crate::plan::chunks::Chunks;
use crate::run::{Keep, run};

/// The number of trace lines that a failure shows.
const TRACE_LINES_SHOWN: usize = 40;

/// One edit in this many is left to libFuzzer, which looks for no structure.
const BLIND_ONE_IN: u64 = 16;

/// The plan that a fuzzer's bytes stand for.
pub fn plan_of(bytes: &[u8]) -> Plan {
    Plan::of_chunks(&Chunks::split(bytes))
}

/// Edits the plan that the first `len` bytes of `data` stand for, in place: its moves, rules, knobs
/// or schedule. Now and then `blind` edits the bytes, which takes these arguments too. For
/// `fuzz_mutator!`.
///
/// # Shape
/// The answer is the new length, at least 1 and at most `len_max` unless that is 0. The seed alone
/// makes the edit.
/// # Panics
/// If `data` is shorter than `len` or `len_max`.
pub fn edit_plan(
    data: &mut [u8],
    (len, len_max): (usize, usize),
    seed: u32,
    blind: impl FnOnce(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut dice = Dice::new(seed.into());
    if dice.one_in(BLIND_ONE_IN) {
        return blind(data, len, len_max);
    }
    let mut chunks = Chunks::split(&data[..len]);
    edit::edit(&mut chunks, &mut dice);
    write(chunks, &mut data[..len_max])
}

/// Writes a plan with the first moves of one plan and the last moves of another one, and with the
/// rules of either. For `fuzz_crossover!`.
///
/// # Shape
/// The answer is the number of bytes written, at least 1 unless there is no room. The seed alone
/// decides where the plans are cut.
pub fn cross_plans((first, second): (&[u8], &[u8]), out: &mut [u8], seed: u32) -> usize {
    let (first, second) = (Chunks::split(first), Chunks::split(second));
    let crossed = edit::cross(&first, &second, &mut Dice::new(seed.into()));
    write(crossed, out)
}

/// Writes the chunks without what no plan is drawn from; the last moves are left out if there is no
/// room.
fn write(chunks: Chunks, out: &mut [u8]) -> usize {
    let mut chunks = chunks.trimmed();
    let mut bytes = chunks.join();
    while out.len() < bytes.len() && chunks.moves.pop().is_some() {
        bytes = chunks.join();
    }
    let len = bytes.len().min(out.len());
    out[..len].copy_from_slice(&bytes[..len]);
    len
}

/// Runs the plan that the bytes stand for.
///
/// # Panics
/// If the verdict is a failure: with the verdict, the last steps, and the plan, which `cargo sim
/// replay FILE` runs again.
pub fn check_plan(bytes: &[u8]) {
    let plan = plan_of(bytes);
    let outcome = run(&plan, Keep::Tail);
    if let Some(verdict) = outcome.verdict {
        let shown = outcome.trace.len().saturating_sub(TRACE_LINES_SHOWN);
        let steps = outcome.trace[shown..].join("\n");
        panic!("{verdict}\n\nthe last steps:\n{steps}\n\nthe plan:\n{plan}");
    }
}

/// A planted bug behind a few bytes that chance does not find: a fuzzer that works must find it.
///
/// # Panics
/// When the bytes are those.
#[inline] // Only the target itself is built to lead a fuzzer to these bytes.
pub fn check_canary(bytes: &[u8]) {
    if let [b'b', b'i', b'r', b'd', rest @ ..] = bytes
        && let Some(number) = rest.first_chunk()
    {
        assert!(
            u32::from_le_bytes(*number) != 0x5A60_1EAF,
            "the canary was found"
        );
    }
}
