//! All short sequences of a few operations, each with every crash.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and says how long it took"
)]

use std::time::Instant;

use super::certificate::Certificate;
use super::{ExhaustLimits, exhaust};
use crate::plan::Plan;
use crate::verdict::Verdict;

/// The lines before each sequence: a timeline with records in a layer and in memory.
const BEFORE: [&str; 4] = [
    "create a 16",
    "put a +8 k0 image:100:1, +8 k1 image:90:2",
    "flush a",
    "put a +8 k0 append:5:3",
];

/// The operations of the sequences.
pub const ALPHABET: [&str; 14] = [
    "put a +8 k0 append:7:4, +0 k1 set:80:5",
    "& flush a",
    "flush a",
    "compact a forced",
    "images a forced",
    "gc a",
    "gc-compact a",
    "strategy a tiered",
    "lease a -8 3600s",
    "branch b a 0",
    "put b +8 k1 append:9:6",
    "delete b",
    "restart",
    "split 2 stripe 1 keep 0",
];

/// The plan's text up to its lines: small knobs, and no job of the engine's own.
pub(super) const KNOBS: &str = "palimpsest plan 4
knobs
  seed 1
  keys 2
  layout dense
  freeze-len 4000
  freeze-distance 1000
  freeze-age 3600s
  buffer-len 4096
  l0-trigger 2
  l0-run-len 4611686018427387904
  layer-len 4096
  image-trigger 1
  image-preempt 1000000
  compression none
  gc-distance 8
  gc-age 0s
  l0-delay-count 1000000
  cache-len 67108864
  read-len 65536
  housekeeping off
  look all
  device posix
ops
";

/// The plan of one sequence, given as indices into the alphabet.
fn plan(sequence: &[usize]) -> Plan {
    let ops = sequence.iter().map(|index| ALPHABET[*index]);
    let lines = BEFORE.into_iter().chain(ops);
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    let text = format!("{KNOBS}{lines}faults\nschedule\n  then in-order\n");
    text.parse().expect("it is written above")
}

/// The sequence with this number among all of its length.
fn sequence(number: usize, length: u32) -> Vec<usize> {
    let digit = |place: u32| number / ALPHABET.len().pow(place) % ALPHABET.len();
    (0..length).rev().map(digit).collect()
}

/// Tries every crash of all sequences of up to `length` operations. Of each sequence only crashes
/// in the last operation are tried: earlier ones belong to a shorter sequence.
///
/// `tell` gets the number of sequences that are done, and of all.
///
/// # Errors
/// The verdict of a sequence that fails without a crash, and its plan.
pub fn exhaust_all(
    length: u32,
    limits: ExhaustLimits<'_>,
    mut tell: impl FnMut(usize, usize),
) -> Result<Certificate, (Verdict, Box<Plan>)> {
    let started = Instant::now();
    let counts = (1..=length).map(|length| ALPHABET.len().pow(length));
    let (total, mut done) = (counts.sum(), 0);
    let mut sum = Certificate::new(limits.depth);
    for length in 1..=length {
        for number in 0..ALPHABET.len().pow(length) {
            let plan = plan(&sequence(number, length));
            let limits = ExhaustLimits {
                from_line: plan.ops.len() - 1,
                ..limits
            };
            let found = exhaust(&plan, limits);
            sum.add(found.map_err(|verdict| (verdict, Box::new(plan)))?);
            if sum.counterexample.is_some() || sum.is_cut_off {
                sum.elapsed = started.elapsed();
                return Ok(sum);
            }
            done += 1;
            tell(done, total);
        }
    }
    sum.elapsed = started.elapsed();
    Ok(sum)
}
