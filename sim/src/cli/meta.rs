//! `cargo sim meta`: runs plans again under other conditions, or by another build.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs another simulator, outside of any run of its own"
)]

use std::path::Path;
use std::process::Command;

use super::args::{MetaArgs, Seeds};
use super::command::{carry_out, exit_code};
use super::console;
use super::exit::{CommandError, code};
use super::fleet::{Again, Fleet};
use super::plan_file::quoted;
use super::signals::Signals;
use crate::divergence::Divergence;
use crate::plan::Plan;
use crate::run::{Keep, run};
use crate::text::counted;

/// The exit code for two runs that differ.
const DIFFER: u8 = 5;

/// Compares runs and returns the exit code.
///
/// # Errors
/// `Input` if the other program cannot be run or is no simulator, `Harness` if threads or the
/// output failed.
pub fn meta(args: &MetaArgs) -> Result<u8, CommandError> {
    if args.digests {
        let digests = digests(args.seeds)?;
        return console::print(&digests).map(|()| code::ALL_RIGHT);
    }
    if let Some(other) = &args.other {
        return compare(args.seeds, other);
    }
    let work = Fleet {
        seeds: args.seeds,
        workload: None,
        time: None,
        cpu_time: None,
        job_count: args.jobs,
        again: Again::Everywhere,
        failure_count_max: 1,
    };
    let report = carry_out(&work, &Signals::heed()?)?;
    Ok(exit_code(&report))
}

/// One line for each seed: the seed and the digest of its run.
fn digests(seeds: Seeds) -> Result<String, CommandError> {
    let end = seeds.end.expect("clap has seen that it has an end");
    let line = |seed| {
        let digest = run(&Plan::draw(seed), Keep::Tail).digest;
        format!("{seed} {digest:016x}\n")
    };
    Ok((seeds.start..end).map(line).collect())
}

/// Compares the runs of this build with those of another.
fn compare(seeds: Seeds, other: &Path) -> Result<u8, CommandError> {
    let end = seeds.end.expect("clap has seen that it has an end");
    let range = format!("{}..{end}", seeds.start);
    let theirs = printed_by(other, &["meta", "--digests", "--seeds", &range])?;
    let is_digest = |line: &str| {
        let words = line.split_once(' ');
        let hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
        words.is_some_and(|(seed, digest)| seed.parse::<u64>().is_ok() && hex(digest))
    };
    if !theirs.lines().all(is_digest) {
        let name = quoted(other.as_os_str());
        let what = format!("{name} is no simulator: it printed no digests of seeds");
        return Err(CommandError::Input(what));
    }
    let ours = digests(seeds)?;
    let pairs = ours.lines().zip(theirs.lines());
    let same_count = pairs.take_while(|(our, their)| our == their).count() as u64;
    if same_count == end - seeds.start {
        let plans = counted(same_count, "plan");
        console::print(&format!(
            "all right: {plans}, the same runs by both builds\n"
        ))?;
        return Ok(code::ALL_RIGHT);
    }
    let seed = seeds.start + same_count;
    let traced = printed_by(other, &["replay", &seed.to_string(), "--trace"])?;
    let (trace, _) = traced.split_once("\n\n").unwrap_or((&traced, ""));
    let theirs: Vec<String> = trace.lines().map(String::from).collect();
    let ours = run(&Plan::draw(seed), Keep::Everything).trace;
    let told = match Divergence::of([&ours, &theirs], 0) {
        Some(divergence) => format!("{divergence}, by the other build"),
        None => "no event that is told, but digests".to_string(),
    };
    console::print(&format!(
        "seed {seed}: two builds make runs that differ\n  diverges  {told}\n"
    ))?;
    Ok(DIFFER)
}

fn printed_by(program: &Path, words: &[&str]) -> Result<String, CommandError> {
    let name = quoted(program.as_os_str());
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| CommandError::Input(format!("{name}: {error}")))?;
    // A run that fails also prints its trace.
    if output.stdout.is_empty() {
        let words = words.join(" ");
        let said = String::from_utf8_lossy(&output.stderr);
        let what = format!("{name} {words} printed nothing; it said: {}", said.trim());
        return Err(CommandError::Input(what));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
