//! Plays scripts against the engine, on real files, and compares what it answers with what a peer
//! answered.
//!
//! ```text
//! cargo run -p palimpsest --example play -- [--dir DIR] FILE
//! ```
//!
//! `FILE` is a script, or lines of JSON; `-` is the standard input. The engine works in a temporary
//! directory, or in `DIR`, which is created and kept.
//!
//! * **A script** is a command a line; blank lines and those that start with `#` are skipped. Each
//!   answer is printed as a line of JSON.
//! * **Lines of JSON**: `{"seed": 7, "script": ["open 0x10", …], "answers": […]}`, which is what a
//!   peer answered to the script's questions, in their order. Each script is played in a directory
//!   of its own, each answer is compared, and a summary comes last. A `.jsonl.xz` goes through
//!   `xzcat FILE |` first.
//!
//! Exit codes: 0 success · 1 wrong usage or input, reported with its line and the remedy · 2 a
//! `get` or `vget` differs. Layers that differ without a reason are listed as unexplained; they are
//! for a reader to judge, and no wrong answer.
//!
//! # The language
//!
//! An `LSN` is `0x` and up to 16 hex digits, a `KEY` is 36 hex digits, an `ID` is 32. A range
//! `START END` is half-open. `TEXT` has no blanks.
//!
//! | command | what it does |
//! |---|---|
//! | `conf NAME VALUE` | chooses an option, before `open`; see below |
//! | `open LSN` | creates a timeline without records; its first one stands above `LSN` |
//! | `keyspace START END` | declares the keys that there are: images are cut accordingly |
//! | `put KEY LSN image str:TEXT` | writes a whole value |
//! | `put KEY LSN image rnd:LEN:SEED` | writes the first `LEN` bytes that splitmix64 gives |
//! | `put KEY LSN append TEXT` | writes a record that appends `TEXT` to the value |
//! | `put KEY LSN clear TEXT` | writes a record: the value becomes `TEXT`; needs one below it |
//! | `put KEY LSN init TEXT` | writes a record: the value becomes `TEXT`; needs none below it |
//! | `flush` | makes everything durable |
//! | `compact force_l0 only_l0` | compacts the L0s there are |
//! | `compact force_image force_repartition` | compacts L0s by need, then images all keys |
//! | `cutoff LSN [RETAIN…]` | moves the gc cutoff; each `RETAIN` stays readable below it |
//! | `branch LSN` | branches off; the n-th branch is `bb…` and two hex digits of n |
//! | `use ID` | selects a timeline; the first one is 11223344556677881122334455667788 |
//! | `gc_compact` | reduces the history below the cutoff, of all keys below the sparse ones |
//!
//! | question | answer |
//! |---|---|
//! | `get KEY LSN` | `[length, sha256]`, or `"missing"`: no history, or records without a base |
//! | `vget START END LSN` | `[key, length, sha256]` of each; `"missing"` if one has no value |
//! | `layers` | `{"layers": [[name, length], …], "disk_consistent_lsn", "gc_cutoff"}` |
//!
//! A read below the cutoff answers `"below the cutoff"`, which after a `cutoff` is not compared; a
//! read that fails answers `{"error": why}`, which agrees with no answer. The lengths in `layers`
//! are without the checksum section, which a peer's files do not have.
//!
//! `cutoff` takes several steps: it flushes, creates a branch at each `RETAIN` that has none,
//! reopens the engine with a `gc_distance` that ends at `LSN`, and collects. So layers may be
//! removed too, and from then on lists of layers are not compared. The cutoff never goes back.
//!
//! | `conf` | option |
//! |---|---|
//! | `checkpoint_distance` | `freeze_len_max`, `freeze_distance_max` |
//! | `compaction_target_size` | `layer_len_target` |
//! | `compaction_threshold` | `l0_count_trigger` |
//! | `image_creation_threshold` | `image_delta_count_trigger` |
//! | `image_creation_preempt_threshold` | `image_preempt_l0_count` |
//! | `max_vectored_read_bytes` | `read_len_max` |
//! | `compaction_period`, `gc_period` | none: the script calls the jobs |
//! | `image_layer_creation_check_threshold` | none: every image creation checks whether it is due |
//!
//! Any other name is an error. Nothing depends on the clock.
//!
//! # Why layers differ
//!
//! Names, lengths and both LSNs are compared. Lists are equal if they differ in the cutoff at most;
//! any other difference is compared with these reasons, each of which is checked:
//!
//! | reason | the peer | this engine |
//! |---|---|---|
//! | `first keys` | a new timeline has seven keys, imaged at the LSN that it opens at | has none |
//! | `first cutoff` | a new timeline's cutoff is that LSN, and a branch inherits it | is 0 |
//! | `images` | stand at the exclusive end of the deltas, L + 1, and are cut as below | at L |
//! | `delta cuts` | compacted deltas are as long as `checkpoint_distance` | `layer_len_target` |
//!
//! How images are cut: the peer deals out fragments of `compaction_target_size / 8192` keys, also
//! of the seven first ones, and closes a part where the next fragment would not fit; its last image
//! ends with the last declared key. This engine fills each part with as many declared keys as fit,
//! and its last image ends with the last key of all, so that images always cover all keys. The
//! program computes the peer's cuts by the peer's rule, and checks that this engine's images abut
//! from the first key to the last.
//!
//! The pieces of a delta that is cut must go from its first key to its last, and for the keys of
//! each piece from its first LSN to its last: a key whose history is too long is cut by LSN.
#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own reads its input and makes the directory that the engine is in"
)]

mod answer;
mod compare;
mod explain;
mod peer;
mod report;
mod run;
mod script;
mod stage;
#[cfg(test)]
mod tests;
mod value;
mod wrong;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run::run(&arguments) {
        Ok((text, verdict)) => {
            // The reader may have closed the pipe; the verdict does not depend on it.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            verdict.code()
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(1)
        }
    }
}
