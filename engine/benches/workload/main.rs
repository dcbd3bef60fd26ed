//! The throughput and latency of the engine, beside those of the machine in the same run: `cargo
//! bench -p palimpsest --bench workload`.
//!
//! The tables are markdown. Nothing in them is asserted; the seeds are fixed, so that two runs
//! differ in time only. Behind `--` may stand `writes`, `history` or `reads`, to run these alone,
//! and `quick`, for a tenth of the records: its figures are of no use but to see that it runs.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark stands outside of any run: it asks the clock, and the files by hand"
)]

mod draw;
mod engine;
mod history;
mod log;
mod machine;
mod meter;
mod reads;
mod strategies;
mod table;
#[path = "../../tool/src/waldump/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the tool counts what it converts, knows pages from before, and tests it"
)]
mod waldump;
mod watched_io;
mod writes;

/// The size of the workloads.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// The number of records in a workload of records.
    record_count: u32,
    /// The number of pages that a workload of pages writes, and the number of keys.
    key_count: u32,
    /// The length that is ingested before the next durable flush begins, in bytes.
    flush_len: u64,
}

const FULL: Scale = Scale {
    record_count: 1_000_000,
    key_count: 20_000,
    flush_len: 64 << 20,
};

const QUICK: Scale = Scale {
    record_count: 100_000,
    key_count: 2_000,
    flush_len: 64 << 17,
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == history::ONE_JOB) {
        return history::run_one(&words[1..]);
    }
    let has = |word: &str| words.iter().any(|given| given == word);
    let scale = if has("quick") { QUICK } else { FULL };
    let is_all = ["writes", "history", "reads"].iter().all(|word| !has(word));
    println!("{}", machine::table());
    if is_all || has("writes") {
        println!("{}", writes::tables(scale));
        println!("{}", strategies::table(scale));
    }
    if is_all || has("history") {
        println!("{}", history::table(scale));
    }
    if is_all || has("reads") {
        println!("{}", reads::tables(scale));
    }
}
