//! The tail of a schedule, behind its choices, as text.

use std::fmt;

use palimpsest::io::Job;

use crate::plan::{Starved, Tail};
use crate::text::{Problem, Words, named};

/// The words that a tail can start with.
const WORDS: &str = "write one of in-order newest-first uniform by-rank pct starve to-completion";

/// The tasks that can be starved.
const STARVED: &str = "write `driver`, `line N`, `keep` or `drop`";

/// The jobs for which the engine has tasks of its own.
const STARVED_JOBS: [Job; 2] = [Job::Keep, Job::Drop];

/// Reads the tail behind `then`.
pub fn read_tail(mut words: Words<'_>) -> Result<Tail, Problem> {
    let tail = match words.expect("`then`", WORDS)? {
        "in-order" => Tail::InOrder,
        "newest-first" => Tail::NewestFirst,
        "uniform" => Tail::Uniform(words.number("seed")?),
        "by-rank" => Tail::ByRank(words.number("seed")?),
        "pct" => Tail::Pct(words.number("seed")?, words.number("count of changes")?),
        "starve" => Tail::Starve(read_starved(&mut words)?, words.number("seed")?),
        "to-completion" => Tail::ToCompletion(words.number("seed")?),
        other => return Err(Problem::new("`then`", other, WORDS)),
    };
    words.end()?;
    Ok(tail)
}

fn read_starved(words: &mut Words<'_>) -> Result<Starved, Problem> {
    match words.expect("starved task", STARVED)? {
        "driver" => Ok(Starved::Driver),
        "line" => Ok(Starved::Line(words.number("line")?)),
        job => named(job, "starved task", &STARVED_JOBS, Job::name).map(Starved::Engine),
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tail::InOrder => write!(f, "in-order"),
            Tail::NewestFirst => write!(f, "newest-first"),
            Tail::Uniform(seed) => write!(f, "uniform {seed}"),
            Tail::ByRank(seed) => write!(f, "by-rank {seed}"),
            Tail::Pct(seed, change_count) => write!(f, "pct {seed} {change_count}"),
            Tail::Starve(starved, seed) => write!(f, "starve {starved} {seed}"),
            Tail::ToCompletion(seed) => write!(f, "to-completion {seed}"),
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
