//! The engine on real files, killed at any moment: nothing flushed is lost, nothing wrong is read.
//!
//! The test starts itself again as a child, which works on a directory and reports what it begins
//! and what was acknowledged. The parent kills it by SIGKILL, opens the directory itself, and
//! checks all that it finds against the reports: see `life.rs` and `parent.rs`. The expected values
//! follow from the seed alone: see `history.rs`. A killed process loses nothing that it has written
//! to the system: the simulator tests power losses.
//!
//! Any number of kills, by any seed:
//!
//! ```sh
//! PALIMPSEST_KILLS=5000 PALIMPSEST_SEED=7 cargo test -p palimpsest --test kill -- --nocapture
//! ```
//!
//! The seed determines what each life does, and at which of its lines it is killed. Where exactly
//! the kill lands depends on the system, so that it may take several runs to reproduce a failure.
#![expect(
    clippy::disallowed_methods,
    reason = "real processes, threads and files, outside of any run"
)]

mod history;
mod life;
mod parent;
mod rest;

use std::path::Path;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_flushed_is_lost_and_nothing_wrong_is_read_after_kills() {
    let (seed, kill_count) = (
        number("PALIMPSEST_SEED", 1),
        number("PALIMPSEST_KILLS", 200),
    );
    let tally = parent::kill(seed, kill_count);
    eprintln!("{kill_count} kills of seed {seed}");
    eprintln!(
        "after the begin of what they were aimed at: {:?}",
        tally.after_begin
    );
    eprintln!("before the end of what was under way: {:?}", tally.inside);
    if 200 <= kill_count {
        for what in parent::AIMS {
            let is_hit = tally.after_begin.contains_key(what);
            assert!(is_hit, "no kill after the begin of: {what}");
        }
    }
}

/// The entry point of the child; it does nothing without a parent.
#[test]
fn a_child_lives_until_it_is_killed() {
    let [root, seed, life] = parent::CHILD.map(|name| std::env::var(name).ok());
    if let Some(root) = root {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let (seed, life) = number(seed).zip(number(life)).expect("two numbers");
        life::live(Path::new(&root), seed, life);
    }
}
