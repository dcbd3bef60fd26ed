//! Plans and crashes per second on one core: `cargo bench -p palimpsest-sim`.
//!
//! The plans are those of the first seeds, each run once, one after another on one thread; plans of
//! one shape, with 200 operations and 3 crashes each; and plans that only write, crash and recover.
//! It then prints the ratio of virtual to real time, and the throughput of two threads relative to
//! one. Whether memory grows is measured by `--bench memory`. `quick` behind `--` runs a tenth of
//! the seeds.
//!
//! Time is the CPU time of a thread: other load on the machine does not count, except through the
//! caches that are shared with it.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark stands outside of any run: it asks the system for the time"
)]

use std::fs;
use std::time::Duration;

use mimalloc::MiMalloc;
use palimpsest_sim::plan::Maintenance;
use palimpsest_sim::{Keep, Outcome, Plan, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SEED_COUNT: u64 = 1000;
const SEED_COUNT_QUICK: u64 = 100;

/// The number of plans of one shape; their length, and which of their operations are crashes.
const SHAPED_PLAN_COUNT: u64 = 300;
const SHAPED_OP_COUNT: u64 = 200;
const SHAPED_CRASHES: [u64; 3] = [50, 100, 150];

/// The number of crashes in a plan that only crashes, and the number of such plans.
const CRASH_COUNT: u64 = 20;
const CRASH_PLAN_COUNT: u64 = 100;

/// The totals of some runs, and the CPU time that this thread spent on them, in nanoseconds.
#[derive(Default)]
struct Sum {
    spent_ns: u64,
    plans: u64,
    operations: u64,
    crashes: u64,
    recoveries: u64,
    answers: u64,
    calls: u64,
    steps: u64,
    elapsed: Duration,
}

impl Sum {
    fn run(&mut self, plan: &Plan) {
        let started = thread_ns();
        let mut outcome = run(plan, Keep::Tail);
        self.spent_ns += thread_ns() - started;
        // The virtual time in which history comes of age at the end of a run contains no work.
        let elapsed = &mut outcome.counts.elapsed;
        *elapsed = elapsed.saturating_sub(plan.knobs.gc_age * 2);
        self.add(&outcome);
    }

    fn add(&mut self, outcome: &Outcome) {
        assert!(
            outcome.verdict.is_none(),
            "a figure of a failed run says nothing"
        );
        self.plans += 1;
        self.operations += outcome.tally.operations;
        self.crashes += outcome.tally.crashes;
        self.recoveries += outcome.tally.recoveries;
        self.answers += outcome.tally.answers;
        self.calls += outcome.counts.calls;
        self.steps += outcome.counts.steps;
        self.elapsed += outcome.counts.elapsed;
    }

    fn rows(&self) -> [(&'static str, u64); 7] {
        [
            ("plans", self.plans),
            ("operations", self.operations),
            ("crashes", self.crashes),
            ("timelines recovered and checked", self.recoveries),
            ("answers compared", self.answers),
            ("calls of `Io`", self.calls),
            ("steps of the scheduler", self.steps),
        ]
    }

    fn print(&self, title: &str) {
        let seconds = self.spent_ns as f64 / 1e9;
        println!("| {title} | count | per second and core |\n|---|---:|---:|");
        for (what, count) in self.rows() {
            println!("| {what} | {count} | {:.0} |", count as f64 / seconds);
        }
        println!();
    }
}

/// The CPU time of this thread, in nanoseconds; what other threads do on its core does not count.
fn thread_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has had it");
    let spent = stat.split(' ').next().and_then(|spent| spent.parse().ok());
    spent.expect("it comes first")
}

/// A plan that repeats: write twice, flush between the two, lose power.
fn crashes(plan_index: u64) -> Plan {
    let knobs = Plan::draw(0).to_string();
    let knobs = knobs
        .split("\nops\n")
        .next()
        .expect("a plan has a part of that name");
    let mut text = format!("{knobs}\nops\n  create a 0\n");
    for crash_index in 0..CRASH_COUNT {
        let seed = plan_index * CRASH_COUNT + crash_index;
        text += &format!("  put a +8 k0 image:100:{seed}\n  flush a\n");
        text += &format!("  put a +8 k0 append:100:{seed}\n  crash power draw:{seed}\n");
    }
    text += "faults\nschedule\n  then in-order\n";
    text.parse().expect("it is written as plans are")
}

/// A plan of 200 operations, 3 of them crashes, with knobs and a schedule that a seed draws:
/// batches and reads, and a job now and then.
fn shaped(plan_index: u64) -> Plan {
    let mut plan = Plan::draw(plan_index);
    plan.knobs.key_count = 16;
    plan.knobs.maintenance = Maintenance::Off;
    plan.faults.clear();
    let knobs = plan.to_string();
    let (knobs, _) = knobs.split_once("\nops\n").expect("it has this part");
    let mut text = format!("{knobs}\nops\n  create a 0\n");
    for index in 1..SHAPED_OP_COUNT {
        let line = match index {
            60 => "branch b a 0".to_string(),
            index if SHAPED_CRASHES.contains(&index) => format!("crash power draw:{index}"),
            index => shaped_line(plan_index * SHAPED_OP_COUNT + index, index),
        };
        text += &format!("  {line}\n");
    }
    text += &format!("faults\nschedule\n  then uniform {plan_index}\n");
    text.parse().expect("it is written as plans are")
}

fn shaped_line(draw: u64, index: u64) -> String {
    let label = if 60 < index && draw.is_multiple_of(3) {
        'b'
    } else {
        'a'
    };
    let (key, other) = (draw % 16, draw / 7 % 16);
    match index % 20 {
        0 => format!("flush {label}"),
        5 => format!("compact {label}"),
        10 => format!("images {label}"),
        15 => format!("gc {label}"),
        3 | 12 => format!("get {label} k{key} -{other}"),
        8 | 17 => format!("get-many {label} k{key} 5 0"),
        1 | 11 => format!("put {label} +8 k{key} image:200:{draw}, +8 k{other} image:20:{draw}"),
        _ => format!("put {label} +8 k{key} append:40:{draw}, +8 k{other} set:90:{draw}"),
    }
}

fn run_all(plans: &[Plan]) -> Sum {
    let mut sum = Sum::default();
    plans.iter().for_each(|plan| sum.run(plan));
    sum
}

/// The throughput of two threads, as a multiple of one thread's.
fn speedup(plans: &[Plan]) -> f64 {
    let alone = run_all(plans).spent_ns;
    let work = || run_all(plans).spent_ns;
    let beside = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let here = work();
        here.max(other.join().expect("it runs what was run before"))
    });
    2.0 * alone as f64 / beside as f64
}

fn main() {
    let is_quick = std::env::args().any(|word| word == "quick");
    let seed_count = if is_quick {
        SEED_COUNT_QUICK
    } else {
        SEED_COUNT
    };
    let seeds = 0..seed_count;
    let drawn: Vec<Plan> = seeds.clone().map(Plan::draw).collect();
    let sum = run_all(&drawn);
    sum.print(&format!("plans of the seeds 0..{seed_count}"));
    let shaped: Vec<Plan> = (0..SHAPED_PLAN_COUNT).map(shaped).collect();
    run_all(&shaped).print("plans of 200 operations and 3 crashes");
    let crashing: Vec<Plan> = (0..CRASH_PLAN_COUNT).map(crashes).collect();
    run_all(&crashing).print("plans of crashes alone");
    let ratio = sum.elapsed.as_secs_f64() / (sum.spent_ns as f64 / 1e9);
    println!("| of the machine | |\n|---|---:|");
    println!("| seconds that pass in a run while one passes outside | {ratio:.0} |");
    println!("| two threads, of one | {:.2} |", speedup(&shaped));
}
