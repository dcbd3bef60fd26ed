//! The engine on real files and threads: concurrent writers, readers and jobs of every kind, with
//! each answer checked against the history, and a shutdown during all of them.
//!
//! A round is one directory with a chain of three timelines, and a thread for each writer, each
//! reader, each kind of job, and one that branches and deletes. The expected values follow from the
//! seed alone: see `../kill/history.rs`.
//!
//! More batches, by any seed:
//!
//! ```sh
//! PALIMPSEST_OPS=100000 PALIMPSEST_SEED=7 cargo test -p palimpsest --test stress -- --nocapture
//! ```
//!
//! The seed determines what each thread does. The interleaving depends on the system, so that it
//! may take several runs to reproduce a failure.
#![expect(
    clippy::disallowed_methods,
    reason = "real threads and files, outside of any run"
)]

#[path = "../kill/history.rs"]
mod history;
#[path = "../kill/rest.rs"]
mod rest;

mod branches;
mod judge;
mod round;

/// The number of batches that the writers of a round write together.
const ROUND_PUT_COUNT: u64 = 400;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_answer_is_right_during_concurrent_writes_reads_and_jobs() {
    let (seed, put_count) = (number("PALIMPSEST_SEED", 1), number("PALIMPSEST_OPS", 1600));
    let mut left = put_count;
    let mut tally = round::Tally::default();
    for round_index in 0.. {
        let count = left.min(ROUND_PUT_COUNT);
        left -= count;
        eprintln!("seed {seed}, round {round_index}");
        for (what, count) in round::run(seed, round_index, count) {
            *tally.entry(what).or_default() += count;
        }
        if left == 0 {
            break;
        }
    }
    eprintln!("{put_count} batches of seed {seed}: {tally:?}");
}
