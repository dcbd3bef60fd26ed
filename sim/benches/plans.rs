//! How many plans, and how many crashes, one core gets through: `cargo bench -p palimpsest-sim`.
//!
//! The plans are those of the first seeds, each run once, one after another on one thread; and
//! some that do nothing but write, crash and recover. Behind `--` may stand `quick`, for a tenth
//! of the seeds.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark stands outside of any run: it asks the system for the time"
)]

use std::fs;

use palimpsest_sim::{Keep, Outcome, Plan, run};

const SEED_COUNT: u64 = 1000;
const SEED_COUNT_QUICK: u64 = 100;

/// How many crashes a plan has that has nothing else, and how many such plans there are.
const CRASH_COUNT: u64 = 20;
const CRASH_PLAN_COUNT: u64 = 100;

/// What runs came to, and how long this thread was on a core for them, in nanoseconds.
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
}

impl Sum {
    fn run(&mut self, plan: &Plan) {
        let started = thread_ns();
        let outcome = run(plan, Keep::Tail);
        self.spent_ns += thread_ns() - started;
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
    }

    fn rows(&self) -> [(&'static str, u64); 7] {
        [
            ("plans", self.plans),
            ("operations", self.operations),
            ("crashes", self.crashes),
            ("timelines recovered and checked", self.recoveries),
            ("answers compared", self.answers),
            ("calls of `Io`", self.calls),
            ("steps of the gate", self.steps),
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

/// How long this thread was on a core, in nanoseconds: what others do on it does not count.
fn thread_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has had it");
    let spent = stat.split(' ').next().and_then(|spent| spent.parse().ok());
    spent.expect("it comes first")
}

/// A plan that writes, flushes half of it, and loses its power, over and over.
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

fn main() {
    let is_quick = std::env::args().any(|word| word == "quick");
    let seed_count = if is_quick {
        SEED_COUNT_QUICK
    } else {
        SEED_COUNT
    };
    let mut drawn = Sum::default();
    for seed in 0..seed_count {
        drawn.run(&Plan::draw(seed));
    }
    drawn.print(&format!("plans of the seeds 0..{seed_count}"));
    let mut crashing = Sum::default();
    for plan_index in 0..CRASH_PLAN_COUNT {
        crashing.run(&crashes(plan_index));
    }
    crashing.print("plans of crashes alone");
}
