//! The engine on real files, killed at any moment: nothing flushed is lost, nothing wrong is read.
//!
//! The test starts itself again as a child, which works on a directory and says what it begins and
//! what was acknowledged. The parent kills it by SIGKILL, opens the directory itself, and holds all
//! that it finds against what was said: see `life.rs` and `parent.rs`. What the values must be
//! follows from the seed alone: see `history.rs`. A killed process loses nothing that the system
//! was handed: what a loss of power does, the simulator shows.
//!
//! Any number of kills, by any seed:
//!
//! ```sh
//! PALIMPSEST_KILLS=5000 PALIMPSEST_SEED=7 cargo test -p palimpsest --test kill -- --nocapture
//! ```
//!
//! The seed says what each life does, and upon which of its lines it is killed. Where exactly the
//! kill lands is the system's choice, so that a failure may want several runs to come back.
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

/// The child's way in; without a parent there is nothing to do.
#[test]
fn a_child_lives_until_it_is_killed() {
    let [root, seed, life] = parent::CHILD.map(|name| std::env::var(name).ok());
    if let Some(root) = root {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let (seed, life) = number(seed).zip(number(life)).expect("two numbers");
        life::live(Path::new(&root), seed, life);
    }
}
