//! Whether memory grows with the number of plans: `cargo bench -p palimpsest-sim --bench memory`.
//!
//! The plans are those of the first seeds, each truncated to its first operations, so that a
//! million of them takes minutes on all cores. After each tenth it prints the memory of the
//! process; at the end, whether that has grown since the first tenth. A failed plan is named, and
//! the exit code is then 1. An argument behind `--` sets the number of plans.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark stands outside of any run: it asks the system for memory and the time"
)]

use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mimalloc::MiMalloc;
use palimpsest_sim::{Keep, Plan, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const PLAN_COUNT: u64 = 1_000_000;

/// The number of operations that are carried out of each plan.
const OP_COUNT: usize = 8;

const TENTHS: u64 = 10;

/// The resident memory of the process, in KiB.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    let pages: u64 = pages.expect("it is the second");
    pages * 4
}

/// The plan of a seed, truncated.
fn short(seed: u64) -> Plan {
    let mut plan = Plan::draw(seed);
    plan.ops.truncate(OP_COUNT);
    plan
}

/// Runs the plans from `next` up to `end` on all cores, and returns the number that failed.
fn run_up_to(end: u64, next: &AtomicU64) -> u64 {
    let red = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if end <= seed {
                return;
            }
            if let Some(verdict) = run(&short(seed), Keep::Tail).verdict {
                eprintln!("seed {seed}, cut: {verdict}");
                red.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    next.store(end, Ordering::Relaxed);
    red.into_inner()
}

fn main() -> ExitCode {
    let count = std::env::args().find_map(|word| word.parse().ok());
    let count = count.unwrap_or(PLAN_COUNT).max(TENTHS);
    let next = AtomicU64::new(0);
    let started = Instant::now();
    let mut found = Vec::new();
    let mut red = 0;
    println!("| plans | MiB | seconds |\n|---:|---:|---:|");
    for tenth in 1..=TENTHS {
        let end = count * tenth / TENTHS;
        red += run_up_to(end, &next);
        let memory = memory_kib();
        found.push(memory);
        let mib = memory as f64 / 1024.0;
        println!(
            "| {end} | {mib:.1} | {:.0} |",
            started.elapsed().as_secs_f64()
        );
    }
    let [first, .., last] = found[..] else {
        panic!("there are ten tenths");
    };
    let grown = last as i64 - first as i64;
    println!("KiB more after the last tenth than after the first: {grown}");
    println!("red plans: {red}");
    ExitCode::from(u8::from(0 < red))
}
