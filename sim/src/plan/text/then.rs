//! What comes after a schedule's choices, as text.

use std::fmt;

use palimpsest::io::Job;

use crate::plan::{Starved, Then};
use crate::text::{Problem, Words, named};

/// The words that it can start with.
const WORDS: &str = "write one of in-order newest-first uniform by-rank pct starve to-completion";

/// Who can be starved.
const WHO: &str = "write `driver`, `line N`, `keep` or `drop`";

/// The jobs of the engine that have tasks of their own.
const STARVED_JOBS: [Job; 2] = [Job::Keep, Job::Drop];

/// Reads what stands behind `then`.
pub fn read_then(mut words: Words<'_>) -> Result<Then, Problem> {
    let then = match words.expect("`then`", WORDS)? {
        "in-order" => Then::InOrder,
        "newest-first" => Then::NewestFirst,
        "uniform" => Then::Uniform(words.number("seed")?),
        "by-rank" => Then::ByRank(words.number("seed")?),
        "pct" => Then::Pct(words.number("seed")?, words.number("count of changes")?),
        "starve" => Then::Starve(read_starved(&mut words)?, words.number("seed")?),
        "to-completion" => Then::ToCompletion(words.number("seed")?),
        other => return Err(Problem::new("`then`", other, WORDS)),
    };
    words.end()?;
    Ok(then)
}

fn read_starved(words: &mut Words<'_>) -> Result<Starved, Problem> {
    match words.expect("who is starved", WHO)? {
        "driver" => Ok(Starved::Driver),
        "line" => Ok(Starved::Line(words.number("line")?)),
        job => named(job, "who is starved", &STARVED_JOBS, Job::name).map(Starved::Engine),
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Then::InOrder => write!(f, "in-order"),
            Then::NewestFirst => write!(f, "newest-first"),
            Then::Uniform(seed) => write!(f, "uniform {seed}"),
            Then::ByRank(seed) => write!(f, "by-rank {seed}"),
            Then::Pct(seed, change_count) => write!(f, "pct {seed} {change_count}"),
            Then::Starve(starved, seed) => write!(f, "starve {starved} {seed}"),
            Then::ToCompletion(seed) => write!(f, "to-completion {seed}"),
        }
    }
}

impl fmt::Display for Starved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Starved::Driver => write!(f, "driver"),
            Starved::Line(line) => write!(f, "line {line}"),
            Starved::Engine(job) => write!(f, "{}", job.name()),
        }
    }
}
